package sound

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gateway/codec"
	"gateway/codec/codectest"
)

// power is the mean square of pcm.
func power(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum / float64(len(pcm))
}

// steepest is the greatest step from one sample to the next.
func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		d := int(pcm[i]) - int(pcm[i-1])
		most = max(most, d, -d)
	}
	return most
}

func TestAGapIsFilledWithWhatWasHeard(t *testing.T) {
	t.Parallel()
	for _, f := range both() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			e, d := mustMake(t, f, Setting{Rate: 16000})
			want := codectest.Voice(e.Rate(), e.Rate()/2)
			var got []int16
			k := 0
			for pcm := range slices.Chunk(want[:len(want)/e.Frame()*e.Frame()], e.Frame()) {
				payload, err := e.Encode(nil, pcm)
				if err != nil {
					t.Fatal(err)
				}
				if k++; k%10 == 0 {
					before := len(got)
					got = d.Conceal(got, e.Frame())
					if n := len(got) - before; n != e.Frame() {
						t.Fatalf("%d samples, not %d", n, e.Frame())
					}
					if p, was := power(got[before:]), power(got[before-e.Frame():before]); p < was/20 || p > was*4 {
						t.Errorf("frame %d: power %.0f after %.0f", k, p, was)
					}
					continue
				}
				if got, err = d.Decode(got, payload); err != nil {
					t.Fatal(err)
				}
			}
			if s, most := steepest(got), 2*steepest(want); s > most {
				t.Errorf("a step of %d, more than %d", s, most)
			}
		})
	}
}

func TestALongGapFadesAway(t *testing.T) {
	t.Parallel()
	for _, f := range both() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			e, d := mustMake(t, f, Setting{Rate: 16000})
			var got []int16
			for pcm := range slices.Chunk(codectest.Voice(e.Rate(), 20*e.Frame()), e.Frame()) {
				payload, err := e.Encode(nil, pcm)
				if err != nil {
					t.Fatal(err)
				}
				if got, err = d.Decode(got, payload); err != nil {
					t.Fatal(err)
				}
			}
			long := d.Conceal(nil, e.Rate())
			if p, was := power(long[len(long)*9/10:]), power(got); p > was/1000 {
				t.Errorf("after a second power is %.0f, of %.0f", p, was)
			}
			for _, n := range []int{0, 1, 7, 441} {
				if got := len(d.Conceal(nil, n)); got != n {
					t.Errorf("%d samples of %d", got, n)
				}
			}
		})
	}
}

func TestAToneGoesOnInAGap(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 11025, 16000, 44100, 48000} {
		for _, hz := range []float64{100, 150, 217, 440, 1000} {
			t.Run(fmt.Sprintf("%d/%.0f", rate, hz), func(t *testing.T) {
				t.Parallel()
				tone := make([]int16, rate/5)
				for i := range tone {
					tone[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
				}
				c := newConcealer(rate)
				half, n := len(tone)/2, rate/100
				c.heard(tone[:half])
				if dB := codectest.SNR(tone[half:half+n], c.Conceal(nil, n), 0); dB < 12 {
					t.Errorf("it goes on with %.1f dB", dB)
				}
			})
		}
	}
}

func TestALossIsMendedFromTheNextPacket(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			mended, concealed := lossy(t, rate, true), lossy(t, rate, false)
			if mended < concealed+3 {
				t.Errorf("%.1f dB with the next packet, %.1f dB without", mended, concealed)
			}
		})
	}
}

// lossy is the signal to noise ratio beside the same stream without losses, of
// the frames that were lost.
func lossy(t *testing.T, rate int, mend bool) float64 {
	t.Helper()
	f := audio("opus", 48000, 2)
	f.Params = "useinbandfec=1"
	e, whole := mustMake(t, f, Setting{Rate: rate, Loss: 20, Bitrate: 24000})
	_, d := mustMake(t, f, Setting{Rate: rate})
	r, ok := d.(codec.Recoverer)
	if !ok {
		t.Fatal("no Recoverer")
	}
	var want, got, scratch []int16
	k, lost := 0, false
	for pcm := range slices.Chunk(codectest.Voice(e.Rate(), 70*e.Frame()), e.Frame()) {
		payload, err := e.Encode(nil, pcm)
		if err != nil {
			t.Fatal(err)
		}
		before := len(scratch)
		if scratch, err = whole.Decode(scratch, payload); err != nil {
			t.Fatal(err)
		}
		if lost {
			if mend {
				got = r.Recover(got, e.Frame(), payload)
			} else {
				got = d.Conceal(got, e.Frame())
			}
		}
		k++
		if lost = k%7 == 6; lost {
			want = append(want, scratch[before:]...)
			continue
		}
		if _, err = d.Decode(nil, payload); err != nil {
			t.Fatal(err)
		}
	}
	return codectest.SNR(want, got, 0)
}
