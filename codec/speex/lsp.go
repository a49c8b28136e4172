package speex

import "math"

// Line spectral pairs stand in coeffs as angles, rising from 0 to pi.

// narrowLSP is where the narrowband's lie when the codebooks say nothing, and
// wideLSP where a layer's do.
func narrowLSP(i int) float32 { return .25*float32(i) + .25 }
func wideLSP(i int) float32   { return .3125*float32(i) + .75 }

// The steps of the three stages.
const (
	lspStep1 = 0.0039062
	lspStep2 = 0.0019531
	lspStep3 = 0.00097656
)

// readNarrowLSP reads the pairs of a narrowband frame, in five stages or three.
func readNarrowLSP(r *bitReader, fine bool) coeffs {
	var lsp coeffs
	for i := range lsp {
		lsp[i] = narrowLSP(i)
	}
	addStage(lsp[:], lspFirst[:], r.read(6), lspStep1)
	addStage(lsp[:5], lspLow1[:], r.read(6), lspStep2)
	if fine {
		addStage(lsp[:5], lspLow2[:], r.read(6), lspStep3)
	}
	addStage(lsp[5:], lspHigh1[:], r.read(6), lspStep2)
	if fine {
		addStage(lsp[5:], lspHigh2[:], r.read(6), lspStep3)
	}
	return lsp
}

// readWideLSP reads those of a layer.
func readWideLSP(r *bitReader) coeffs {
	var lsp coeffs
	for i := range wideOrder {
		lsp[i] = wideLSP(i)
	}
	addStage(lsp[:wideOrder], lspWide1[:], r.read(6), lspStep1)
	addStage(lsp[:wideOrder], lspWide2[:], r.read(6), lspStep2)
	return lsp
}

func addStage(lsp []float32, book []int8, id int, step float32) {
	for i, v := range book[id*len(lsp) : (id+1)*len(lsp)] {
		lsp[i] += step * float32(v)
	}
}

// between is the pairs of a subframe, those of the last frame being before and
// those of this one after, with a margin between them that keeps the filter stable.
func between(before, after *coeffs, n int, share, margin float32) coeffs {
	var lsp coeffs
	for i := range n {
		lsp[i] = (1-share)*before[i] + share*after[i]
	}
	lsp[0] = max(lsp[0], margin)
	lsp[n-1] = min(lsp[n-1], math.Pi-margin)
	for i := 1; i < n-1; i++ {
		lsp[i] = max(lsp[i], lsp[i-1]+margin)
		if above := lsp[i+1] - margin; lsp[i] > above {
			lsp[i] = .5 * (lsp[i] + above)
		}
	}
	return lsp
}

// predictor is the prediction filter with n line spectral pairs. The even ones
// are the angles of the zeros of its symmetric part, the odd ones those of its
// antisymmetric part.
func (a *coeffs) predictor(n int) coeffs {
	var p, q [order + 2]float32 // from index 1 on, so that p[0] is 0
	p[1], q[1] = 1, 1
	for i := 0; i < n; i += 2 {
		cp := 2 * cos(a[i])
		cq := 2 * cos(a[i+1])
		// The polynomials are palindromes: half of each is enough.
		for k := n/2 + 1; k > 1; k-- {
			p[k] += p[k-2] - cp*p[k-1]
			q[k] += q[k-2] - cq*q[k-1]
		}
	}
	var out coeffs
	for k := 1; k <= n/2; k++ {
		even, odd := p[k+1]+p[k], q[k+1]-q[k]
		out[k-1] = .5 * (even + odd)
		out[n-k] = .5 * (even - odd)
	}
	return out
}

// ends is the gain of a at half the sampling rate, and at 0.
func (a *coeffs) ends() (high, low float32) {
	high, low = 1, 1
	for i := 0; i < order; i += 2 {
		high += a[i+1] - a[i]
		low += a[i] + a[i+1]
	}
	return high, low
}
