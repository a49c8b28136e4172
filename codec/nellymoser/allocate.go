package nellymoser

import "math/bits"

// How an offset is reckoned from a sum of bits that is too large or too small:
// by 4228/2^19, which is about 1 over the number of coefficients.
const (
	slope      = 4228
	slopeShift = 19
	tries      = 19 // to find the offset
)

// A budget is the work of giving the coefficients of a block their bits. Both sides
// have to come to the same, so all of it is in integers, with the widths of the
// numbers that the first implementation had.
type budget struct {
	levels [bands]int16 // three quarters of each band's level, scaled up
	shift  int          // how far a bit is
}

// allocate says how many bits a coefficient of each band has. Where all the bands
// want more than there is, the higher ones get less: the coefficient at cut
// has only last, and those after it none.
func allocate(levels *[bands]int) (each [bands]uint8, cut, last int) {
	b := newBudget(levels)
	offset, sum := b.guess()
	if sum != sideBits {
		offset, sum = b.search(offset, sum)
	}
	for i, l := range b.levels {
		each[i] = b.bits(int(l) - offset)
	}
	if sum <= sideBits {
		return each, sent, 0
	}
	cut, last = overrun(&each)
	return each, cut, last
}

func newBudget(levels *[bands]int) budget {
	most := 0
	for _, l := range levels {
		most = max(most, l)
	}
	scale := headroom(most) - 16
	b := budget{shift: scale + 11}
	for i, l := range levels {
		b.levels[i] = int16(3 * int(int16(shifted(l, scale))) >> 2)
	}
	return b
}

// guess is the offset with which the sum of all bits would be right if none had to be
// cut at 0 or 6, and what it really is then.
func (b *budget) guess() (offset, sum int) {
	for i, l := range b.levels {
		sum += int(l) * int(widths[i])
	}
	sum -= sideBits << b.shift
	room := headroom(sum)
	offset = slope * (sum << room >> 16) >> 15
	offset = shifted(offset, b.shift-(slopeShift+b.shift+room-31))
	return offset, b.sum(offset)
}

// search looks for an offset with which the sum is right: in equal strides past it, then
// by halving. It may end with the nearest.
func (b *budget) search(offset, sum int) (int, int) {
	stride, scale := sum-sideBits, 0
	for ; stride > -1<<14 && stride < 1<<14; scale++ {
		stride *= 2
	}
	stride = shifted(stride*slope>>15, b.shift-(slopeShift+scale-15))
	last, lastSum, n := offset, sum, 1
	for ; n <= tries; n++ {
		last, lastSum = offset, sum
		offset += stride
		if sum = b.sum(offset); (sum-sideBits)*(lastSum-sideBits) <= 0 {
			break
		}
	}
	over, overSum, under, underSum := last, lastSum, offset, sum // by the sum of bits
	if sum > sideBits {
		over, overSum, under, underSum = offset, sum, last, lastSum
	}
	for ; sum != sideBits && n <= tries; n++ {
		middle := (over + under) >> 1
		if sum = b.sum(middle); sum > sideBits {
			over, overSum = middle, sum
		} else {
			under, underSum = middle, sum
		}
	}
	if distance(overSum) >= distance(underSum) {
		return under, underSum
	}
	return over, overSum
}

// sum is how many bits one transform has with an offset.
func (b *budget) sum(offset int) (sum int) {
	for i, l := range b.levels {
		sum += int(widths[i]) * int(b.bits(int(l)-int(int16(offset))))
	}
	return sum
}

// bits is how many a coefficient has whose level is so far above the offset.
func (b *budget) bits(above int) uint8 {
	return uint8(min(max((above>>(b.shift-1)+1)>>1, 0), mostBits))
}

// overrun says where the bits are used up.
func overrun(each *[bands]uint8) (cut, last int) {
	left, at := sideBits, 0
	for i, n := range each {
		for range widths[i] {
			if int(n) >= left {
				return at, left
			}
			left -= int(n)
			at++
		}
	}
	return sent, 0
}

func distance(sum int) int { return max(sum-sideBits, sideBits-sum) }

// headroom is how many times v can be doubled before it fills 31 bits.
func headroom(v int) int {
	if v == 0 {
		return 31
	}
	return 31 - bits.Len(uint(max(v, -v)))
}

func shifted(v, by int) int {
	if by > 0 {
		return v << by
	}
	return v >> -by
}
