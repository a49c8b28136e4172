package peer

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// mix is the sum of two sounds of one rate.
func mix(a, b Sound, partOfB float64) Sound {
	s := Sound{Rate: a.Rate, Samples: make([]int16, min(len(a.Samples), len(b.Samples)))}
	for i := range s.Samples {
		s.Samples[i] = int16(float64(a.Samples[i]) + partOfB*float64(b.Samples[i]))
	}
	return s
}

func noise(d time.Duration, amplitude int) Sound {
	r := rand.New(rand.NewPCG(1, 2))
	s := Tone(0, d)
	for i := range s.Samples {
		s.Samples[i] = int16(r.IntN(2*amplitude+1) - amplitude)
	}
	return s
}

// ulawed is what mu-law makes of a sound.
func ulawed(s Sound) Sound {
	out := Sound{Rate: s.Rate}
	for _, v := range s.Samples {
		out.Samples = append(out.Samples, fromULaw(toULaw(v)))
	}
	return out
}

func TestPitchIsFoundByItsFrequencyOnly(t *testing.T) {
	t.Parallel()
	second := time.Second
	for _, row := range []struct {
		name  string
		sound Sound
		hz    float64
		share float64
		want  time.Duration
	}{
		{"the tone itself", Tone(ToneA, second), ToneA, 0.99, second},
		{"another tone", Tone(ToneA, second), ToneB, 0.01, 0},
		{"its octave", Tone(ToneA, second), 2 * ToneA, 0.01, 0},
		{"20 Hz beside", Tone(ToneA, second), ToneA + 20, 0.05, 0},
		{"through mu-law", ulawed(Tone(ToneB, second)), ToneB, 0.99, second},
		{"silence", Tone(0, second), ToneA, 0.01, 0},
		{"noise", noise(second, 3000), ToneA, 0.2, 0},
		{"faint noise", noise(second, 20), ToneA, 0, 0},
		{"in noise", mix(Tone(ToneA, second), noise(second, 3000), 1), ToneA, 0.8, second},
		{"the weaker of two", mix(Tone(ToneA, second), Tone(ToneD, second), 0.3), ToneD, 0.05, second},
		{"the weaker of two is not the sound", mix(Tone(ToneA, second), Tone(ToneD, second), 0.3), ToneD, 0.5, 0},
		{"nothing at all", Sound{}, ToneA, 0, 0},
	} {
		if got := row.sound.Lasts(row.hz, row.share); got != row.want {
			t.Errorf("%s: lasts %v, want %v", row.name, got, row.want)
		}
	}
}

func TestToneIsMeasuredInTime(t *testing.T) {
	t.Parallel()
	s := Tone(0, time.Second)
	s.Samples = append(s.Samples, Tone(ToneA, 500*time.Millisecond).Samples...)
	s.Samples = append(s.Samples, Tone(ToneB, 250*time.Millisecond).Samples...)
	if a, b, silent := s.Lasts(ToneA, 0.9), s.Lasts(ToneB, 0.9), s.Silent(); a != 500*time.Millisecond || b != 250*time.Millisecond || silent != time.Second {
		t.Errorf("%v of A, %v of B, %v of silence", a, b, silent)
	}
	if got := s.Tail(500*time.Millisecond).Lasts(ToneA, 0.9); got != 250*time.Millisecond {
		t.Errorf("the tail has %v of A", got)
	}
	if s.Long() != 1750*time.Millisecond {
		t.Errorf("it is %v long", s.Long())
	}
}

func TestWAVIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tone.wav")
	if err := Tone(ToneC, time.Second).WriteWAV(file); err != nil {
		t.Fatal(err)
	}
	s, err := ReadWAV(file)
	if err != nil || s.Rate != 8000 || s.Lasts(ToneC, 0.99) != time.Second {
		t.Errorf("%d Hz, %v of the tone, %v", s.Rate, s.Lasts(ToneC, 0.99), err)
	}
}

func FuzzWAV(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00LIST\x03\x00\x00\x00abc\x00data\x00\x00\x00\x00\x01\x00\x02\x00\x03\x00"))
	f.Add([]byte("RIFFxxxxWAVE"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseWAV(raw)
		if err == nil && (s.Rate <= 0 || 2*len(s.Samples) > len(raw)) {
			t.Errorf("%d samples at %d Hz from %d bytes", len(s.Samples), s.Rate, len(raw))
		}
	})
}
