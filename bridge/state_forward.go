package bridge

const (
	// maxForwards is how often a call may be sent on instead of being taken.
	maxForwards = 3
	// maxInstead is how many places a home may name.
	maxInstead = 4
)

// A forward is the wish of a home, which does not take the call, that it go elsewhere.
type forward struct {
	leg int
	to  []string
}

// mayForward notes where a home would have the call go that it does not take. The call
// goes there if no other home takes it; of several wishes the first is done. A
// transfer, and who takes another's place, go where they were sent or nowhere.
func (m *machine) mayForward(n int, to []string) {
	if len(to) == 0 || !m.seeks(n) || m.legs[n].hung || m.handover != nil {
		return
	}
	if s := m.search; s.instead == nil && len(s.forwarders) < maxForwards {
		s.instead = &forward{n, to[:min(len(to), maxInstead)]}
	}
}

// forward asks where the wish of a home leads, if there is one; false: there is none.
func (m *machine) forward() bool {
	s := m.search
	f := s.instead
	if f == nil || len(m.legs) >= maxLegs {
		return false
	}
	s.instead, s.routing = nil, true
	s.forwarders = append([]Address{m.legs[f.leg].party}, s.forwarders...)
	m.do(action{do: doForward, leg: f.leg, instead: f.to})
	return true
}

// forwarded tries the homes that the wish leads to.
func (m *machine) forwarded(ev forwarded) {
	s := m.search
	if s == nil || !s.routing {
		return
	}
	best := s.best
	if best == Moved {
		best = 0 // it says where to
	}
	if ev.cause != 0 {
		m.foundNobody(better(s.best, ev.cause))
		return
	}
	m.terms = ev.terms
	m.seek(&search{
		left: ev.targets, terms: ev.terms, offer: s.asks, private: s.private, best: best, forwarders: s.forwarders,
	})
}
