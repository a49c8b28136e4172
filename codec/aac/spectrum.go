package aac

import (
	"math"

	"gateway/codec/bits"
)

// readLines reads the spectral data (ISO/IEC 14496-3 table 4.50) as far as n lines of
// each window, and brings them to their size. last: nothing behind them is needed, so
// that what is above in the last group need not be read. Bands for which without
// is true are passed over, and left as 0.
func (d *Decoder) readLines(r *bits.Reader, c *channel, n int, last bool, without *[windows * row]bool) error {
	clear(c.lines[:])
	edges := c.edges(d.layout)
	at := 0
	for g := range int(c.groups) {
		count := int(c.length[g])
		for i := range int(c.most) {
			from, to := int(edges[i]), int(edges[i+1])
			if last && from >= n && g == int(c.groups)-1 {
				return nil
			}
			k := row*g + i
			most := min(to, max(n, from))
			if without != nil && without[k] {
				most = from
			}
			for w := range count {
				v := c.lines[at+w*shortLine:]
				if n := int(c.books[k]); n == bookNoise {
					if most > from {
						d.noise(v[from:to], d.book.gains[int(c.sizes[k])+100])
					}
				} else if n > bookZero && n < bookReserved {
					d.readBand(r, c, k, v[from:most])
					d.book.skip(r, n, to-most)
				}
				if r.Over() {
					return malformed("cut off")
				}
			}
		}
		at += count * shortLine
	}
	if c.pulse.count > 0 {
		d.addPulses(c, n)
	}
	return nil
}

// readBand reads lines of band k: four or two at a time.
func (d *Decoder) readBand(r *bits.Reader, c *channel, k int, v []float32) {
	b := d.book
	book, gain, table := int(c.books[k]), b.gains[c.sizes[k]], &b.powers
	if c.pulse.count > 0 { // which are added before
		gain, table = 1, &b.plain
	}
	switch code := b.codes[book]; {
	case book < bookUnsigned:
		signedQuads(r, code, v, gain)
	case book < bookPairs:
		quads(r, code, v, [quadMask + 1]float32{0, gain, gain * table[2]})
	case book <= bookSigned:
		signedPairs(r, code, v, gain, table)
	case book < bookEscape:
		pairs(r, code, v, gain, table)
	default:
		longPairs(r, code, v, gain, table, c.pulse.count > 0)
	}
}

func signedQuads(r *bits.Reader, c bits.Code, v []float32, gain float32) {
	values := [quadMask + 1]float32{-gain, 0, gain}
	for ; len(v) >= 4; v = v[4:] {
		e, used := entry(c, r.Word())
		r.At += used
		v[0], v[1] = values[e&quadMask], values[e>>quadBits&quadMask]
		v[2], v[3] = values[e>>(2*quadBits)&quadMask], values[e>>(3*quadBits)&quadMask]
	}
}

func quads(r *bits.Reader, c bits.Code, v []float32, values [quadMask + 1]float32) {
	for ; len(v) >= 4; v = v[4:] {
		w := r.Word()
		e, used := entry(c, w)
		w <<= used
		r.At += used + int(e>>signs)
		four := v[:4]
		for i := range four {
			n := e >> (quadBits * i) & quadMask
			if n == 0 {
				four[i] = 0
				continue
			}
			four[i] = sign(values[n], w)
			w <<= 1
		}
	}
}

// sign gives a number that is not negative the sign that w begins with.
func sign(v float32, w uint64) float32 {
	return math.Float32frombits(math.Float32bits(v) | uint32(w>>32)&(1<<31))
}

func signedPairs(r *bits.Reader, c bits.Code, v []float32, gain float32, table *[powers]float32) {
	const most = 4
	var values [lineMask + 1]float32
	for i := range most + 1 {
		values[most+i], values[most-i] = gain*table[i], -gain*table[i]
	}
	for ; len(v) >= 2; v = v[2:] {
		e, used := entry(c, r.Word())
		r.At += used
		v[0], v[1] = values[e&lineMask], values[e>>pairBits&lineMask]
	}
}

func pairs(r *bits.Reader, c bits.Code, v []float32, gain float32, table *[powers]float32) {
	for ; len(v) >= 2; v = v[2:] {
		w := r.Word()
		e, used := entry(c, w)
		w <<= used
		r.At += used + int(e>>signs)
		x, y := e&lineMask, e>>pairBits&lineMask
		v[0] = 0
		if x > 0 {
			v[0] = sign(gain*table[x], w)
			w <<= 1
		}
		v[1] = 0
		if y > 0 {
			v[1] = sign(gain*table[y], w)
		}
	}
}

// longPairs reads lines of any size. plain: as they are, not the powers of them.
func longPairs(r *bits.Reader, c bits.Code, v []float32, gain float32, table *[powers]float32, plain bool) {
	for ; len(v) >= 2; v = v[2:] {
		w := r.Word()
		e, used := entry(c, w)
		w <<= used
		r.At += used + int(e>>signs)
		for i := range v[:2] {
			x := int(e >> (pairBits * i) & lineMask)
			v[i] = 0
			if x == 0 {
				continue
			}
			if x == escape {
				x = long(r)
			}
			p := float32(x)
			if x < powers {
				p = table[x]
			} else if !plain {
				p = power(x)
			}
			v[i] = sign(gain*p, w)
			w <<= 1
		}
	}
}

// addPulses adds the pulses to the lines of a long block and brings all to their size.
func (d *Decoder) addPulses(c *channel, n int) {
	edges := d.layout.long
	var bands [lines]uint8
	for i := range int(c.most) {
		from, to := edges[i], edges[i+1]
		for k := from; k < to; k++ {
			bands[k] = uint8(i) + 1
		}
	}
	for i := range c.pulse.count {
		at, by := c.pulse.at[i], c.pulse.by[i]
		if band := bands[at]; at >= n || band == 0 || c.books[band-1] == bookZero || c.books[band-1] >= bookReserved {
			continue
		}
		if c.lines[at] <= 0 {
			by = -by
		}
		c.lines[at] += by
	}
	for i := range int(c.most) {
		if b := c.books[i]; b == bookZero || b >= bookReserved {
			continue
		}
		gain := d.book.gains[c.sizes[i]]
		v := c.lines[edges[i]:edges[i+1]]
		for k, x := range v {
			if x != 0 {
				v[k] = gain * x * float32(math.Cbrt(math.Abs(float64(x))))
			}
		}
	}
}

// noise fills lines with noise of a given loudness: all of them together (ISO/IEC 14496-3
// section 4.6.13). How it is made is free.
func (d *Decoder) noise(v []float32, loud float32) {
	energy := float32(0)
	for i := range v {
		d.chance = d.chance*1664525 + 1013904223
		v[i] = float32(int32(d.chance))
		energy += v[i] * v[i]
	}
	loud /= float32(math.Sqrt(float64(energy)))
	for i := range v {
		v[i] *= loud
	}
}
