// Package resample changes the sampling rate of linear sound as it comes, between any
// rates that sound codecs have.
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
// interpolated by cubics, whose error stays below 100 dB: once for each place that
// samples can have, as long as these are few; else for each sample.
package resample

import (
	"fmt"
	"slices"

	"github.com/tphakala/simd/f32"

	"gateway/codec"
)

// The rates that there is a filter for, in Hz.
const minRate, maxRate = 7350, 96000

// chunk is how many samples are taken in at once: it bounds the memory.
const chunk = 1024

// A Resampler turns one stream of sound of one channel into another rate. It
// belongs to one goroutine.
type Resampler struct {
	from, to int
	filter   *filter
	whole    int // samples that come in for one that goes out
	part     int // and the fraction of one, in units of 1/places
	places   int // that a sample going out can have between two that came in
	at       int // in buf, where the filter begins for the next sample to go out
	place    int
	buf      []float32
}

// New makes a Resampler from one rate to another, both in Hz, 7350 to 96000.
func New(from, to int) (*Resampler, error) {
	for _, rate := range []int{from, to} {
		if rate < minRate || rate > maxRate {
			return nil, fmt.Errorf("resample: %d samples a second, not %d to %d", rate, minRate, maxRate)
		}
	}
	places := to / divisor(from, to)
	r := &Resampler{from: from, to: to, filter: newFilter(from, to, places), places: places}
	r.whole, r.part = from/to, from%to*places/to
	r.buf = make([]float32, r.filter.taps-1, r.filter.taps-1+chunk)
	return r, nil
}

// divisor is the greatest that both have in common.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
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
		if r.places == 1 && r.whole == 1 { // nothing to do but to wait as long as the filter would
			s = r.buf[r.at+taps/2-1]
		} else {
			s = r.filter.at(r.buf[r.at:r.at+taps], r.place)
		}
		out = append(out, codec.Sample(s))
		r.at += r.whole
		if r.place += r.part; r.place >= r.places {
			r.place -= r.places
			r.at++
		}
	}
	done := min(r.at, len(r.buf))
	r.buf = r.buf[:copy(r.buf, r.buf[done:])]
	r.at -= done
	return out
}
