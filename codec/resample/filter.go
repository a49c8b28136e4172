package resample

import (
	"math"

	"github.com/tphakala/simd/f32"
)

const (
	length = 48     // of the filter, in samples of the lower rate; a multiple of 16
	known  = 16     // places at which it is known within such a sample
	corner = 0.4866 // of the lower rate: between 0.43, which shall pass, and 0.54
	// beta is that of a Kaiser window for 80 dB: 0.1102 (A - 8.7).
	beta = 7.857
)

// mostRows bounds how many places have their weights reckoned once: it takes all
// pairs of usual rates, and costs 128 KiB.
const mostRows = 640

// A filter is a windowed sinc, as pieces of cubics.
type filter struct {
	taps   int // samples that come in that it spans
	places int
	phases []phase
	rows   [][]float32 // the weights at each place; nil if there are too many
}

// A phase is a range of places between two samples: the weights of the taps are
// a + bx + cx² + dx³ in it, for x from 0 to 1.
type phase struct{ a, b, c, d []float32 }

func newFilter(from, to, places int) *filter {
	// Going down it is as much longer as the lower rate's samples are, and known at
	// as many places as before.
	scale := max(1, float64(from)/float64(to))
	taps := int(math.Ceil(length*scale/16)) * 16
	n := int(math.Ceil(known / scale))
	f := &filter{taps: taps, places: places, phases: make([]phase, n)}
	cut := 2 * corner / scale
	half := float64(taps / 2)
	weight := func(t float64) float64 {
		u := t / half
		return cut * sinc(cut*t) * bessel(beta*beta*(1-u*u)) / bessel(beta*beta)
	}
	memory := make([]float32, 4*n*taps)
	row := func() []float32 {
		r := memory[:taps:taps]
		memory = memory[taps:]
		return r
	}
	width := 1 / float64(n)
	for p := range f.phases {
		ph := phase{row(), row(), row(), row()}
		for k := range taps {
			t := float64(p)*width + half - 1 - float64(k)
			from, to := weight(t), weight(t+width)
			slope, last := width*derivative(weight, t), width*derivative(weight, t+width)
			ph.a[k], ph.b[k] = float32(from), float32(slope)
			ph.c[k] = float32(3*(to-from) - 2*slope - last)
			ph.d[k] = float32(2*(from-to) + slope + last)
		}
		f.phases[p] = ph
	}
	if places <= mostRows {
		f.tabulate()
	}
	return f
}

// tabulate reckons the weights at all places.
func (f *filter) tabulate() {
	memory := make([]float32, f.places*f.taps)
	f.rows = make([][]float32, f.places)
	for i := range f.rows {
		row := memory[i*f.taps:][:f.taps:f.taps]
		ph, x := f.phase(i)
		for k := range row {
			row[k] = ph.a[k] + x*(ph.b[k]+x*(ph.c[k]+x*ph.d[k]))
		}
		f.rows[i] = row
	}
	f.phases = nil
}

// phase is the one that a place is in, and where in it.
func (f *filter) phase(place int) (*phase, float32) {
	at := place * len(f.phases)
	return &f.phases[at/f.places], float32(at%f.places) / float32(f.places)
}

// at is the sound at a place after the middle of in.
func (f *filter) at(in []float32, place int) float32 {
	if f.rows != nil {
		return f32.DotProduct(in, f.rows[place])
	}
	ph, x := f.phase(place)
	return f32.CubicInterpDot(in, ph.a, ph.b, ph.c, ph.d, x)
}

func derivative(f func(float64) float64, t float64) float64 {
	const h = 1e-5
	return (f(t+h) - f(t-h)) / (2 * h)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind and order 0, of the
// root of x. It goes on smoothly below 0, so that there is a slope at the window's end.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; math.Abs(term) > 1e-12; k++ {
		term *= x / (4 * k * k)
		sum += term
	}
	return sum
}
