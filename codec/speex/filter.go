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
	m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 := mem[0], mem[1], mem[2], mem[3], mem[4], mem[5], mem[6], mem[7], mem[8], mem[9]
	y = y[:len(x)]
	for i, v := range x {
		v += m0
		m0 = m1 - a[0]*v
		m1 = m2 - a[1]*v
		m2 = m3 - a[2]*v
		m3 = m4 - a[3]*v
		m4 = m5 - a[4]*v
		m5 = m6 - a[5]*v
		m6 = m7 - a[6]*v
		m7 = m8 - a[7]*v
		m8 = m9 - a[8]*v
		m9 = -a[9] * v
		y[i] = v
	}
	*mem = coeffs{m0, m1, m2, m3, m4, m5, m6, m7, m8, m9}
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
	i := 0
	for ; i+8 <= len(x); i += 8 {
		a, b := (*[8]float32)(x[i:]), (*[8]float32)(y[i:])
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		s0 += a[4] * b[4]
		s1 += a[5] * b[5]
		s2 += a[6] * b[6]
		s3 += a[7] * b[7]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return s0 + s1 + s2 + s3
}

// dots are the products of x with what begins in y at 0, 1, 2 and 3.
func dots(x, y []float32) (s0, s1, s2, s3 float32) {
	y = y[:len(x)+3]
	y0, y1, y2 := y[0], y[1], y[2]
	y = y[3:]
	for len(x) >= 4 && len(y) >= 4 {
		a, b := (*[4]float32)(x), (*[4]float32)(y)
		v, b0, b1, b2, b3 := a[0], b[0], b[1], b[2], b[3]
		s0 += v * y0
		s1 += v * y1
		s2 += v * y2
		s3 += v * b0
		v = a[1]
		s0 += v * y1
		s1 += v * y2
		s2 += v * b0
		s3 += v * b1
		v = a[2]
		s0 += v * y2
		s1 += v * b0
		s2 += v * b1
		s3 += v * b2
		v = a[3]
		s0 += v * b0
		s1 += v * b1
		s2 += v * b2
		s3 += v * b3
		y0, y1, y2 = b1, b2, b3
		x, y = x[4:], y[4:]
	}
	return s0, s1, s2, s3
}

// cos is the cosine of an angle from 0 to pi, within a millionth.
func cos(x float32) float32 {
	if x > math.Pi/2 {
		return -cosine(math.Pi - x)
	}
	return cosine(x)
}

// cosine is the first terms of the series, enough up to pi/2.
func cosine(x float32) float32 {
	x *= x
	return 1 + x*(-1./2+x*(1./24+x*(-1./720+x*(1./40320-x/3628800))))
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

// residual filters x by a to y, which may be x: what synth would need to make x.
func residual(y, x []float32, a, mem *coeffs) {
	m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 := mem[0], mem[1], mem[2], mem[3], mem[4], mem[5], mem[6], mem[7], mem[8], mem[9]
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v + m0
		m0 = m1 + a[0]*v
		m1 = m2 + a[1]*v
		m2 = m3 + a[2]*v
		m3 = m4 + a[3]*v
		m4 = m5 + a[4]*v
		m5 = m6 + a[5]*v
		m6 = m7 + a[6]*v
		m7 = m8 + a[7]*v
		m8 = m9 + a[8]*v
		m9 = a[9] * v
	}
	*mem = coeffs{m0, m1, m2, m3, m4, m5, m6, m7, m8, m9}
}

// weigh filters x by num/den to y, which may be x.
func weigh(y, x []float32, num, den, mem *coeffs) {
	m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 := mem[0], mem[1], mem[2], mem[3], mem[4], mem[5], mem[6], mem[7], mem[8], mem[9]
	y = y[:len(x)]
	for i, v := range x {
		w := v + m0
		m0 = m1 + num[0]*v - den[0]*w
		m1 = m2 + num[1]*v - den[1]*w
		m2 = m3 + num[2]*v - den[2]*w
		m3 = m4 + num[3]*v - den[3]*w
		m4 = m5 + num[4]*v - den[4]*w
		m5 = m6 + num[5]*v - den[5]*w
		m6 = m7 + num[6]*v - den[6]*w
		m7 = m8 + num[7]*v - den[7]*w
		m8 = m9 + num[8]*v - den[8]*w
		m9 = num[9]*v - den[9]*w
		y[i] = w
	}
	*mem = coeffs{m0, m1, m2, m3, m4, m5, m6, m7, m8, m9}
}

// A response is the impulse response of a filter over a subframe, and backwards,
// with zeros behind it.
type response struct {
	r    [subLen]float32
	back [subLen + 8]float32
}

func (h *response) turn() {
	for i, v := range h.r {
		h.back[subLen-1-i] = v
	}
}

// convolve sets y to the response of the filter to x.
func (h *response) convolve(y, x *[subLen]float32) {
	for i := range y {
		n := (i + 8) &^ 7
		y[i] = dot(x[:n], h.back[subLen-1-i:][:n])
	}
}
