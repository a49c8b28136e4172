package nellymoser

import "math"

const points = half / 2 // of the complex transform within

// A transform is the DCT of type IV of 128 points, which is its own inverse but for
// a factor of 64: a complex FFT of half as many points between two rotations.
type transform struct {
	twist [points]complex64     // the rotations
	roots [points / 2]complex64 // of unity
	order [points]uint8         // bits of the index reversed
	work  [points]complex64
	// window is the rising half of the sine window.
	window [half]float32
}

func newTransform() *transform {
	t := &transform{}
	unit := func(turn float64) complex64 {
		s, c := math.Sincos(-2 * math.Pi * turn)
		return complex(float32(c), float32(s))
	}
	for i := range points {
		t.twist[i] = unit((8*float64(i) + 1) / (16 * half))
		for bit := 1; bit < points; bit <<= 1 {
			if i&bit != 0 {
				t.order[i] |= uint8(points / 2 / bit)
			}
		}
	}
	for i := range t.roots {
		t.roots[i] = unit(float64(i) / points)
	}
	for i := range t.window {
		t.window[i] = float32(math.Sin((float64(i) + 0.5) * math.Pi / (2 * half)))
	}
	return t
}

// dct transforms v in place.
func (t *transform) dct(v *[half]float32) {
	for i := range points {
		t.work[t.order[i]] = complex(v[2*i], v[half-1-2*i]) * t.twist[i]
	}
	t.fft()
	for i := range points {
		y := t.work[i] * t.twist[i]
		v[2*i], v[half-1-2*i] = real(y), -imag(y)
	}
}

// fft transforms work, whose order is that of reversed indexes.
func (t *transform) fft() {
	for size := 1; size < points; size *= 2 {
		stride := points / 2 / size
		for from := 0; from < points; from += 2 * size {
			low, high := t.work[from:][:size], t.work[from+size:][:size]
			for i := range low {
				w := high[i] * t.roots[i*stride]
				low[i], high[i] = low[i]+w, low[i]-w
			}
		}
	}
}

// forward is the MDCT of 256 samples, of which the first half is older.
func (t *transform) forward(to *[half]float32, older, newer *[half]float32) {
	const q = half / 2
	for i := range q {
		// Windowed and folded: -c reversed - d, then a - b reversed.
		to[i] = -t.window[q+i]*newer[q-1-i] - t.window[q-1-i]*newer[q+i]
		to[q+i] = t.window[i]*older[i] - t.window[half-1-i]*older[half-1-i]
	}
	t.dct(to)
}

// inverse turns the coefficients in v into 128 samples; tail is what the transform
// before this one has left for them, and what this one leaves for the next.
func (t *transform) inverse(v, tail *[half]float32) {
	const q = half / 2
	t.dct(v)
	old := *tail
	for i := range q {
		u, w := v[i], v[q+i]
		// Unfolded: the second half, its reverse, the first half's reverse, and it.
		tail[q+i], tail[q-1-i] = -u*t.window[q-1-i], -u*t.window[q+i]
		old[i] += t.window[i] * w
		old[half-1-i] -= t.window[half-1-i] * w
	}
	*v = old
}
