package nellymoser

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"gateway/codec/codectest"
)

// lagged is the generator from which FFmpeg takes the signs of the noise: with it
// both decoders give the same.
type lagged struct {
	state [64]uint32
	at    uint32
}

func newLagged() *lagged {
	g := &lagged{}
	var sum [md5.Size]byte
	for i := 8; i < len(g.state); i += 4 {
		clear(sum[:4])
		sum[4] = byte(i)
		sum = md5.Sum(sum[:])
		for k := range 4 {
			g.state[i+k] = binary.LittleEndian.Uint32(sum[4*k:])
		}
	}
	return g
}

func (g *lagged) next() uint32 {
	v := g.state[(g.at-24)&63] + g.state[(g.at-55)&63]
	g.state[g.at&63] = v
	g.at++
	return v
}

// vector is what FFmpeg's encoder and decoder made.
func vector(t testing.TB) (blocks []byte, sound []int16) {
	t.Helper()
	payloads, sound := codectest.Vector(t, "testdata/vector.txt")
	return bytes.Join(payloads, nil), sound
}

func TestItDecodesAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	blocks, want := vector(t)
	d := NewDecoder()
	d.sign = newLagged().next
	got, err := d.Decode(nil, blocks)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d samples, not %d: %v", len(got), len(want), err)
	}
	for i := range got {
		if d := int(got[i]) - int(want[i]); d < -1 || d > 1 {
			t.Fatalf("sample %d is %d, not %d", i, got[i], want[i])
		}
	}
	if dB := codectest.Error(want, got); dB < 75 {
		t.Errorf("%.1f dB", dB)
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000, 22050, 44100} {
		e, d := NewEncoder(), NewDecoder()
		want := codectest.Voice(rate, 60*Samples)
		var blocks []byte
		var err error
		for pcm := range slices.Chunk(want, Samples) {
			if blocks, err = e.Encode(blocks, pcm); err != nil {
				t.Fatal(err)
			}
		}
		if len(blocks) != 60*BlockSize {
			t.Fatalf("%d bytes", len(blocks))
		}
		got, err := d.Decode(nil, blocks)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d samples: %v", len(got), err)
		}
		if dB := codectest.Error(want[:len(want)-half], got[half:]); dB < 15 {
			t.Errorf("at %d: %.1f dB", rate, dB)
		}
	}
}

func TestBlocksBesideEachOtherAreTheSameAsOneByOne(t *testing.T) {
	t.Parallel()
	blocks, _ := vector(t)
	want, err := NewDecoder().Decode(nil, blocks)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder()
	var got []int16
	for b := range slices.Chunk(blocks, BlockSize) {
		if got, err = d.Decode(got, b); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Error("another sound")
	}
}

func TestWhatIsNotOfWholeBlocksIsSaidSo(t *testing.T) {
	t.Parallel()
	blocks, _ := vector(t)
	for _, row := range []struct {
		size, samples int
		err           error
	}{{0, 0, ErrPartial}, {1, 0, ErrPartial}, {64, 256, nil}, {65, 256, ErrPartial}, {127, 256, ErrPartial}, {128, 512, nil}} {
		d := NewDecoder()
		pcm, err := d.Decode(nil, blocks[:row.size])
		if len(pcm) != row.samples || !errors.Is(err, row.err) {
			t.Errorf("%d bytes: %d samples, %v", row.size, len(pcm), err)
		}
	}
	if out, err := NewEncoder().Encode([]byte{1}, make([]int16, 255)); err == nil || len(out) != 1 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestLoudestAndSilentSoundStaysSound(t *testing.T) {
	t.Parallel()
	e, d := NewEncoder(), NewDecoder()
	square := make([]int16, Samples)
	for i := range square {
		square[i] = 1<<15 - 1
		if i/20%2 == 0 {
			square[i] = -1 << 15
		}
	}
	for i := range 20 {
		pcm := square
		if i >= 10 {
			pcm = make([]int16, Samples)
		}
		out, err := e.Encode(nil, pcm)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Decode(nil, out)
		if err != nil {
			t.Fatal(err)
		}
		if loudest := slices.Max(got); i >= 2 && i < 10 && loudest < 20000 || i >= 12 && loudest > 30 {
			t.Errorf("block %d is as loud as %d", i, loudest)
		}
	}
}

func TestTheTransformIsADCT(t *testing.T) {
	t.Parallel()
	tr := newTransform()
	var v [half]float32
	for i := range v {
		v[i] = float32(math.Sin(float64(i*i)) * 1000)
	}
	got := v
	tr.dct(&got)
	for k := range got {
		want := 0.0
		for n, x := range v {
			want += float64(x) * math.Cos(math.Pi/half*(float64(n)+0.5)*(float64(k)+0.5))
		}
		if math.Abs(want-float64(got[k])) > 0.05 {
			t.Fatalf("coefficient %d is %f, not %f", k, got[k], want)
		}
	}
}

func TestTheTransformAndItsInverseChangeNothing(t *testing.T) {
	t.Parallel()
	tr := newTransform()
	var older, tail [half]float32
	for round := range 20 {
		var newer, v [half]float32
		for i := range newer {
			newer[i] = float32(math.Sin(float64(round*half+i)*0.37) * 10000)
		}
		tr.forward(&v, &older, &newer)
		for i := range v {
			v[i] /= half / 2
		}
		tr.inverse(&v, &tail)
		for i := range v {
			if math.Abs(float64(v[i]-older[i])) > 0.05 {
				t.Fatalf("sample %d of block %d is %f, not %f", i, round, v[i], older[i])
			}
		}
		older = newer
	}
}

func TestBitsGoFromTheLeastToTheMost(t *testing.T) {
	t.Parallel()
	var b block
	b.put(0, 6, 0x3f)
	b.put(62, 5, 0x15)
	b.put(506, 6, 0x2a)
	raw := b.append(nil)
	if raw[0] != 0x3f || raw[7] != 0x40 || raw[8] != 0x05 || raw[63] != 0x2a<<2 {
		t.Errorf("%x", raw)
	}
	back := readBlock(raw)
	if back != b || back.get(0, 6) != 0x3f || back.get(62, 5) != 0x15 || back.get(506, 6) != 0x2a || back.get(512, 6) != 0 {
		t.Errorf("%x", back)
	}
}

func TestItNeedsNoMemoryAsItGoes(t *testing.T) {
	blocks, sound := vector(t)
	d, e := NewDecoder(), NewEncoder()
	pcm, out := make([]int16, 0, len(sound)), make([]byte, 0, BlockSize)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := d.Decode(pcm[:0], blocks); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Encode(out[:0], sound[:Samples]); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzBlocks: any bits are a sound, and of the same bits the same, and no transform
// reads the bits of the other.
func FuzzBlocks(f *testing.F) {
	blocks, _ := vector(f)
	f.Add(blocks[:BlockSize], blocks[5*BlockSize:6*BlockSize])
	f.Add(bytes.Repeat([]byte{0xff}, BlockSize), make([]byte, BlockSize))
	f.Add([]byte{0x3f, 0, 0, 0}, bytes.Repeat([]byte{0x1f, 0xe0}, 33))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 1<<12 {
			return
		}
		d := NewDecoder()
		for _, payload := range [][]byte{a, b, a} {
			pcm, err := d.Decode(nil, payload)
			if len(pcm) != len(payload)/BlockSize*Samples || (err == nil) != (len(payload) > 0 && len(payload)%BlockSize == 0) {
				t.Errorf("%d samples of %d bytes: %v", len(pcm), len(payload), err)
			}
		}
		if len(a) < BlockSize {
			return
		}
		block := readBlock(a)
		levels := block.levels()
		each, cut, last := allocate(&levels)
		if cut < 0 || cut > sent || last < 0 || last > mostBits {
			t.Errorf("%v, %d, %d", each, cut, last)
		}
	})
}

func BenchmarkNellymoser(b *testing.B) {
	blocks, sound := vector(b)
	minute := func(b *testing.B, samples int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(samples)*8000*60/1e6, "ms/minute")
	}
	b.Run("decode", func(b *testing.B) {
		d := NewDecoder()
		pcm := make([]int16, 0, len(sound))
		for b.Loop() {
			if _, err := d.Decode(pcm, blocks); err != nil {
				b.Fatal(err)
			}
		}
		minute(b, len(sound))
	})
	b.Run("encode", func(b *testing.B) {
		e := NewEncoder()
		out := make([]byte, 0, BlockSize)
		for b.Loop() {
			if _, err := e.Encode(out, sound[4*Samples:5*Samples]); err != nil {
				b.Fatal(err)
			}
		}
		minute(b, Samples)
	})
}
