package mp3

import "math"

// A hybrid turns granules of lines into sound.
type hybrid struct {
	imdct     *imdct
	synthesis *synthesis
	alias     [8][2]float32
	later     [bands][inBand]float32 // what goes on into the next granule
	live      int                    // so many bands of that are not silent
	ordered   [lines]float32
}

func newHybrid(n int) *hybrid {
	h := &hybrid{imdct: newIMDCT(), synthesis: newSynthesis(n)}
	for i, c := range aliasing {
		h.alias[i] = [2]float32{float32(1 / math.Sqrt(1+c*c)), float32(c / math.Sqrt(1+c*c))}
	}
	return h
}

// samples are those of each band in a granule.
type samples [bands][inBand]float32

// begin has the granule's samples begin with what went on from before.
func (y *hybrid) begin(s *samples) {
	n := y.synthesis.bands
	copy(s[:n], y.later[:n])
	clear(y.later[:y.live])
	y.live = 0
}

// add adds the sound of the first used lines of a block; those behind are 0. It may change
// them.
func (y *hybrid) add(s *samples, g *granule, w *widths, long int, v *[lines]float32, used int) {
	n := y.synthesis.bands
	clear(v[used:])
	if g.block == blockShort {
		used = y.order(w, long, v, used)
	}
	count := min((used+inBand-1)/inBand, n)
	switch {
	case g.block != blockShort:
		count = y.unalias(v, count, n)
	case g.mixed && count > 0: // below there are long blocks, in two bands
		count = max(count, y.unalias(v, 1, 2))
	}
	y.live = max(y.live, count)
	for b := range count {
		x := (*[inBand]float32)(v[b*inBand:])
		switch {
		case g.mixed && b < 2: // which have the usual window
			y.imdct.long(x, blockLong, &s[b], &y.later[b])
		case g.block == blockShort:
			y.imdct.blocks(x, &s[b], &y.later[b])
		default:
			y.imdct.long(x, g.block, &s[b], &y.later[b])
		}
	}
}

// order puts the lines of short blocks, which come window by window, beside each other,
// and returns how many are used then. The first lines are those of long bands.
func (y *hybrid) order(w *widths, long int, v *[lines]float32, used int) int {
	at, band := 0, 0
	for i := range long {
		at += int(w.long[i])
	}
	if long > 0 {
		band = 3
	}
	copy(y.ordered[:at], v[:at])
	for ; band < shortBands && at < used; band++ {
		n := int(w.short[band])
		to := y.ordered[at : at+3*n]
		for k := range 3 {
			for i, x := range v[at+k*n:][:n] {
				to[3*i+k] = x
			}
		}
		at += 3 * n
	}
	copy(v[:at], y.ordered[:at])
	return min(max(used, at), lines)
}

// unalias crosses the edges above the first count bands (ISO/IEC 11172-3 section
// 2.4.3.4.10.1), which are most in all, and returns how many are not silent then.
func (y *hybrid) unalias(v *[lines]float32, count, most int) int {
	edges := min(count, most-1)
	for b := 1; b <= edges; b++ {
		for i, c := range y.alias {
			low, high := &v[b*inBand-1-i], &v[b*inBand+i]
			*low, *high = *low*c[0]-*high*c[1], *high*c[0]+*low*c[1]
		}
	}
	return min(count+1, most)
}

// sound appends the granule's sound.
func (y *hybrid) sound(pcm []int16, s *samples) []int16 {
	n := y.synthesis.bands
	var x [bands]float32
	for i := range inBand {
		for b := 0; b < n; b += 2 {
			x[b], x[b+1] = s[b][i], s[b+1][i]
		}
		if i&1 == 1 { // every second sample of every second band is upside down
			for b := 1; b < n; b += 2 {
				x[b] = -x[b]
			}
		}
		pcm = y.synthesis.slot(pcm, &x)
	}
	return pcm
}
