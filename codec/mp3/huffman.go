package mp3

import (
	"math"

	"gateway/codec/bits"
)

// The tables of quadruples stand behind those of pairs, of which there are 32.
const quadA, quadB = 32, 33

// newCode makes a code of the leaves that values and lengths tell of: two digits for each.
func newCode(values, lengths string) bits.Code {
	leaves := make([]uint16, len(lengths))
	for i := range leaves {
		leaves[i] = bits.Digit(values[2*i])<<4 | bits.Digit(values[2*i+1])
	}
	return bits.NewCode(leaves, lengths)
}

// powers is how many powers of 4/3 are kept.
const powers = 256

// A book is what lines are decoded by.
type book struct {
	codes  [quadB + 1]bits.Code // nil where there are only zeros
	extra  [quadB + 1]int       // bits that values of 15 have behind them
	powers [powers]float32
}

func newBook() *book {
	b := &book{}
	for i, c := range codes {
		b.codes[i] = newCode(c.values, c.lengths)
	}
	for i := 16; i < 32; i++ {
		b.codes[i] = b.codes[i&^7]
	}
	copy(b.extra[16:], []int{1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13})
	for i := range b.powers {
		b.powers[i] = power(i)
	}
	return b
}

func power(n int) float32 { return float32(float64(n) * math.Cbrt(float64(n))) }

// read reads the lines of a granule as far as most, an even number, and returns how many
// there are; those behind are not touched.
func (b *book) read(r *bits.Reader, g *granule, v *[lines]float32, most int) int {
	line := 0
	for i, end := range g.regions {
		end = min(end, g.big, most)
		switch table := g.tables[i]; {
		case line >= end:
		case b.codes[table] == nil:
			clear(v[line:end])
			line = end
		default:
			line = b.pairs(r, int(table), v, line, end)
		}
	}
	if g.big < most {
		line = b.quadruples(r, b.codes[quadA+g.quad], v, line, most)
	}
	return line
}

// pairs reads lines from line to end, as long as there are bits.
func (b *book) pairs(r *bits.Reader, table int, v *[lines]float32, line, end int) int {
	c, extra := b.codes[table], b.extra[table]
	for ; line < end && r.At < r.End; line += 2 {
		w := r.Word()
		e := c[w>>(64-bits.RootBits)]
		used := 0
		for e&bits.Link != 0 {
			width, start := e&15, e&^bits.Link>>4
			step := bits.RootBits
			w <<= step
			used += step
			e = c[start+uint32(w>>(64-width))]
		}
		n := int(e >> 16)
		w <<= n
		used += n
		x, y := int(e>>4&15), int(e&15)
		v[line], w, used = b.value(x, extra, w, used)
		v[line+1], _, used = b.value(y, extra, w, used)
		r.At += used
	}
	return line
}

// value is a line, of which x was in the code, and the bits behind it.
func (b *book) value(x, extra int, w uint64, used int) (float32, uint64, int) {
	if x == 0 {
		return 0, w, used
	}
	if x == 15 && extra > 0 {
		x += int(w >> (64 - extra))
		w <<= extra
		used += extra
	}
	p := float32(0)
	if x < powers {
		p = b.powers[x]
	} else {
		p = power(x)
	}
	p = math.Float32frombits(math.Float32bits(p) | uint32(w>>32)&(1<<31))
	return p, w << 1, used + 1
}

// quadruples reads lines that are 1 at most, from line to most, as long as there are bits.
func (b *book) quadruples(r *bits.Reader, c bits.Code, v *[lines]float32, line, most int) int {
	for line+4 <= lines && line < most && r.At < r.End {
		w := r.Word()
		e := c[w>>(64-bits.RootBits)]
		n := e >> 16
		w <<= n
		four := v[line:][:4]
		for i := range four {
			four[i] = 0
			if e&(8>>i) != 0 {
				four[i] = math.Float32frombits(math.Float32bits(1) | uint32(w>>32)&(1<<31))
				w <<= 1
				n++
			}
		}
		r.At += int(n)
		if r.At > r.End && line+8 <= lines {
			break // the length is wrong: this is none of it
		}
		line += 4
	}
	return line
}
