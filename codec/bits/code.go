package bits

// RootBits is how many bits of a code are looked up at once.
const RootBits = 8

// A Code is a Huffman code to be looked up: first by RootBits bits, then, for
// codes that are longer, by up to so many more. An entry has a leaf's value in its low 16
// bits and above them the bits that belong to it, of those looked up; or it is a
// Link, to where the next bits are looked up and how many these are.
type Code []uint32

// Link marks an entry that leads on: above its low four bits, which are the number of
// bits that are looked up next, it has where the entries for these begin.
const Link = 1 << 31

// A leaf is one code word, aligned to the top.
type leaf struct {
	word   uint32
	length int
	value  uint16
}

// NewCode makes a complete code of its leaves from left to right: what each stands for and
// how long its word is, a letter each, "a" for one bit.
func NewCode(values []uint16, lengths string) Code {
	leaves := make([]leaf, len(lengths))
	word := uint64(0)
	for i := range leaves {
		n := int(lengths[i]-'a') + 1
		leaves[i] = leaf{word: uint32(word), length: n, value: values[i]}
		word += 1 << (32 - n)
	}
	c := make(Code, 1<<RootBits)
	c.fill(0, RootBits, 0, leaves)
	return c
}

// fill sets the entries from at on, which are looked up by width bits after the first
// done, for leaves; c may grow.
func (c *Code) fill(at, width, done int, leaves []leaf) {
	for i := 0; i < len(leaves); {
		l := leaves[i]
		place := at + int(l.word<<done>>(32-width))
		if rest := l.length - done; rest <= width {
			for k := range 1 << (width - rest) {
				(*c)[place+k] = uint32(rest)<<16 | uint32(l.value)
			}
			i++
			continue
		}
		from, deepest := i, 0
		for i < len(leaves) && leaves[i].word<<done>>(32-width) == l.word<<done>>(32-width) {
			deepest = max(deepest, leaves[i].length-done-width)
			i++
		}
		next := min(deepest, RootBits)
		start := len(*c)
		*c = append(*c, make(Code, 1<<next)...)
		(*c)[place] = Link | uint32(start)<<4 | uint32(next)
		c.fill(start, next, done+width, leaves[from:i])
	}
}

// Read reads one word of the code.
func (c Code) Read(r *Reader) int {
	w := r.Word()
	e := c[w>>(64-RootBits)]
	for e&Link != 0 {
		w <<= RootBits
		r.At += RootBits
		e = c[e&^Link>>4+uint32(w>>(64-e&15))]
	}
	r.At += int(e >> 16)
	return int(e & 0xffff)
}

// Digit is the value of a digit, of which those above 9 are letters from "a" on.
func Digit(c byte) uint16 {
	if c >= 'a' {
		return uint16(c-'a') + 10
	}
	return uint16(c - '0')
}
