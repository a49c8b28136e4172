package g722

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"gateway/codec/codectest"
)

// loud is a vowel, and from 0.2 s on a square wave as loud as can be.
func loud() []int16 {
	pcm := codectest.Voice(16000, 4800)
	for i := 3200; i < len(pcm); i++ {
		pcm[i] = math.MaxInt16
		if i/37%2 == 0 {
			pcm[i] = math.MinInt16
		}
	}
	return pcm
}

func TestBytesAndSoundAreFFmpegs(t *testing.T) {
	t.Parallel()
	payloads, sound := codectest.Vector(t, "testdata/vector.txt")
	e, d := NewEncoder(), NewDecoder()
	var got []byte
	for pcm := range slices.Chunk(loud(), 320) {
		got = e.Encode(got, pcm)
	}
	if want := slices.Concat(payloads...); !bytes.Equal(got, want) {
		t.Errorf("%d bytes are not as the %d of FFmpeg", len(got), len(want))
	}
	var heard []int16
	for _, p := range payloads {
		heard = d.Decode(heard, p)
	}
	if !slices.Equal(heard, sound) {
		t.Errorf("%d samples are not as the %d of FFmpeg", len(heard), len(sound))
	}
}

func TestOneCallIsAsGoodAsMany(t *testing.T) {
	t.Parallel()
	pcm := loud()
	whole := NewEncoder().Encode(nil, pcm)
	sound := NewDecoder().Decode(nil, whole)
	for _, n := range []int{1, 7, 160, 161, 1000} {
		e, d := NewEncoder(), NewDecoder()
		var data []byte
		var heard []int16
		for part := range slices.Chunk(pcm, 2*n) {
			data = e.Encode(data, part)
		}
		for part := range slices.Chunk(whole, n) {
			heard = d.Decode(heard, part)
		}
		if !bytes.Equal(data, whole) || !slices.Equal(heard, sound) {
			t.Errorf("in parts of %d bytes it is another sound", n)
		}
	}
	if got := NewEncoder().Encode(nil, pcm[:3]); len(got) != 1 {
		t.Errorf("three samples are %d bytes", len(got))
	}
}

func TestNothingIsAllocatedForAFrame(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	pcm, data := loud()[:320], make([]byte, 0, 160)
	out := make([]int16, 0, 320)
	if n := testing.AllocsPerRun(100, func() { data, out = e.Encode(data[:0], pcm), d.Decode(out[:0], data) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDecoder decodes whatever comes, and encodes what it has heard: nothing panics, the
// length is right, and in one piece or in two it is the same.
func FuzzDecoder(f *testing.F) {
	payloads, _ := codectest.Vector(f, "testdata/vector.txt")
	f.Add(payloads[0], 3)
	f.Add([]byte{0, 255, 0, 255, 63, 192}, 1)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		whole := NewDecoder().Decode(nil, data)
		if len(whole) != 2*len(data) {
			t.Fatalf("%d samples of %d bytes", len(whole), len(data))
		}
		if n := len(NewEncoder().Encode(nil, whole)); n != len(data) {
			t.Errorf("%d bytes of %d samples", n, len(whole))
		}
		at = min(max(at, 0), len(data))
		d := NewDecoder()
		if parts := d.Decode(d.Decode(nil, data[:at]), data[at:]); !slices.Equal(parts, whole) {
			t.Error("in two parts it is another sound")
		}
	})
}
