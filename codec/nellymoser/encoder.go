package nellymoser

import (
	"fmt"
	"math"
	"slices"
)

// An Encoder turns samples into blocks. It belongs to one goroutine.
type Encoder struct {
	transform *transform
	older     [half]float32 // the last of the samples so far
}

// NewEncoder makes an Encoder for a stream.
func NewEncoder() *Encoder { return &Encoder{transform: newTransform()} }

// Encode appends the block of 256 samples to out. What is heard of them comes half
// a block late.
func (e *Encoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != Samples {
		return out, fmt.Errorf("nellymoser: %d samples, not %d", len(pcm), Samples)
	}
	var sides [2][half]float32
	for side := range sides {
		var newer [half]float32
		for i := range newer {
			newer[i] = float32(pcm[side*half+i])
		}
		e.transform.forward(&sides[side], &e.older, &newer)
		e.older = newer
	}
	var b block
	levels := b.putLevels(measure(&sides))
	each, cut, last := allocate(&levels)
	var units [bands]float32
	for i, l := range levels {
		units[i] = 1 / (8 * exp2(l))
	}
	for side := range sides {
		b.putSide(levelBits+side*sideBits, &sides[side], &units, &each, cut, last)
	}
	return b.append(slices.Grow(out, BlockSize)), nil
}

// measure is the level that each band should have.
func measure(sides *[2][half]float32) (levels [bands]float64) {
	k := 0
	for i, width := range widths {
		sum := 0.0
		for range width {
			sum += float64(sides[0][k])*float64(sides[0][k]) + float64(sides[1][k])*float64(sides[1][k])
			k++
		}
		levels[i] = octave / 2 * math.Log2(max(1, sum/(2*64*float64(width))))
	}
	return levels
}

// putLevels writes the levels as near to what they should be as can be said, and
// says what they are now.
func (b *block) putLevels(want [bands]float64) (levels [bands]int) {
	i := nearest(first[:], want[0])
	b.put(0, 6, i)
	levels[0] = first[i]
	for band := 1; band < bands; band++ {
		i := nearest(steps[:], want[band]-float64(levels[band-1]))
		b.put(6+5*(band-1), 5, i)
		levels[band] = levels[band-1] + steps[i]
	}
	return levels
}

// putSide writes the coefficients of one transform.
func (b *block) putSide(at int, v *[half]float32, units *[bands]float32, each *[bands]uint8, cut, last int) {
	k := 0
	for i, width := range widths {
		for range width {
			n := int(each[i])
			if k >= cut {
				if k > cut {
					return
				}
				n = last
			}
			if n > 0 {
				b.put(at, n, nearest(values[n], v[k]*units[i]))
				at += n
			}
			k++
		}
	}
}

// nearest is the index in an ascending table of what is nearest to v.
func nearest[T int | float32, V float32 | float64](table []T, v V) int {
	low, high := 0, len(table)-1
	for low < high {
		middle := (low + high) / 2
		if V(table[middle])+V(table[middle+1]) < 2*v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
