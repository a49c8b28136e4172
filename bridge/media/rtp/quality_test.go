package rtp

import (
	"math"
	"testing"
	"time"

	"gateway/codec"
)

func TestQualityIsThatOfTheEModel(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, row := range []struct {
		name string
		p    Path
		r    float64
		mos  float64
	}{
		// R = 93.2 - Id - Ie,eff, by hand.
		{"nothing in the way", Path{Format: codec.Format{Name: "pcmu"}}, 93.2, 4.41},
		{"100 ms", Path{Format: codec.Format{Name: "PCMA"}, Delay: 100 * ms}, 90.8, 4.36},
		{"400 ms", Path{Format: codec.Format{Name: "pcma"}, Delay: 400 * ms}, 59.1, 3.05},
		{"G.729", Path{Format: codec.Format{Name: "g729"}}, 82.2, 4.11},
		{"G.729, 2% lost", Path{Format: codec.Format{Name: "g729"}, Loss: 0.02}, 74.2, 3.79},
		{"G.729, 150 ms, 5% lost", Path{Format: codec.Format{Name: "g729"}, Delay: 150 * ms, Loss: 0.05}, 61.1, 3.15},
		{"GSM", Path{Format: codec.Format{Name: "gsm"}}, 73.2, 3.75},
		{"jitter is delay", Path{Format: codec.Format{Name: "pcmu"}, Delay: 40 * ms, Jitter: 20 * ms, Frame: 20 * ms}, 90.8, 4.36},
		{"an unknown codec is taken for a good one", Path{Format: codec.Format{Name: "x"}}, 93.2, 4.41},
		{"all lost", Path{Format: codec.Format{Name: "gsm-efr"}, Loss: 1, Delay: 5 * time.Second}, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if r := row.p.Rating(); math.Abs(r-row.r) > 0.06 {
				t.Errorf("R is %.2f, want %.1f", r, row.r)
			}
			if m := row.p.MOS(); math.Abs(m-row.mos) > 0.01 {
				t.Errorf("MOS is %.3f, want %.2f", m, row.mos)
			}
		})
	}
}

func TestQualityStaysInItsBoundsAndFallsWithLoss(t *testing.T) {
	t.Parallel()
	for name := range impairments {
		last := 5.0
		for loss := -0.5; loss < 1.5; loss += 0.01 {
			m := Path{Format: codec.Format{Name: name}, Loss: loss}.MOS()
			if m < 1 || m > 4.5 || m > last {
				t.Fatalf("%s: %v after %v at %v", name, m, last, loss)
			}
			last = m
		}
	}
}
