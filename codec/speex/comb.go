package speex

// The perceptual enhancement (Speex manual section 8.4): what repeats with the
// pitch is made stronger than what does not.

// fractions are the filters that interpolate between samples, a quarter apart.
var fractions = [3][7]float32{
	{-0.011915, 0.046995, -0.152373, 0.614108, 0.614108, -0.152373, 0.046995},
	{-0.0324855, 0.0859768, -0.2042986, 0.9640297, 0.2086420, -0.0302054, -0.0063646},
	{-0.0063646, -0.0302054, 0.2086420, 0.9640297, -0.2042986, 0.0859768, -0.0324855},
}

// comb enhances half a frame of the excitation, from at in the buffer on, into out.
func (d *narrowDecoder) comb(out []float32, at, pitch int, strength float32) {
	const longest = 40 // a pitch above it repeats once more rather than forwards
	var before, other [frameLen / 2]float32
	exc := d.buf[at : at+len(out)]
	d.like(&before, at, pitch)
	second, share0, share1 := -pitch, float32(.6), float32(.6)
	if pitch > longest {
		second, share0, share1 = 2*pitch, .7, .3
	}
	d.like(&other, at, second)

	level := sqrt(1 + dot(exc, exc))
	most := .4*strength + .07
	slope := .5 + 1.72*(most-.07)
	gain := func(like []float32) float32 {
		mag := sqrt(1000 + dot(like, like))
		corr := min(max(dot(like, exc), 0)/level/mag, 1)
		return most / max(1-slope*corr*corr, most) * level / mag
	}
	gain0, gain1 := share0*gain(before[:]), share1*gain(other[:])
	for i, v := range exc {
		out[i] = v + gain0*before[i] + gain1*other[i]
	}
	was, is := max(rms(exc), 1), max(rms(out), 1)
	same := min(was, is) / is
	for i := range out {
		out[i] *= same
	}
}

// like finds what is most like the excitation from at on, around a pitch before
// (behind, where negative), by quarters of a sample.
func (d *narrowDecoder) like(out *[frameLen / 2]float32, at, pitch int) {
	var corr [4][7]float32
	exc := d.buf[at : at+len(out)]
	for i := range corr[0] {
		from := at - pitch - 3 + i
		corr[0][i] = dot(exc, d.buf[from:from+len(out)])
	}
	bestPart, bestAt := 0, 0
	for i, c := range corr[0] {
		if c > corr[0][bestAt] {
			bestAt = i
		}
	}
	for part, f := range fractions {
		for j := range corr[0] {
			var sum float32
			for k := max(3-j, 0); k < min(10-j, 7); k++ {
				sum += f[k] * corr[0][j+k-3]
			}
			corr[part+1][j] = sum
			if sum > corr[bestPart][bestAt] {
				bestPart, bestAt = part+1, j
			}
		}
	}
	from := at - pitch + bestAt - 3
	if bestPart == 0 {
		copy(out[:], d.buf[from:])
		return
	}
	f := &fractions[bestPart-1]
	for i := range out {
		past := d.buf[from+i-3:][:7]
		out[i] = f[0]*past[0] + f[1]*past[1] + f[2]*past[2] + f[3]*past[3] + f[4]*past[4] + f[5]*past[5] + f[6]*past[6]
	}
}
