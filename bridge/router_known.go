package bridge

import "sync"

// Bounds on the ways that a router remembers: how many, and how long the names may be that they
// are found by.
const (
	maxKnownWays = 4096
	maxWayNames  = 256
)

// A way is who writes to whom.
type way struct {
	from Party
	to   Address
}

// knownWays are the targets of those who have written lately. People write more than once, and what
// a map says stays the same for as long as its router lives. Who writes in ever new
// names finds nothing here, and pushes out the others.
type knownWays struct {
	mu    sync.RWMutex // guards known: any goroutine asks
	known map[way][]Target
}

// of gives what is known of w.
func (k *knownWays) of(w way) ([]Target, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	t, ok := k.known[w]
	return t, ok
}

// note remembers targets that nobody changes any more.
func (k *knownWays) note(w way, t []Target) {
	if len(w.from.Name)+len(w.from.Display)+len(w.to.Name) > maxWayNames {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= maxKnownWays {
		k.known = make(map[way][]Target)
	}
	k.known[w] = t
}
