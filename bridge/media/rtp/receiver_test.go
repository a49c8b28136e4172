package rtp

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

const tick = 20 * time.Millisecond

// stream sends packets of 20 ms at 8000 Hz to a Receiver.
func add(r *Receiver, ssrc uint32, n int, late time.Duration) Verdict {
	return r.Add(Header{SSRC: ssrc, Sequence: uint16(n), Timestamp: uint32(n) * 160}, time.Duration(n)*tick+late, 8000)
}

func TestPacketsAreCountedAsTheyCome(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name                       string
		come                       []int
		last                       Verdict
		packets, lost, late, twice uint64
		restarts                   int
	}{
		{"one", []int{7}, Begun, 1, 0, 0, 0, 0},
		{"in order", []int{1, 2, 3}, InOrder, 3, 0, 0, 0, 0},
		{"a gap", []int{1, 2, 5}, InOrder, 3, 2, 0, 0, 0},
		{"swapped", []int{1, 3, 2}, Reordered, 3, 0, 1, 0, 0},
		{"twice", []int{1, 2, 2}, Duplicate, 3, 0, 0, 1, 0},
		{"twice, later", []int{1, 2, 3, 2}, Duplicate, 4, 0, 0, 1, 0},
		{"a gap that is hidden by a repeat", []int{1, 2, 2, 4}, InOrder, 4, 1, 0, 1, 0},
		{"round", []int{65534, 65535, 65536, 65538}, InOrder, 4, 1, 0, 0, 0},
		{"swapped over the end", []int{65534, 65536, 65535}, Reordered, 3, 0, 1, 0, 0},
		{"before the first", []int{10, 9}, Reordered, 2, 0, 1, 0, 0},
		{"a stray", []int{1, 2, 30000, 3}, InOrder, 3, 0, 0, 0, 0},
		{"begun anew", []int{1, 2, 30000, 30001}, Begun, 3, 0, 0, 0, 1},
		{"begun anew after a loss", []int{1, 4, 30000, 30001, 30003}, InOrder, 4, 3, 0, 0, 1},
		{"two strays that don't follow each other", []int{1, 30000, 20000, 2}, InOrder, 2, 0, 0, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var r Receiver
			var v Verdict
			for _, n := range row.come {
				v = add(&r, 1, n, 0)
			}
			if v != row.last || r.Packets() != row.packets || r.Lost() != row.lost || r.Reordered() != row.late ||
				r.Duplicates() != row.twice || r.Restarts() != row.restarts {
				t.Errorf("%v, %d packets, %d lost, %d late, %d twice, %d restarts; %+v",
					v, r.Packets(), r.Lost(), r.Reordered(), r.Duplicates(), r.Restarts(), row)
			}
		})
	}
}

func TestAnotherSourceKeepsTheLossOfTheOneBefore(t *testing.T) {
	t.Parallel()
	var r Receiver
	if _, ok := r.SSRC(); ok || r.Lost() != 0 || r.Loss() != 0 || r.Jitter() != 0 || r.Restarts() != 0 {
		t.Error("something before the first")
	}
	for _, n := range []int{1, 2, 4} {
		add(&r, 1, n, 0)
	}
	for _, n := range []int{1000, 1001, 1003} {
		add(&r, 2, n, 0)
	}
	if ssrc, ok := r.SSRC(); !ok || ssrc != 2 || r.Lost() != 2 || r.Restarts() != 1 || r.Loss() != 0.25 {
		t.Errorf("%d, %d lost, %v, %d", ssrc, r.Lost(), r.Loss(), r.Restarts())
	}
}

func TestLossIsWhatWasLost(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var r Receiver
	lost := uint64(0)
	for n := 65000; n < 400000; n++ {
		if n > 65000 && n < 399999 && random.IntN(20) == 0 {
			lost++
			continue
		}
		add(&r, 9, n, time.Duration(random.IntN(5))*time.Millisecond)
		if random.IntN(50) == 0 {
			add(&r, 9, n, 0)
		}
	}
	if r.Lost() != lost {
		t.Errorf("%d, want %d", r.Lost(), lost)
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		late func(n int) time.Duration
		want time.Duration
	}{
		{"none", func(int) time.Duration { return 0 }, 0},
		{"a constant delay", func(int) time.Duration { return time.Second }, 0},
		// Every difference is 8 ms, so the estimate ends up there.
		{"to and fro", func(n int) time.Duration { return time.Duration(n%2) * 8 * time.Millisecond }, 8 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var r Receiver
			for n := range 1000 {
				add(&r, 1, n, row.late(n))
			}
			if d := r.Jitter() - row.want; d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("%v, want %v", r.Jitter(), row.want)
			}
		})
	}
	var r Receiver
	for n := range 100 {
		r.Add(Header{Sequence: uint16(n), Timestamp: uint32(n) * 960}, time.Duration(n)*tick+time.Duration(n%2)*8*time.Millisecond, 48000)
	}
	if j := r.Jitter(); j < 7*time.Millisecond || j > 9*time.Millisecond {
		t.Errorf("at 48 kHz: %v", j)
	}
	before := r.Jitter()
	r.Add(Header{Sequence: 100, Timestamp: 5}, 100*tick, 8000)
	if d := r.Jitter() - before; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("another clock makes %v of %v", r.Jitter(), before)
	}
	r.Add(Header{Sequence: 101, Timestamp: 1 << 30}, 101*tick, 8000)
	if d := r.Jitter() - before; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("a jump of the clock makes %v of %v", r.Jitter(), before)
	}
}

func TestAReceiverIsSmallAndCostsNothing(t *testing.T) {
	if n := unsafe.Sizeof(Receiver{}); n > 96 {
		t.Errorf("%d bytes", n)
	}
	var r Receiver
	b := make([]byte, 172)
	Header{Type: 8}.Put(b)
	n := uint16(0)
	if allocs := testing.AllocsPerRun(1000, func() {
		n++
		SetSequence(b, n)
		h, _ := Parse(b)
		r.Add(h, time.Duration(n)*tick, 8000)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestUnitsAreScaledToTheNearest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		units    uint64
		from, to uint32
		want     uint64
	}{{160, 8000, 48000, 960}, {960, 48000, 8000, 160}, {1, 48000, 8000, 0}, {3, 48000, 8000, 1}, {5, 0, 8000, 0}, {1 << 40, 8000, 8000, 1 << 40}} {
		if got := Scale(row.units, row.from, row.to); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}

func BenchmarkReceiver(b *testing.B) {
	var r Receiver
	p := make([]byte, 172)
	Header{Type: 8}.Put(p)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		SetSequence(p, uint16(n))
		h, _ := Parse(p)
		r.Add(h, time.Duration(n)*tick, 8000)
	}
}
