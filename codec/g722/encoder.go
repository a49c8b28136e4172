package g722

import "slices"

// An Encoder encodes one stream. It belongs to one goroutine.
type Encoder struct {
	low, high band
	pair      pair
}

// NewEncoder makes an encoder for a stream from its begin.
func NewEncoder() *Encoder { return &Encoder{low: band{step: lowStep}, high: band{step: highStep}} }

// Encode appends one byte for each two samples to out. A last one without another is left
// out.
func (e *Encoder) Encode(out []byte, pcm []int16) []byte {
	pcm = pcm[:len(pcm)&^1]
	out = slices.Grow(out, len(pcm)/2)
	for part := range slices.Chunk(pcm, 2*chunk) {
		for n := range len(part) / 2 {
			e.pair.even[11+n], e.pair.odd[11+n] = int(part[2*n]), int(part[2*n+1])
		}
		for n := range len(part) / 2 {
			even, odd := e.pair.sums(n)
			out = append(out, e.upper((odd-even)>>14)|e.lower((odd+even)>>14))
		}
		e.pair.pass(len(part) / 2)
	}
	return out
}

// magnitude is how far v is from 0, and whether below it: -1 is as near as 0.
func magnitude(v int) (far int, negative bool) {
	if v < 0 {
		return -v - 1, true
	}
	return v, false
}

// lower is the code of the next sample of the lower band (QUANTL).
func (e *Encoder) lower(sample int) byte {
	far, negative := magnitude(clamp(sample-e.low.guess, most16))
	below, above := 0, len(decision6) // it is not below the one, and below the other
	for above-below > 1 {
		if middle := (below + above) / 2; far < decision6[middle]*e.low.step>>12 {
			above = middle
		} else {
			below = middle
		}
	}
	code := lower(above, negative)
	by := e.low.step * level4[code>>2] >> 15
	e.low.grow(growth4[code>>2], lowMost, lowBits)
	e.low.follow(by)
	return byte(code)
}

// upper is that of the upper band, where it stands in a byte (QUANTH).
func (e *Encoder) upper(sample int) byte {
	far, negative := magnitude(clamp(sample-e.high.guess, most16))
	code := 1
	if !negative {
		code = 3
	}
	if far >= decision2*e.high.step>>12 {
		code--
	}
	by := e.high.step * level2[code] >> 15
	e.high.grow(growth2[code], highMost, highBits)
	e.high.follow(by)
	return byte(code << 6)
}
