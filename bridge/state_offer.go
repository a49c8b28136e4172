package bridge

// offer makes x an open exchange: its desc goes to the leg n.
func (m *machine) offer(n int, d Description, x exchange) {
	l := m.legs[n]
	l.seq++
	x.to, x.give = n, d.as(l.streams)
	l.streams = x.give
	m.open = &x
	m.do(action{do: doOffer, leg: n, seq: l.seq, desc: x.give})
}

// answer tells a leg that made the offer seq what the other side says of it.
func (m *machine) answer(n int, seq uint32, d Description) {
	l := m.legs[n]
	l.asked = nil
	l.told = reply(l.said, d.as(l.streams))
	l.agreed = l.told
	m.do(action{do: doAnswer, leg: n, seq: seq, desc: l.told})
}

func (m *machine) refuse(n int, seq uint32, c Cause) {
	m.do(action{do: doRefuse, leg: n, seq: seq, cause: c})
}

// offered passes a leg's offer on to the other, or refuses it: one at a time,
// and none before the call is taken.
func (m *machine) offered(n int, o Offer) {
	l, to := m.legs[n], m.other(n)
	if m.seeks(n) && m.search.offer == nil && l.asked == nil {
		l.asked = &o
		m.describe(l, m.keep(m.search.terms, o.Desc))
		return
	}
	if m.state != talking || m.open != nil || to == nobody || !l.taken || !m.legs[to].taken {
		m.refuse(n, o.Seq, Conflict)
		return
	}
	d := m.present(to, m.terms, o.Desc)
	if o.Desc.live() && !d.live() {
		m.refuse(n, o.Seq, NotAcceptable)
		return
	}
	l.narrowed, m.legs[to].narrowed = false, false
	m.offer(to, d, exchange{from: n, seq: o.Seq, desc: m.keep(m.terms, o.Desc)})
}

// answered passes on what a leg answers.
func (m *machine) answered(n int, ev Answered) {
	l := m.legs[n]
	if ev.Seq != l.seq {
		return
	}
	if m.seeks(n) && m.search.offer != nil {
		d, ok := settle(l.told, ev.Desc)
		if !ok {
			m.lost(n, NotAcceptable)
			return
		}
		l.said, l.can, l.agreed = d, d, d
		return
	}
	if m.open == nil || m.open.to != n {
		return
	}
	x := *m.open
	m.open = nil
	d, _ := settle(x.give, ev.Desc)
	l.told, l.said, l.agreed = x.give, d, d
	if l.can == nil {
		l.can = d
	}
	if x.from != nobody && !m.legs[x.from].away() {
		m.describe(m.legs[x.from], x.desc)
		m.answer(x.from, x.seq, d)
		if x.lets {
			m.letIn(x.from)
		}
	}
	m.join()
	m.proceed()
}

// letIn takes a caller in, who has heard what it needs to know.
func (m *machine) letIn(n int) {
	m.legs[n].taken = true
	m.do(action{do: doUp, leg: n})
	m.admit(n)
}

// admit lets a caller in when what it has said of its ports has been heard. Until then it
// is offered nothing.
func (m *machine) admit(n int) {
	m.legs[n].waits = true
	m.do(action{do: doAdmit, leg: n})
}

// admitted tells a caller that its call is taken. What it has said of its ports since it
// heard what it needs to know has been taken in: it may send as soon as it knows.
func (m *machine) admitted(n int) {
	m.legs[n].waits = false
	if m.legs[n].away() || m.state >= ending {
		return
	}
	m.do(action{do: doAccept, leg: n})
	m.proceed()
}

// refused leaves everything as it was before the offer, if there was anything.
func (m *machine) refused(n int, ev Refused) {
	l := m.legs[n]
	if ev.Seq != l.seq {
		return
	}
	if m.seeks(n) && m.search.offer != nil && l.agreed == nil {
		m.lost(n, ev.Cause)
		return
	}
	if m.open == nil || m.open.to != n {
		return
	}
	x := *m.open
	m.open = nil
	m.align = 0
	switch {
	case x.from != nobody && !m.legs[x.from].away():
		if m.legs[x.from].agreed == nil {
			m.end(ev.Cause, nobody) // nothing was agreed on before
			return
		}
		m.refuse(x.from, x.seq, ev.Cause)
	case l.agreed == nil:
		m.end(ev.Cause, nobody)
		return
	}
	m.proceed()
}

// proceed sees to what can be done while no offer is open.
func (m *machine) proceed() {
	if !m.settled() {
		return
	}
	if m.alignNext() {
		return
	}
	m.align = 0
	if m.cross() && !m.narrow() {
		m.listen(false)
	}
}

// alignNext offers one of the pair what the other can, if it does not know.
func (m *machine) alignNext() bool {
	if m.align <= 0 {
		return false
	}
	for range m.pair {
		n, o := m.next, m.other(m.next)
		m.next = o
		if o == nobody || len(m.legs[o].said) == 0 {
			continue
		}
		l := m.legs[n]
		want := m.keep(m.terms, m.legs[o].said).as(l.streams)
		if !l.told.covers(want) && !m.suffices(l, m.legs[o], want) {
			m.align--
			m.offer(n, m.present(n, m.terms, m.legs[o].said), exchange{from: nobody})
			return true
		}
	}
	return false
}
