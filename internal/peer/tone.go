package peer

import (
	"math"
	"time"
)

// A Sound is mono PCM: what a phone says or has heard.
type Sound struct {
	Rate    int // samples in a second
	Samples []int16
}

// Tones that are told apart with ease, in Hz: each has a whole number of
// periods in a window of 50 ms, and none is another's harmonic.
const (
	ToneA = 440
	ToneB = 620
	ToneC = 740
	ToneD = 1060 // for who has no business in a call
)

const (
	toneRate = 8000
	toneLoud = 8000 // amplitude; loud, and far from clipping
	// toneWindow is what a pitch is looked for in at a time.
	toneWindow = 50 * time.Millisecond
	// hush is the mean square below which a window is silence: comfort noise,
	// and what a codec makes of nothing.
	hush = 100 * 100
)

// Tone is a sine of hz that lasts d.
func Tone(hz float64, d time.Duration) Sound { return ToneAt(toneRate, hz, d) }

// ToneAt is a Tone of so many samples a second.
func ToneAt(rate int, hz float64, d time.Duration) Sound {
	s := Sound{Rate: rate, Samples: make([]int16, int(d.Seconds()*float64(rate)))}
	for i := range s.Samples {
		s.Samples[i] = int16(math.Round(toneLoud * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return s
}

// Long is how long the sound is.
func (s Sound) Long() time.Duration {
	if s.Rate == 0 {
		return 0
	}
	return time.Duration(len(s.Samples)) * time.Second / time.Duration(s.Rate)
}

// Lasts is how long hz is heard in all, in windows of 50 ms: those that are no
// silence and of whose energy at least the share (0 to 1) is at hz. A tone by
// itself has more than 0.9 of it, in whatever codec.
func (s Sound) Lasts(hz, share float64) time.Duration {
	var d time.Duration
	s.windows(func(w []int16) {
		if e := energy(w); e > hush*float64(len(w)) && goertzel(w, hz/float64(s.Rate))/e >= share {
			d += toneWindow
		}
	})
	return d
}

// Silent is how long the sound is none, in windows of 50 ms.
func (s Sound) Silent() time.Duration {
	var d time.Duration
	s.windows(func(w []int16) {
		if energy(w) <= hush*float64(len(w)) {
			d += toneWindow
		}
	})
	return d
}

// Tail is the last d of the sound.
func (s Sound) Tail(d time.Duration) Sound {
	n := min(len(s.Samples), int(d.Seconds()*float64(s.Rate)))
	return Sound{Rate: s.Rate, Samples: s.Samples[len(s.Samples)-n:]}
}

// windows calls f with each whole window.
func (s Sound) windows(f func([]int16)) {
	n := int(toneWindow.Seconds() * float64(s.Rate))
	if n == 0 {
		return
	}
	for i := 0; i+n <= len(s.Samples); i += n {
		f(s.Samples[i : i+n])
	}
}

// energy is the sum of the squares.
func energy(w []int16) (e float64) {
	for _, v := range w {
		e += float64(v) * float64(v)
	}
	return e
}

// goertzel is the energy of w at the frequency, a part of the sampling rate
// from 0 to 0.5, by Goertzel's recurrence: for a sine of that frequency it is
// the whole energy.
func goertzel(w []int16, frequency float64) float64 {
	k := 2 * math.Cos(2*math.Pi*frequency)
	var s1, s2 float64
	for _, v := range w {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - k*s1*s2
	return 2 * power / float64(len(w))
}
