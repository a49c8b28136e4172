package rtmp

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds on wrong passwords.
const (
	freeTries  = 5    // in a row, before whoever tries one account has to wait
	maxTries   = 4096 // of them remembered, and of sources
	longestTry = 5 * time.Minute

	// A source may fail that often, whatever the names; then as often as that.
	sourceTries = 50
	sourcePause = 10 * time.Second
)

// tries remember who has shown wrong credentials for whom: not the account alone,
// or a stranger could lock its owner out. Beside that, a source is bounded that
// tries many names.
type tries struct {
	now func() time.Time

	mu      sync.Mutex // guards the rest
	all     map[attempt]*failures
	sources map[netip.Addr]*rate.Limiter
}

type attempt struct {
	name string
	from netip.Addr // a source
}

type failures struct {
	count int
	until time.Time
}

func newTries(now func() time.Time) *tries {
	return &tries{now: now, all: map[attempt]*failures{}, sources: map[netip.Addr]*rate.Limiter{}}
}

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
	now := t.now()
	f, l := t.all[a], t.sources[a.from]
	return (f == nil || !now.Before(f.until)) && (l == nil || l.TokensAt(now) >= 1)
}

// failed makes whoever tries wait: from the sixth time on a second, doubling.
func (t *tries) failed(a attempt) {
	t.spent(a.from)
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.all[a]
	if f == nil {
		makeRoom(t.all, func(f, other *failures) bool { return f.until.Before(other.until) })
		f = &failures{}
		t.all[a] = f
	}
	f.count++
	f.until = t.now()
	if over := f.count - freeTries; over >= 0 {
		f.until = f.until.Add(min(longestTry, time.Second<<min(over, 20)))
	}
}

// spent counts what has failed for a source, whatever was wrong.
func (t *tries) spent(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	l := t.sources[from]
	if l == nil {
		makeRoom(t.sources, func(l, other *rate.Limiter) bool { return l.TokensAt(now) > other.TokensAt(now) })
		l = rate.NewLimiter(rate.Every(sourcePause), sourceTries)
		t.sources[from] = l
	}
	l.AllowN(now, 1) // may has asked whether it is
}

// succeeded forgets the failures for the account.
func (t *tries) succeeded(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, a)
}

// makeRoom forgets one where there are too many: the first of them in the order of
// sooner, who has the least to wait.
func makeRoom[K comparable, V any](all map[K]V, sooner func(a, b V) bool) {
	if len(all) < maxTries {
		return
	}
	var first K
	var least V
	found := false
	for k, v := range all {
		if !found || sooner(v, least) {
			first, least, found = k, v, true
		}
	}
	delete(all, first)
}
