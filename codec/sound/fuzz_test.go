package sound

import (
	"testing"

	"gateway/codec"
	"gateway/codec/codectest"
)

// decoded are the formats that are decoded.
func decoded() []codec.Format {
	return append(both(), audio("mp3", 44100, 1), aacFormat())
}

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
	for i, file := range []string{"testdata/mp344.txt", "testdata/aac48.txt"} {
		payloads, _ := codectest.Vector(f, file)
		f.Add(uint8(len(both())+i), payloads[0], payloads[1], 10)
		f.Add(uint8(len(both())+i), payloads[3], payloads[2], 0)
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b []byte, gap int) {
		format := decoded()[int(which)%len(decoded())]
		d, err := NewDecoder(format)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range [][]byte{a, b, a} {
			if len(payload) > 4000 {
				return
			}
			pcm, err := d.Decode(nil, payload)
			if most := max(48*len(payload), d.Rate()*120/1000); len(pcm) > most {
				t.Errorf("%d samples of %d bytes (%v)", len(pcm), len(payload), err)
			}
			if gap > 0 {
				d.Conceal(nil, gap%5000)
			}
		}
		if good := goodPayload(t, format); good != nil {
			if pcm, err := d.Decode(nil, good); err != nil || len(pcm) == 0 {
				t.Errorf("%d samples, %v", len(pcm), err)
			}
		}
	})
}

// goodPayload is one that any decoder of the format takes.
func goodPayload(t *testing.T, f codec.Format) []byte {
	t.Helper()
	switch f.Name {
	case "mp3":
		payloads, _ := codectest.Vector(t, "testdata/mp344.txt")
		return payloads[0]
	case "aac":
		payloads, _ := codectest.Vector(t, "testdata/aac48.txt")
		return payloads[0]
	}
	e, err := NewEncoder(f, Setting{})
	if err != nil {
		t.Fatal(err)
	}
	good, err := e.Encode(nil, codectest.Voice(e.Rate(), e.Frame()))
	if err != nil {
		t.Fatal(err)
	}
	return good
}
