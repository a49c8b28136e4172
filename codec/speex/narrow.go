package speex

// What the decoder keeps of the past excitation: what pitches and the
// enhancement reach back to, the frame, and what the enhancement reaches forward.
const (
	pastLen  = 2*pitchMax + subLen + 6
	aheadLen = 6
)

// A lower is what a layer takes from the band below it: its innovation, and by
// subframe the level of its excitation and the gain of its filter where the bands meet.
type lower struct {
	innov []float32
	level [subframes]float32
	gain  [subframes]float32
}

// A narrowDecoder decodes narrowband parts.
type narrowDecoder struct {
	buf     [pastLen + frameLen + aheadLen]float32 // the excitation
	first   bool
	lost    int    // frames since the last that came
	lsp     coeffs // of the last frame
	lpc     coeffs // of its last subframe
	mem     coeffs
	out     highpass
	noise   noise
	pitch   int
	gain    float32    // of the pitch in the last frame
	gains   [3]float32 // in the last three
	gainAt  int
	silence bool // the sender has stopped
	enhance bool
	vocoder vocoder
	up      lower
	innov   [frameLen]float32
}

func (d *narrowDecoder) reset(wide, enhance bool) {
	*d = narrowDecoder{first: true, out: narrowOut, noise: 1000, pitch: 40, enhance: enhance}
	if wide {
		d.out = wideOut
	}
	d.up.innov = d.innov[:]
}

// shift makes room for the excitation of another frame.
func (d *narrowDecoder) shift() []float32 {
	copy(d.buf[:], d.buf[frameLen:])
	return d.buf[pastLen : pastLen+frameLen]
}

// decode decodes the narrowband part at r into out. The signal lags the
// excitation by a subframe.
func (d *narrowDecoder) decode(r *bitReader, mode int, out []float32) {
	exc := d.shift()
	if mode == 0 {
		d.hush(exc, out)
		return
	}
	m := &narrowModes[mode]
	lsp := readNarrowLSP(r, m.fine)
	if d.lost > 0 {
		d.damp(&lsp)
	}
	if d.first || d.lost > 0 {
		d.lsp = lsp
	}
	e := excitation{d: d, m: m, mode: mode}
	e.read(r)
	delayed := d.buf[pastLen-subLen : pastLen-subLen+frameLen]
	if d.enhance && m.comb > 0 && d.lost == 0 {
		d.comb(out[:frameLen/2], pastLen-subLen, e.bestPitch, m.comb)
		d.comb(out[frameLen/2:frameLen], pastLen+subLen, e.bestPitch, m.comb)
	} else {
		copy(out, delayed)
	}
	if d.lost > 0 { // as loud as the sender says, however the past was
		gain := min(e.gain/(rms(exc)+1), 2)
		for i := range exc {
			exc[i] *= gain
		}
		copy(out, delayed)
	}
	for sub := range subframes {
		part := out[sub*subLen : (sub+1)*subLen]
		now := between(&d.lsp, &lsp, order, float32(sub+1)/subframes, .002)
		synth(part, part, &d.lpc, &d.mem)
		d.lpc = now.predictor(order)
		d.up.gain[sub], _ = d.lpc.ends()
		d.up.level[sub] = rms(exc[sub*subLen : (sub+1)*subLen])
	}
	d.mem.calm()
	d.out.filter(out[:frameLen])
	d.lsp = lsp
	d.first = false
	d.lost = 0
	d.pitch = e.bestPitch
	d.gain = .25 * e.sumGain
	d.keepGain(d.gain)
}

// hush decodes a frame of which nothing was sent: noise as loud as the last.
func (d *narrowDecoder) hush(exc, out []float32) {
	lpc := d.lpc.widen(.93)
	level := rms(exc)
	for i := range exc {
		exc[i] = d.noise.next(level)
	}
	d.first = true
	synth(out[:frameLen], exc, &lpc, &d.mem)
	d.mem.calm()
	clear(d.innov[:])
	d.lost = 0
}

// damp quietens the filter after a loss by as much as the sound has changed.
func (d *narrowDecoder) damp(lsp *coeffs) {
	var dist float32
	for i := range lsp {
		dist += abs(d.lsp[i] - lsp[i])
	}
	fact := .6 * exp(-.2*dist)
	for i := range d.mem {
		d.mem[i] *= fact
	}
}

func (d *narrowDecoder) keepGain(gain float32) {
	d.gains[d.gainAt] = gain
	d.gainAt = (d.gainAt + 1) % len(d.gains)
}

// fading is what is left of the sound in the frames after a loss.
var fading = [...]float32{1, 0.961, 0.852, 0.698, 0.527, 0.368, 0.237, 0.141, 0.077, 0.039}

// conceal makes a frame up: the last pitch goes on, fading, with noise in it.
func (d *narrowDecoder) conceal(out []float32) {
	if d.silence {
		d.hush(d.shift(), out)
		return
	}
	var fact float32
	if d.lost < len(fading) {
		fact = fading[d.lost]
	}
	d.gain = min(d.gain, median(d.gains))
	gain := fact * min(d.gain, .85)
	exc := d.buf[pastLen : pastLen+frameLen]
	level := rms(exc) * fact * (1 - gain*gain)
	d.shift()
	pitch := d.pitch + int(d.noise.next(float32(1+d.lost)))
	pitch = min(max(pitch, pitchMin), pitchMax)
	for i := range exc {
		exc[i] = gain*d.buf[pastLen+i-pitch] + d.noise.next(level)
	}
	d.lpc = d.lpc.widen(.98)
	synth(out[:frameLen], d.buf[pastLen-subLen:pastLen-subLen+frameLen], &d.lpc, &d.mem)
	d.mem.calm()
	d.out.filter(out[:frameLen])
	d.first = false
	d.lost++
	d.keepGain(gain)
}

func median(v [3]float32) float32 {
	return max(min(v[0], v[1]), min(max(v[0], v[1]), v[2]))
}
