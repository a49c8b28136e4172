package mp3

import "math"

// The tables of quadruples stand behind those of pairs, of which there are 32.
const quadA, quadB = 32, 33

// rootBits is how many bits of a code are looked up at once.
const rootBits = 8

// A code is a Huffman code to be looked up: first by rootBits bits, then, for
// codes that are longer, by up to so many more. An entry has a leaf's value in its low 8
// bits and above them the bits that belong to it, of those looked up; or it is a
// link, to where the next bits are looked up and how many these are.
type code []uint32

const link = 1 << 31

// A leaf is one code word, aligned to the top.
type leaf struct {
	word   uint32
	length int
	value  uint8
}

// newCode makes one of the leaves that values and lengths tell of.
func newCode(values, lengths string) code {
	leaves := make([]leaf, len(lengths))
	word := uint64(0)
	for i := range leaves {
		n := int(lengths[i]-'a') + 1
		leaves[i] = leaf{word: uint32(word), length: n, value: digit(values[2*i])<<4 | digit(values[2*i+1])}
		word += 1 << (32 - n)
	}
	c := make(code, 1<<rootBits)
	c.fill(0, rootBits, 0, leaves)
	return c
}

func digit(c byte) uint8 {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// fill sets the entries from at on, which are looked up by width bits after the first
// done, for leaves, and returns c, which may have grown.
func (c *code) fill(at, width, done int, leaves []leaf) {
	for i := 0; i < len(leaves); {
		l := leaves[i]
		place := at + int(l.word<<done>>(32-width))
		if rest := l.length - done; rest <= width {
			for k := range 1 << (width - rest) {
				(*c)[place+k] = uint32(rest)<<8 | uint32(l.value)
			}
			i++
			continue
		}
		from, deepest := i, 0
		for i < len(leaves) && leaves[i].word<<done>>(32-width) == l.word<<done>>(32-width) {
			deepest = max(deepest, leaves[i].length-done-width)
			i++
		}
		next := min(deepest, rootBits)
		start := len(*c)
		*c = append(*c, make(code, 1<<next)...)
		(*c)[place] = link | uint32(start)<<4 | uint32(next)
		c.fill(start, next, done+width, leaves[from:i])
	}
}

// powers is how many powers of 4/3 are kept.
const powers = 256

// A book is what lines are decoded by.
type book struct {
	codes  [quadB + 1]code // nil where there are only zeros
	extra  [quadB + 1]int  // bits that values of 15 have behind them
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
func (b *book) read(r *reader, g *granule, v *[lines]float32, most int) int {
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
func (b *book) pairs(r *reader, table int, v *[lines]float32, line, end int) int {
	c, extra := b.codes[table], b.extra[table]
	for ; line < end && r.at < r.end; line += 2 {
		w := r.word()
		e := c[w>>(64-rootBits)]
		used := 0
		for e&link != 0 {
			width, start := e&15, e&^link>>4
			step := rootBits
			w <<= step
			used += step
			e = c[start+uint32(w>>(64-width))]
		}
		n := int(e >> 8)
		w <<= n
		used += n
		x, y := int(e>>4&15), int(e&15)
		v[line], w, used = b.value(x, extra, w, used)
		v[line+1], _, used = b.value(y, extra, w, used)
		r.at += used
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
func (b *book) quadruples(r *reader, c code, v *[lines]float32, line, most int) int {
	for line+4 <= lines && line < most && r.at < r.end {
		w := r.word()
		e := c[w>>(64-rootBits)]
		n := e >> 8
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
		r.at += int(n)
		if r.at > r.end && line+8 <= lines {
			break // the length is wrong: this is none of it
		}
		line += 4
	}
	return line
}
