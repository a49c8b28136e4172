package g722

import "slices"

// A Decoder decodes one stream. It belongs to one goroutine.
type Decoder struct {
	low, high band
	pair      pair
}

// NewDecoder makes a decoder for a stream from its begin.
func NewDecoder() *Decoder { return &Decoder{low: band{step: lowStep}, high: band{step: highStep}} }

// Decode appends two samples for each byte to pcm. Any byte can be decoded. What is
// too loud for 16 bits is clipped.
func (d *Decoder) Decode(pcm []int16, data []byte) []int16 {
	pcm = slices.Grow(pcm, 2*len(data))
	for part := range slices.Chunk(data, chunk) {
		for n, b := range part {
			low, high := d.sample(b)
			d.pair.even[11+n], d.pair.odd[11+n] = low+high, low-high
		}
		for n := range part {
			even, odd := d.pair.sums(n)
			pcm = append(pcm, int16(clamp(odd>>11, most16)), int16(clamp(even>>11, most16)))
		}
		d.pair.pass(len(part))
	}
	return pcm
}

const most14 = 1<<14 - 1

// sample is what a byte says of each band.
func (d *Decoder) sample(b byte) (low, high int) {
	six, four, two := b&63, b>>2&15, b>>6
	low = clamp(d.low.guess+d.low.step*level6[six]>>15, most14)
	by := d.low.step * level4[four] >> 15
	d.low.grow(growth4[four], lowMost, lowBits)
	d.low.follow(by)

	by = d.high.step * level2[two] >> 15
	high = clamp(d.high.guess+by, most14)
	d.high.grow(growth2[two], highMost, highBits)
	d.high.follow(by)
	return low, high
}
