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
	p := s.phone
	h.mu.Unlock()
	if p != nil {
		p.gone(s)
	}
	h.house.bridge.Changed(h.house.address(name))
}

// presence is how an account is.
func (h *hub) presence(name string) bridge.Availability {
	h.mu.Lock()
	defer h.mu.Unlock()
	best := bridge.Offline
	for _, s := range h.accounts[name] {
		if s.phone == nil {
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

// ring makes the leg of a call to an account: its idle clients are to ring, or, if
// there is none, the line that waits for calls by URL takes it. ev is told of it.
func (h *hub) ring(inv bridge.Invite, name string, ev bridge.Events) (*leg, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var idle []*session
	for _, s := range h.accounts[name] {
		if s.phone == nil {
			idle = append(idle, s)
		}
	}
	waits := h.lines[lineKey{name, name}]
	switch {
	case len(idle) > 0:
		p := newPhone(h.house, name, invited)
		p.leg = h.house.newLeg(inv, p, bridge.SendReceive, idle[0].taste()).dialledBy(ev)
		p.told = idle
		for _, s := range idle {
			s.phone = p
		}
		return p.leg, nil
	case waits != nil && waits.leg == nil:
		waits.leg = h.house.newLeg(inv, waits, waits.way(), waits.taste()).dialledBy(ev)
		return waits.leg, nil
	case len(h.accounts[name]) > 0 || waits != nil:
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Busy}
	case h.house.set.known(name):
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Unavailable}
	}
	return nil, &bridge.Error{Op: dialOp, Cause: bridge.NotFound}
}

// known reports whether a name can be somebody's who is not there now: an
// account's, or anybody's who may enroll.
func (s *settings) known(name string) bool {
	_, account := s.accounts[name]
	return account || len(s.enroll) > 0
}

// take gives a call to one of the clients that it rings at; the others are
// released, and given.
func (h *hub) take(p *phone, by *session) (others []*session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range p.told {
		if s != by {
			s.phone = nil
			others = append(others, s)
		}
	}
	p.told = []*session{by}
	return others
}

// release takes a call from one client, or all (nil) that have it, who are given.
func (h *hub) release(p *phone, who *session) (were []*session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.told = slices.DeleteFunc(p.told, func(s *session) bool {
		if who != nil && s != who {
			return false
		}
		s.phone = nil
		were = append(were, s)
		return true
	})
	return were
}

// claim gives a client a call of its own; false: it has one.
func (h *hub) claim(p *phone, by *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if by.phone != nil {
		return false
	}
	by.phone, p.told = p, []*session{by}
	return true
}

// phoneOf is the call that a client has; nil for none.
func (h *hub) phoneOf(s *session) *phone {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.phone
}

// names lists the accounts that are there, for tests.
func (h *hub) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.accounts))
}
