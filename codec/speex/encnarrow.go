package speex

import (
	"math"
	"math/bits"
)

// A narrowEncoder encodes narrowband parts.
type narrowEncoder struct {
	in     highpass
	sig    [windowLen]float32               // the frame, and the subframe after it
	exc    [pitchMax + 2 + frameLen]float32 // the excitation as a decoder has it
	heard  [pitchMax + 2 + frameLen]float32 // the sound, weighted
	first  bool                             // there is no frame before
	alone  bool                             // the pitch must not reach before the frame
	lsp    coeffs                           // of the last frame
	qlsp   coeffs                           // as a decoder has them
	synth  coeffs                           // the memories of the filters
	weight coeffs
	whole  coeffs
	whiten [2]coeffs
	cumul  float32            // what the pitch has gained since it last gained nothing
	level  [subframes]float32 // for the layer above: of the excitation,
	innov  [subframes]float32 // of the innovation,
	gain   [subframes]float32 // and of the filter where the bands meet
	search searcher
}

const encPast = pitchMax + 2

func (e *narrowEncoder) reset(wide bool) {
	*e = narrowEncoder{in: narrowIn, first: true, alone: true}
	if wide {
		e.in = wideIn
	}
}

// encode writes the narrowband part of a frame whose last 160 samples are pcm; it
// changes them.
func (e *narrowEncoder) encode(w *bitWriter, mode int, pcm []float32) {
	e.in.filter(pcm)
	copy(e.sig[:subLen], e.sig[frameLen:])
	copy(e.sig[subLen:], pcm)
	copy(e.exc[:], e.exc[frameLen:])
	copy(e.heard[:], e.heard[frameLen:])
	w.write(mode, modeBits)
	if mode == 0 {
		clear(e.exc[encPast:])
		clear(e.heard[encPast:])
		e.weight, e.synth = coeffs{}, coeffs{}
		e.first, e.alone = true, true
		return
	}
	m := &narrowModes[mode]
	lpc := predict(e.sig[:], order)
	lsp, ok := lpc.pairs(order)
	if !ok {
		if lsp = e.lsp; e.first {
			for i := range lsp {
				lsp[i] = math.Pi * float32(i+1) / (order + 1)
			}
		}
	}
	if e.first {
		e.lsp = lsp
	}
	f := encFrame{e: e, m: m, w: w, lsp: lsp}
	f.open()
	f.qlsp = writeNarrowLSP(w, &lsp, m.fine)
	if e.first {
		e.qlsp = f.qlsp
	}
	f.head()
	if mode == 1 {
		w.write(0, 4) // the sender goes on
	}
	for sub := range subframes {
		f.subframe(sub)
	}
	e.lsp, e.qlsp = lsp, f.qlsp
	e.first = false
	e.alone = mode == 1 // of which the decoder makes noise of its own
}

// An encFrame is a frame in the making.
type encFrame struct {
	e    *narrowEncoder
	m    *narrowMode
	w    *bitWriter
	lsp  coeffs
	qlsp coeffs

	pitch int     // of the whole frame
	corr  float32 // how strong it is
	gain  float32 // of the excitation
}

// open estimates for the whole frame what its subframes then work out.
func (f *encFrame) open() {
	e := f.e
	now := between(&e.lsp, &f.lsp, order, (subframes+1)/(2.0*subframes), .002)
	lpc := now.predictor(order)
	frame := e.sig[:frameLen]
	strong := float32(1)
	if len(f.m.energy) < 8 {
		num, den := lpc.widen(.9), lpc.widen(.55)
		weigh(e.heard[encPast:], frame, &num, &den, &e.whole)
		f.pitch, f.corr = openPitch(e.heard[:], encPast)
		if f.m.shape != nil {
			strong = 1.1 * sqrt(max(1-.8*f.corr*f.corr, 0))
		}
	}
	residual(e.exc[encPast:], frame, &lpc, &e.whiten[0])
	f.gain = strong * rms(e.exc[encPast:])
}

// head writes what holds for the whole frame, behind the line spectral pairs.
func (f *encFrame) head() {
	if f.m.openLoop {
		f.w.write(f.pitch-pitchMin, 7)
	}
	if f.m.forced {
		// A pitch that is forced on all of a frame is best a little weak.
		q := min(max(int(.5+15*.9*f.corr), 0), 15)
		f.w.write(q, 4)
		f.corr = 0.066667 * float32(q)
	}
	q := int(math.Floor(.5 + 3.5*math.Log(float64(f.gain))))
	q = min(max(q, 0), 31)
	f.w.write(q, 5)
	f.gain = exp(float32(q) / 3.5)
}

// A hearing is the filters of a subframe: that of the decoder, and what weighs
// noise by how it is heard.
type hearing struct {
	lpc      coeffs // as the decoder has it
	num, den coeffs
	response response // of both
}

// tune takes the filters of an empty hearing for the interpolated pairs, those of
// the sound and those that the decoder has.
func (h *hearing) tune(lsp, qlsp *coeffs, n int, gamma1, gamma2 float32) {
	h.lpc = qlsp.predictor(n)
	lpc := lsp.predictor(n)
	h.num, h.den = lpc.widen(gamma1), lpc.widen(gamma2)
	r := h.response.r[:]
	r[0] = 1
	var mem coeffs
	synth(r, r, &h.lpc, &mem)
	mem = coeffs{}
	weigh(r, r, &h.num, &h.den, &mem)
	h.response.turn()
}

// target is what is to be heard of sig beside what rings on of the past, and leaves
// the weighted sound in heard.
func (h *hearing) target(out *[subLen]float32, sig, heard []float32, ringing, weight coeffs) {
	var ring [subLen]float32
	mem := weight
	weigh(heard, sig, &h.num, &h.den, &mem)
	synth(ring[:], ring[:], &h.lpc, &ringing)
	weigh(ring[:], ring[:], &h.num, &h.den, &weight)
	for i, v := range heard[:subLen] {
		out[i] = v - ring[i]
	}
}

// subframe finds and writes what is particular to a subframe.
func (f *encFrame) subframe(sub int) {
	e, from := f.e, sub*subLen
	at := encPast + from
	exc, heard, sig := e.exc[at:at+subLen], e.heard[at:at+subLen], e.sig[from:from+subLen]
	share := float32(sub+1) / subframes
	lsp := between(&e.lsp, &f.lsp, order, share, .002)
	qlsp := between(&e.qlsp, &f.qlsp, order, share, .002)
	var h hearing
	h.tune(&lsp, &qlsp, order, .92, .6)
	e.gain[sub], _ = h.lpc.ends()
	residual(exc, sig, &h.lpc, &e.whiten[1])

	var innov [subLen]float32
	if f.m.shape == nil { // the decoder makes what it likes
		e.innov[sub] = rms(exc)
	} else {
		var target, pitch [subLen]float32
		h.target(&target, sig, heard, e.synth, e.weight)
		f.longTerm(&target, &pitch, &h, sub)
		f.shortTerm(&target, innov[:], pitch[:], exc, &h)
		e.innov[sub] = rms(innov[:])
		for i := range exc {
			exc[i] = pitch[i] + innov[i]
		}
	}
	e.level[sub] = rms(exc)
	synth(heard, exc, &h.lpc, &e.synth)
	weigh(heard, heard, &h.num, &h.den, &e.weight)
}

// longTerm writes the pitch, adds what it gives to pitch and takes that from the target.
func (f *encFrame) longTerm(target *[subLen]float32, pitch *[subLen]float32, h *hearing, sub int) {
	e, at := f.e, encPast+sub*subLen
	if f.m.forced {
		gain := min(f.corr, .99)
		for i := range pitch {
			if i < f.pitch {
				pitch[i] = gain * e.exc[at+i-f.pitch]
			} else {
				pitch[i] = gain * pitch[i-f.pitch]
			}
		}
		var gone [subLen]float32
		h.response.convolve(&gone, pitch)
		for i, v := range gone {
			target[i] -= v
		}
		return
	}
	lo, hi := pitchMin, pitchMax
	if f.m.openLoop {
		lo, hi = f.pitch, f.pitch
	}
	if e.alone {
		hi = min(hi, sub*subLen)
	}
	best := f.bestPitch(target, &h.response, at, lo, hi)
	if !f.m.openLoop {
		f.w.write(max(best.pitch-lo, 0), 7)
	}
	f.w.write(best.id, f.m.gainBits)
	if best.pitch == 0 {
		return
	}
	*target = best.rest
	addPitch(pitch[:], e.exc[:], at, best.pitch, tap(f.m.gains, best.id))
	e.cumul = 0.03125 * max(e.cumul, 1024) * float32(f.m.gains[4*best.id+3])
}

// bestPitch is the pitch from lo to hi with which least is left of the target;
// none, with a gain of 0, where there is none.
func (f *encFrame) bestPitch(target *[subLen]float32, h *response, at, lo, hi int) pitchChoice {
	if hi < lo {
		return pitchChoice{}
	}
	most := int8(math.MaxInt8)
	if f.e.cumul > 1<<18 { // it would run away from a decoder that has missed something
		most = 31
	}
	n := 1
	var tries [pitchTries]lag
	tries[0].pitch = lo
	if hi > lo {
		n = lags(tries[:], f.e.heard[:], at, subLen, lo, hi)
	}
	var best, try pitchChoice
	for i, l := range tries[:n] {
		tryPitch(&try, target, h, f.m.gains, f.e.exc[:], at, l.pitch, most)
		if i == 0 || try.left < best.left {
			best = try
		}
	}
	return best
}

// shortTerm writes the innovation for what the pitch has left of the target and of
// the excitation, and adds it to innov.
func (f *encFrame) shortTerm(target *[subLen]float32, innov, pitch, exc []float32, h *hearing) {
	for i := range exc {
		exc[i] -= pitch[i]
	}
	gain := f.gain
	if n := len(f.m.energy); n > 0 {
		q := quantize(rms(exc)/gain, f.m.energyAt)
		f.w.write(q, bits.Len(uint(n))-1)
		gain *= f.m.energy[q]
	}
	for i := range target {
		target[i] /= gain
	}
	f.e.search.search(f.w, f.m.shape, target[:], &h.response, innov, gain)
	if f.m.twice {
		f.e.search.again(f.w, f.m.shape, target, &h.response, innov, gain, 2.2, 0.454545)
	}
}

// quantize is the number of the step that v lies in, given the bounds between them.
func quantize(v float32, bounds []float32) int {
	i := 0
	for i < len(bounds) && v > bounds[i] {
		i++
	}
	return i
}
