package speex

import "math"

// writeNarrowLSP writes the codebook vectors nearest to the pairs of a
// narrowband frame, stage by stage, and returns what a decoder makes of them.
func writeNarrowLSP(w *bitWriter, lsp *coeffs, fine bool) coeffs {
	q := lspQuantizer{w: w, weight: lspWeights(lsp, order)}
	for i := range lsp {
		q.rest[i] = lsp[i] - narrowLSP(i)
	}
	q.stage(0, order, lspFirst[:], lspStep1, false)
	q.stage(0, 5, lspLow1[:], lspStep2, true)
	if fine {
		q.stage(0, 5, lspLow2[:], lspStep3, true)
	}
	q.stage(5, order, lspHigh1[:], lspStep2, true)
	if fine {
		q.stage(5, order, lspHigh2[:], lspStep3, true)
	}
	return q.result(lsp)
}

// writeWideLSP writes those of a layer.
func writeWideLSP(w *bitWriter, lsp *coeffs) coeffs {
	q := lspQuantizer{w: w, weight: lspWeights(lsp, wideOrder)}
	for i := range wideOrder {
		q.rest[i] = lsp[i] - wideLSP(i)
	}
	q.stage(0, wideOrder, lspWide1[:], lspStep1, false)
	q.stage(0, wideOrder, lspWide2[:], lspStep2, true)
	return q.result(lsp)
}

// An lspQuantizer has what the stages so far have left.
type lspQuantizer struct {
	w      *bitWriter
	rest   coeffs
	weight coeffs
}

// stage takes from the pairs from up to to the vector nearest to them.
func (q *lspQuantizer) stage(from, to int, book []int8, step float32, weighted bool) {
	var target, weight [order]float32
	n := to - from
	for i := range n {
		target[i] = q.rest[from+i] / step
		weight[i] = 1
		if weighted {
			weight[i] = q.weight[from+i]
		}
	}
	best, id := float32(math.MaxFloat32), 0
	for k := 0; k*n < len(book); k++ {
		var dist float32
		for i, v := range book[k*n : (k+1)*n] {
			d := target[i] - float32(v)
			dist += weight[i] * d * d
		}
		if dist < best {
			best, id = dist, k
		}
	}
	q.w.write(id, 6)
	for i, v := range book[id*n : (id+1)*n] {
		q.rest[from+i] -= step * float32(v)
	}
}

func (q *lspQuantizer) result(lsp *coeffs) coeffs {
	var out coeffs
	for i := range lsp {
		out[i] = lsp[i] - q.rest[i]
	}
	return out
}

// lspWeights says how much an error in each pair is heard: the nearer the next,
// the sharper the resonance.
func lspWeights(lsp *coeffs, n int) coeffs {
	var w coeffs
	for i := range n {
		below, above := lsp[i], math.Pi-lsp[i]
		if i > 0 {
			below -= lsp[i-1]
		}
		if i < n-1 {
			above = lsp[i+1] - lsp[i]
		}
		w[i] = 10 / (.04 + min(below, above))
	}
	return w
}
