package g722

// A band is what is known of one of the two bands: the same on both sides.
type band struct {
	guess int // what the next sample should be
	zeros int // the part of it that the zeros give
	step  int // of the quantizer
	log   int // its logarithm, 2048 to a doubling

	poles [2]int
	taps  [6]int // of the zeros
	// What was decoded, the last first: samples and differences, both doubled, and the
	// signs of differences and zeros together, 0 or -1.
	heard  [2]int
	differ [6]int
	signs  [2]int
}

// The quantizers of the two bands: what their steps are when nothing is heard, how far
// their logarithms go, and how many bits the steps have.
const (
	lowStep, lowMost, lowBits    = 32, 18432, 8
	highStep, highMost, highBits = 8, 22528, 10
)

func clamp(v, most int) int { return min(max(v, -most-1), most) }

const most16 = 1<<15 - 1

// grow changes the step (LOGSCL, SCALEL; LOGSCH, SCALEH).
func (b *band) grow(by, most, bits int) {
	b.log = min(max(b.log*127>>7+by, 0), most)
	root := antilog[b.log>>6&31]
	if down := bits - b.log>>11; down >= 0 {
		b.step = root >> down << 2
	} else {
		b.step = root << -down << 2
	}
}

// follow has the band know that its sample differs by d from the guess, and guesses
// the next (block 4).
func (b *band) follow(d int) {
	sign := (b.zeros + d) >> 63 // PARREC
	b.shiftPoles(sign)
	b.signs = [2]int{sign, b.signs[0]}
	b.heard = [2]int{clamp(2*clamp(b.guess+d, most16), most16), b.heard[0]} // RECONS
	b.zeros = b.shiftTaps(d)
	poles := clamp(b.poles[0]*b.heard[0]>>15+b.poles[1]*b.heard[1]>>15, most16) // FILTEP
	b.guess = clamp(poles+b.zeros, most16)                                      // PREDIC
}

// shiftPoles has the poles go a step to where they would have guessed better (UPPOL1,
// UPPOL2).
func (b *band) shiftPoles(sign int) {
	// What differs in sign is -1 here, what does not is 0.
	last, before := sign^b.signs[0], sign^b.signs[1]
	turn := clamp(4*b.poles[0], most16)
	turn = min((turn^^last)-^last, most16)
	b.poles[1] = min(max(turn>>7+(128^before)-before+b.poles[1]*32512>>15, -12288), 12288)
	room := 15360 - b.poles[1]
	b.poles[0] = min(max(b.poles[0]*32640>>15+(192^last)-last, -room), room)
}

// shiftTaps does the same with the zeros (UPZERO), and returns what they give for the
// next sample (FILTEZ).
func (b *band) shiftTaps(d int) int {
	by := 128
	if d == 0 {
		by = 0
	}
	sum := 0
	next := clamp(2*d, most16)
	for i := range b.taps {
		differs := (b.differ[i] ^ d) >> 63
		tap := b.taps[i]*32640>>15 + (by ^ differs) - differs // never beyond 16 bits
		b.taps[i] = tap
		sum += tap * next >> 15
		b.differ[i], next = next, b.differ[i]
	}
	return clamp(sum, most16)
}
