//go:build !race

package bulk

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/mesh/wire"
)

// A hundred megabytes take so long that the shortest time there and back is
// measured anew on the way.
func TestALargeObjectFillsALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const link = 20e6 / 8
		n := newNet(t)
		n.rate, n.delay, n.loss, n.reorder = link, 50*time.Millisecond, 0.02, 0.1
		_, stop := n.peer(2, Options{Folder: folder, MaxFile: 1 << 30})
		from, end := n.peer(1, Options{})
		o, data := object("big.bin", 100e6)
		start := time.Now()
		if err := from.mover.Send(t.Context(), o, wire.UUID{2}, nil); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start) // of the bubble's clock
		end()
		stop()
		holds(t, filepath.Join(folder, "big.bin"), data)
		share := float64(len(data)) / took.Seconds() / link
		if share < 0.7 {
			t.Errorf("%.2f of the link, in %v", share, took)
		}
		t.Logf("%.2f of the link, %.2f bytes sent for each", share, float64(from.sent)/float64(len(data)))
	})
}
