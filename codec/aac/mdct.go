package aac

import "math"

type complexNumber struct{ re, im float32 }

// An mdct is the inverse MDCT of n lines, a power of two from 16 to 1024, without windows: n of the
// 2n samples, from which the others come by mirroring.
//
// These are those of a DCT-IV, y: the samples are y(n/2)...y(n-1), -y(n-1)...-y(0), -y(0)...-y(n/2-1).
// It is made by a Fourier transform of half as many complex numbers.
type mdct struct {
	n       int
	twiddle []complexNumber // before and after, with the root of the factor
	turns   []complexNumber // those of the transform, stage by stage
	a, b    []complexNumber
}

// newMDCT makes one whose sums are multiplied by a factor.
func newMDCT(n int, factor float64) *mdct {
	m := &mdct{n: n, twiddle: make([]complexNumber, n/2), a: make([]complexNumber, n/2), b: make([]complexNumber, n/2)}
	for i := range m.twiddle {
		m.twiddle[i] = turn(-math.Pi*float64(8*i+1)/float64(8*n), math.Sqrt(factor))
	}
	for size := n / 2; size >= 4; size /= 4 {
		for p := range size / 4 {
			for k := 1; k < 4; k++ {
				m.turns = append(m.turns, turn(-2*math.Pi*float64(k*p)/float64(size), 1))
			}
		}
	}
	return m
}

func turn(angle, size float64) complexNumber {
	return complexNumber{float32(size * math.Cos(angle)), float32(size * math.Sin(angle))}
}

func (c complexNumber) times(o complexNumber) complexNumber {
	return complexNumber{c.re*o.re - c.im*o.im, c.re*o.im + c.im*o.re}
}

// transform makes y of the lines x, n each.
func (m *mdct) transform(y, x []float32) {
	n := m.n
	x, y = x[:n], y[:n]
	a := m.a
	for i, t := range m.twiddle {
		a[i] = complexNumber{x[2*i], x[n-1-2*i]}.times(t)
	}
	for i, v := range m.fourier() {
		v = v.times(m.twiddle[i])
		y[2*i], y[n-1-2*i] = v.re, -v.im
	}
}

// fourier transforms a, by fours and, where it does not come out even, twos at the end; the result is
// in a or b. Each stage leaves its results in order (Stockham).
func (m *mdct) fourier() []complexNumber {
	from, to, turns := m.a, m.b, m.turns
	size, stride := len(from), 1
	for ; size >= 4; size, stride = size/4, stride*4 {
		fours(to, from, turns, size, stride)
		turns = turns[3*size/4:]
		from, to = to, from
	}
	if size == 2 {
		half := len(from) / 2
		low, high, even, odd := from[:half], from[half:][:half], to[:half], to[half:][:half]
		for i, a := range low {
			b := high[i]
			even[i] = complexNumber{a.re + b.re, a.im + b.im}
			odd[i] = complexNumber{a.re - b.re, a.im - b.im}
		}
		from = to
	}
	return from
}

// fours is one stage.
func fours(to, from, turns []complexNumber, size, stride int) {
	quarter := len(from) / 4
	f0, f1, f2, f3 := from[:quarter], from[quarter:][:quarter], from[2*quarter:][:quarter], from[3*quarter:][:quarter]
	for p := range size / 4 {
		t1, t2, t3 := turns[3*p], turns[3*p+1], turns[3*p+2]
		out := to[4*stride*p:][:4*stride]
		for q := range stride {
			i := stride*p + q
			a, b, c, d := f0[i], f1[i], f2[i], f3[i]
			plus, minus := complexNumber{a.re + c.re, a.im + c.im}, complexNumber{a.re - c.re, a.im - c.im}
			other := complexNumber{b.re + d.re, b.im + d.im}
			side := complexNumber{d.im - b.im, b.re - d.re} // i times the difference
			out[q] = complexNumber{plus.re + other.re, plus.im + other.im}
			out[stride+q] = complexNumber{minus.re - side.re, minus.im - side.im}.times(t1)
			out[2*stride+q] = complexNumber{plus.re - other.re, plus.im - other.im}.times(t2)
			out[3*stride+q] = complexNumber{minus.re + side.re, minus.im + side.im}.times(t3)
		}
	}
}
