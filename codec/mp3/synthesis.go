package mp3

import (
	"math"

	"gateway/codec"
)

// A synthesis is the filter bank that makes sound of bands (ISO/IEC 11172-3 section
// 2.4.3.2), of all 32 or of the lowest 16 or 8, for a rate that is as much lower: it is the
// whole one, with silence above, of which every second or fourth sample is kept.
//
// Each sample is a weighted sum of what the last 16 slots have left, in turn of the
// first and the second half of that. A slot's halves are kept with those of slots
// that have the same parity, newest first, twice behind each other, so that the
// eight that are wanted are always in a row.
type synthesis struct {
	bands   int
	kept    [2][2][bands][16]float32 // by parity, half, and sample
	newest  [2]int
	parity  int
	weights [2][bands][8]float32 // for halves, by sample
	cosines [bands]float32       // 1 / 2cos for each size of dct, from size/2 on
}

func newSynthesis(n int) *synthesis {
	s := &synthesis{bands: n}
	step := bands / n
	at := func(i int) float32 { // the window, in units of 16 bits
		sign := 1.0
		if i > 256 {
			if i = 512 - i; i%64 != 0 {
				sign = -1
			}
		}
		return float32(sign * float64(window[i]) / 2)
	}
	for j := range n {
		for i := range 8 {
			s.weights[0][j][i] = at(64*i + step*j)
			s.weights[1][j][i] = at(64*i + 32 + step*j)
		}
	}
	for size := 8; size <= n; size *= 2 {
		for i := range size / 2 {
			s.cosines[size/2+i] = float32(0.5 / math.Cos(math.Pi*float64(2*i+1)/float64(2*size)))
		}
	}
	return s
}

// slot takes one value of each band and appends as many samples.
func (s *synthesis) slot(pcm []int16, x *[bands]float32) []int16 {
	n := s.bands
	s.dct(x[:n])
	s.keep(x)
	now, before := s.parity, 1-s.parity
	s.parity = before
	first, second := s.newest[now]&7, s.newest[before]&7
	firsts, seconds := &s.kept[now][0], &s.kept[before][1]
	for j := range n {
		a := (*[8]float32)(firsts[j][first:])
		b := (*[8]float32)(seconds[j][second:])
		u, v := &s.weights[0][j], &s.weights[1][j]
		low := a[0]*u[0] + a[1]*u[1] + a[2]*u[2] + a[3]*u[3]
		high := a[4]*u[4] + a[5]*u[5] + a[6]*u[6] + a[7]*u[7]
		low += b[0]*v[0] + b[1]*v[1] + b[2]*v[2] + b[3]*v[3]
		high += b[4]*v[4] + b[5]*v[5] + b[6]*v[6] + b[7]*v[7]
		pcm = append(pcm, codec.Sample(low+high))
	}
	return pcm
}

// keep puts the transformed values of a slot where the next sixteen find them. The
// matrix of the book has cos((n/2+i)(2k+1)π/2n) for i up to 2n: all are values of the
// DCT, or their negatives.
func (s *synthesis) keep(x *[bands]float32) {
	n := s.bands
	at := (s.newest[s.parity] - 1) & 7
	s.newest[s.parity] = at
	kept := &s.kept[s.parity]
	put := func(half, j int, v float32) {
		k := &kept[half][j]
		k[at], k[at+8] = v, v
	}
	for i := range n / 2 {
		put(0, i, x[n/2+i])
		put(1, i, -x[n/2-i])
		put(1, n/2+i, -x[i])
	}
	put(0, n/2, 0)
	for i := 1; i < n/2; i++ {
		put(0, n/2+i, -x[n-i])
	}
}

// dct is the DCT-II of x, by halves: sums make the even values, differences the odd
// ones, each of which is the sum of two neighbours.
func (s *synthesis) dct(x []float32) {
	n := len(x)
	if n == 4 {
		dct4((*[4]float32)(x))
		return
	}
	var both [bands]float32
	even, odd := both[:n/2], both[n/2:n]
	c := s.cosines[n/2:][:n/2]
	for i := range even {
		a, b := x[i], x[n-1-i]
		even[i], odd[i] = a+b, (a-b)*c[i]
	}
	s.dct(even)
	s.dct(odd)
	for i := range n/2 - 1 {
		x[2*i], x[2*i+1] = even[i], odd[i]+odd[i+1]
	}
	x[n-2], x[n-1] = even[n/2-1], odd[n/2-1]
}

func dct4(x *[4]float32) {
	const c1, c2, c3 = 0.9238795325112867, math.Sqrt2 / 2, 0.3826834323650898 // of π/8, π/4, 3π/8
	outer, inner := x[0]+x[3], x[1]+x[2]
	u, v := x[0]-x[3], x[1]-x[2]
	*x = [4]float32{outer + inner, c1*u + c3*v, c2 * (outer - inner), c3*u - c1*v}
}
