package bits

import (
	"math/rand/v2"
	"testing"
)

// TestCodesAreLookedUp: short words, and those that are longer than what is looked up at once.
func TestCodesAreLookedUp(t *testing.T) {
	t.Parallel()
	// Each word but the last two is a one longer than the one before.
	lengths, values := "", []uint16(nil)
	for i := range 20 {
		lengths += string(rune('a' + i))
		values = append(values, uint16(1000+i))
	}
	lengths, values = lengths+"t", append(values, 7)
	c := NewCode(values, lengths)
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 4096)
	var want []int
	at := 0
	for at < 8*len(data)-200 {
		i := random.IntN(len(values))
		want = append(want, int(values[i]))
		for range min(i, 20) {
			data[at/8] |= 1 << (7 - at%8)
			at++
		}
		if i < 20 {
			at++ // a zero
		}
	}
	r := Reader{Data: data, End: at}
	for i, w := range want {
		if got := c.Read(&r); got != w {
			t.Fatalf("word %d: %d, not %d", i, got, w)
		}
	}
	if r.At != at || r.Over() {
		t.Errorf("read %d bits, not %d", r.At, at)
	}
}

func TestBitsAreRead(t *testing.T) {
	t.Parallel()
	r := Reader{Data: []byte{0xa5, 0x0f, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}, End: 17}
	if !r.Flag() || r.Flag() || r.Take(6) != 0x25 || r.Take(8) != 0x0f || r.Over() || !r.Flag() || r.Over() || r.Take(4) != 0 || !r.Over() {
		t.Errorf("at %d of %d", r.At, r.End)
	}
}
