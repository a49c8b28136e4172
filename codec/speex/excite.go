package speex

// An excitation is the reading of a narrowband frame's excitation into the
// decoder's buffer.
type excitation struct {
	d    *narrowDecoder
	m    *narrowMode
	mode int

	openPitch int
	openGain  float32
	gain      float32 // of the frame

	bestPitch int
	bestGain  float32
	sumGain   float32
}

// read reads what stands behind the line spectral pairs.
func (e *excitation) read(r *bitReader) {
	e.bestPitch = 40
	if e.m.openLoop {
		e.openPitch = pitchMin + r.read(7)
	}
	if e.m.forced {
		e.openGain = 0.066667 * float32(r.read(4))
	}
	e.gain = exp(float32(r.read(5)) / 3.5)
	if e.mode == 1 {
		e.d.silence = r.read(4) == 15
	} else {
		e.d.silence = false
	}
	for sub := range subframes {
		e.subframe(r, sub)
	}
}

func (e *excitation) subframe(r *bitReader, sub int) {
	d, at := e.d, pastLen+sub*subLen
	exc := d.buf[at : at+subLen]
	clear(exc)
	if e.m.forced {
		gain := min(e.openGain, .99)
		for i := range exc {
			exc[i] = gain * d.buf[at+i-e.openPitch]
		}
		e.weigh(e.openPitch, [3]float32{0, gain, 0})
	} else {
		pitch := e.openPitch
		if !e.m.openLoop {
			pitch = pitchMin + r.read(7)
		}
		gain := tap(e.m.gains, r.read(e.m.gainBits))
		if d.lost > 0 && pitch > sub*subLen {
			d.restrain(&gain)
		}
		addPitch(exc, d.buf[:], at, pitch, gain)
		e.weigh(pitch, gain)
	}
	tame(exc, 32000)

	innov := d.innov[sub*subLen : (sub+1)*subLen]
	gain := e.gain
	switch len(e.m.energy) {
	case 8:
		gain *= e.m.energy[r.read(3)]
	case 2:
		gain *= e.m.energy[r.read(1)]
	}
	clear(innov)
	if e.m.shape == nil {
		for i := range innov {
			innov[i] = gain * d.noise.next(1)
		}
	} else {
		e.m.shape.read(r, innov, gain)
	}
	if e.m.twice {
		e.m.shape.read(r, innov, 0.454545*gain)
	}
	if e.mode == 1 {
		d.vocoder.make(exc, innov, e.openPitch, e.openGain, e.gain)
		return
	}
	for i, v := range innov {
		exc[i] += v
	}
}

// tap is the three taps of a vector of a codebook of gains, the one for the
// shortest delay first.
func tap(book []int8, id int) [3]float32 {
	v := book[4*id : 4*id+3]
	return [3]float32{
		0.015625*float32(v[0]) + .5,
		0.015625*float32(v[1]) + .5,
		0.015625*float32(v[2]) + .5,
	}
}

// addPitch adds to exc, which is buf from at on, its own past through three taps
// around pitch. What the past does not have yet is the past once more.
func addPitch(exc, buf []float32, at, pitch int, gain [3]float32) {
	for i, g := range gain {
		delay := pitch - 1 + i
		now := min(len(exc), delay)
		past := buf[at-delay:][:now]
		for j, v := range past {
			exc[j] += g * v
		}
		if again := min(len(exc), delay+pitch); now < again {
			past = buf[at-pitch:][:again-now]
			for j, v := range past {
				exc[now+j] += g * v
			}
		}
	}
}

// together is the gain of three taps as one.
func together(gain [3]float32) float32 {
	sum := abs(gain[1])
	for _, g := range [2]float32{gain[0], gain[2]} {
		if g < 0 {
			g *= -.5
		}
		sum += g
	}
	return sum
}

// restrain holds a pitch back that repeats what was made up for a loss.
func (d *narrowDecoder) restrain(gain *[3]float32) {
	most := d.gain
	if d.lost >= 4 {
		most *= .5
	}
	most = min(most, .95)
	if sum := together(*gain); sum > most && sum > 0 {
		for i := range gain {
			gain[i] *= most / sum
		}
	}
}

// weigh looks for the pitch that stands for the whole frame: the strongest, and
// of multiples the shortest.
func (e *excitation) weigh(pitch int, taps [3]float32) {
	gain := together(taps)
	e.sumGain += gain
	near := func(a, b int) bool {
		return dist(2*a, b) < 3 || dist(3*a, b) < 4 || dist(4*a, b) < 5
	}
	multiple := near(e.bestPitch, pitch)
	if gain > e.bestGain && !multiple ||
		gain > .6*e.bestGain && near(pitch, e.bestPitch) ||
		.67*gain > e.bestGain && multiple {
		e.bestPitch = pitch
		e.bestGain = max(e.bestGain, gain)
	}
}

func dist(a, b int) int { return max(a-b, b-a) }

// read adds a vector of s to out.
func (s *shape) read(r *bitReader, out []float32, gain float32) {
	for i := range s.n {
		g := gain
		if s.sign == 1 && r.read(1) == 1 {
			g = -g
		}
		id := r.read(s.bits)
		part := out[i*s.dim : (i+1)*s.dim]
		for j, v := range s.book[id*s.dim : (id+1)*s.dim] {
			part[j] += g * v
		}
	}
}

// A vocoder makes the excitation of the lowest mode: pulses in noise.
type vocoder struct {
	next  int     // where the next pulse stands
	pulse float32 // the last sample of the pulses
	noise float32 // and of the noise
	mean  float32
}

func (v *vocoder) make(exc, innov []float32, pitch int, pitchGain, gain float32) {
	g := min(max(1.5*(pitchGain-.2), 0), 1)
	clear(exc)
	for v.next < len(exc) {
		if v.next >= 0 {
			exc[v.next] = sqrt(2*float32(pitch)) * (g * gain)
		}
		v.next += pitch
	}
	v.next -= len(exc)
	for i, pulse := range exc {
		s := .7*pulse + .3*v.pulse + (1-.85*g)*innov[i] - .15*g*v.noise
		v.pulse, v.noise = pulse, innov[i]
		v.mean = .8*v.mean + .2*s
		exc[i] = s - v.mean
	}
}
