package aac

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gateway/codec/codectest"
	"gateway/codec/resample"
)

// config is that of AAC-LC at a row of rates.
func config(row, channels int) Config {
	c, err := ParseConfig([]byte{byte(typeLC<<3 | row>>1), byte(row<<7 | channels<<3)})
	if err != nil {
		panic(err)
	}
	return c
}

func decode(t testing.TB, d *Decoder, units [][]byte) (pcm []int16) {
	t.Helper()
	for i, u := range units {
		var err error
		if pcm, err = d.Decode(pcm, u); err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
	}
	return pcm
}

// vectors are files of what FFmpeg has made and heard.
var vectors = []struct {
	file   string
	config Config
}{{"testdata/voice48.txt", config(3, 1)}, {"testdata/joint22.txt", config(7, 2)}}

func TestItDecodesAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		units, want := codectest.Vector(t, v.file)
		got := decode(t, NewDecoder(v.config, 0), units)
		if len(got) != len(want) {
			t.Errorf("%s: %d samples, not %d", v.file, len(got), len(want))
		}
		for i := range want {
			if d := int(got[i]) - int(want[i]); d < -1 || d > 1 {
				t.Fatalf("%s: sample %d is %d, not %d", v.file, i, got[i], want[i])
			}
		}
	}
}

// kinds are all kinds of access units, at some rates.
func kinds() (all []codectest.AACKind) {
	for _, row := range []int{0, 2, 3, 4, 5, 6, 8, 11, 12} {
		all = append(all, codectest.AACKind{Row: row}, codectest.AACKind{Row: row, Pair: true},
			codectest.AACKind{Row: row, Pair: true, Common: true})
	}
	return all
}

// some are units of a kind.
func some(k codectest.AACKind, n int) (units [][]byte) {
	m := codectest.AACMaker{Kind: k, Random: rand.New(rand.NewPCG(7, uint64(k.Row)))}
	for range n {
		units = append(units, m.Unit())
	}
	return units
}

// brought brings sound to a rate.
func brought(t *testing.T, pcm []int16, from, to int) []int16 {
	t.Helper()
	if from == to {
		return pcm
	}
	r, err := resample.New(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r.Append(nil, pcm)
}

// between gives, of sound at the rate times step, that in the middle between each step samples, as far
// as it lies below the rate's half: by a long windowed sinc.
func between(pcm []int16, step int, edge float64) []int16 {
	const reach = 48 // samples on either side, at the lower rate
	out := make([]int16, len(pcm)/step)
	for i := range out {
		at := (float64(i)+0.5)*float64(step) - 0.5
		sum := 0.0
		for k := max(0, int(at)-reach*step); k < min(len(pcm), int(at)+reach*step); k++ {
			x := (float64(k) - at) / float64(step)
			w := math.Cos(math.Pi / 2 * x / (reach + 1))
			sum += float64(pcm[k]) * w * w * w * w * edge * sinc(edge*x)
		}
		out[i] = int16(math.Round(sum / float64(step)))
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func TestALowerRateIsThatOfTheWholeSound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ vector, wanted, step int }{{0, 8000, 4}, {0, 16000, 2}, {1, 8000, 2}} {
		v := vectors[row.vector]
		units, _ := codectest.Vector(t, v.file)
		d := NewDecoder(v.config, row.wanted)
		less, whole := decode(t, d, units), decode(t, NewDecoder(v.config, 0), units)
		if len(less)*row.step != len(whole) || d.Rate()*row.step != v.config.Rate {
			t.Fatalf("%s: %d samples of %d", v.file, len(less), len(whole))
		}
		// What is compared is what is heard: both as a call has them.
		want := brought(t, between(whole, row.step, 1), d.Rate(), row.wanted)
		if dB := codectest.Error(want, brought(t, less, d.Rate(), row.wanted)); dB < 60 {
			t.Errorf("%s for %d: it is %.1f dB from what it ought to be", v.file, row.wanted, dB)
		}
	}
}

func TestMalformedUnitsAreRefused(t *testing.T) {
	t.Parallel()
	units, want := codectest.Vector(t, vectors[0].file)
	for name, bad := range map[string][]byte{
		"nothing":        {},
		"an end":         {0xe0},
		"cut off":        units[1][:20],
		"coupling":       {2 << 5, 0, 0, 0, 0},
		"fill without":   {6<<5 | 0x1e, 0xff},
		"too long":       make([]byte, MaxUnit+1),
		"ADTS cut off":   {0xff, 0xf1, 0x4c, 0x40, 0x40, 0x1f, 0xfc, 0},
		"ADTS of more":   {0xff, 0xf1, 0x4c, 0x40, 0x01, 0x1f, 0xfd, 0},
		"mask of kind 3": {1<<5 | 1, 0, 0x18, 0, 0},
	} {
		d := NewDecoder(vectors[0].config, 0)
		before := decode(t, d, units[:3])
		pcm, err := d.Decode(nil, bad)
		if len(pcm) > 0 || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %d samples, %v", name, len(pcm), err)
		}
		after := decode(t, d, units[3:])
		if dB := codectest.Error(want, append(before, after...)); dB < 60 {
			t.Errorf("%s: later it is %.1f dB from what it ought to be", name, dB)
		}
	}
}

func TestTheRateIsTheLowestThatWillDo(t *testing.T) {
	t.Parallel()
	for _, row := range [][3]int{
		{96000, 8000, 12000}, {44100, 8000, 11025}, {48000, 8000, 12000}, {32000, 8000, 8000}, {22050, 8000, 11025},
		{11025, 8000, 11025}, {44100, 16000, 22050}, {48000, 48000, 48000}, {44100, 0, 44100}, {64000, 8000, 8000},
	} {
		if got := Rate(row[0], row[1]); got != row[2] {
			t.Errorf("%d for %d: %d, not %d", row[0], row[1], got, row[2])
		}
	}
	for _, k := range kinds() {
		channels := 1
		if k.Pair {
			channels = 2
		}
		for _, wanted := range []int{0, 8000, 16000, 48000} {
			d := NewDecoder(config(k.Row, channels), wanted)
			if pcm := decode(t, d, some(k, 8)); len(pcm) != 8*d.Samples() || d.Samples()*rates[k.Row] != lines*d.Rate() {
				t.Errorf("%+v: %d samples at %d", k, len(pcm), d.Rate())
			}
		}
	}
}

func TestWhatIsOfNoUseIsPassedOver(t *testing.T) {
	t.Parallel()
	units, want := codectest.Vector(t, vectors[0].file)
	// Before the sound: a program's configuration of two channels with a comment, data of another stream, a
	// fill element. Bits behind the elements make up bytes.
	for name, head := range map[string]string{
		"configuration": "101" + "0000" + "01" + "0011" + "0001" + "0000" + "0000" + "00" + "000" + "0000" + "0" + "0" + "0" + "00000" + "000000" +
			"00000001" + "01010101",
		"data": "100" + "0000" + "1" + "00000010" + "1111111111111111",
		"fill": "110" + "0010" + "0000000000000000",
	} {
		var changed [][]byte
		for _, u := range units {
			bits := head
			for _, b := range u {
				bits += fmt.Sprintf("%08b", b)
			}
			changed = append(changed, packed(bits))
		}
		if dB := codectest.Error(want, decode(t, NewDecoder(vectors[0].config, 0), changed)); dB < 60 {
			t.Errorf("%s: it is %.1f dB from what it ought to be", name, dB)
		}
	}
}

// packed makes bytes of bits.
func packed(text string) []byte {
	out := make([]byte, (len(text)+7)/8)
	for i, c := range text {
		out[i/8] |= byte(c-'0') << (7 - i%8)
	}
	return out
}

func TestTheUpperPartOfHEAACIsPassedOver(t *testing.T) {
	t.Parallel()
	units, want := codectest.Vector(t, vectors[1].file)
	var changed [][]byte
	for i, u := range units {
		changed = append(changed, codectest.AACWith(u[adtsHeader:], byte(13+i%2), slices.Repeat([]byte{0xa5}, 10*i)))
	}
	if dB := codectest.Error(want, decode(t, NewDecoder(vectors[1].config, 0), changed)); dB < 60 {
		t.Errorf("it is %.1f dB from what it ought to be", dB)
	}
}

func TestNothingIsAllocatedForAUnit(t *testing.T) {
	for _, v := range vectors {
		units, _ := codectest.Vector(t, v.file)
		for _, wanted := range []int{0, 8000} {
			d := NewDecoder(v.config, wanted)
			pcm := decode(t, d, units)
			n := 0
			if got := testing.AllocsPerRun(100, func() {
				n++
				if _, err := d.Decode(pcm[:0], units[n%len(units)]); err != nil {
					t.Fatal(err)
				}
			}); got > 0 {
				t.Errorf("%.1f allocations", got)
			}
		}
	}
}
