// Package codectest is what the tests of sound codecs have in common.
package codectest

import "math"

// Voice is n samples of something like a vowel: a pitch with harmonics, up to 3.5
// kHz at most, that drifts and swells.
func Voice(rate, n int) []int16 {
	pcm := make([]int16, n)
	phase := 0.0
	for i := range pcm {
		t := float64(i) / float64(rate)
		phase += (140 + 25*math.Sin(2*math.Pi*0.7*t)) / float64(rate)
		s := 0.0
		for h := 1; h <= 20; h++ {
			s += math.Sin(2*math.Pi*float64(h)*phase+float64(h*h)) / float64(h)
		}
		pcm[i] = int16(5000 * s * (0.6 + 0.4*math.Sin(2*math.Pi*3*t)))
	}
	return pcm
}

// SNR is how far, in dB, what is wrong with got stands below want. Got may be late by
// up to late samples, and louder or softer: what suits it best counts.
func SNR(want, got []int16, late int) float64 {
	best := math.Inf(-1)
	for by := range late + 1 {
		n := min(len(want), len(got)-by)
		if n <= 0 {
			break
		}
		var ww, wg, gg float64
		for i := range n {
			w, g := float64(want[i]), float64(got[i+by])
			ww, wg, gg = ww+w*w, wg+w*g, gg+g*g
		}
		if gg == 0 {
			continue
		}
		best = max(best, 10*math.Log10(ww/max(1e-9, ww-wg*wg/gg)))
	}
	return best
}

// Error is how far, in dB, the difference of got stands below want: neither delay nor loudness
// is adapted.
func Error(want, got []int16) float64 {
	var signal, wrong float64
	for i := range min(len(want), len(got)) {
		d := float64(want[i]) - float64(got[i])
		signal += float64(want[i]) * float64(want[i])
		wrong += d * d
	}
	return 10 * math.Log10(signal/max(1e-9, wrong))
}
