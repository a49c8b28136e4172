package rtmp

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds on wrong passwords.
const (
	freeTries  = 5    // in a row, before a source has to wait
	maxTries   = 4096 // sources remembered
	longestTry = 5 * time.Minute
)

// tries remember who has shown wrong credentials for whom: not the account alone,
// or a stranger could lock its owner out.
type tries struct {
	now func() time.Time

	mu  sync.Mutex // guards all
	all map[attempt]*failures
}

type attempt struct {
	name string
	from netip.Addr
}

type failures struct {
	count int
	until time.Time
}

func newTries(now func() time.Time) *tries { return &tries{now: now, all: map[attempt]*failures{}} }

// tryOf is somebody trying one account.
func tryOf(name string, from netip.Addr) attempt { return attempt{name, sourceOf(from)} }

// sourceOf is who an address belongs to: a network of IPv6 is one source.
func sourceOf(a netip.Addr) netip.Addr {
	if p, err := a.Prefix(64); a.Is6() && err == nil {
		return p.Addr()
	}
	return a
}

// may reports whether credentials are looked at now.
func (t *tries) may(a attempt) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.all[a]
	return f == nil || !t.now().Before(f.until)
}

// failed makes whoever tries wait: from the sixth time on a second, doubling.
func (t *tries) failed(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	f := t.all[a]
	if f == nil {
		t.forget(now)
		f = &failures{}
		t.all[a] = f
	}
	f.count++
	f.until = now
	if over := f.count - freeTries; over >= 0 {
		f.until = now.Add(min(longestTry, time.Second<<min(over, 20)))
	}
}

// succeeded forgets the failures.
func (t *tries) succeeded(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, a)
}

// forget makes room: those who waited long ago, else anybody. For callers that
// hold mu.
func (t *tries) forget(now time.Time) {
	if len(t.all) < maxTries {
		return
	}
	for a, f := range t.all {
		if now.Sub(f.until) > longestTry {
			delete(t.all, a)
		}
	}
	for a := range t.all {
		if len(t.all) < maxTries {
			return
		}
		delete(t.all, a)
	}
}
