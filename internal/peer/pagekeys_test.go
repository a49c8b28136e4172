package peer

import (
	"math"
	"testing"
	"time"
)

// keySounds is keys of 100 ms with as much of a tone between them.
func keySounds(keys string, between float64) Sound {
	s := Sound{Rate: 48000}
	add := func(d time.Duration, at ...float64) {
		for i := range int(d.Seconds() * float64(s.Rate)) {
			v := 0.0
			for _, hz := range at {
				v += 4000 * math.Sin(2*math.Pi*hz*float64(i)/float64(s.Rate))
			}
			s.Samples = append(s.Samples, int16(v))
		}
	}
	for _, key := range []byte(keys) {
		add(100*time.Millisecond, between)
		for row := range dtmfKeys {
			for column := range dtmfKeys[row] {
				if dtmfKeys[row][column] == key {
					add(100*time.Millisecond, dtmfRows[row], dtmfColumns[column])
				}
			}
		}
	}
	add(100*time.Millisecond, between)
	return s
}

func TestKeysAreFoundInASound(t *testing.T) {
	for _, row := range []struct {
		name, keys string
		between    float64
	}{
		{"none", "", ToneC},
		{"all, in silence", "1234567890*#ABCD", 0},
		{"repeated, in a tone", "1122", ToneA},
		{"in a tone near a row", "7*", ToneC},
		{"in a high tone", "00", ToneD},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := keySounds(row.keys, row.between)
			ear := keyEar{rate: s.Rate}
			for len(s.Samples) > 0 {
				n := min(len(s.Samples), 4800)
				ear.hear(s.Samples[:n])
				s.Samples = s.Samples[n:]
			}
			if ear.keys != row.keys {
				t.Errorf("heard %q, want %q", ear.keys, row.keys)
			}
		})
	}
}
