package bridge

// hang ends a leg.
func (m *machine) hang(n int, c Cause) {
	l := m.legs[n]
	if l.away() {
		return
	}
	l.hung = true
	m.do(action{do: doHangup, leg: n, cause: c})
}

// lost takes in that a leg is no good any more, or has ended, for c.
func (m *machine) lost(n int, c Cause) {
	l := m.legs[n]
	if l.hung {
		return // nothing is lost: it was told to
	}
	m.hang(n, c)
	l.hung = true
	switch {
	case m.state >= ending:
	case m.seeks(n):
		m.refusedBy(n, c)
	case m.handover != nil && m.handover.who == n:
		m.part(n, nobody) // it may go: the others wait for what comes of it
		m.orphan(n)
	default:
		m.end(c, n)
	}
}

// orphan closes what a leg that goes away has to do with the open exchange.
func (m *machine) orphan(n int) {
	x := m.open
	switch {
	case x == nil:
	case x.from == n:
		x.from = nobody
	case x.to == n:
		m.open = nil
		if x.from != nobody {
			m.refuse(x.from, x.seq, Conflict)
		}
	}
}

// end ends the call, by the wish of the leg by or of nobody.
func (m *machine) end(c Cause, by int) {
	if m.state >= ending {
		return
	}
	m.cause, m.by, m.state = c, by, ending
	if x := m.open; x != nil && x.from != nobody && x.from != by && !m.legs[x.from].away() && m.legs[x.from].agreed != nil {
		m.refuse(x.from, x.seq, c) // it hears why before it hears the end
	}
	m.search, m.handover, m.open, m.dead = nil, nil, nil, deadNever
	m.timer(timerRing, 0)
	m.timer(timerSilence, 0)
	m.timer(timerEnd, endBound)
	for n, l := range m.legs {
		if n != 0 && !l.taken {
			m.hang(n, Cancelled)
		} else {
			m.hang(n, c)
		}
	}
}
