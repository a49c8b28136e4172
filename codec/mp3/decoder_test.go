package mp3

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gateway/codec/codectest"
)

func decode(t testing.TB, d *Decoder, frames [][]byte) (pcm []int16) {
	t.Helper()
	for i, f := range frames {
		var err error
		if pcm, err = d.Decode(pcm, f); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	return pcm
}

var vectors = []string{"testdata/low8.txt", "testdata/low22.txt", "testdata/joint48.txt", "testdata/intensity48.txt", "testdata/intensity22.txt"}

func TestItDecodesAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	for _, file := range vectors {
		frames, want := codectest.Vector(t, file)
		got := decode(t, NewDecoder(0), frames)
		if len(got) != len(want) {
			t.Errorf("%s: %d samples, not %d", file, len(got), len(want))
		}
		for i := range want {
			if d := int(got[i]) - int(want[i]); d < -1 || d > 1 {
				t.Fatalf("%s: sample %d is %d, not %d", file, i, got[i], want[i])
			}
		}
	}
}

func TestHeadersAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		b    []byte
		want Header
	}{
		{[]byte{0xff, 0xfb, 0x90, 0xc0}, Header{Rate: 44100, Channels: 1, Samples: 1152, Size: 417}},
		{[]byte{0xff, 0xfa, 0x92, 0x00}, Header{Rate: 44100, Channels: 2, Samples: 1152, Size: 418}},
		{[]byte{0xff, 0xfb, 0xe8, 0x70}, Header{Rate: 32000, Channels: 2, Samples: 1152, Size: MaxFrame - 1}},
		{[]byte{0xff, 0xf3, 0x44, 0xc0}, Header{Rate: 24000, Channels: 1, Samples: 576, Size: 96}},
		{[]byte{0xff, 0xe3, 0x18, 0xc0}, Header{Rate: 8000, Channels: 1, Samples: 576, Size: 72}},
	} {
		h, ok := ParseHeader(row.b)
		got := Header{Rate: h.Rate, Channels: h.Channels, Samples: h.Samples, Size: h.Size}
		if !ok || got != row.want {
			t.Errorf("%x: %+v, %v", row.b, got, ok)
		}
	}
	for _, b := range [][]byte{
		nil, {0xff, 0xfb, 0x90}, {0xff, 0xfd, 0x90, 0}, {0xfe, 0xfb, 0x90, 0}, {0xff, 0xeb, 0x90, 0}, // layer II, no frame, no version
		{0xff, 0xfb, 0x00, 0}, {0xff, 0xfb, 0xf0, 0}, {0xff, 0xfb, 0x9c, 0}, // free format, no bit rate, no rate
	} {
		if h, ok := ParseHeader(b); ok {
			t.Errorf("%x: %v", b, h)
		}
	}
}

func TestTagsArePassedOver(t *testing.T) {
	t.Parallel()
	frame := "\xff\xfb\x90\xc0"
	for _, row := range []struct {
		text string
		want int
	}{
		{"", 0}, {frame, 0}, {"ID3", 0}, {"TAG" + frame, 0},
		{"ID3\x04\x00\x00\x00\x00\x00\x05title" + frame, 15},
		{"ID3\x04\x00\x10\x00\x00\x00\x053DI\x04\x00\x00\x00\x00\x00\x05title" + frame, 25},
		{"ID3\x03\x00\x00\x00\x00\x00\x00ID3\x04\x00\x00\x00\x00\x00\x01x" + frame, 21},
		{"ID3\x03\x00\x00\x00\x00\x01\x00" + frame, 14}, // of 128 bytes there are four
		{"ID3\x03\x00\x00\x7f\x7f\x7f\x7f" + frame, 14},
		{"ID3\x03\x00\x00\x00\x00\x80\x00" + frame, 0}, // no length
	} {
		if got := TagSize([]byte(row.text)); got != row.want {
			t.Errorf("%q: %d, not %d", row.text, got, row.want)
		}
	}
}

// kinds are all kinds of frames that there are.
func kinds() (all []codectest.MP3Kind) {
	for _, version := range []int{3, 2, 0} {
		for rate := range 3 {
			for ext := range 7 {
				k := codectest.MP3Kind{Version: version, Rate: rate, Mode: 1, Extension: ext}
				if ext > 3 {
					k.Mode, k.Extension, k.Mixed = 3*(ext&1), 0, ext == 6
				}
				all = append(all, k)
			}
		}
	}
	return all
}

func TestOfALowerRateEverySecondSampleIsTheSame(t *testing.T) {
	t.Parallel()
	for _, wide := range []int{8, 16} {
		full, less := newHybrid(bands), newHybrid(wide)
		r := rand.New(rand.NewPCG(1, uint64(wide)))
		var a, b samples
		var want, got []int16
		for range 40 {
			g := granule{block: uint8(r.IntN(4)), mixed: r.IntN(2) == 0}
			long, _ := g.shape(false)
			// The band at the edge is left out: what it has spreads into the one above.
			top := 18 * (wide - 2)
			var v, w [lines]float32
			for i := range top {
				v[i] = float32(r.NormFloat64() * 0.01)
			}
			w = v
			full.begin(&a)
			full.add(&a, &g, &bandWidths[0], long, &v, top)
			less.begin(&b)
			less.add(&b, &g, &bandWidths[0], long, &w, top)
			want, got = full.sound(want, &a), less.sound(got, &b)
		}
		step := bands / wide
		loudest := 0
		for i := range got {
			if d := int(got[i]) - int(want[i*step]); d < -1 || d > 1 {
				t.Fatalf("%d bands: sample %d is %d, not %d", wide, i, got[i], want[i*step])
			}
			loudest = max(loudest, int(got[i]))
		}
		if loudest < 1000 {
			t.Errorf("%d bands: no louder than %d", wide, loudest)
		}
	}
}

// loudness is how loud a line of long blocks is heard.
func loudness(h *hybrid, line int) float64 {
	var s samples
	sum, n := 0.0, 0
	for k := range 30 {
		var v [lines]float32
		v[line] = 0.1
		h.begin(&s)
		h.add(&s, &granule{}, &bandWidths[0], longBands, &v, line+1)
		for _, x := range h.sound(nil, &s) {
			if k > 4 {
				sum += float64(x) * float64(x)
				n++
			}
		}
	}
	return math.Sqrt(sum / float64(n))
}

func TestWhatIsAboveALowerRateDoesNotFoldBack(t *testing.T) {
	t.Parallel()
	for _, wide := range []int{8, 16} {
		edge := wide * inBand
		heard := loudness(newHybrid(wide), edge/2)
		for _, line := range []int{edge + inBand, edge + 3*inBand, lines - 1} {
			if l := loudness(newHybrid(wide), line); l > heard/1e4 {
				t.Errorf("%d bands: line %d is as loud as %.1f, where others are %.1f", wide, line, l, heard)
			}
		}
	}
}

func TestTheRateIsTheLowestThatWillDo(t *testing.T) {
	t.Parallel()
	for _, row := range [][3]int{
		{44100, 8000, 11025}, {48000, 8000, 12000}, {32000, 8000, 8000}, {22050, 8000, 11025}, {11025, 8000, 11025},
		{44100, 16000, 22050}, {48000, 48000, 48000}, {44100, 0, 44100}, {16000, 8000, 8000}, {8000, 8000, 8000},
	} {
		if got := Rate(row[0], row[1]); got != row[2] {
			t.Errorf("%d for %d: %d, not %d", row[0], row[1], got, row[2])
		}
	}
	for _, k := range kinds() {
		m := codectest.MP3Maker{Kind: k, Random: rand.New(rand.NewPCG(1, 2))}
		for _, wanted := range []int{8000, 16000, 48000} {
			d, whole := NewDecoder(wanted), NewDecoder(0)
			for range 8 {
				f := m.Frame()
				less, err := d.Decode(nil, f)
				if err != nil {
					t.Fatal(err)
				}
				all, err := whole.Decode(nil, f)
				if err != nil {
					t.Fatal(err)
				}
				if len(less)*whole.Rate() != len(all)*d.Rate() {
					t.Fatalf("%+v: %d samples at %d, %d at %d", k, len(less), d.Rate(), len(all), whole.Rate())
				}
			}
		}
	}
}

func TestAFrameThatBeganBeforeUsIsSilent(t *testing.T) {
	t.Parallel()
	frames, want := codectest.Vector(t, "testdata/low22.txt")
	var s side
	h, _ := ParseHeader(frames[3])
	at, size := h.body()
	if err := s.read(&h, frames[3][at:at+size]); err != nil || s.begin == 0 {
		t.Fatalf("this one does not begin before itself: %d, %v", s.begin, err)
	}
	got := decode(t, NewDecoder(0), frames[3:])
	per := h.Samples
	if loudest := slices.Max(got[:per]); loudest > 0 {
		t.Errorf("as loud as %d", loudest)
	}
	if dB := codectest.Error(want[8*per:], got[5*per:]); dB < 60 {
		t.Errorf("later it is %.1f dB from what it ought to be", dB)
	}
}

func TestMalformedFramesAreRefused(t *testing.T) {
	t.Parallel()
	frames, want := codectest.Vector(t, "testdata/low8.txt")
	// Behind the header stand 8 bits of begin, a private one, 12 of the length, 9 of the pairs.
	big := slices.Clone(frames[1])
	big[6], big[7] = big[6]|7, big[7]|0xfc
	for i, bad := range [][]byte{nil, frames[1][:20], frames[1][1:], big} {
		d := NewDecoder(0)
		before := decode(t, d, frames[:1])
		if pcm, err := d.Decode(nil, bad); err == nil || len(pcm) > 0 {
			t.Errorf("frame %d: %d samples, %v", i, len(pcm), err)
		}
		after := decode(t, d, frames[1:])
		if dB := codectest.Error(want[4*576:], append(before, after...)[4*576:]); dB < 60 {
			t.Errorf("frame %d: later it is %.1f dB from what it ought to be", i, dB)
		}
	}
	// For two channels of MPEG-1, 20 bits stand before the length.
	frames, _ = codectest.Vector(t, "testdata/joint48.txt")
	long := slices.Clone(frames[0])
	long[6], long[7] = long[6]|0x0f, 0xff
	if pcm, err := NewDecoder(0).Decode(nil, long); err == nil || len(pcm) > 0 {
		t.Errorf("more than there is: %d samples, %v", len(pcm), err)
	}
}

func TestNothingIsAllocatedForAFrame(t *testing.T) {
	frames, _ := codectest.Vector(t, "testdata/joint48.txt")
	for _, wanted := range []int{0, 8000} {
		d := NewDecoder(wanted)
		pcm := decode(t, d, frames)
		n := 0
		if got := testing.AllocsPerRun(100, func() {
			n++
			if _, err := d.Decode(pcm[:0], frames[n%len(frames)]); err != nil {
				t.Fatal(err)
			}
		}); got > 0 {
			t.Errorf("%.1f allocations", got)
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	t.Parallel()
	for i, c := range codes {
		sum := 0.0
		for _, l := range c.lengths {
			sum += math.Exp2(-float64(l-'a') - 1)
		}
		if sum != 1 || len(c.values) != 2*len(c.lengths) {
			t.Errorf("table %d: %d values, of %d lengths that add up to %v", i, len(c.values)/2, len(c.lengths), sum)
		}
	}
	for i, w := range bandWidths {
		long, short := 0, 0
		for _, n := range w.long {
			long += int(n)
		}
		for _, n := range w.short {
			short += 3 * int(n)
		}
		if long != lines || short != lines {
			t.Errorf("row %d: bands of %d and %d lines", i, long, short)
		}
	}
}
