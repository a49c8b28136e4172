package bridge_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// records is how many there are in a log.
func records(t *testing.T, l bridge.Log) int {
	t.Helper()
	n := 0
	if err := l.Replay(t.Context(), func(uint64, []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCapsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		caps bridge.Caps
		off  time.Duration // between the two lives
		bad  bool          // the next call is one too many
	}{
		{"calls in an hour", bridge.Caps{PerHour: 1}, time.Minute, true},
		{"calls in an hour that is over", bridge.Caps{PerHour: 1}, 61 * time.Minute, false},
		{"minutes in a day", bridge.Caps{MinutesPerDay: 3}, 22 * time.Hour, true},
		{"minutes in a day that is over", bridge.Caps{MinutesPerDay: 3}, 25 * time.Hour, false},
		{"calls at once", bridge.Caps{Calls: 1}, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				disk, maps := &bridgetest.Log{}, townMaps(bridge.Terms{Caps: row.caps})
				w := newTownOn(t, disk, maps, bridge.Limits{})
				a, _ := w.talk()
				w.after(3*time.Minute - 2*time.Second)
				a.End(bridge.Normal)
				w.end()
				for range 3 { // lives in which nothing happens
					w = newTownOn(t, disk, maps, bridge.Limits{})
					w.end()
				}
				time.Sleep(row.off)
				w = newTownOn(t, disk, maps, bridge.Limits{})
				defer w.end()
				if row.bad {
					w.refused(from("l1", "r2"), bridge.Overloaded)
				} else {
					w.place(from("l1", "r2"))
				}
				if n := records(t, disk); n > 1 {
					t.Errorf("%d records of one map", n)
				}
			})
		})
	}
}

// A failing is a log that fails as long as it is told to.
type failing struct {
	bridgetest.Log
	broken atomic.Bool
}

func (l *failing) Append(ctx context.Context, b []byte) (uint64, error) {
	if l.broken.Load() {
		return 0, errors.New("no room")
	}
	return l.Log.Append(ctx, b)
}

func TestWhatCapsCountIsWrittenWhenTheDiskIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := &failing{}
		disk.broken.Store(true)
		w := newTownOn(t, disk, townMaps(bridge.Terms{Caps: bridge.Caps{PerHour: 5}}), bridge.Limits{})
		defer w.end()
		w.talk()
		w.after(5 * time.Second)
		if n := records(t, disk); n != 0 {
			t.Fatalf("%d records", n)
		}
		disk.broken.Store(false)
		w.after(20 * time.Second)
		if n := records(t, disk); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}
