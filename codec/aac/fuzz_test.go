package aac

import (
	"testing"

	"gateway/codec/codectest"
)

// FuzzDecoder decodes units that are changed, cut and out of order: nothing panics, no unit
// makes more sound than it can hold, and the decoder still works.
func FuzzDecoder(f *testing.F) {
	good, _ := codectest.Vector(f, vectors[0].file)
	for i, v := range vectors {
		units, _ := codectest.Vector(f, v.file)
		f.Add(units[2], units[3], uint8(3+4*i), 0)
		f.Add(units[3], units[1][:30], uint8(3+4*i), 8000)
	}
	for i, k := range kinds() {
		units := some(k, 4)
		f.Add(units[2], units[3], uint8(k.Row), 8000*(i%3))
		f.Add(units[0], codectest.AACWith(units[1], 13, units[3]), uint8(k.Row), 8000*(i%3))
	}
	f.Fuzz(func(t *testing.T, a, b []byte, row uint8, wanted int) {
		d := NewDecoder(config(int(row)%len(rates), 1), wanted)
		for _, unit := range [][]byte{a, b, a} {
			pcm, err := d.Decode(nil, unit)
			if len(pcm) != 0 && len(pcm) != d.Samples() || len(pcm) == 0 && err == nil {
				t.Errorf("%d samples (%v)", len(pcm), err)
			}
		}
		if row == 3 { // whose unit it is
			if pcm := decode(t, d, good[1:2]); len(pcm) != d.Samples() {
				t.Errorf("%d samples", len(pcm))
			}
		}
	})
}

// FuzzConfig reads configurations: what is read is within the tables.
func FuzzConfig(f *testing.F) {
	for _, b := range configs {
		f.Add([]byte(b.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err == nil && (c.Rate <= 0 || c.Channels < 1 || c.Channels > 2 || c.row >= len(rates)) {
			t.Errorf("%+v", c)
		}
	})
}
