package rtmp

// toFront has the client speak in a call of its from now on, or in both of its trio, if it is one of that. What it
// spoke in before is held, and given.
func (s *session) toFront(p *phone) (before *phone) {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.turns(p)
}

// turns is toFront for callers that hold turn.
func (s *session) turns(p *phone) (before *phone) {
	t := s.trio
	if t.has(p) {
		p = t.calls[0]
	} else {
		t.rest()
	}
	before = s.house.hub.front(s, p)
	if before != nil && !t.has(before) {
		s.detach(before.leg.sound)
		before.leg.box.put(func() { before.hold(true) })
	}
	if t.has(p) {
		t.goOn()
	}
	return before
}

// speaksIn joins the client's streams to the sound of a call, if that is in front, which it reports.
func (s *session) speaksIn(p *phone) bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.house.hub.phoneOf(s) != p {
		return false
	}
	if !s.trio.has(p) {
		s.attach(p.leg.sound)
	}
	return true
}

// goesOn has the client speak in a call again that was held, and tells it so.
func (s *session) goesOn(p *phone) {
	s.toFront(p)
	if p = s.house.hub.phoneOf(s); p == nil {
		return // it has ended meanwhile
	}
	if !p.leg.box.ask(func() {
		if s.speaksIn(p) {
			p.hold(false)
			s.tongue().turned(s, p.leg.id)
		}
	}) {
		s.house.metrics.drop(dropAsked)
	}
}

// rests holds what the client speaks in, which stays in front.
func (s *session) rests() {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.trio.rest()
	if p := s.house.hub.phoneOf(s); p != nil {
		s.detach(p.leg.sound)
		p.leg.box.put(func() { p.hold(true) })
	}
}

// leaves takes a call from the client that has ended. turned: the client spoke in it, and speaks in another
// now, or, to is "", in none.
func (s *session) leaves(p *phone) (to string, turned bool) {
	s.turn.Lock()
	defer s.turn.Unlock()
	turned = s.house.hub.phoneOf(s) == p
	s.house.hub.release(p, s)
	s.parts(p)
	s.detach(p.leg.sound)
	if now := s.house.hub.phoneOf(s); turned && now != nil {
		to = now.leg.id
	}
	return to, turned
}

// attach joins the client's streams to a sound, and no other. For callers that hold turn.
func (s *session) attach(to *sound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sound == to {
		return
	}
	s.deafen()
	s.sound = to
	for _, st := range s.streams {
		if st.role == playing && st.line == nil {
			st.hears(to)
		}
	}
}

// detach is the end of that. Streams stay, for the next call.
func (s *session) detach(from *sound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sound == from {
		s.deafen()
	}
}

// deafen has the streams hear no sound. For callers that hold mu.
func (s *session) deafen() {
	if s.sound != nil {
		for id := range s.streams {
			s.sound.deafen(s.conn, id)
		}
	}
	s.sound = nil
}
