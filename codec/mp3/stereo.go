package mp3

import "math"

// A pair is the lines of both channels while they are being told apart.
type pair struct {
	left, right []float32
	middle      bool // where there is no intensity, they are sum and difference
}

// split makes left and right of what the first n lines of a granule of joint stereo hold: sum and
// difference, or one sound and, in place of the right channel's scale factors, where
// it comes from (ISO/IEC 11172-3 section 2.4.3.4.9, 13818-3 section 2.4.3.2).
func split(h *Header, g *granule, s *scales, p pair) {
	if !h.intensity {
		p.whole(0, len(p.left))
		return
	}
	ratio := intensities(h, g)
	long, short := g.shape(h.low)
	w := &bandWidths[h.row]
	silent := [3]bool{true, true, true} // so far, from above: windows of the right channel
	end := lines
	for i := shortBands - 1; i >= short; i-- {
		n := int(w.short[i])
		for k := 2; k >= 0; k-- {
			end -= n
			silent[k] = silent[k] && p.silent(end, end+n)
			// The highest band has no scale factors: it takes those of the one below.
			at := long + 3*(min(i, shortBands-2)-short) + k
			p.band(end, end+n, silent[k], h, s, at, ratio)
		}
	}
	all := silent[0] && silent[1] && silent[2]
	for i := long - 1; i >= 0; i-- {
		n := int(w.long[i])
		end -= n
		all = all && p.silent(end, end+n)
		p.band(end, end+n, all, h, s, min(i, longBands-2), ratio)
	}
}

func (p *pair) silent(from, to int) bool {
	for _, v := range p.right[min(from, len(p.right)):min(to, len(p.right))] {
		if v != 0 {
			return false
		}
	}
	return true
}

// whole makes left and right of sum and difference.
func (p *pair) whole(from, to int) {
	if !p.middle {
		return
	}
	const half = math.Sqrt2 / 2
	for i := from; i < min(to, len(p.left)); i++ {
		m, s := p.left[i], p.right[i]
		p.left[i], p.right[i] = half*(m+s), half*(m-s)
	}
}

// band splits one band, of which the right channel is silent, and all above; or not.
func (p *pair) band(from, to int, silent bool, h *Header, s *scales, at int, ratio *[32][2]float32) {
	if !silent || s.illegal[at] || !h.low && s.values[at] >= 7 {
		p.whole(from, to)
		return
	}
	r := ratio[s.values[at]&31]
	for i := from; i < min(to, len(p.left)); i++ {
		v := p.left[i]
		p.left[i], p.right[i] = v*r[0], v*r[1]
	}
}

// intensities are the parts of left and right by position.
func intensities(h *Header, g *granule) *[32][2]float32 {
	t := &[32][2]float32{}
	for i := range t {
		if h.low {
			step := float64(1+g.compress&1) / 4
			t[i] = [2]float32{1, 1}
			t[i][1-i&1] = float32(math.Exp2(-step * float64((i+1)/2)))
			continue
		}
		left := 1.0
		if i < 6 {
			r := math.Tan(float64(i) * math.Pi / 12)
			left = r / (1 + r)
		}
		t[i] = [2]float32{float32(left), float32(1 - left)}
	}
	return t
}
