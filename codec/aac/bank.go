package aac

import (
	"math"

	"gateway/codec"
)

// A bank makes sound of lines (ISO/IEC 14496-3 section 4.6.11), at the whole rate or a part of it.
type bank struct {
	size        int // samples in a block
	long, short *mdct
	// The windows as they rise, sines and Kaiser-Bessel derived ones: of long blocks, of
	// short ones, and of long ones beside those.
	longs, shorts, steep [2][]float32
	out, later           []float32 // what is heard now, and what goes on into the next block
	y                    []float32
	all                  []float32 // of short blocks
}

// newBank makes one for the whole rate divided by step.
func newBank(step int) *bank {
	n := lines / step
	b := &bank{
		size: n, long: newMDCT(n, 1./lines), short: newMDCT(n/windows, 1./shortLine),
		out: make([]float32, n), later: make([]float32, n), y: make([]float32, n), all: make([]float32, 2*n),
	}
	b.longs = [2][]float32{sine(n), kaiser(lines, step, 4)}
	b.shorts = [2][]float32{sine(n / windows), kaiser(shortLine, step, 6)}
	for i, s := range b.shorts {
		w := make([]float32, n)
		at := n/2 - len(s)/2
		copy(w[at:], s)
		for k := at + len(s); k < n; k++ {
			w[k] = 1
		}
		b.steep[i] = w
	}
	return b
}

func sine(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(math.Sin(math.Pi / float64(2*n) * (float64(i) + 0.5)))
	}
	return w
}

// kaiser is a Kaiser-Bessel derived window of n samples, of which step become one: in the middle
// between two, its power is half that of both.
func kaiser(n, step int, alpha float64) []float32 {
	sums := make([]float64, n+1) // up to each sample
	for i := range sums {
		x := float64(2*i)/float64(n) - 1
		sums[i] = bessel(math.Pi * alpha * math.Sqrt(1-x*x))
		if i > 0 {
			sums[i] += sums[i-1]
		}
	}
	w := make([]float32, n/step)
	for i := range w {
		low, high := step*i, step*i
		if step > 1 {
			low, high = step*i+step/2-1, step*i+step/2
		}
		w[i] = float32(math.Sqrt((sums[low] + sums[high]) / 2 / sums[n]))
	}
	return w
}

// bessel is the modified Bessel function of the first kind, of order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-18*sum; k++ {
		term *= x / 2 / k * (x / 2 / k)
		sum += term
	}
	return sum
}

// begin begins a block: with what goes on from before.
func (b *bank) begin() {
	b.out, b.later = b.later, b.out
	clear(b.later)
}

func (b *bank) windows(all *[2][]float32, kaiser bool) []float32 {
	if kaiser {
		return all[1]
	}
	return all[0]
}

// add adds the sound of a block's lines. before: the window of the block before it fell as
// a Kaiser-Bessel derived one.
func (b *bank) add(s *shape, before bool, v *[lines]float32) {
	if s.sequence == eightShort {
		b.addShort(s, before, v)
		return
	}
	b.long.transform(b.y, v[:])
	rising, falling := &b.longs, &b.longs
	switch s.sequence {
	case longStart:
		falling = &b.steep
	case longStop:
		rising = &b.steep
	}
	half := b.size / 2
	overlap(b.out, b.later, b.y, b.windows(rising, before), b.windows(falling, s.kaiser), half)
}

// overlap adds both halves of a block of 2n samples, which y has as a DCT-IV, half is n/2, to
// what is first and what is later.
func overlap(first, later, y, rise, fall []float32, half int) {
	n := 2 * half
	first, later, y, rise, fall = first[:n], later[:n], y[:n], rise[:n], fall[:n]
	for i, v := range y[half:n] {
		first[i] += rise[i] * v
		first[n-1-i] -= rise[n-1-i] * v
	}
	for i := range half {
		v := y[half-1-i]
		later[i] -= fall[n-1-i] * v
		later[n-1-i] -= fall[i] * v
	}
}

// addShort is add for eight short blocks, which overlap in the middle of a long one.
func (b *bank) addShort(s *shape, before bool, v *[lines]float32) {
	n := b.size / windows
	clear(b.all)
	at := (b.size - n) / 2
	rise, fall := b.windows(&b.shorts, before), b.windows(&b.shorts, s.kaiser)
	for w := range windows {
		b.short.transform(b.y, v[w*shortLine:])
		overlap(b.all[at:], b.all[at+n:], b.y, rise, fall, n/2)
		at += n
		rise = fall
	}
	for i := range b.size {
		b.out[i] += b.all[i]
		b.later[i] += b.all[b.size+i]
	}
}

// sound appends the block's sound.
func (b *bank) sound(pcm []int16) []int16 {
	for _, v := range b.out {
		pcm = append(pcm, codec.Sample(v))
	}
	return pcm
}
