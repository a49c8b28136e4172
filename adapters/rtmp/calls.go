package rtmp

import (
	"slices"

	"gateway/bridge"
)

// switchCalls is how many calls a client of mod_rtmp may have at once, of which it
// speaks in one. siprtmp's have one.
const switchCalls = 4

// ring makes the leg of a call to an account: its idle clients are to ring, or, if
// there is none, the line that waits for calls by URL takes it, or those hear of it that
// may have several. ev is told of it.
func (h *hub) ring(inv bridge.Invite, name string, ev bridge.Events) (*leg, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var idle, busy []*session
	for _, s := range h.accounts[name] {
		switch {
		case len(s.phones) == 0:
			idle = append(idle, s)
		case len(s.phones) < s.mostCalls():
			busy = append(busy, s)
		}
	}
	waits := h.lines[lineKey{name, name}]
	switch {
	case len(idle) > 0:
		return h.rings(inv, name, ev, idle), nil
	case waits != nil && waits.leg == nil:
		waits.leg = h.house.newLeg(inv, waits, waits.way(), waits.taste()).dialledBy(ev)
		return waits.leg, nil
	case len(busy) > 0:
		return h.rings(inv, name, ev, busy), nil
	case len(h.accounts[name]) > 0 || waits != nil:
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Busy}
	case h.house.set.known(name):
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Unavailable}
	}
	return nil, &bridge.Error{Op: dialOp, Cause: bridge.NotFound}
}

// rings makes the leg of a call that rings at the clients all. For callers that hold the
// lock.
func (h *hub) rings(inv bridge.Invite, name string, ev bridge.Events, all []*session) *leg {
	p := newPhone(h.house, name, invited)
	p.leg = h.house.newLeg(inv, p, bridge.SendReceive, all[0].taste()).dialledBy(ev)
	p.told = all
	for _, s := range all {
		s.gets(p)
	}
	return p.leg
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
			s.loses(p)
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
		s.loses(p)
		were = append(were, s)
		return true
	})
	return were
}

// claim gives a client a call of its own; false: it has as many as it may.
func (h *hub) claim(p *phone, by *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(by.phones) >= by.mostCalls() {
		return false
	}
	p.told = []*session{by}
	by.gets(p)
	return true
}

// phoneOf is the call in front of a client, which it speaks in; nil for none.
func (h *hub) phoneOf(s *session) *phone {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.phone
}

// callOf is the call of a client's whose leg has an identity; "" is that in front. nil:
// there is none.
func (h *hub) callOf(s *session, id string) *phone {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == "" {
		return s.phone
	}
	i := slices.IndexFunc(s.phones, func(p *phone) bool { return p.leg.id == id })
	if i < 0 {
		return nil
	}
	return s.phones[i]
}

// front puts a call of a client's in front, and gives the one that was there; nil: it
// was that, or none.
func (h *hub) front(s *session, p *phone) (before *phone) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.phone == p || !slices.Contains(s.phones, p) {
		return nil
	}
	before, s.phone = s.phone, p
	return before
}

// gets and loses note a call of the client's. For callers that hold the hub's lock.
func (s *session) gets(p *phone) {
	s.phones = append(s.phones, p)
	if s.phone == nil {
		s.phone = p
	}
}

func (s *session) loses(p *phone) {
	s.phones = slices.DeleteFunc(s.phones, func(o *phone) bool { return o == p })
	if s.phone == p {
		s.phone = nil
	}
}

// mostCalls is how many calls a client may have at once.
func (s *session) mostCalls() int {
	if s.app.kind == appPhone {
		return switchCalls
	}
	return 1
}
