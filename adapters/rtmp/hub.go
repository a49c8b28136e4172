package rtmp

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"gateway/bridge"

	"golang.org/x/time/rate"
)

// A hub knows who is there, and what each has to do. Nothing in it waits, and
// nobody is called with its lock held.
type hub struct {
	house *house

	mu       sync.Mutex            // guards the rest, and the calls of sessions and lines
	count    int                   // connections
	from     map[netip.Addr]int    // by source
	accounts map[string][]*session // those that are logged in for calls, by name
	lines    map[lineKey]*line
	enrolled map[string]*enrolment

	asks  *rate.Limiter // of the peer to register somebody
	turns chan struct{} // has whoever waits for its answer
}

func newHub(h *house) *hub {
	return &hub{
		house: h, from: map[netip.Addr]int{}, accounts: map[string][]*session{}, lines: map[lineKey]*line{},
		enrolled: map[string]*enrolment{}, asks: rate.NewLimiter(enrollRate, enrollBurst), turns: make(chan struct{}, enrollTurns),
	}
}

// enter counts a connection; false: there is no room for it.
func (h *hub) enter(a netip.Addr) bool {
	a = sourceOf(a)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count >= h.house.set.clients || h.from[a] >= h.house.set.perAddress || h.house.draws.Load() {
		return false
	}
	h.count++
	h.from[a]++
	h.house.metrics.clients.Set(float64(h.count))
	return true
}

func (h *hub) leave(a netip.Addr) {
	a = sourceOf(a)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	h.house.metrics.clients.Set(float64(h.count))
	if h.from[a]--; h.from[a] == 0 {
		delete(h.from, a)
	}
}

// login notes that a client takes calls and texts for an account.
func (h *hub) login(s *session, name string) {
	h.mu.Lock()
	h.accounts[name] = append(h.accounts[name], s)
	h.mu.Unlock()
	h.house.bridge.Reachable(h.house.address(name))
	h.house.bridge.Changed(h.house.address(name))
}

// logout is the end of that.
func (h *hub) logout(s *session, name string) {
	h.mu.Lock()
	left := slices.DeleteFunc(h.accounts[name], func(o *session) bool { return o == s })
	if h.accounts[name] = left; len(left) == 0 {
		delete(h.accounts, name)
	}
	h.mu.Unlock()
	h.house.bridge.Changed(h.house.address(name))
}

// desert ends the calls that a client has by commands. It may have some without being
// logged in for calls: whoever has shown who it is can make them.
func (h *hub) desert(s *session) {
	h.mu.Lock()
	all := slices.Clone(s.phones)
	h.mu.Unlock()
	for _, p := range all {
		p.gone(s)
	}
}

// presence is how an account is.
func (h *hub) presence(name string) bridge.Availability {
	h.mu.Lock()
	defer h.mu.Unlock()
	best := bridge.Offline
	for _, s := range h.accounts[name] {
		if len(s.phones) == 0 {
			return bridge.Available
		}
		best = bridge.Occupied
	}
	if l := h.lines[lineKey{name, name}]; l != nil {
		if l.leg == nil {
			return bridge.Available
		}
		best = bridge.Occupied
	}
	return best
}

// there lists the connections that are logged in for an account.
func (h *hub) there(name string) []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.accounts[name])
}

// names lists the accounts that are there, for tests.
func (h *hub) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.accounts))
}
