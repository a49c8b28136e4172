package speex

import "math"

// A wideEncoder encodes a layer.
type wideEncoder struct {
	n      int // samples of a frame in each band
	parter parter
	sig    [2 * windowLen]float32 // the frame of the high band, and the subframe after it
	first  bool
	lsp    coeffs // of the last frame
	qlsp   coeffs // as a decoder has them
	lpc    coeffs // of its last subframe
	synth  coeffs // the memories of the filters
	weight coeffs
	whiten coeffs
	low    [maxBand]float32
	heard  [maxBand / subframes]float32
	innov  [subframes]float32 // for the layer above: of the innovation,
	gain   [subframes]float32 // and of the filter where the bands meet
	search searcher
}

func (e *wideEncoder) reset(n int) { *e = wideEncoder{n: n, first: true} }

// part takes a frame apart and returns the lower band.
func (e *wideEncoder) part(in []float32) []float32 {
	n := e.n
	sub := n / subframes
	copy(e.sig[:sub], e.sig[n:n+sub])
	low := e.low[:n]
	e.parter.part(low, e.sig[sub:sub+n], in)
	return low
}

// A below is what a layer needs to know of the encoder of the band below.
type below struct {
	level, innov, gain *[subframes]float32
}

// encode writes the layer of the frame that was parted last.
func (e *wideEncoder) encode(w *bitWriter, mode int, b below) {
	w.write(8|mode, layerBits)
	if mode == 0 {
		e.weight = coeffs{}
		e.first = true
		var silence [maxBand]float32
		synth(silence[:e.n], silence[:e.n], &e.lpc, &e.synth)
		return
	}
	sub := e.n / subframes
	lpc := predict(e.sig[:e.n+sub], wideOrder)
	lsp, ok := lpc.pairs(wideOrder)
	if !ok {
		if lsp = e.lsp; e.first {
			for i := range wideOrder {
				lsp[i] = math.Pi * float32(i+1) / (wideOrder + 1)
			}
		}
	}
	qlsp := writeWideLSP(w, &lsp)
	if e.first {
		e.lsp, e.qlsp = lsp, qlsp
	}
	for i := range subframes {
		share := float32(i+1) / subframes
		now := between(&e.lsp, &lsp, wideOrder, share, .05)
		qnow := between(&e.qlsp, &qlsp, wideOrder, share, .05)
		var h hearing
		h.tune(&now, &qnow, wideOrder, .9, .6)
		e.subframe(w, &wideModes[mode], &h, i, b)
		e.lpc = h.lpc
	}
	e.lsp, e.qlsp = lsp, qlsp
	e.first = false
}

func (e *wideEncoder) subframe(w *bitWriter, m *wideMode, h *hearing, i int, b below) {
	n := e.n / subframes
	var end float32
	end, e.gain[i] = h.lpc.ends()
	ratio := max((b.gain[i]+.01)/(end+.01), 1e-15)
	var excBuf [maxBand / subframes]float32
	exc, sig, heard := excBuf[:n], e.sig[i*n:(i+1)*n], e.heard[:n]
	residual(exc, sig, &h.lpc, &e.whiten)
	e.innov[i] = rms(exc)
	if m.shape == nil {
		g := ratio * e.innov[i] / (1 + b.innov[i])
		q := math.Floor(8*math.Log(float64(g)) + 10.5)
		w.write(int(min(max(q, 0), 31)), 5)
	} else {
		gc := ratio * (1 + e.innov[i]) / (1 + b.level[i])
		q := quantize(gc, gainSteps[:len(gainSteps)-1])
		w.write(q, 4)
		gain := gainScale * gainSteps[q] * b.level[i] / ratio
		var target, innov [subLen]float32
		h.target(&target, sig, heard, e.synth, e.weight)
		for j := range target {
			target[j] /= gain
		}
		e.search.search(w, m.shape, target[:], &h.response, innov[:], gain)
		if m.twice {
			e.search.again(w, m.shape, &target, &h.response, innov[:], gain, 2.5, .4)
		}
		copy(exc, innov[:])
		e.innov[i] = .70711 * rms(exc)
	}
	synth(heard, exc, &h.lpc, &e.synth)
	weigh(heard, heard, &h.num, &h.den, &e.weight)
}
