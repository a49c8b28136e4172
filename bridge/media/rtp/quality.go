package rtp

import (
	"strings"
	"time"

	"gateway/codec"
)

// An impairment is what a codec does to speech: Ie, and how well it bears lost
// packets: Bpl (ITU-T G.113 appendix I).
type impairment struct{ ie, bpl float64 }

// impairments of the codecs for which ITU-T G.113 appendix I has values. G.711
// is taken with concealment of losses, as all that is in use has it.
var impairments = map[string]impairment{
	"pcmu":    {0, 25.1},
	"pcma":    {0, 25.1},
	"g726-32": {7, 25.1},
	"g729":    {11, 19},
	"g723":    {15, 16.1},
	"gsm":     {20, 43},
	"gsm-efr": {5, 10},
	"amr":     {5, 10},
	"ilbc":    {11, 32},
	// Wide band has a scale of its own there. On that of the telephone these lose
	// nothing; the tolerance of losses is that of their own measurements.
	"g722":   {0, 13},
	"amr-wb": {0, 13},
	"opus":   {0, 30},
	"speex":  {8, 24},
}

// A Path is how packets travelled, as far as hearing is concerned.
type Path struct {
	Format codec.Format
	Loss   float64 // of all packets, 0 to 1
	// Delay is from mouth to ear, one way; what the listener's jitter buffer
	// and its frames add is in it if Jitter and Frame are not 0.
	Delay  time.Duration
	Jitter time.Duration
	Frame  time.Duration
}

// Rating is R of the E-model (ITU-T G.107) with its default values for all but
// delay, codec and random losses: 93.2 at best, 0 at worst.
func (p Path) Rating() float64 {
	quality, known := impairments[strings.ToLower(p.Format.Name)]
	if !known {
		quality = impairments["pcmu"]
	}
	// A jitter buffer holds about twice the jitter.
	ms := (p.Delay + 2*p.Jitter + p.Frame).Seconds() * 1000
	id := 0.024 * ms
	if ms > 177.3 {
		id += 0.11 * (ms - 177.3)
	}
	ppl := 100 * min(1, max(0, p.Loss))
	ie := quality.ie + (95-quality.ie)*ppl/(ppl+quality.bpl)
	return max(0, 93.2-id-ie)
}

// MOS is what Rating means as a mean opinion score, 1 to 4.5 (ITU-T G.107 annex B).
func (p Path) MOS() float64 {
	r := p.Rating()
	if r <= 0 {
		return 1
	}
	// Below 6.5 the polynomial would dip under 1.
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
