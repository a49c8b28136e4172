package sound

import "slices"

// A concealer makes up for what was lost in a stream whose format has no way of
// its own: the last pitch period goes on and fades away, as in ITU-T G.711
// Appendix I, but without the delay that the book spends on a smoother start.
type concealer struct {
	rate    int
	history []int16 // what was heard last, always full
	cycle   []int16 // what is repeated: the last pitch periods of it
	at      int     // in cycle
	lost    int     // samples since something was heard
	step    int     // from the last sample heard to the one before the cycle
}

// How a gap is filled, in milliseconds.
const (
	longestPitch   = 15 // 66 Hz
	shortestPitch  = 5  // 200 Hz; higher voices are found at a multiple
	likeness       = 20 // what two places are compared by
	shortestCycle  = 10 // shorter ones would buzz
	full           = 10 // as loud as it was
	silentAfter    = 60
	shortestReturn = 2  // of the fade to what is heard again
	longestReturn  = 10 //
)

func newConcealer(rate int) concealer {
	n := (likeness + 2*longestPitch + shortestCycle) * rate / 1000
	return concealer{rate: rate, history: make([]int16, n), cycle: make([]int16, 0, n)}
}

// Rate is how many samples a second there are.
func (c *concealer) Rate() int { return c.rate }

func (c *concealer) ms(n int) int { return n * c.rate / 1000 }

// heard takes note of pcm, which has come in order; after a gap it changes
// pcm's beginning so that the sound comes back without a step.
func (c *concealer) heard(pcm []int16) {
	if len(pcm) == 0 {
		return
	}
	if c.lost > 0 {
		n := min(len(pcm), c.ms(min(longestReturn, shortestReturn+c.lost*1000/c.rate*2/5)))
		for i := range n {
			pcm[i] = int16((int(pcm[i])*(i+1) + c.next()*(n-i)) / (n + 1))
		}
		c.lost = 0
	}
	if len(pcm) >= len(c.history) {
		copy(c.history, pcm[len(pcm)-len(c.history):])
		return
	}
	copy(c.history, c.history[len(pcm):])
	copy(c.history[len(c.history)-len(pcm):], pcm)
}

// Conceal appends n samples in place of what was lost.
func (c *concealer) Conceal(pcm []int16, n int) []int16 {
	pcm = slices.Grow(pcm, n)
	if c.lost == 0 {
		c.begin()
	}
	for range n {
		pcm = append(pcm, int16(c.next()))
	}
	return pcm
}

// next is the next sample of what is made up.
func (c *concealer) next() int {
	loud, silent := c.ms(full), c.ms(silentAfter)
	if c.lost >= silent {
		c.lost++
		return 0
	}
	s := int(c.cycle[c.at])
	if c.at++; c.at == len(c.cycle) {
		c.at = 0
	}
	if ramp := c.ms(shortestReturn); c.lost < ramp {
		s += c.step * (ramp - c.lost) / (ramp + 1)
	}
	if c.lost > loud {
		s = s * (silent - c.lost) / (silent - loud)
	}
	c.lost++
	return min(max(s, -1<<15), 1<<15-1)
}

// begin finds what is to be repeated.
func (c *concealer) begin() {
	pitch := c.pitch()
	size := pitch
	for size < c.ms(shortestCycle) {
		size += pitch
	}
	end := len(c.history)
	c.cycle = append(c.cycle[:0], c.history[end-size:]...)
	// Its end turns into what came before its beginning, so that it can be repeated.
	q := pitch / 4
	for i := range q {
		was, before := int(c.cycle[size-q+i]), int(c.history[end-size-q+i])
		c.cycle[size-q+i] = int16((was*(q-i) + before*(i+1)) / (q + 1))
	}
	c.step = int(c.history[end-1]) - int(c.cycle[size-1])
	c.at = 0
}

// pitch is the distance at which what was heard last is most like what came
// before it.
func (c *concealer) pitch() int {
	stride := max(1, c.rate/8000)
	from, to := c.ms(shortestPitch), c.ms(longestPitch)
	best := c.alike(from, to, stride)
	return c.alike(max(from, best-stride), min(to, best+stride), 1)
}

// alike is the distance from from to to, at every stride, with the greatest
// normalised correlation.
func (c *concealer) alike(from, to, stride int) int {
	n := c.ms(likeness)
	last := c.history[len(c.history)-n:]
	best, most := from, -1.0
	for lag := from; lag <= to; lag += stride {
		before := c.history[len(c.history)-n-lag:][:n]
		var product, energy int64
		for i := 0; i < n; i += stride {
			b := int64(before[i])
			product += int64(last[i]) * b
			energy += b * b
		}
		if product <= 0 {
			continue
		}
		if like := float64(product) * float64(product) / float64(energy); like > most {
			best, most = lag, like
		}
	}
	return best
}
