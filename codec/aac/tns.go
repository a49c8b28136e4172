package aac

import (
	"math"

	"gateway/codec/bits"
)

// maxOrder is that of TNS filters of long blocks in this profile (ISO/IEC 14496-3 section 4.6.9).
const maxOrder, maxShortOrder = 12, 7

// A tnsFilter is an all-pole filter over some bands of a window.
type tnsFilter struct {
	bands int // from where the one before ends, downwards
	order int
	down  bool // it runs from the highest line to the lowest
	lpc   [maxOrder]float32
}

// A tns is temporal noise shaping: filters for each window, of the highest bands first.
type tns struct {
	present bool
	count   [windows]int
	filters [windows][3]tnsFilter
}

// read reads tns_data (ISO/IEC 14496-3 table 4.52).
func (t *tns) read(r *bits.Reader, short bool) error {
	all, countBits, bandBits, orderBits, most := 1, 2, 6, 5, maxOrder
	if short {
		all, countBits, bandBits, orderBits, most = windows, 1, 4, 3, maxShortOrder
	}
	for w := range all {
		t.count[w] = r.Take(countBits)
		if t.count[w] == 0 {
			continue
		}
		width := 3 + r.Take(1)
		for i := range t.count[w] {
			f := &t.filters[w][i]
			f.bands, f.order, f.down = r.Take(bandBits), r.Take(orderBits), false
			if f.order > most {
				return malformed("order of a TNS filter")
			}
			if f.order > 0 {
				f.down = r.Flag()
				f.read(r, width)
			}
			if r.Over() {
				return malformed("cut off")
			}
		}
	}
	return nil
}

// read reads the coefficients, of so many bits before they are compressed, and makes those
// of a predictor of them (ISO/IEC 14496-3 section 4.6.9.3).
func (f *tnsFilter) read(r *bits.Reader, width int) {
	stored := width - r.Take(1)
	for m := range f.order {
		c := r.Take(stored)
		if c >= 1<<(stored-1) {
			c -= 1 << stored
		}
		steps := float64(int(1)<<(width-1)) - 0.5
		if c < 0 {
			steps++
		}
		k := float32(math.Sin(float64(c) * math.Pi / 2 / steps))
		for i := range (m + 1) / 2 {
			a, b := f.lpc[i], f.lpc[m-1-i]
			f.lpc[i], f.lpc[m-1-i] = a+k*b, b+k*a
		}
		f.lpc[m] = k
	}
}

// span is the lines of each window that a filter runs over. top is the band where it begins, which
// is moved on to where the next does.
func (f *tnsFilter) span(s *shape, l *layout, top *int) (from, to int) {
	most := l.tnsLong
	if s.sequence == eightShort {
		most = l.tnsShort
	}
	most = min(most, int(s.most))
	end := *top
	*top = max(end-f.bands, 0)
	edges := s.edges(l)
	return int(edges[min(*top, most)]), int(edges[min(end, most)])
}

// reach is how many lines of each window have to be known for the first n to be right:
// what runs downwards begins above.
func (c *channel) reach(l *layout, n int) int {
	if !c.tns.present {
		return n
	}
	all := 1
	if c.sequence == eightShort {
		all = windows
	}
	needed := n
	for w := range all {
		top := len(c.edges(l)) - 1
		for i := range c.tns.count[w] {
			f := &c.tns.filters[w][i]
			from, to := f.span(&c.shape, l, &top)
			if f.down && f.order > 0 && from < n {
				needed = max(needed, to)
			}
		}
	}
	return needed
}

// applyTNS runs the filters over the first n lines of each window.
func (c *channel) applyTNS(l *layout, n int) {
	all := 1
	if c.sequence == eightShort {
		all = windows
	}
	for w := range all {
		top := len(c.edges(l)) - 1
		v := c.lines[w*shortLine:]
		for i := range c.tns.count[w] {
			f := &c.tns.filters[w][i]
			from, to := f.span(&c.shape, l, &top)
			if to = min(to, n); from < to && f.order > 0 {
				f.run(v[from:to])
			}
		}
	}
}

// run filters lines in place.
func (f *tnsFilter) run(v []float32) {
	lpc := f.lpc[:f.order]
	if f.down {
		for i := len(v) - 1; i >= 0; i-- {
			for k, a := range lpc[:min(len(lpc), len(v)-1-i)] {
				v[i] -= a * v[i+1+k]
			}
		}
		return
	}
	for i := range v {
		for k, a := range lpc[:min(len(lpc), i)] {
			v[i] -= a * v[i-1-k]
		}
	}
}
