package speex

const (
	pitchTries = 3 // how many pitches are tried in full
)

// A lag is a pitch and how well the signal fits itself there.
type lag struct {
	pitch  int
	corr   float32 // 1 where it is the same
	square float32 // corr squared times the energy, which orders them
}

// lags finds the pitches from lo to hi, at most as many as best has, at which the
// n samples of sig from at on are most like those before, the best first. It
// returns how many there are.
func lags(best []lag, sig []float32, at, n, lo, hi int) int {
	var energies [pitchMax + 2]float32
	x := sig[at : at+n]
	own := dot(x, x)
	energy := dot(sig[at-lo:][:n], sig[at-lo:][:n])
	for p := lo; p <= hi; p++ {
		energies[p] = energy
		if at-p-1 >= 0 {
			in, out := sig[at-p-1], sig[at-p+n-1]
			energy = max(energy+in*in-out*out, 0)
		}
	}
	var corr [pitchMax + 4]float32
	p := hi
	for ; p-3 >= lo; p -= 4 {
		corr[p], corr[p-1], corr[p-2], corr[p-3] = dots(x, sig[at-p:])
	}
	for ; p >= lo; p-- {
		corr[p] = dot(x, sig[at-p:][:n])
	}
	found := 0
	for p := lo; p <= hi; p++ {
		l := lag{pitch: p, corr: corr[p], square: corr[p] * corr[p] / (1 + energies[p])}
		if found == len(best) && l.square <= best[found-1].square {
			continue
		}
		if found < len(best) {
			found++
		}
		i := found - 1
		for ; i > 0 && l.square > best[i-1].square; i-- {
			best[i] = best[i-1]
		}
		best[i] = l
	}
	for i := range best[:found] {
		l := &best[i]
		l.corr = max(l.corr/(10+sqrt(own)*sqrt(energies[l.pitch])), 0)
	}
	return found
}

// openPitch is the pitch of a whole frame of weighted sound, the shortest of those
// that fit about as well, and how well it fits, from 0 to 1.
func openPitch(sig []float32, at int) (pitch int, corr float32) {
	var best [6]lag
	n := lags(best[:], sig, at, frameLen, pitchMin, pitchMax)
	pitch = best[0].pitch
	for _, l := range best[1:n] {
		if l.corr <= .85*best[0].corr {
			continue
		}
		for k := 2; k <= 5; k++ {
			if dist(k*l.pitch, pitch) <= k {
				pitch = l.pitch
				break
			}
		}
	}
	return pitch, best[0].corr
}

// A pitchChoice is a pitch, a vector of the codebook of gains, and what is left of
// the target with them.
type pitchChoice struct {
	pitch int
	id    int
	rest  [subLen]float32
	left  float32
}

// tryPitch finds the gains with which the past excitation, buf before at, comes
// nearest to the target at a pitch, heard through h. most
// bounds what the taps may gain together.
func tryPitch(c *pitchChoice, target *[subLen]float32, h *response, book []int8, buf []float32, at, pitch int, most int8) {
	// The past through each tap, the shortest delay first, and heard.
	var past [subLen]float32
	delay := pitch - 1
	now := min(subLen, delay)
	copy(past[:now], buf[at-delay:])
	if again := min(subLen, delay+pitch); now < again {
		copy(past[now:again], buf[at-pitch:])
	}
	var x [3][subLen]float32
	h.convolve(&x[0], &past)
	for k := 1; k < 3; k++ {
		first := buf[at-delay-k]
		x[k][0] = h.r[0] * first
		for j := range subLen - 1 {
			x[k][j+1] = x[k-1][j] + h.r[j+1]*first
		}
	}
	c.pitch = pitch
	c.id = gainsFor(&x, target, book, most)
	gain := tap(book, c.id)
	c.left = 0
	for i, v := range target {
		d := v - gain[0]*x[0][i] - gain[1]*x[1][i] - gain[2]*x[2][i]
		c.rest[i] = d
		c.left += d * d
	}
}

// gainsFor is the number of the vector of book with which the sum of x is nearest
// to the target.
func gainsFor(x *[3][subLen]float32, target *[subLen]float32, book []int8, most int8) int {
	// A little less of the pitch costs next to nothing and lets what a loss has
	// done die away sooner.
	const caution = .5 * 1.04
	c0, c1, c2 := dot(x[0][:], target[:]), dot(x[1][:], target[:]), dot(x[2][:], target[:])
	a01, a12, a02 := dot(x[0][:], x[1][:]), dot(x[1][:], x[2][:]), dot(x[0][:], x[2][:])
	a00, a11, a22 := caution*dot(x[0][:], x[0][:]), caution*dot(x[1][:], x[1][:]), caution*dot(x[2][:], x[2][:])
	best, id := float32(0), -1
	for k := 0; 4*k < len(book); k++ {
		v := (*[4]int8)(book[4*k:])
		if v[3] > most {
			continue
		}
		g0, g1, g2 := 0.015625*float32(v[0])+.5, 0.015625*float32(v[1])+.5, 0.015625*float32(v[2])+.5
		gain := g0*(c0-g1*a01-g0*a00) + g1*(c1-g2*a12-g1*a11) + g2*(c2-g0*a02-g2*a22)
		if id < 0 || gain > best {
			best, id = gain, k
		}
	}
	return id
}
