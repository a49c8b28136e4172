package speex

// A wideDecoder decodes a layer and joins it with the band below.
type wideDecoder struct {
	n      int     // samples of a frame in each band
	fold   float32 // what is left of the lower band when it is folded up
	first  bool
	lsp    coeffs // of the last frame
	lpc    coeffs // of its last subframe
	mem    coeffs
	exc    [maxBand / subframes]float32 // of its last subframe
	level  float32                      // of its excitation
	noise  noise
	joiner joiner
	high   [maxBand]float32
	up     lower
	innov  [2 * maxBand]float32
}

func (d *wideDecoder) reset(n int, fold float32) {
	*d = wideDecoder{n: n, fold: fold, first: true, noise: 1000}
	d.up.innov = d.innov[:2*n]
}

// gainSteps are the gains of a layer's innovation, and the bounds between them.
var gainSteps = [16]float32{
	0.97979, 1.28384, 1.68223, 2.20426, 2.88829, 3.78458, 4.95900, 6.49787,
	8.51428, 11.15642, 14.61846, 19.15484, 25.09895, 32.88761, 43.09325, 56.46588,
}

// gainScale makes a step the value that stands for it.
const gainScale = 0.87360

// decode decodes the layer at r and joins it with low into out. Mode 0 is an empty
// band.
func (d *wideDecoder) decode(r *bitReader, mode int, low []float32, below *lower, out []float32) {
	high := d.high[:d.n]
	clear(d.up.innov)
	if mode == 0 {
		clear(high)
		d.first = true
		synth(high, high, &d.lpc, &d.mem)
	} else {
		d.layer(r, &wideModes[mode], below, high)
	}
	d.mem.calm()
	d.joiner.join(out, low, high)
}

// layer decodes the high band. Its signal lags the excitation by a subframe.
func (d *wideDecoder) layer(r *bitReader, m *wideMode, below *lower, high []float32) {
	lsp := readWideLSP(r)
	if d.first {
		d.lsp = lsp
	}
	n := d.n / subframes
	var energy float32
	for sub := range subframes {
		now := between(&d.lsp, &lsp, wideOrder, float32(sub+1)/subframes, .05)
		lpc := now.predictor(wideOrder)
		end, start := lpc.ends()
		d.up.gain[sub] = start
		ratio := max((below.gain[sub]+.01)/(end+.01), 1e-15)
		var buf [maxBand / subframes]float32
		exc := buf[:n]
		if m.shape == nil {
			d.foldUp(exc, below.innov[sub*n:], exp(.125*float32(r.read(5)-10))/ratio)
		} else {
			gain := gainScale * gainSteps[r.read(4)] * below.level[sub] / ratio
			m.shape.read(r, exc, gain)
			if m.twice {
				m.shape.read(r, exc, .4*gain)
			}
		}
		tame(exc, 1e5)
		for i, v := range exc { // at the rate of the joined band
			d.up.innov[2*(sub*n+i)] = v
		}
		synth(high[sub*n:(sub+1)*n], d.exc[:n], &d.lpc, &d.mem)
		d.exc = buf
		d.lpc = lpc
		d.up.level[sub] = rms(exc)
		energy += d.up.level[sub] * d.up.level[sub] / subframes
	}
	d.level = sqrt(energy)
	d.lsp = lsp
	d.first = false
}

// foldUp takes the innovation of the lower band for the higher, mirrored.
func (d *wideDecoder) foldUp(exc, innov []float32, gain float32) {
	gain *= d.fold
	for i := range exc {
		exc[i] = gain * innov[i]
		gain = -gain
	}
}

// conceal makes a frame of the layer up, or lets one go on in silence, and joins it
// with low into out.
func (d *wideDecoder) conceal(silence bool, low, out []float32) {
	if !silence {
		d.lpc = d.lpc.widen(.99)
		d.level *= .9
	}
	d.first = true
	high := d.high[:d.n]
	for i := range high {
		high[i] = d.noise.next(d.level)
	}
	clear(d.up.innov)
	synth(high, high, &d.lpc, &d.mem)
	d.mem.calm()
	d.joiner.join(out, low, high)
}
