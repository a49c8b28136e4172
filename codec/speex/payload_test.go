package speex

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// made makes a payload of pairs of a value and its width, and pads it.
func made(pairs ...int) []byte {
	var w bitWriter
	for i := 0; i < len(pairs); i += 2 {
		for n := pairs[i+1]; n > 0; n -= 16 {
			w.write(pairs[i]>>max(0, n-16), min(n, 16))
		}
	}
	w.pad()
	return w.data
}

// body writes a part of a frame behind its head: bits that nobody looks at.
func body(w *bitWriter, n int) {
	for i := range n {
		w.write(i*i>>2&1, 1)
	}
}

func TestFramesAreCountedInEveryMode(t *testing.T) {
	t.Parallel()
	for narrow := range narrowModes {
		for wide := -1; wide < len(wideModes); wide++ {
			for n := 1; n <= 9; n++ {
				var w bitWriter
				size := 0
				for range n {
					w.write(narrow, modeBits)
					body(&w, narrowModes[narrow].bits-modeBits)
					size += narrowModes[narrow].bits
					if wide < 0 {
						continue
					}
					w.write(8|wide, layerBits)
					body(&w, wideModes[wide].bits-layerBits)
					size += wideModes[wide].bits
				}
				w.pad()
				if want := (size + 7) / 8; len(w.data) != want {
					t.Fatalf("mode %d, %d: %d bytes, want %d", narrow, wide, len(w.data), want)
				}
				got, err := Frames(w.data)
				if got != n || err != nil {
					t.Errorf("mode %d, %d: %d frames, %v; want %d", narrow, wide, got, err, n)
				}
				if long, err := Duration(w.data); long != time.Duration(n)*20*time.Millisecond || err != nil {
					t.Errorf("mode %d, %d: %v, %v", narrow, wide, long, err)
				}
			}
		}
	}
}

func TestWhatIsWrongWithAPayloadIsSaid(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		payload []byte
		frames  int
		err     error
	}{
		{"nothing", nil, 0, ErrEmpty},
		{"a terminator alone", made(terminator, 5), 0, ErrEmpty},
		{"a signal alone", made(inband, 5, 2, 4, 5, 4), 0, ErrEmpty},
		{"silence", made(0, 5), 1, nil},
		{"silence, padded to the full", made(0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 3, 2), 6, nil},
		{"a signal before silence", made(inband, 5, 8, 4, 255, 8, 0, 5), 1, nil},
		{"an application's signal before silence", made(userInband, 5, 2, 4, 0, 5, 0x7fff, 16, 0, 5), 1, nil},
		{"a signal that is cut off", made(inband, 5, 15, 4), 0, ErrShort},
		{"an application's that is cut off", made(userInband, 5, 15, 4, 0, 16), 0, ErrShort},
		{"a frame that is cut off", made(5, 5, 0, 100), 0, ErrShort},
		{"a layer that is cut off", made(0, 5, 12, 4, 0, 50), 0, ErrShort},
		{"a mode that is reserved", made(9, 5, 0, 300), 0, ErrMode},
		{"a layer's mode that is reserved", made(0, 5, 13, 4, 0, 300), 0, ErrMode},
		{"a layer first", made(8, 4, 0, 5), 0, ErrLayer},
		{"three layers", made(0, 5, 8, 4, 8, 4, 8, 4, 0, 5), 0, ErrLayer},
		{"a fault behind a frame", made(0, 5, 9, 5), 1, ErrMode},
		{"frames without end", make([]byte, 41), MaxFrames, ErrMany},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n, err := Frames(row.payload)
			if n != row.frames || !errors.Is(err, row.err) {
				t.Errorf("%d frames, %v; want %d, %v", n, err, row.frames, row.err)
			}
			d, err := NewDecoder(8000)
			if err != nil {
				t.Fatal(err)
			}
			pcm, err := d.Decode(nil, row.payload)
			if len(pcm) != row.frames*frameLen || !errors.Is(err, row.err) {
				t.Errorf("%d samples, %v; want %d, %v", len(pcm), err, row.frames*frameLen, row.err)
			}
			if out, err := AppendNarrow([]byte{1}, row.payload); row.err != nil && (!errors.Is(err, row.err) || len(out) != 1) {
				t.Errorf("stripped: %x, %v", out, err)
			}
		})
	}
}

func TestPayloadsArePartedAndMerged(t *testing.T) {
	t.Parallel()
	var frames, narrow [][]byte
	for i, mode := range []int{1, 4, 0, 8, 5} {
		var w, low bitWriter
		for _, w := range []*bitWriter{&w, &low} {
			w.write(mode, modeBits)
			body(w, narrowModes[mode].bits-modeBits)
		}
		if i%2 == 0 {
			w.write(8|i, layerBits)
			body(&w, wideModes[i].bits-layerBits)
		}
		w.pad()
		low.pad()
		frames = append(frames, w.data)
		narrow = append(narrow, low.data)
	}
	all, err := AppendMerged(nil, frames...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range frames {
		got, err := AppendFrames(nil, all, i, i+1)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("frame %d: %x, %v; want %x", i, got, err, want)
		}
	}
	low, err := AppendNarrow(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := AppendMerged(nil, narrow...); err != nil || !bytes.Equal(low, want) {
		t.Errorf("stripped %x, want %x, %v", low, want, err)
	}
	if out, err := AppendFrames(nil, all, 5, 9); len(out) != 0 || err != nil {
		t.Errorf("frames that do not exist: %x, %v", out, err)
	}
	many := make([][]byte, 14)
	for i := range many {
		many[i] = all
	}
	if _, err := AppendMerged(nil, many...); !errors.Is(err, ErrMany) {
		t.Errorf("70 frames in one: %v", err)
	}
}

func TestRepackingAllocatesNothing(t *testing.T) {
	payload := vectors(t)[9].payload
	out := make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := AppendFrames(out, payload, 1, 3); err != nil {
			t.Fatal(err)
		}
		if _, err := AppendNarrow(out, payload); err != nil {
			t.Fatal(err)
		}
		if _, err := AppendMerged(out, payload, payload); err != nil {
			t.Fatal(err)
		}
		if _, err := Duration(payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
