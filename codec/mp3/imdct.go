package mp3

import "math"

// An imdct has the windows and factors of the inverse MDCT of 18 lines, and of 6
// (ISO/IEC 11172-3 section 2.4.3.4.10).
//
// The 36 samples of 18 lines are those of a DCT-IV, y, some of them twice and with the other
// sign: y9...y17, -y17...-y9, -y8...-y0, -y0...-y8. And 2cos((2n+1)π/72) yn is the
// DCT-III of the sums of neighbouring lines, which falls into two of 9.
type imdct struct {
	// first and second are the halves of the windows by the kind of block, with the
	// factor and the sign of each sample.
	first, second [4][inBand]float32
	nine          [9]float32 // 1 / 2cos((2n+1)π/36)
	short         [6][6]float32
	shortWindow   [12]float32
}

func newIMDCT() *imdct {
	t := &imdct{}
	factor := func(n int) float64 { return 0.5 / math.Cos(math.Pi/72*float64(2*n+1)) }
	for kind := range t.first {
		for i := range inBand {
			up, down := windowAt(kind, i), windowAt(kind, inBand+i)
			if i < 9 {
				t.first[kind][i] = float32(up * factor(9+i))
				t.second[kind][i] = float32(-down * factor(8-i))
			} else {
				t.first[kind][i] = float32(-up * factor(26-i))
				t.second[kind][i] = float32(-down * factor(i-9))
			}
		}
	}
	for i := range t.nine {
		t.nine[i] = float32(0.5 / math.Cos(math.Pi/36*float64(2*i+1)))
	}
	for i := range 12 {
		t.shortWindow[i] = float32(math.Sin(math.Pi / 12 * (float64(i) + 0.5)))
	}
	for i := range t.short {
		for k := range t.short[i] {
			t.short[i][k] = float32(math.Cos(math.Pi / 6 * (float64(i) + 0.5) * (float64(k) + 0.5)))
		}
	}
	return t
}

// windowAt is the window of a kind of block that is not short, at a sample of 36.
func windowAt(kind, i int) float64 {
	if kind == blockStop {
		kind, i = blockStart, 2*inBand-1-i
	}
	switch {
	case kind == blockStart && i >= 30:
		return 0
	case kind == blockStart && i >= 24:
		return math.Sin(math.Pi / 12 * (float64(i) - 17.5))
	case kind == blockStart && i >= 18:
		return 1
	default:
		return math.Sin(math.Pi / 36 * (float64(i) + 0.5))
	}
}

// long transforms the lines x. out has first what goes on from before, and then
// the samples; later takes what goes on. In later, more is added to what there is.
func (t *imdct) long(x *[inBand]float32, kind uint8, out, later *[inBand]float32) {
	var even, odd [9]float32
	before, last := float32(0), float32(0)
	for m := range 9 {
		e, o := x[2*m]+before, x[2*m+1]+x[2*m]
		before = x[2*m+1]
		even[m], odd[m] = e, o+last
		last = o
	}
	dct9(&even)
	dct9(&odd)
	first, second := &t.first[kind&3], &t.second[kind&3]
	for n := range 9 {
		o := odd[n] * t.nine[n]
		a, b := even[n]+o, even[n]-o
		out[8-n] += b * first[8-n]
		out[9+n] += b * first[9+n]
		later[8-n] += a * second[8-n]
		later[9+n] += a * second[9+n]
	}
}

// blocks is long for three short blocks, whose lines are beside each other.
func (t *imdct) blocks(x *[inBand]float32, out, later *[inBand]float32) {
	var all [2 * inBand]float32
	for w := range 3 {
		var y [6]float32
		for n := range y {
			row := &t.short[n]
			y[n] = x[w]*row[0] + x[3+w]*row[1] + x[6+w]*row[2] + x[9+w]*row[3] + x[12+w]*row[4] + x[15+w]*row[5]
		}
		to := all[6+6*w:][:12]
		for i := range 3 {
			to[i] += y[3+i] * t.shortWindow[i]
			to[3+i] -= y[5-i] * t.shortWindow[3+i]
			to[6+i] -= y[2-i] * t.shortWindow[6+i]
			to[9+i] -= y[i] * t.shortWindow[9+i]
		}
	}
	for i := range inBand {
		out[i] += all[i]
		later[i] += all[inBand+i]
	}
}

// The cosines of multiples of 10 degrees.
const (
	cos10 = 0.984807753012208
	cos20 = 0.9396926207859084
	cos30 = 0.8660254037844387
	cos40 = 0.766044443118978
	cos50 = 0.6427876096865394
	cos70 = 0.3420201433256688
	cos80 = 0.17364817766693041
)

// dct9 is the DCT-III of 9 values: those of even index make what both ends have in
// common, the others what they have with opposite sign.
func dct9(a *[9]float32) {
	half := a[0] + a[6]/2
	s0 := half + cos20*a[2] + cos40*a[4] + cos80*a[8]
	s1 := a[0] - a[6] + (a[2]-a[4]-a[8])/2
	s2 := half - cos80*a[2] - cos20*a[4] + cos40*a[8]
	s3 := half - cos40*a[2] + cos80*a[4] - cos20*a[8]
	s4 := a[0] - a[2] + a[4] - a[6] + a[8]
	third := cos30 * a[3]
	d0 := cos10*a[1] + third + cos50*a[5] + cos70*a[7]
	d1 := cos30 * (a[1] - a[5] - a[7])
	d2 := cos50*a[1] - third - cos70*a[5] + cos10*a[7]
	d3 := cos70*a[1] - third + cos10*a[5] - cos50*a[7]
	*a = [9]float32{s0 + d0, s1 + d1, s2 + d2, s3 + d3, s4, s3 - d3, s2 - d2, s1 - d1, s0 - d0}
}
