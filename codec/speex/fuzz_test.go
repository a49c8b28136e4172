package speex

import (
	"bytes"
	"testing"
)

// FuzzDecode looks for payloads that decoders, or what parts and merges payloads,
// can't stand.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.payload, uint8(v.rate/8000))
		one, err := AppendFrames(nil, v.payload, 2, 3)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one, uint8(4))
	}
	f.Add(made(inband, 5, 15, 4), uint8(1))
	f.Add(made(userInband, 5, 2, 4, 0, 5, 0x7fff, 16, 0, 5), uint8(2))
	f.Add(made(0, 5, 12, 4, 0, 348), uint8(2))
	f.Add(make([]byte, 50), uint8(1))
	f.Fuzz(func(t *testing.T, payload []byte, bands uint8) {
		d := mustDecoder(t, 8000<<(bands%3))
		n, fault := Frames(payload)
		for range 3 {
			pcm, err := d.Decode(nil, payload)
			if len(pcm) != n*d.frameLen() || (err == nil) != (fault == nil) {
				t.Fatalf("%d samples of %d frames, %v and %v", len(pcm), n, err, fault)
			}
			if got := d.Conceal(nil, 333); len(got) != 333 {
				t.Fatalf("%d samples concealed", len(got))
			}
		}
		if fault != nil {
			return
		}
		whole, err := AppendFrames(nil, payload, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		var parts [][]byte
		for i := range n {
			part, err := AppendFrames(nil, payload, i, i+1)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part)
		}
		merged, err := AppendMerged(nil, parts...)
		if err != nil || !bytes.Equal(merged, whole) {
			t.Fatalf("parted and merged: %x, %v; want %x", merged, err, whole)
		}
		low, err := AppendNarrow(nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Frames(low); got != n || err != nil {
			t.Fatalf("%d narrowband frames of %d, %v", got, n, err)
		}
	})
}
