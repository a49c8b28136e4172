package speex

import (
	"encoding/hex"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"gateway/codec"
)

var _ codec.Decoder = (*Decoder)(nil)

// A vector is frames that another encoder has made, and what another decoder has
// made of them.
type vector struct {
	rate    int
	payload []byte
	samples []int16
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	return vectorsOf(tb, "testdata/vectors.txt")
}

func vectorsOf(tb testing.TB, file string) []vector {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		var v vector
		if v.rate, err = strconv.Atoi(fields[0]); err != nil {
			tb.Fatal(err)
		}
		if v.payload, err = hex.DecodeString(fields[1]); err != nil {
			tb.Fatal(err)
		}
		for _, f := range fields[2:] {
			n, err := strconv.ParseInt(f, 10, 16)
			if err != nil {
				tb.Fatal(err)
			}
			v.samples = append(v.samples, int16(n))
		}
		all = append(all, v)
	}
	return all
}

// snr is by how many decibels want is above what got differs from it.
func snr(want, got []int16) float64 {
	var signal, noise float64
	for i, w := range want {
		d := float64(w) - float64(got[i])
		signal += float64(w) * float64(w)
		noise += d * d
	}
	return 10 * math.Log10(signal/(noise+1e-3))
}

func mustDecoder(tb testing.TB, rate int) *Decoder {
	tb.Helper()
	d, err := NewDecoder(rate)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestEveryModeSoundsAsTheReferenceSaysIt(t *testing.T) {
	t.Parallel()
	modes := map[[3]int]bool{}
	for _, v := range vectors(t) {
		pcm, err := mustDecoder(t, v.rate).Decode(nil, v.payload)
		n := v.rate / 50
		if err != nil || len(pcm) != 6*n {
			t.Fatalf("%d: %d samples, %v", v.rate, len(pcm), err)
		}
		var last []int16
		for i := 5 * n; i < 6*n; i += 8 {
			last = append(last, pcm[i])
		}
		r := bitReader{data: v.payload}
		f, _, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		modes[[3]int{f.narrow, f.layers[0].mode, f.layers[1].mode}] = true
		if got := snr(v.samples, last); got < 45 {
			t.Errorf("%d, mode %d %v: %.1f dB\n%v\n%v", v.rate, f.narrow, f.layers, got, v.samples, last)
		}
	}
	for narrow := 1; narrow < len(narrowModes); narrow++ {
		if !modes[[3]int{narrow, 0, 0}] {
			t.Errorf("no frames in mode %d", narrow)
		}
	}
	if len(modes) != 13 {
		t.Errorf("modes %v", modes)
	}
}

func TestLayersAreTakenAsFarAsTheyAreWanted(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		low, err := AppendNarrow(nil, v.payload)
		if err != nil {
			t.Fatal(err)
		}
		want, err := mustDecoder(t, 8000).Decode(nil, low)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mustDecoder(t, 8000).Decode(nil, v.payload)
		if err != nil || len(got) != 6*frameLen || snr(want, got) < 80 {
			t.Errorf("a narrowband decoder hears %d samples, %v, other than without the layers", len(got), err)
		}
		for _, rate := range []int{16000, 32000} {
			wide, err := mustDecoder(t, rate).Decode(nil, low)
			if err != nil || len(wide) != 6*rate/50 {
				t.Errorf("narrow frames at %d: %d samples, %v", rate, len(wide), err)
			}
			if loud(wide) < loud(want)/2 || loud(wide) > loud(want)*2 {
				t.Errorf("narrow frames at %d are of %.0f, at 8000 of %.0f", rate, loud(wide), loud(want))
			}
		}
	}
}

// loud is the root mean square of pcm.
func loud(pcm []int16) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func TestALossSoundsAsTheReferenceSaysIt(t *testing.T) {
	t.Parallel()
	for _, v := range vectorsOf(t, "testdata/lost.txt") {
		d := mustDecoder(t, v.rate)
		if _, err := d.Decode(nil, v.payload); err != nil {
			t.Fatal(err)
		}
		pcm := d.Conceal(nil, 2*d.frameLen())
		var last []int16
		for i := d.frameLen(); i < len(pcm); i += 8 {
			last = append(last, pcm[i])
		}
		if got := snr(v.samples, last); got < 40 {
			t.Errorf("%d: %.1f dB\n%v\n%v", v.rate, got, v.samples, last)
		}
	}
}

func TestALossFadesAndIsForgotten(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		d := mustDecoder(t, v.rate)
		before, err := d.Decode(nil, v.payload)
		if err != nil {
			t.Fatal(err)
		}
		n := v.rate / 50
		before = before[4*n:]
		lost := d.Conceal(nil, n/2)
		if len(lost) != n/2 {
			t.Fatalf("%d samples in place of %d", len(lost), n/2)
		}
		for i := 1; len(lost) < 60*n; i++ {
			was := len(lost)
			if lost = d.Conceal(lost, i); len(lost) != was+i {
				t.Fatalf("%d samples in place of %d", len(lost)-was, i)
			}
		}
		if at := loud(lost[:n]); at < loud(before)/30 || at > 2*loud(before) {
			t.Errorf("%d: what is made up is of %.0f, what was before of %.0f", v.rate, at, loud(before))
		}
		if at := loud(lost[50*n:]); at > 10 {
			t.Errorf("%d: after a second it is of %.0f", v.rate, at)
		}
		for range 3 {
			if before, err = d.Decode(before[:0], v.payload); err != nil {
				t.Fatal(err)
			}
		}
		fresh := mustDecoder(t, v.rate)
		var want []int16
		for range 4 {
			if want, err = fresh.Decode(want[:0], v.payload); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := loud(before), loud(want); a < b/2 || a > 2*b {
			t.Errorf("%d: after the loss it is of %.0f, without of %.0f", v.rate, a, b)
		}
	}
}

func TestSilenceGoesOnAsTheSenderLeftIt(t *testing.T) {
	t.Parallel()
	// Mode 1 with 15 at its end: the sender will stop (Speex manual section 4.1).
	var w bitWriter
	w.write(1, modeBits)
	for _, field := range [][2]int{{0, 6}, {0, 6}, {0, 6}, {30, 7}, {0, 4}, {12, 5}, {15, 4}} {
		w.write(field[0], field[1])
	}
	w.pad()
	for _, rate := range []int{8000, 16000, 32000} {
		d := mustDecoder(t, rate)
		var last []int16
		for range 5 {
			var err error
			if last, err = d.Decode(last[:0], w.data); err != nil {
				t.Fatal(err)
			}
		}
		if !d.narrow.silence {
			t.Fatal("the decoder has not heard of the silence")
		}
		on := d.Conceal(nil, 50*d.frameLen())
		if a, b := loud(on[40*d.frameLen():]), loud(last); a < b/4 || a > 4*b {
			t.Errorf("%d: a second on it is of %.0f, before of %.0f", rate, a, b)
		}
	}
}

func TestNoPayloadMakesADecoderDeaf(t *testing.T) {
	t.Parallel()
	good := vectors(t)[5]
	want, err := mustDecoder(t, 8000).Decode(nil, good.payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors(t) {
		d := mustDecoder(t, v.rate)
		bad := make([]byte, len(v.payload))
		for seed := range 40 {
			copy(bad, v.payload)
			for i := range bad {
				bad[i] ^= byte((i*i*7 + seed*seed*13 + i*seed) >> 2 * (seed % 4))
			}
			if pcm, err := d.Decode(nil, bad); err == nil && len(pcm) == 0 {
				t.Fatal("neither sound nor an error")
			}
		}
		d.Conceal(nil, 50*d.frameLen())
		var pcm []int16
		for range 20 {
			if pcm, err = d.Decode(pcm[:0], good.payload); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := loud(pcm), loud(want); a < b/3 || a > 3*b {
			t.Errorf("%d: what is good is of %.0f after what is bad, and should be of %.0f", v.rate, a, b)
		}
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	for _, v := range vectors(t) {
		d := mustDecoder(t, v.rate)
		pcm := make([]int16, 0, 6*v.rate/50)
		if n := testing.AllocsPerRun(20, func() {
			if _, err := d.Decode(pcm, v.payload); err != nil {
				t.Fatal(err)
			}
			d.Conceal(pcm, 300)
		}); n != 0 {
			t.Errorf("%d: %v allocations", v.rate, n)
		}
	}
}
