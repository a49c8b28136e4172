package resample

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

var rates = []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000}

// forPairs runs f for every pair of rates.
func forPairs(t *testing.T, f func(t *testing.T, from, to int)) {
	t.Helper()
	for _, from := range rates {
		for _, to := range rates {
			t.Run(fmt.Sprintf("%d to %d", from, to), func(t *testing.T) {
				t.Parallel()
				f(t, from, to)
			})
		}
	}
}

func mustNew(t testing.TB, from, to int) *Resampler {
	t.Helper()
	r, err := New(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const loud = 16384

// tone is n samples of a tone.
func tone(hz float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(loud * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// fit finds how loud a tone is in pcm, and the mean square of what else is there.
func fit(pcm []int16, hz, rate float64) (amplitude, rest float64) {
	// Least squares for a sine, a cosine and a constant.
	var m [3][4]float64
	basis := func(i int) [3]float64 {
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / rate)
		return [3]float64{s, c, 1}
	}
	for i, y := range pcm {
		b := basis(i)
		for r := range 3 {
			for c := range 3 {
				m[r][c] += b[r] * b[c]
			}
			m[r][3] += b[r] * float64(y)
		}
	}
	for r := range 3 {
		for o := range 3 {
			if o != r {
				q := m[o][r] / m[r][r]
				for c := range 4 {
					m[o][c] -= q * m[r][c]
				}
			}
		}
	}
	x := [3]float64{m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]}
	for i, y := range pcm {
		b := basis(i)
		e := float64(y) - x[0]*b[0] - x[1]*b[1] - x[2]*b[2]
		rest += e * e
	}
	return math.Hypot(x[0], x[1]), rest / float64(len(pcm))
}

func dB(power float64) float64 { return 10 * math.Log10(power) }

// steady is what comes of a tone, without the beginning.
func steady(r *Resampler, hz float64) []int16 {
	out := r.Append(nil, tone(hz, r.from, r.from/20))
	return out[2*r.Delay()+2:]
}

func TestWhatIsHeardPassesAsItIs(t *testing.T) {
	t.Parallel()
	forPairs(t, func(t *testing.T, from, to int) {
		low := float64(min(from, to))
		for _, part := range []float64{0.05, 0.29, 0.43} {
			hz := part * low
			got, rest := fit(steady(mustNew(t, from, to), hz), hz, float64(to))
			if gain := dB(got * got / loud / loud); math.Abs(gain) > 0.1 {
				t.Errorf("%.0f Hz: %.2f dB", hz, gain)
			}
			if noise := dB(rest / (loud * loud / 2)); noise > -75 {
				t.Errorf("%.0f Hz: what is added is %.1f dB", hz, noise)
			}
		}
	})
}

func TestWhatTheLowerRateCantHoldIsKeptOut(t *testing.T) {
	t.Parallel()
	forPairs(t, func(t *testing.T, from, to int) {
		for part := 0.54; part*float64(to) < 0.499*float64(from); part += 0.37 {
			hz := part * float64(to)
			_, rest := fit(steady(mustNew(t, from, to), hz), 1000, float64(to))
			if level := dB(rest / (loud * loud / 2)); level > -75 {
				t.Errorf("%.0f Hz comes back with %.1f dB", hz, level)
			}
		}
	})
}

func TestItDoesNotMatterHowItIsCut(t *testing.T) {
	t.Parallel()
	forPairs(t, func(t *testing.T, from, to int) {
		in := tone(700, from, 2000)
		whole := mustNew(t, from, to).Append(nil, in)
		for _, size := range []int{1, 7, 160, 441, 1500} {
			r := mustNew(t, from, to)
			var got []int16
			for part := range slices.Chunk(in, size) {
				got = r.Append(got, part)
			}
			if !slices.Equal(got, whole) {
				t.Errorf("in parts of %d it is another", size)
			}
		}
	})
}

func TestItIsAsLongAsItWas(t *testing.T) {
	t.Parallel()
	forPairs(t, func(t *testing.T, from, to int) {
		r := mustNew(t, from, to)
		in, got := make([]int16, from/100), 0
		var out []int16
		for range 200 {
			out = r.Append(out[:0], in)
			got += len(out)
		}
		if want := 200 * len(in) * to / from; got < want || got > want+1 {
			t.Errorf("%d samples, want %d", got, want)
		}
	})
}

func TestWholeFramesStayWhole(t *testing.T) {
	t.Parallel()
	for _, from := range []int{8000, 16000, 24000, 32000, 48000} {
		for _, to := range []int{8000, 16000, 24000, 32000, 48000} {
			r := mustNew(t, from, to)
			for i := range 20 {
				if n := len(r.Append(nil, make([]int16, from/50))); n != to/50 {
					t.Fatalf("%d to %d: frame %d has %d samples", from, to, i, n)
				}
			}
		}
	}
}

func TestRatesWithNothingInCommonAreTurnedIntoEachOther(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]int{{44101, 8000}, {8000, 47999}, {16001, 16000}} {
		r := mustNew(t, pair[0], pair[1])
		if r.filter.rows != nil {
			t.Errorf("%v: weights for %d places", pair, r.places)
		}
		got, rest := fit(steady(r, 440), 440, float64(pair[1]))
		if gain := dB(got * got / loud / loud); math.Abs(gain) > 0.1 {
			t.Errorf("%v: %.2f dB", pair, gain)
		}
		if noise := dB(rest / (loud * loud / 2)); noise > -75 {
			t.Errorf("%v: what is added is %.1f dB", pair, noise)
		}
	}
}

func TestTooLoudIsAsLoudAsCanBe(t *testing.T) {
	t.Parallel()
	in := make([]int16, 1600)
	for i := range in {
		in[i] = 1<<15 - 1
		if i/8%2 == 0 {
			in[i] = -1 << 15
		}
	}
	out := mustNew(t, 8000, 48000).Append(nil, in)
	if slices.Max(out) != 1<<15-1 || slices.Min(out) != -1<<15 {
		t.Errorf("%d to %d", slices.Min(out), slices.Max(out))
	}
	for i := 1; i < len(out); i++ {
		if step := int(out[i]) - int(out[i-1]); step > 40000 || step < -40000 {
			t.Fatalf("from %d to %d: it wraps", out[i-1], out[i])
		}
	}
}

func TestTheDelayIsWhatItSays(t *testing.T) {
	t.Parallel()
	forPairs(t, func(t *testing.T, from, to int) {
		in := make([]int16, 2000)
		in[500] = 20000
		r := mustNew(t, from, to)
		out := r.Append(nil, in)
		at := slices.Index(out, slices.Max(out))
		if want := (500*to+from/2)/from + r.Delay(); at < want-1 || at > want+1 {
			t.Errorf("at %d, want %d", at, want)
		}
	})
}

func TestItNeedsNoMemoryAsItGoes(t *testing.T) {
	in, out := tone(440, 44100, 4410), make([]int16, 0, 10000)
	r := mustNew(t, 44100, 48000)
	if n := testing.AllocsPerRun(20, func() { out = r.Append(out[:0], in) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRatesAreBounded(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]int{{0, 8000}, {8000, 0}, {-1, 8000}, {8000, 1 << 40}, {7000, 8000}} {
		if _, err := New(pair[0], pair[1]); err == nil {
			t.Errorf("%v: no error", pair)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, pair := range [][2]int{{8000, 16000}, {8000, 48000}, {48000, 8000}, {44100, 8000}, {11025, 8000}, {44100, 48000}} {
		b.Run(fmt.Sprintf("%d to %d", pair[0], pair[1]), func(b *testing.B) {
			r := mustNew(b, pair[0], pair[1])
			in := tone(440, pair[0], pair[0]/50)
			var out []int16
			for b.Loop() {
				out = r.Append(out[:0], in)
			}
			b.ReportMetric(float64(b.N)/50/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}
