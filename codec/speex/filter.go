package speex

import "math"

// coeffs are the coefficients of a prediction filter but its first, which is 1,
// or the memory of one. A filter of less than ten has zeros at the end.
type coeffs [order]float32

// widen moves the poles or zeros of a inwards by gamma.
func (a *coeffs) widen(gamma float32) coeffs {
	var out coeffs
	g := gamma
	for i, v := range a {
		out[i] = g * v
		g *= gamma
	}
	return out
}

// synth filters x by 1/a to y, which may be x. The memory is that of the
// transposed direct form, which the format prescribes: what filters of earlier
// subframes made of their samples is in it.
func synth(y, x []float32, a, mem *coeffs) {
	a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]
	m := *mem
	y = y[:len(x)]
	for i, v := range x {
		v += m[0]
		m[0] = m[1] - a0*v
		m[1] = m[2] - a1*v
		m[2] = m[3] - a2*v
		m[3] = m[4] - a3*v
		m[4] = m[5] - a4*v
		m[5] = m[6] - a5*v
		m[6] = m[7] - a6*v
		m[7] = m[8] - a7*v
		m[8] = m[9] - a8*v
		m[9] = -a9 * v
		y[i] = v
	}
	*mem = m
}

// rms is the root mean square of x, never 0.
func rms(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += v * v
	}
	return sqrt(.1 + sum/float32(len(x)))
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

// dot is the product of two vectors of one length.
func dot(x, y []float32) float32 {
	var s0, s1, s2, s3 float32
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return s0 + s1 + s2 + s3
}

// tame clamps x to what sound can be, so that no payload makes a decoder lastingly
// deaf with infinities.
func tame(x []float32, limit float32) {
	for i, v := range x {
		switch {
		case v != v:
			x[i] = 0
		case v > limit:
			x[i] = limit
		case v < -limit:
			x[i] = -limit
		}
	}
}

// calm empties a filter's memory that has run away.
func (a *coeffs) calm() {
	const most = 1e8
	for _, v := range a {
		if !(v > -most && v < most) {
			*a = coeffs{}
			return
		}
	}
}

// A highpass is a filter of the second order.
type highpass struct {
	num, den [3]float32
	mem      [2]float32
}

// The filters of the reference, at the input of the encoder and the output of the
// decoder, for the narrowband and for what is below a layer.
var (
	narrowIn  = highpass{num: [3]float32{0.95654, -1.91309, 0.95654}, den: [3]float32{1, -1.91120, 0.91498}}
	narrowOut = highpass{num: [3]float32{0.96446, -1.92879, 0.96446}, den: [3]float32{1, -1.92683, 0.93071}}
	wideIn    = highpass{num: [3]float32{0.96723, -1.93445, 0.96723}, den: [3]float32{1, -1.93338, 0.93553}}
	wideOut   = highpass{num: [3]float32{0.98645, -1.97277, 0.98645}, den: [3]float32{1, -1.97226, 0.97332}}
)

// filter filters x in place.
func (h *highpass) filter(x []float32) {
	m0, m1 := h.mem[0], h.mem[1]
	for i, v := range x {
		y := h.num[0]*v + m0
		m0 = m1 + h.num[1]*v - h.den[1]*y
		m1 = h.num[2]*v - h.den[2]*y
		x[i] = y
	}
	h.mem = [2]float32{m0, m1}
	if tame(h.mem[:], 1e6); m0 != h.mem[0] || m1 != h.mem[1] {
		h.mem = [2]float32{}
	}
}

// noise is the generator of the format: its numbers are the same for all
// decoders.
type noise uint32

// next is a random number with the standard deviation std.
func (n *noise) next(std float32) float32 {
	*n = *n*1664525 + 1013904223
	unit := math.Float32frombits(0x3f800000|uint32(*n)&0x007fffff) - 1.5
	return 3.4642 * std * unit
}
