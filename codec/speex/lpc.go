package speex

import "math"

const windowLen = frameLen + subLen // what prediction is reckoned from

// window weights a frame and the subframe after it, most in the middle of what the
// new filter is for.
var window = makeWindow()

func makeWindow() [windowLen]float32 {
	const rise, fall = 120, 20
	var w [windowLen]float32
	for i := range w {
		switch {
		case i < rise:
			w[i] = float32(.54 - .46*math.Cos(math.Pi*float64(i)/rise))
		case i < windowLen-fall:
			w[i] = 1
		default:
			w[i] = float32(.54 + .46*math.Cos(math.Pi*float64(i-windowLen+fall)/fall))
		}
	}
	return w
}

// lagWindow smooths the spectrum by some 40 Hz, so that no voice makes a filter of
// poles that ring too long.
var lagWindow = makeLagWindow()

func makeLagWindow() [order + 1]float32 {
	var w [order + 1]float32
	for i := range w {
		w[i] = float32(math.Exp(-0.002844 * float64(i*i)))
	}
	return w
}

// predict reckons the prediction filter of order n for sig, which has a multiple
// of windowLen samples.
func predict(sig []float32, n int) coeffs {
	var buf [2 * windowLen]float32
	w := buf[:len(sig)]
	step := len(sig) / windowLen
	for i, v := range sig {
		w[i] = v * window[i/step]
	}
	var corr [order + 1]float32
	for lag := range n + 1 {
		corr[lag] = dot(w[lag:], w[:len(w)-lag]) * lagWindow[lag]
	}
	corr[0] = corr[0]*1.0002 + 11 // a floor of noise
	return levinson(corr[:n+1])
}

// levinson solves for the filter with an autocorrelation (Durbin's recursion).
func levinson(corr []float32) coeffs {
	var a coeffs
	err := corr[0]
	floor := .003 * corr[0]
	for i := range len(corr) - 1 {
		r := -corr[i+1]
		for j := range i {
			r -= a[j] * corr[i-j]
		}
		r /= err + floor
		a[i] = r
		for j := range (i + 1) / 2 {
			k := i - 1 - j
			a[j], a[k] = a[j]+r*a[k], a[k]+r*a[j]
		}
		err -= r * r * err
	}
	return a
}

const (
	gridLen  = 100 // steps in which the zeros are looked for
	halvings = 6
)

// grid is the cosines of angles from 0 to pi.
var grid = makeGrid()

func makeGrid() [gridLen + 1]float32 {
	var g [gridLen + 1]float32
	for i := range g {
		g[i] = float32(math.Cos(math.Pi * float64(i) / gridLen))
	}
	return g
}

// A chebyshev is a sum of Chebyshev polynomials, that of the highest degree first.
type chebyshev struct {
	c [order/2 + 1]float32
	n int // its degree
}

func (p *chebyshev) at(x float32) float32 {
	var b0, b1 float32
	x2 := 2 * x
	for _, c := range p.c[:p.n] {
		b0, b1 = x2*b0-b1+c, b0
	}
	return x*b0 - b1 + p.c[p.n]
}

// pairs finds the n line spectral pairs of a. It reports false where it does not
// find them all.
func (a *coeffs) pairs(n int) (coeffs, bool) {
	even, odd := chebyshev{n: n / 2}, chebyshev{n: n / 2}
	even.c[0], odd.c[0] = 1, 1
	for i := range n / 2 {
		even.c[i+1] = a[i] + a[n-1-i] - even.c[i]
		odd.c[i+1] = a[i] - a[n-1-i] + odd.c[i]
	}
	for i := range n / 2 {
		even.c[i] *= 2
		odd.c[i] *= 2
	}
	var lsp coeffs
	found, step := 0, 1
	p, other := &even, &odd
	from := float32(1)
	was := p.at(from)
	for found < n && step < len(grid) {
		to := grid[step]
		is := p.at(to)
		if (was < 0) == (is < 0) {
			from, was = to, is
			step++
			continue
		}
		x := p.zero(from, to, was, is)
		lsp[found] = float32(math.Acos(float64(x)))
		found++
		// The zeros of the two alternate.
		p, other = other, p
		from, was = x, p.at(x)
	}
	return lsp, found == n
}

// zero is where p is 0 between two places where its signs differ.
func (p *chebyshev) zero(from, to, was, is float32) float32 {
	for range halvings {
		mid := .5 * (from + to)
		v := p.at(mid)
		if (v < 0) == (was < 0) {
			from, was = mid, v
		} else {
			to, is = mid, v
		}
	}
	if was == is {
		return from
	}
	return from + (to-from)*was/(was-is)
}
