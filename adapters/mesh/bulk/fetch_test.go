package bulk

import (
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
)

// A sender that is gone is asked again for a while: what it was asked for must not
// be what an object that another one sends waits for.
func TestASenderThatIsGoneHoldsUpNobody(t *testing.T) {
	t.Parallel()
	const count, size = 2000, 1024
	o := wire.Offer{Size: count * size, Block: size}
	start := time.Unix(1000, 0)
	now := start
	f := newFetch(o, &partial{queue: make(chan written, count)}, now)
	f.start(newBlocks(count))
	f.add(wire.UUID{1}, 1, 20*time.Millisecond, now) // is gone
	f.add(wire.UUID{2}, 2, 20*time.Millisecond, now)
	live := f.sources[1]
	for !f.closed && now.Sub(start) < time.Minute {
		now = now.Add(20 * time.Millisecond)
		for _, r := range live.queue {
			if !r.over {
				f.data(live, &wire.Bulk{Block: r.block, Data: make([]byte, size)}, now)
			}
		}
		f.tick(now)
		for _, s := range f.sources {
			f.ask(s, now, true, nil)
		}
	}
	if took := now.Sub(start); !f.closed || took > 3*time.Second {
		t.Errorf("%v, and %d blocks are left", took, f.left)
	}
}
