package nellymoser

import (
	"errors"
	"math"
	"slices"
)

// ErrPartial is for a payload that is not a whole number of blocks, or none.
var ErrPartial = errors.New("nellymoser: the payload is not of whole blocks")

// A Decoder turns blocks into samples. It belongs to one goroutine.
type Decoder struct {
	transform *transform
	tail      [half]float32
	// sign chooses those of the noise, by its lowest bit.
	sign func() uint32
}

// NewDecoder makes a Decoder for a stream.
func NewDecoder() *Decoder {
	seed := uint32(1)
	return &Decoder{transform: newTransform(), sign: func() uint32 {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		return seed
	}}
}

// Decode appends the 256 samples of each block of a payload to pcm. What is left
// over of a block is ErrPartial.
func (d *Decoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	pcm = slices.Grow(pcm, len(payload)/BlockSize*Samples)
	if len(payload) == 0 {
		return pcm, ErrPartial
	}
	for ; len(payload) >= BlockSize; payload = payload[BlockSize:] {
		pcm = d.block(pcm, readBlock(payload))
	}
	if len(payload) > 0 {
		return pcm, ErrPartial
	}
	return pcm, nil
}

func (d *Decoder) block(pcm []int16, b block) []int16 {
	levels := b.levels()
	each, cut, last := allocate(&levels)
	var loud [bands]float32
	for i, l := range levels {
		loud[i] = exp2(l) / 8
	}
	for side := range 2 {
		var v [half]float32
		at, k := levelBits+side*sideBits, 0
		for i, width := range widths {
			for range width {
				n := int(each[i])
				if k >= cut {
					n = 0
					if k == cut {
						n = last
					}
				}
				v[k] = d.coefficient(&b, at, n) * loud[i]
				at += n
				k++
			}
		}
		d.transform.inverse(&v, &d.tail)
		for _, s := range v {
			pcm = append(pcm, clip(s))
		}
	}
	return pcm
}

// coefficient reads one of n bits; without any it is noise.
func (d *Decoder) coefficient(b *block, at, n int) float32 {
	if n > 0 {
		return values[n][b.get(at, n)]
	}
	if d.sign()&1 != 0 {
		return -math.Sqrt2 / 2
	}
	return math.Sqrt2 / 2
}

// levels reads those of all bands.
func (b *block) levels() (levels [bands]int) {
	l := first[b.get(0, 6)]
	levels[0] = l
	for i := 1; i < bands; i++ {
		l += steps[b.get(6+5*(i-1), 5)]
		levels[i] = l
	}
	return levels
}

// exp2 is how loud a level is. Levels of no sound, which a hostile block may have, are
// kept to what a float can hold.
func exp2(level int) float32 {
	return float32(math.Exp2(float64(min(level, 64*octave)) / octave))
}

func clip(s float32) int16 {
	return int16(math.RoundToEven(float64(min(max(s, -1<<15), 1<<15-1))))
}
