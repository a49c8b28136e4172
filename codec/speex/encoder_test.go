package speex

import (
	"errors"
	"math/rand/v2"
	"testing"

	"gateway/codec"
	"gateway/codec/codectest"
)

var _ codec.Encoder = (*Encoder)(nil)

func mustEncoder(tb testing.TB, rate int, m Mode) *Encoder {
	tb.Helper()
	e, err := NewEncoder(rate, m)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// through is pcm encoded as m and decoded again.
func through(tb testing.TB, rate int, m Mode, pcm []int16) []int16 {
	tb.Helper()
	e, d := mustEncoder(tb, rate, m), mustDecoder(tb, rate)
	var out []int16
	var payload []byte
	var err error
	for n := e.Frame(); len(pcm) >= n; pcm = pcm[n:] {
		if payload, err = e.Encode(payload[:0], pcm[:n]); err != nil {
			tb.Fatal(err)
		}
		if out, err = d.Decode(out, payload); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// filtered is pcm through the high-pass filters of both sides, which are part of
// the codec and turn phases at the lower end.
func filtered(rate int, pcm []int16) []int16 {
	in, out := narrowIn, narrowOut
	if rate > 8000 {
		in, out = wideIn, wideOut
	}
	step := rate / 8000
	out16 := make([]int16, len(pcm))
	for first := range step { // at the rate of the narrowband they do what they do
		var x []float32
		for i := first; i < len(pcm); i += step {
			x = append(x, float32(pcm[i]))
		}
		in.mem, out.mem = [2]float32{}, [2]float32{}
		in.filter(x)
		out.filter(x)
		for i, v := range appendSound(nil, x) {
			out16[first+i*step] = v
		}
	}
	return out16
}

func TestEveryModeCarriesAVoice(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rate  int
		m     Mode
		least float64 // dB
	}{
		{8000, Mode{Narrow: 8}, 9},
		{8000, Mode{Narrow: 2}, 13},
		{8000, Mode{Narrow: 3}, 16},
		{8000, Mode{Narrow: 4}, 20},
		{8000, Mode{Narrow: 5}, 23},
		{8000, Mode{Narrow: 6}, 26},
		{8000, Mode{Narrow: 7}, 29},
		{16000, Mode{Narrow: 3, Wide: 1}, 16},
		{16000, Mode{Narrow: 4, Wide: 1}, 20},
		{16000, Mode{Narrow: 5, Wide: 2}, 23},
		{16000, Mode{Narrow: 6, Wide: 3}, 26},
		{16000, Mode{Narrow: 7, Wide: 4}, 29},
		{32000, Mode{Narrow: 6, Wide: 3}, 26},
	} {
		pcm := codectest.Voice(row.rate, 2*row.rate)
		out := through(t, row.rate, row.m, pcm)
		if len(out) != len(pcm) {
			t.Fatalf("%d %v: %d samples of %d", row.rate, row.m, len(out), len(pcm))
		}
		got := codectest.SNR(filtered(row.rate, pcm), out, row.rate/40)
		if got < row.least {
			t.Errorf("%d %v: %.1f dB, want %.1f", row.rate, row.m, got, row.least)
		}
	}
}

func TestTheLowestModeIsAsLoudAsTheVoice(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000} {
		pcm := codectest.Voice(rate, rate)
		out := through(t, rate, Mode{Narrow: 1, Wide: 1}, pcm)
		if a, b := loud(out), loud(filtered(rate, pcm)); a < b/3 || a > 3*b {
			t.Errorf("%d: %.0f of %.0f", rate, a, b)
		}
	}
}

func TestTheLayerIsAsLoudAsWhatIsAbove4kHz(t *testing.T) {
	t.Parallel()
	const rate = 16000
	noise := rand.New(rand.NewPCG(3, 4))
	pcm := make([]int16, rate)
	for i := range pcm {
		pcm[i] = int16(noise.IntN(8000) - 4000)
	}
	// What is above half of the band, by differences.
	above := func(pcm []int16) float64 {
		var diff []int16
		for i := range len(pcm) - 1 {
			diff = append(diff, pcm[i]/2-pcm[i+1]/2)
		}
		return loud(diff)
	}
	for wide := range wideModes {
		out := through(t, rate, Mode{Narrow: 5, Wide: wide}, pcm)
		a, b := above(out), above(pcm)
		if wide == 0 && a > b*.55 || wide > 0 && (a < b*.6 || a > b*1.3) {
			t.Errorf("mode %d: %.0f became %.0f", wide, b, a)
		}
	}
}

func TestPayloadsHaveTheBitsOfTheirMode(t *testing.T) {
	t.Parallel()
	for narrow := range narrowModes {
		for wide := range wideModes {
			for _, rate := range []int{8000, 16000} {
				m := Mode{narrow, wide}
				if narrow == 0 && wide > 0 && rate > 8000 {
					continue // where nothing is sent, nothing is sent above it
				}
				e := mustEncoder(t, rate, m)
				for range 3 {
					p, err := e.Encode(nil, codectest.Voice(rate, e.Frame()))
					if err != nil || len(p) != (m.Bits(rate)+7)/8 {
						t.Fatalf("%d %v: %d bytes, %v; want %d bits", rate, m, len(p), err, m.Bits(rate))
					}
					r := bitReader{data: p}
					f, ok, err := r.next()
					if !ok || err != nil || f.narrow != narrow || rate > 8000 && f.layers[0].mode != wide {
						t.Fatalf("%d %v: %+v, %v, %v", rate, m, f, ok, err)
					}
					if n, err := Frames(p); n != 1 || err != nil {
						t.Fatalf("%d %v: %d frames, %v", rate, m, n, err)
					}
				}
			}
		}
	}
}

func TestQualitiesAreModesOfRisingRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000} {
		last := 0
		for q := range 11 {
			bits := Quality(rate, q).Bits(rate)
			if bits < last {
				t.Errorf("%d, quality %d: %d bits after %d", rate, q, bits, last)
			}
			last = bits
		}
		if Quality(rate, -1) != Quality(rate, 0) || Quality(rate, 99) != Quality(rate, 10) {
			t.Errorf("%d: qualities out of range", rate)
		}
	}
}

func TestTheModeMayChangeWithAnyFrame(t *testing.T) {
	t.Parallel()
	const rate = 16000
	pcm := codectest.Voice(rate, 4*rate)
	e, d := mustEncoder(t, rate, Mode{}), mustDecoder(t, rate)
	var out []int16
	for i := 0; i+e.Frame() <= len(pcm); i += e.Frame() {
		if err := e.SetMode(Quality(rate, 6+i/e.Frame()%5)); err != nil {
			t.Fatal(err)
		}
		p, err := e.Encode(nil, pcm[i:i+e.Frame()])
		if err != nil {
			t.Fatal(err)
		}
		if out, err = d.Decode(out, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := codectest.SNR(filtered(rate, pcm), out, rate/40); got < 12 {
		t.Errorf("%.1f dB", got)
	}
}

func TestWhatIsNoVoiceHarmsNothing(t *testing.T) {
	t.Parallel()
	noise := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		name string
		at   func(i int) int16
	}{
		{"silence", func(int) int16 { return 0 }},
		{"the least there is", func(i int) int16 { return int16(i & 1) }},
		{"a step", func(i int) int16 { return int16(min(i, 1) * 32767) }},
		{"a square, as loud as can be", func(i int) int16 { return int16(i/20%2*65535 - 32768) }},
		{"noise, as loud as can be", func(int) int16 { return int16(noise.IntN(65536) - 32768) }},
		{"a click", func(i int) int16 { return map[bool]int16{true: -32768}[i == 500] }},
	} {
		for _, rate := range []int{8000, 16000, 32000} {
			pcm := make([]int16, rate/4)
			for i := range pcm {
				pcm[i] = row.at(i)
			}
			for _, q := range []int{0, 1, 4, 8, 10} {
				out := through(t, rate, Quality(min(rate, 16000), q), pcm)
				if a, b := loud(out), loud(pcm); a > 2*b+10 {
					t.Errorf("%s at %d, quality %d: %.0f became %.0f", row.name, rate, q, b, a)
				}
			}
		}
	}
}

func TestWhatCannotBeEncodedIsRefused(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{0, 11025, 44100, 48000} {
		if _, err := NewEncoder(rate, Mode{Narrow: 3}); !errors.Is(err, ErrRate) {
			t.Errorf("an encoder at %d: %v", rate, err)
		}
		if _, err := NewDecoder(rate); !errors.Is(err, ErrRate) {
			t.Errorf("a decoder at %d: %v", rate, err)
		}
	}
	for _, m := range []Mode{{Narrow: -1}, {Narrow: 9}, {Wide: -1}, {Wide: 5}} {
		if _, err := NewEncoder(8000, m); !errors.Is(err, ErrMode) {
			t.Errorf("%v: %v", m, err)
		}
	}
	e := mustEncoder(t, 8000, Mode{Narrow: 3})
	if out, err := e.Encode([]byte{1}, make([]int16, 159)); !errors.Is(err, ErrLength) || len(out) != 1 {
		t.Errorf("159 samples: %x, %v", out, err)
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	for _, rate := range []int{8000, 16000, 32000} {
		for q := range 11 {
			e := mustEncoder(t, rate, Quality(min(rate, 16000), q))
			pcm := codectest.Voice(rate, e.Frame())
			out := make([]byte, 0, 200)
			if n := testing.AllocsPerRun(20, func() {
				if _, err := e.Encode(out, pcm); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%d, quality %d: %v allocations", rate, q, n)
			}
		}
	}
}

func FuzzEncode(f *testing.F) {
	for q := range uint8(11) {
		f.Add([]byte{1, 200, 3, 100, 77, 0, 255, 128}, q, q)
	}
	f.Fuzz(func(t *testing.T, sound []byte, q, bands uint8) {
		rate := 8000 << (bands % 3)
		e, d := mustEncoder(t, rate, Quality(min(rate, 16000), int(q))), mustDecoder(t, rate)
		pcm := make([]int16, e.Frame())
		for range 4 {
			for i := range pcm {
				if len(sound) > 0 {
					pcm[i] = int16(sound[i%len(sound)])<<8 | int16(sound[i*7%len(sound)])
				}
			}
			p, err := e.Encode(nil, pcm)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := Frames(p); n != 1 || err != nil {
				t.Fatalf("%d frames, %v", n, err)
			}
			if out, err := d.Decode(nil, p); err != nil || len(out) != len(pcm) {
				t.Fatalf("%d samples, %v", len(out), err)
			}
			if len(sound) > 0 {
				sound = sound[1:]
			}
		}
	})
}
