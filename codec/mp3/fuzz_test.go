package mp3

import (
	"math/rand/v2"
	"testing"

	"gateway/codec/codectest"
)

// FuzzDecoder decodes frames that are changed, cut and out of order: nothing
// panics, no frame makes more sound than it can hold, and the decoder still works.
func FuzzDecoder(f *testing.F) {
	good, _ := codectest.Vector(f, "testdata/low8.txt")
	for _, file := range vectors {
		frames, _ := codectest.Vector(f, file)
		f.Add(frames[2], frames[3], 0)
		f.Add(frames[3], frames[1][:30], 8000)
	}
	for i, k := range kinds() {
		m := codectest.MP3Maker{Kind: k, Random: rand.New(rand.NewPCG(1, uint64(i)))}
		f.Add(m.Frame(), m.Frame(), 8000*(i%3))
	}
	f.Fuzz(func(t *testing.T, a, b []byte, wanted int) {
		d := NewDecoder(wanted)
		for _, frame := range [][]byte{a, b, a} {
			pcm, err := d.Decode(nil, frame)
			if h, ok := ParseHeader(frame); len(pcm) > 0 && (!ok || len(pcm) > h.Samples) {
				t.Errorf("%d samples (%v)", len(pcm), err)
			}
		}
		if pcm := decode(t, d, good[:1]); len(pcm) != 576 && d.Rate() == 8000 {
			t.Errorf("%d samples", len(pcm))
		}
	})
}
