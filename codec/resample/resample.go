// Package resample changes the sampling rate of linear sound as it comes, between any
// rates that sound codecs have, and follows a clock that is a little off.
//
// The filter is a windowed sinc of 48 samples of the lower rate (Kaiser, 80 dB). With
// R for the lower rate:
//
//   - up to 0.43 R sound passes within 0.1 dB (3.4 kHz at 8 kHz, 20 kHz at 48 kHz);
//   - what lies above 0.54 R is at least 75 dB down, so that whatever folds
//     back into what is heard lands above 0.46 R;
//   - images of sound that passes are at least 75 dB down;
//   - it comes late by 24 samples of R: 3 ms at 8 kHz, half a millisecond at 48 kHz.
//
// Between the 16 places in a sample for which the filter is known, it is
// interpolated by cubics, whose error stays below 100 dB.
package resample

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/tphakala/simd/f32"
)

// The rates that there is a filter for, in Hz.
const minRate, maxRate = 7350, 96000

// maxSkew bounds what a clock can be off, in parts of a million.
const maxSkew = 1000

// chunk is how many samples are taken in at once: it bounds the memory.
const chunk = 1024

// A Resampler turns one stream of sound of one channel into another rate. It
// belongs to one goroutine.
type Resampler struct {
	from, to int
	filter   *filter
	whole    int    // samples that come in for one that goes out
	part     uint64 // and the fraction of one, in units of 2^-64
	at       int    // in buf, where the filter begins for the next sample to go out
	phase    uint64 // and how far behind that, in units of 2^-64 samples
	buf      []float32
	plain    bool // nothing to do but to wait as long as the filter would
}

// New makes a Resampler from one rate to another, both in Hz, 7350 to 96000.
func New(from, to int) (*Resampler, error) {
	for _, rate := range []int{from, to} {
		if rate < minRate || rate > maxRate {
			return nil, fmt.Errorf("resample: %d samples a second, not %d to %d", rate, minRate, maxRate)
		}
	}
	r := &Resampler{from: from, to: to, filter: newFilter(from, to)}
	r.buf = make([]float32, r.filter.taps-1, r.filter.taps-1+chunk)
	r.SetSkew(0)
	return r, nil
}

// SetSkew says how much faster the clock of what comes in runs than its rate says, in
// parts of a million, negative for slower; more than 1000 is taken for 1000. It
// may change at any time, without a click.
func (r *Resampler) SetSkew(ppm float64) {
	const billion = 1_000_000_000
	ppb := int64(min(max(ppm, -maxSkew), maxSkew) * 1000)
	num := uint64(int64(r.from) * (billion + ppb))
	den := uint64(r.to) * billion
	r.whole = int(num / den)
	var rest uint64
	r.part, rest = bits.Div64(num%den, 0, den)
	if rest > 0 {
		r.part++ // rather early than late: a whole number of steps then ends at a whole sample
	}
	r.plain = r.from == r.to && ppb == 0
}

// Delay is by how many samples of what goes out the sound comes late.
func (r *Resampler) Delay() int { return (r.filter.taps*r.to + r.from) / (2 * r.from) }

// Append takes in all of in and appends what can be told from it to out: as
// long as it took, to a sample.
func (r *Resampler) Append(out, in []int16) []int16 {
	out = slices.Grow(out, len(in)*r.to/r.from+2)
	for len(in) > 0 {
		n := min(len(in), chunk)
		start := len(r.buf)
		r.buf = r.buf[:start+n]
		f32.Int16ToFloat32Scale(r.buf[start:], in[:n], 1)
		in = in[n:]
		out = r.run(out)
	}
	return out
}

// run gives out what the buffer suffices for, and keeps the rest of it.
func (r *Resampler) run(out []int16) []int16 {
	taps := r.filter.taps
	for r.at+taps <= len(r.buf) {
		var s float32
		if r.plain && r.phase == 0 {
			s = r.buf[r.at+taps/2-1]
		} else {
			s = r.filter.at(r.buf[r.at:r.at+taps], r.phase)
		}
		out = append(out, round(s))
		var carry uint64
		r.phase, carry = bits.Add64(r.phase, r.part, 0)
		r.at += r.whole + int(carry)
	}
	done := min(r.at, len(r.buf))
	r.buf = r.buf[:copy(r.buf, r.buf[done:])]
	r.at -= done
	return out
}

func round(s float32) int16 {
	switch {
	case s >= 1<<15-1:
		return 1<<15 - 1
	case s <= -1<<15:
		return -1 << 15
	case s < 0:
		return int16(s - 0.5)
	default:
		return int16(s + 0.5)
	}
}
