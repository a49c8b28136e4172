package mp3

import (
	"math"

	"gateway/codec/bits"
)

// scales are the scale factors of one channel: those of long bands, then of short ones, the
// three windows of each beside each other.
type scales struct {
	values  [39]uint8
	illegal [39]bool // as positions: there is no intensity in that band
}

// shape is how many bands a granule has of long blocks, and the first it has of
// short ones.
func (g *granule) shape(low bool) (long, short int) {
	switch {
	case g.block != blockShort:
		return longBands, shortBands
	case !g.mixed:
		return 0, 0
	case low:
		return 6, 3
	default:
		return 8, 3
	}
}

// read reads the scale factors of MPEG-1. The highest bands have none.
func (s *scales) read(r *bits.Reader, g *granule) {
	lengths := scaleBits[g.compress]
	if g.block == blockShort {
		counts := [2]int{18, 18}
		if g.mixed {
			counts[0] = 17
		}
		s.take(r, 0, counts[0], int(lengths[0]))
		s.take(r, counts[0], counts[1], int(lengths[1]))
		s.rest(counts[0] + counts[1])
		return
	}
	edges := [5]int{0, 6, 11, 16, 21}
	for i := range 4 {
		if g.shared&(8>>i) == 0 {
			s.take(r, edges[i], edges[i+1]-edges[i], int(lengths[i/2]))
		}
	}
	s.rest(21)
}

// readLow reads those of MPEG-2. position: they are the right channel's with intensity.
func (s *scales) readLow(r *bits.Reader, g *granule, position bool) {
	n, row := g.compress, 0
	var lengths [4]int
	if position {
		g.pre = false // the greatest numbers are of positions here, and say nothing of that
	}
	switch {
	case position && n/2 < 180:
		n /= 2
		row, lengths = 3, [4]int{n / 36, n % 36 / 6, n % 6}
	case position && n/2 < 244:
		n = n/2 - 180
		row, lengths = 4, [4]int{n >> 4, n >> 2 & 3, n & 3}
	case position:
		n = n/2 - 244
		row, lengths = 5, [4]int{n / 3, n % 3}
	case n < 400:
		lengths = [4]int{n >> 4 / 5, n >> 4 % 5, n >> 2 & 3, n & 3}
	case n < 500:
		n -= 400
		row, lengths = 1, [4]int{n >> 2 / 5, n >> 2 % 5, n & 3}
	default:
		n -= 500
		row, lengths = 2, [4]int{n / 3, n % 3}
	}
	at := 0
	for i, count := range lowCounts[row][g.form()] {
		s.take(r, at, int(count), lengths[i])
		if position && lengths[i] > 0 {
			for k := at; k < at+int(count); k++ {
				s.illegal[k] = s.values[k] == 1<<lengths[i]-1
			}
		}
		at += int(count)
	}
	s.rest(at)
}

// take reads count values from at on.
func (s *scales) take(r *bits.Reader, at, count, length int) {
	for i := at; i < at+count; i++ {
		s.values[i], s.illegal[i] = 0, false
		if length > 0 {
			s.values[i] = uint8(r.Take(length))
		}
	}
}

func (s *scales) rest(from int) {
	clear(s.values[from:])
	clear(s.illegal[from:])
}

// quarter is 2 to the power of n/4.
func quarter(n int) float32 {
	roots := [4]float64{1, 1.189207115002721, math.Sqrt2, 1.681792830507429}
	return float32(math.Ldexp(roots[n&3], n>>2))
}

// apply brings lines to their size (ISO/IEC 11172-3 section 2.4.3.4, requantization). less
// is by how many quarters of a power of two they are to be smaller.
func (s *scales) apply(h *Header, g *granule, v []float32, less int) {
	const unit = 210
	shift := 1
	if g.coarse {
		shift = 2
	}
	gain := g.gain - unit - less
	long, short := g.shape(h.low)
	w := &bandWidths[h.row]
	for i := 0; i < long && len(v) > 0; i++ {
		n := int(s.values[i])
		if g.pre {
			n += int(preemphasis[i])
		}
		v = scale(v, int(w.long[i]), gain-n<<shift)
	}
	at := long
	for i := short; i < shortBands && len(v) > 0; i++ {
		for k := range 3 {
			v = scale(v, int(w.short[i]), gain-8*g.windows[k]-int(s.values[at])<<shift)
			at++
		}
	}
}

// scale multiplies the first n of v by 2 to the power of quarters/4, and returns the rest.
func scale(v []float32, n, quarters int) []float32 {
	n = min(n, len(v))
	f := quarter(quarters)
	for i := range v[:n] {
		v[i] *= f
	}
	return v[n:]
}
