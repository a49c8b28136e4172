package bridge

import "slices"

// begin looks for the caller's callee.
func (m *machine) begin(ev began) {
	a := m.legs[0]
	a.asked, m.terms = ev.offer, ev.terms
	if ev.offer != nil {
		m.describe(a, ev.offer.Desc)
	}
	m.seek(&search{left: ev.targets, terms: ev.terms, offer: ev.offer, private: a.private})
}

// describe notes what a leg offers.
func (m *machine) describe(l *member, d Description) {
	l.said, l.can, l.streams = d, d, d
}

// seek starts a search.
func (m *machine) seek(s *search) {
	m.search, s.asks = s, s.offer
	if s.offer != nil {
		s.offer = &Offer{Seq: 1, Desc: m.present(nobody, s.terms, s.offer.Desc)}
		if !s.offer.Desc.live() {
			m.foundNobody(NotAcceptable)
			return
		}
	}
	m.tryNext()
}

// tryNext dials the next home, or all of them.
func (m *machine) tryNext() {
	s := m.search
	wave := s.left
	if s.terms.Hunt {
		wave = wave[:1]
	}
	s.left = s.left[len(wave):]
	m.timer(timerRing, s.terms.Ring)
	for _, t := range wave {
		l := newMember(t.To.Address)
		m.legs = append(m.legs, l)
		n := len(m.legs) - 1
		s.live = append(s.live, n)
		if s.offer != nil {
			l.seq, l.told, l.streams = 1, s.offer.Desc, s.offer.Desc
		}
		m.do(action{do: doDial, leg: n, dial: &dial{
			target: t, terms: s.terms, offer: s.offer, replaces: s.replaces, by: s.by, private: s.private || s.terms.Private,
			forwarders: s.forwarders,
		}})
	}
}

// seeks reports whether n is a home that is being tried.
func (m *machine) seeks(n int) bool {
	return m.search != nil && slices.Contains(m.search.live, n)
}

// rings tells the caller that a home rings, and lets it hear the first that can
// be heard.
func (m *machine) rings(n int, ev Ringing) {
	if !m.seeks(n) {
		return
	}
	if m.handover != nil {
		return // who waits is in a call already
	}
	m.state = ringing
	a, l := m.legs[0], m.legs[n]
	if ev.Early && m.search.offer != nil && l.said.live() && m.pair[1] == nobody {
		m.pair[1] = n
		if a.asked != nil {
			m.answer(0, a.asked.Seq, l.said)
		}
		a.rang = true
		m.do(action{do: doRing, leg: 0, early: true, prompt: m.search.terms.Early})
		m.do(action{do: doEarly, leg: n})
		m.join()
		return
	}
	if !a.rang {
		a.rang = true
		m.do(action{do: doRing, leg: 0})
	}
}

// claimed leaves the home n alone in the search: it has the call as soon as it
// can be heard.
func (m *machine) claimed(n int) {
	if !m.seeks(n) || m.search.claimed {
		return
	}
	s := m.search
	for _, o := range s.live {
		if o == n {
			continue
		}
		m.hang(o, Elsewhere)
		m.part(o, nobody)
		if m.pair[1] == o && m.handover == nil {
			m.pair[1] = nobody
		}
	}
	s.live, s.left, s.instead, s.claimed = []int{n}, nil, nil, true
	m.timer(timerRing, claimBound)
}

// accepted ends the search: the first that takes the call has it.
func (m *machine) accepted(n int) {
	if !m.seeks(n) {
		return
	}
	s, l := m.search, m.legs[n]
	if s.offer != nil && !l.agreed.live() || s.offer == nil && l.asked == nil {
		m.lost(n, NotAcceptable) // it takes the call, but has not said how to hear it
		return
	}
	for _, o := range s.live {
		if o != n {
			m.hang(o, Elsewhere)
		}
	}
	m.search = nil
	m.timer(timerRing, 0)
	l.taken = true
	m.do(action{do: doPaid, leg: n})
	if m.handover != nil {
		m.handOver(n, s.terms, Normal)
		return
	}
	m.connect(n, s.offer == nil)
}

// connect lets the caller talk with the leg n, which has taken the call. late:
// the caller has not made an offer, so n has.
func (m *machine) connect(n int, late bool) {
	a, l := m.legs[0], m.legs[n]
	m.part(m.pair[1], n)
	m.pair[1] = n
	m.state = talking
	a.taken = true
	m.do(action{do: doUp, leg: n})
	switch {
	case late:
		m.offer(0, m.present(0, m.terms, l.said), exchange{from: n, seq: l.asked.Seq, desc: l.said})
		l.asked = nil
	case a.asked != nil:
		m.answer(0, a.asked.Seq, l.said)
	default: // it hears another already, and may have to be told
		m.align, m.next = alignBound, 0
	}
	m.join()
	m.admit(0)
}

// ringOut gives up on the homes that are being tried.
func (m *machine) ringOut() {
	if m.search == nil {
		return
	}
	for _, n := range slices.Clone(m.search.live) {
		m.hang(n, Timeout)
		m.part(n, nobody)
	}
	m.search.live = nil
	m.refusedFor(Unavailable)
}

// refusedBy takes in that a home does not take the call.
func (m *machine) refusedBy(n int, c Cause) {
	s := m.search
	switch c {
	case Cancelled, Normal, Elsewhere, Replaced: // by nobody here: it just does not take the call
		c = Unavailable
	}
	s.live = slices.DeleteFunc(s.live, func(o int) bool { return o == n })
	m.part(n, nobody)
	if m.pair[1] == n && m.handover == nil {
		m.pair[1] = nobody
	}
	if c == Declined || c == BusyEverywhere {
		// A person has said no: not here, and not elsewhere.
		for _, o := range slices.Clone(s.live) {
			m.hang(o, Cancelled)
		}
		s.live, s.left, s.instead = nil, nil, nil
	}
	m.refusedFor(c)
}

// refusedFor notes why homes did not take the call, and goes on if there is
// anything to go on with.
func (m *machine) refusedFor(c Cause) {
	s := m.search
	s.best = better(s.best, c)
	switch {
	case len(s.live) > 0:
	case len(s.left) > 0 && huntsOn(c):
		m.tryNext()
	case m.forward():
	default:
		m.foundNobody(s.best)
	}
}

// foundNobody ends the search without a result.
func (m *machine) foundNobody(c Cause) {
	m.search = nil
	m.timer(timerRing, 0)
	if m.handover != nil {
		m.do(action{do: doUnpaid, leg: nobody})
		m.handoverFailed(c)
		return
	}
	m.end(c, nobody)
}

// huntsOn reports whether a hunt goes on to the next home after such a refusal:
// nobody answered, nobody is there, or a server failed.
func huntsOn(c Cause) bool {
	switch c {
	case Timeout, Unavailable, Unregistered, GatewayTimeout, Internal, NoRoute, Constrained, Overloaded:
		return true
	default:
		return false
	}
}

// refusals are the causes that several homes may give, that which the caller
// is told if there are others first: what a person said, then what is true of the
// call whatever is tried, then of the place, then of the moment, then faults.
var refusals = [...]Cause{
	Declined, BusyEverywhere, Busy,
	NotAcceptable, WrongType, TooLarge, Insecure, Policy, Forbidden, Unauthorized,
	Unavailable, Unregistered, Moved, Gone, NotFound, BadAddress, Unsupported,
	Timeout, GatewayTimeout, Overloaded, Constrained, NoRoute, Looped, Conflict, Malformed,
}

// better is that of two refusals which the caller is told. Zero is none.
func better(a, b Cause) Cause {
	rank := func(c Cause) int {
		switch i := slices.Index(refusals[:], c); {
		case c == 0:
			return len(refusals) + 1
		case i < 0:
			return len(refusals)
		default:
			return i
		}
	}
	if rank(b) < rank(a) {
		return b
	}
	return a
}
