package dialog

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheClockHasTheNextFirst sets, moves and takes out Calls by chance, and holds the heap
// against a list.
func TestTheClockHasTheNextFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls, steps = 40, 4000
		var k clock
		now := time.Now()
		all := make([]*Call, calls)
		for i := range all {
			all[i] = &Call{}
		}
		set := map[*Call]time.Time{}
		random := rand.New(rand.NewPCG(1, 2))
		for range steps {
			c := all[random.IntN(calls)]
			at := time.Time{}
			if random.IntN(4) > 0 {
				at = now.Add(time.Hour + time.Duration(random.IntN(50))*time.Second)
			}
			k.set(c, at)
			delete(set, c)
			if !at.IsZero() {
				set[c] = at
			}
			checkClock(t, &k, set)
		}
		var rung []time.Time
		for c := k.next(now.Add(2 * time.Hour)); c != nil; c = k.next(now.Add(2 * time.Hour)) {
			rung = append(rung, set[c])
			delete(set, c)
		}
		if len(set) > 0 || !slices.IsSortedFunc(rung, time.Time.Compare) {
			t.Errorf("%d were not rung, the others in the order %v", len(set), rung)
		}
		k.timer.Stop()
	})
}

// checkClock holds that k has what was set, each at its place and the first at the top.
func checkClock(t *testing.T, k *clock, set map[*Call]time.Time) {
	t.Helper()
	if len(k.calls) != len(set) {
		t.Fatalf("%d are in, %d were set", len(k.calls), len(set))
	}
	for i, r := range k.calls {
		if r.c.place != i || r.c.due != r.at || !k.began.Add(r.at).Equal(set[r.c]) {
			t.Fatalf("place %d, due %v, at %v: %v was set", r.c.place, r.c.due, r.at, set[r.c])
		}
		if i > 0 && k.calls[(i-1)/fan].at > r.at {
			t.Fatalf("%d is before %d, but later", (i-1)/fan, i)
		}
	}
}

// TestWhatLingersIsForgottenTogether: of what ends within a quarter of a second all is forgotten at
// once, and none before its time.
func TestWhatLingersIsForgottenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := NewTable(Config{})
		for _, ended := range []struct {
			after, forgotten time.Duration // since the table is there
		}{
			{0, patience},
			{time.Millisecond, patience + tidy},
			{tidy - time.Nanosecond, patience + tidy},
			{tidy, patience + tidy},
			{tidy + 1, patience + 2*tidy},
		} {
			time.Sleep(time.Until(table.began.Add(ended.after)))
			a, c := &alarm{}, &Call{t: table}
			c.linger(a, func() {})
			if got := a.at.Sub(table.began); got != ended.forgotten {
				t.Errorf("what ended after %v is forgotten after %v, not %v", ended.after, got, ended.forgotten)
			}
		}
	})
}
