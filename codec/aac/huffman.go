package aac

import (
	"math"

	"gateway/codec/aac/codebook"
	"gateway/codec/bits"
)

// powers is how many powers of 4/3 are kept.
const powers = 256

// The value of a leaf has, from its lowest bit on, the lines: five bits each for pairs, two for
// quadruples. Above stands how many signs follow.
const (
	pairBits, quadBits = 5, 2
	lineMask           = 1<<pairBits - 1
	quadMask           = 1<<quadBits - 1
	signs              = 12
)

// A book is what an access unit is decoded by.
type book struct {
	codes  [spectralBooks + 1]bits.Code
	scale  bits.Code
	powers [powers]float32
	plain  [powers]float32 // the numbers themselves
	gains  [256]float32    // of scale factors, or energies of noise and 100
}

func newBook() *book {
	b := &book{scale: newScaleCode()}
	for i := range codebook.Spectral {
		b.codes[i+1] = newCode(i + 1)
	}
	for i := range b.powers {
		b.powers[i], b.plain[i] = power(i), float32(i)
	}
	for i := range b.gains {
		b.gains[i] = factor(i - 100)
	}
	return b
}

func power(n int) float32 { return float32(float64(n) * math.Cbrt(float64(n))) }

// newCode makes that of a codebook.
func newCode(n int) bits.Code {
	c := codebook.Spectral[n-1]
	count, width := 4, quadBits
	if n >= bookPairs {
		count, width = 2, pairBits
	}
	leaves := make([]uint16, len(c.Lengths))
	for i := range leaves {
		for k, digit := range []byte(c.Values[count*i : count*(i+1)]) {
			v := bits.Digit(digit)
			leaves[i] |= v << (width * k)
			if v > 0 && !signed(n) {
				leaves[i] += 1 << signs
			}
		}
	}
	return bits.NewCode(leaves, c.Lengths)
}

func newScaleCode() bits.Code {
	leaves := make([]uint16, len(codebook.Scale.Lengths))
	for i := range leaves {
		leaves[i] = bits.Digit(codebook.Scale.Values[2*i])<<4 | bits.Digit(codebook.Scale.Values[2*i+1])
	}
	return bits.NewCode(leaves, codebook.Scale.Lengths)
}

// signed reports whether a codebook has negative lines.
func signed(n int) bool { return n <= 2 || n == 5 || n == 6 }

// entry finds the leaf that w begins with, and how many bits it has.
func entry(c bits.Code, w uint64) (value uint32, used int) {
	e := c[w>>(64-bits.RootBits)]
	for e&bits.Link != 0 {
		w <<= bits.RootBits
		used += bits.RootBits
		e = c[e&^bits.Link>>4+uint32(w>>(64-e&15))]
	}
	return e & 0xffff, used + int(e>>16)
}

// skip reads n lines of a codebook that nobody needs.
func (b *book) skip(r *bits.Reader, n, count int) {
	c, step := b.codes[n], 4
	if n >= bookPairs {
		step = 2
	}
	for ; count > 0; count -= step {
		e, used := entry(c, r.Word())
		r.At += used + int(e>>signs)
		if n != bookEscape {
			continue
		}
		for v := e & (1<<(2*pairBits) - 1); v > 0; v >>= pairBits {
			if v&lineMask == escape {
				long(r)
			}
		}
	}
}

// escape is the line that stands for greater ones, which are told behind.
const escape = 16

// long reads a line of 16 or more: ones, of which each makes it longer by a bit. The
// longest that is legal has 13 bits.
func long(r *bits.Reader) int {
	n := 4
	for r.Flag() && n < 12 {
		n++
	}
	return 1<<n + r.Take(n)
}
