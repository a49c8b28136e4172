package aac

import (
	"errors"
	"math"
	"slices"
	"testing"

	"gateway/codec/aac/codebook"
)

// configs are AudioSpecificConfigs and what they say.
var configs = []struct {
	name, bytes string
	want        Config
	err         error
}{
	{name: "LC", bytes: "\x12\x10", want: Config{Rate: 44100, Channels: 2, row: 4}},
	{name: "7350 Hz", bytes: "\x16\x08", want: Config{Rate: 7350, Channels: 1, row: 12}},
	{name: "a rate of its own", bytes: "\x17\x80\x5b\xcc\x08", want: Config{Rate: 47000, Channels: 1, row: 3}},
	{name: "a core coder", bytes: "\x11\x8a\x00\x00", want: Config{Rate: 48000, Channels: 1, row: 3}},
	{name: "SBR before", bytes: "\x2b\x8a\x08\x00", want: Config{Rate: 22050, Channels: 1, SBR: true, row: 7}},
	{name: "PS before", bytes: "\xeb\x8a\x08\x00", want: Config{Rate: 22050, Channels: 1, SBR: true, PS: true, row: 7}},
	{name: "SBR behind", bytes: "\x13\x88\x56\xe5\xa0", want: Config{Rate: 22050, Channels: 1, SBR: true, row: 7}},
	{name: "both behind", bytes: "\x13\x88\x56\xe5\xa5\x48\x80", want: Config{Rate: 22050, Channels: 1, SBR: true, PS: true, row: 7}},
	{name: "nothing", err: ErrMalformed},
	{name: "cut off", bytes: "\x12", err: ErrMalformed},
	{name: "no such rate", bytes: "\x16\x90", err: ErrMalformed},
	{name: "a rate of 0", bytes: "\x17\x80\x00\x00\x08", err: ErrMalformed},
	{name: "Main", bytes: "\x0a\x10", err: ErrUnsupported},
	{name: "LD", bytes: "\xba\x10", err: ErrUnsupported},
	{name: "USAC", bytes: "\xf9\x46\x40", err: ErrUnsupported},
	{name: "960 samples", bytes: "\x12\x14", err: ErrUnsupported},
	{name: "six channels", bytes: "\x12\x30", err: ErrUnsupported},
	{name: "channels told elsewhere", bytes: "\x12\x00", err: ErrUnsupported},
}

func TestConfigsAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range configs {
		got, err := ParseConfig([]byte(row.bytes))
		if !errors.Is(err, row.err) || err == nil && got != row.want {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
	}
}

func TestRatesOfTheirOwnHaveTheNearestTables(t *testing.T) {
	t.Parallel()
	for i, rate := range rates[:12] {
		if rowOf(rate) != i {
			t.Errorf("%d: row %d", rate, rowOf(rate))
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	t.Parallel()
	for i, c := range append(codebook.Spectral[:], codebook.Scale) {
		sum := 0.0
		for _, l := range c.Lengths {
			sum += math.Exp2(-float64(l-'a') - 1)
		}
		if sum != 1 || len(c.Values)%len(c.Lengths) != 0 {
			t.Errorf("code %d: %d digits, of %d lengths that add up to %v", i+1, len(c.Values), len(c.Lengths), sum)
		}
		digits := len(c.Values) / len(c.Lengths)
		if i == len(codebook.Spectral) {
			continue
		}
		all := map[string]bool{}
		for v := range slices.Chunk([]byte(c.Values), digits) {
			all[string(v)] = true
		}
		if len(all) != len(c.Lengths) {
			t.Errorf("code %d: %d leaves are different, of %d", i+1, len(all), len(c.Lengths))
		}
	}
}

func TestLayoutsAreWhole(t *testing.T) {
	t.Parallel()
	for row := range rates {
		l := newLayout(row)
		if l.long[len(l.long)-1] != lines || l.short[len(l.short)-1] != shortLine || len(l.long)-1 > maxBands {
			t.Errorf("row %d: %v, %v", row, l.long, l.short)
		}
		if l.tnsLong >= len(l.long) || l.tnsShort >= len(l.short) {
			t.Errorf("row %d: TNS reaches beyond all bands", row)
		}
	}
}

// TestWindowsFit: what falls and what rises add up, at all rates.
func TestWindowsFit(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 2, 4, 8} {
		b := newBank(step)
		for _, all := range [][2][]float32{b.longs, b.shorts, b.steep} {
			for _, w := range all {
				for i, v := range w {
					fall := w[len(w)-1-i]
					if sum := v*v + fall*fall; sum < 0.99999 || sum > 1.00001 {
						t.Fatalf("step %d: %v at %d of %d", step, sum, i, len(w))
					}
				}
			}
		}
	}
}

// TestTheTransformIsTheSumOfCosines: of each size.
func TestTheTransformIsTheSumOfCosines(t *testing.T) {
	t.Parallel()
	for n := 16; n <= lines; n *= 2 {
		m := newMDCT(n, 1)
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(i*i%17) - 8
		}
		m.transform(y, x)
		for i := range y {
			want := 0.0
			for k, v := range x {
				want += float64(v) * math.Cos(math.Pi/float64(n)*(float64(i)+0.5)*(float64(k)+0.5))
			}
			if d := float64(y[i]) - want; math.Abs(d) > 0.01 {
				t.Fatalf("%d lines: %d is %v, not %v", n, i, y[i], want)
			}
		}
	}
}
