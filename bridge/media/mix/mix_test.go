package mix

import (
	"math"
	"slices"
	"testing"
)

const (
	rate  = 16000
	frame = rate / 50
)

// tone is n samples of a pitch, from the sample at on.
func tone(pitch float64, at, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*pitch*float64(at+i)/rate))
	}
	return pcm
}

// loudness is how much of a pitch there is: of a tone as above about 6000.
func loudness(pcm []int16, pitch float64) float64 {
	var re, im float64
	for i, s := range pcm {
		a := 2 * math.Pi * pitch * float64(i) / rate
		re += float64(s) * math.Cos(a)
		im += float64(s) * math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

// TestEachHearsTheOthers, and not itself.
func TestEachHearsTheOthers(t *testing.T) {
	t.Parallel()
	pitches := []float64{400, 700, 1100}
	m := New(len(pitches), frame)
	heard := make([][]int16, len(pitches))
	for n := range 55 {
		for i, p := range pitches {
			if m.Put(i, tone(p, n*frame, frame)) > 0 {
				t.Error("samples were dropped")
			}
		}
		m.Next(func(i int, pcm []int16, _ bool) { heard[i] = append(heard[i], pcm...) })
	}
	for i, pcm := range heard {
		pcm = pcm[5*frame:]
		for k, p := range pitches {
			if l := loudness(pcm, p); i == k && l > 60 || i != k && (l < 5900 || l > 6100) {
				t.Errorf("party %d hears %.0f of party %d", i, l, k)
			}
		}
	}
}

// TestLoudSoundIsClipped, and does not wrap around.
func TestLoudSoundIsClipped(t *testing.T) {
	t.Parallel()
	m := New(3, 2)
	for i := range 3 {
		m.Put(i, []int16{30000, -30000, 30000, -30000, 30000, -30000})
	}
	m.Next(func(i int, pcm []int16, _ bool) {
		if !slices.Equal(pcm, []int16{math.MaxInt16, math.MinInt16}) {
			t.Errorf("party %d hears %v", i, pcm)
		}
	})
}

// TestWhoSaysMoreThanIsHeardIsCut: what waits is bounded, and the newest is kept.
func TestWhoSaysMoreThanIsHeardIsCut(t *testing.T) {
	t.Parallel()
	m := New(2, 10)
	dropped := 0
	for n := range 1000 {
		pcm := make([]int16, 10)
		for i := range pcm {
			pcm[i] = int16(n)
		}
		dropped += m.Put(0, pcm)
		if got := len(m.voices[0].waiting); got > most*10 {
			t.Fatalf("%d samples wait", got)
		}
	}
	m.Next(func(i int, pcm []int16, _ bool) {
		if i == 1 && pcm[0] < 1000-most {
			t.Errorf("it is heard as it was %d frames ago", 1000-int(pcm[0]))
		}
	})
	if left := len(m.voices[0].waiting); dropped+left+10 != 10000 {
		t.Errorf("of 10000 samples %d were dropped, %d wait", dropped, left)
	}
}

// TestWhoFallsSilentGetsACushionAgain, so that each frame that comes a little late is not a gap.
func TestWhoFallsSilentGetsACushionAgain(t *testing.T) {
	t.Parallel()
	m := New(2, 1)
	hears := func() (got int16) {
		m.Next(func(i int, pcm []int16, _ bool) {
			if i == 1 {
				got = pcm[0]
			}
		})
		return got
	}
	var all []int16
	for n := range 11 {
		if n < 4 || n > 7 {
			m.Put(0, []int16{int16(n + 1)})
		}
		all = append(all, hears())
	}
	if want := []int16{0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 9}; !slices.Equal(all, want) {
		t.Errorf("heard %v, want %v", all, want)
	}
}

// TestWhoHearsSomebody: who is spoken to is told from who is not.
func TestWhoHearsSomebody(t *testing.T) {
	t.Parallel()
	m := New(3, 1)
	said := func() (all []bool) {
		m.Next(func(_ int, _ []int16, spoken bool) { all = append(all, spoken) })
		return all
	}
	for _, row := range []struct {
		speaks []int
		want   []bool
	}{
		{nil, []bool{false, false, false}},
		{[]int{1}, []bool{true, false, true}},
		{[]int{0, 2}, []bool{true, true, true}},
	} {
		for _, i := range row.speaks {
			m.Put(i, make([]int16, cushion))
		}
		if got := said(); !slices.Equal(got, row.want) {
			t.Errorf("%v speak, heard is %v, want %v", row.speaks, got, row.want)
		}
		for range cushion {
			said()
		}
	}
}

// TestAFrameCostsNoMemory, once queues have grown to what is needed.
func TestAFrameCostsNoMemory(t *testing.T) {
	m := New(3, frame)
	pcm := tone(400, 0, frame)
	give := func(int, []int16, bool) {}
	turn := func() {
		for i := range 3 {
			m.Put(i, pcm)
		}
		m.Next(give)
	}
	for range 2 * most {
		turn()
	}
	if n := testing.AllocsPerRun(100, turn); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
