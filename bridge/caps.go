package bridge

import (
	"log/slog"
	"sync"
	"time"
)

// capLedger counts, map by map, what Caps bound. It outlives a reload of the
// maps, and the process but for its last second.
type capLedger struct {
	start time.Time // what windows count from, whatever is done to the clock
	log   *slog.Logger
	disk  Log

	stirred chan struct{} // something has changed

	mu      sync.Mutex // guards what follows: calls of all adapters are counted
	uses    map[string]*capUse
	changed map[string]struct{} // not as on disk
	stale   []uint64            // records to be deleted
}

// A capUse is what calls to one map have used.
type capUse struct {
	calls   int
	begun   window // in 60 minutes
	minutes window // in 24 hours
	seq     uint64 // of its record; 0: it has none
}

func newCapUse() *capUse {
	return &capUse{begun: newWindow(60, time.Minute), minutes: newWindow(24, time.Hour)}
}

func newCapLedger(log *slog.Logger, disk Log) *capLedger {
	return &capLedger{
		start: time.Now().Add(-longestWindow), log: log, disk: disk, stirred: make(chan struct{}, 1),
		uses: map[string]*capUse{}, changed: map[string]struct{}{},
	}
}

// longestWindow is how long ago it may be what a ledger has to tell of.
const longestWindow = 24 * time.Hour

// begin counts a call on these terms, or says that it is one too many.
func (l *capLedger) begin(t *Terms) error {
	if t.Caps == (Caps{}) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.uses[t.key]
	if u == nil {
		u = newCapUse()
		l.uses[t.key] = u
	}
	now, c := time.Since(l.start), t.Caps
	switch {
	case c.Calls > 0 && u.calls >= c.Calls:
		return tooMany("too many calls to that party at once", time.Minute)
	case c.PerHour > 0 && u.begun.sum(now) >= c.PerHour:
		return tooMany("too many calls to that party in an hour", time.Hour)
	case c.MinutesPerDay > 0 && u.minutes.sum(now) >= c.MinutesPerDay:
		return tooMany("too many minutes with that party in a day", time.Hour)
	}
	u.calls++
	u.begun.add(now)
	l.touch(t.key)
	return nil
}

// charge counts a minute of talk that begins; false if there is none left.
func (l *capLedger) charge(t *Terms) bool {
	if t.Caps.MinutesPerDay == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, now := l.uses[t.key], time.Since(l.start)
	if u == nil || u.minutes.sum(now) >= t.Caps.MinutesPerDay {
		return false
	}
	u.minutes.add(now)
	l.touch(t.key)
	return true
}

// end gives back what a call that began took at once.
func (l *capLedger) end(t *Terms) {
	if t == nil || t.Caps == (Caps{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if u := l.uses[t.key]; u != nil {
		u.calls--
	}
}

func tooMany(reason string, after time.Duration) *Error {
	return &Error{Op: "limit", Cause: Overloaded, Reason: reason, Retry: true, After: after}
}

// A window counts what has happened in the last n steps of time, this one
// among them. Times are those since some beginning, and never go back.
type window struct {
	step   time.Duration
	counts []int
	last   int64 // the step that was counted last
}

func newWindow(n int, step time.Duration) window {
	return window{step: step, counts: make([]int, n)}
}

// move forgets what has fallen out of the window.
func (w *window) move(now time.Duration) {
	at := int64(now / w.step)
	if at-w.last >= int64(len(w.counts)) {
		clear(w.counts)
	} else {
		for s := w.last + 1; s <= at; s++ {
			w.counts[s%int64(len(w.counts))] = 0
		}
	}
	w.last = at
}

func (w *window) add(now time.Duration) {
	w.move(now)
	w.counts[w.last%int64(len(w.counts))]++
}

func (w *window) sum(now time.Duration) int {
	w.move(now)
	n := 0
	for _, c := range w.counts {
		n += c
	}
	return n
}
