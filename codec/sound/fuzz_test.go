package sound

import (
	"testing"

	"gateway/codec/codectest"
)

// FuzzDecoders gives one decoder of each format packets that are changed, cut and
// lost: nothing panics, no packet makes more sound than it can hold, and afterwards
// the decoder still works.
func FuzzDecoders(f *testing.F) {
	for i, format := range both() {
		e, _ := mustMake(f, format, Setting{})
		payload, err := e.Encode(nil, codectest.Voice(e.Rate(), e.Frame()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), payload, payload[:len(payload)/2], 100)
		f.Add(uint8(i), []byte{}, []byte{0xff, 0xff, 0xff}, -1)
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b []byte, gap int) {
		format := both()[int(which)%len(both())]
		e, d := mustMake(t, format, Setting{})
		for _, payload := range [][]byte{a, b, a} {
			if len(payload) > 4000 {
				return
			}
			pcm, err := d.Decode(nil, payload)
			if most := max(4*len(payload), d.Rate()*120/1000); len(pcm) > most {
				t.Errorf("%d samples of %d bytes (%v)", len(pcm), len(payload), err)
			}
			if gap > 0 {
				d.Conceal(nil, gap%5000)
			}
		}
		good, err := e.Encode(nil, codectest.Voice(e.Rate(), e.Frame()))
		if err != nil {
			t.Fatal(err)
		}
		if pcm, err := d.Decode(nil, good); err != nil || len(pcm) != e.Frame() {
			t.Errorf("%d samples, %v", len(pcm), err)
		}
	})
}
