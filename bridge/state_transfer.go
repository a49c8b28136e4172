package bridge

// transferAsked begins a handover.
func (m *machine) transferAsked(n int, ev TransferAsked) {
	stays := m.other(n)
	if m.state != talking || m.handover != nil || stays == nobody || !m.legs[n].taken || !m.legs[stays].can.live() {
		m.do(action{do: doTransfer, leg: n, id: ev.ID, cause: Conflict})
		return
	}
	if len(m.legs) >= maxLegs {
		m.do(action{do: doTransfer, leg: n, id: ev.ID, cause: Constrained})
		return
	}
	m.handover = &handover{ask: ev, who: n, stays: stays}
	if ev.Leg == "" {
		m.do(action{do: doRoute, leg: n, transfer: &ev})
		return
	}
	m.asking = true
	m.do(action{do: doAsk, leg: n, transfer: &ev})
}

// routed rings whoever the call is to be transferred to.
func (m *machine) routed(ev routed) {
	h := m.handover
	if h == nil || m.search != nil {
		return
	}
	if ev.cause != 0 {
		m.handoverFailed(ev.cause)
		return
	}
	stays := m.legs[h.stays]
	m.seek(&search{
		left: ev.targets, terms: ev.terms, replaces: h.ask.Replaces, by: ev.by,
		offer: &Offer{Desc: stays.can.awake()}, private: stays.private,
	})
}

// joinIn is the beginning of a call whose caller takes the place of a leg of
// another one, which is asked for it.
func (m *machine) joinIn(ev joins) {
	a := m.legs[0]
	a.asked, m.terms = ev.offer, ev.terms
	if ev.offer != nil {
		m.describe(a, m.keep(ev.terms, ev.offer.Desc))
	}
	m.handover = &handover{who: nobody, stays: 0}
	m.asking = true
	m.do(action{do: doAsk, leg: nobody})
}

// handOver puts n in the place of who asked for the transfer, which ends for c.
func (m *machine) handOver(n int, terms *Terms, c Cause) {
	h := m.handover
	m.handover = nil
	m.orphan(h.who)
	m.part(h.who, nobody)
	m.pair[m.side(h.who)] = n
	m.terms = terms
	if !m.legs[h.who].away() {
		m.do(action{do: doTransfer, leg: h.who, id: h.ask.ID})
	}
	m.hang(h.who, c)
	m.do(action{do: doUp, leg: n})
	m.align, m.next = alignBound, h.stays
	m.join()
	m.proceed()
}

// handoverFailed leaves the pair as it was, if it is still there.
func (m *machine) handoverFailed(c Cause) {
	m.asking = false
	h := m.handover
	if h == nil {
		return
	}
	m.handover, m.search = nil, nil
	if h.who == nobody || m.legs[h.who].away() {
		m.end(c, nobody)
		return
	}
	m.do(action{do: doTransfer, leg: h.who, id: h.ask.ID, cause: c})
}

// wanted gives the partner of the leg n to another call, which ends this one.
func (m *machine) wanted(n int, ev wanted) {
	stays := m.other(n)
	switch {
	case m.state != talking || n == nobody || stays == nobody || m.legs[n].away():
		m.do(action{do: doDecline, letter: ev.letter, cause: NotFound})
		return
	case m.handover != nil || m.open != nil || !m.legs[stays].taken || !m.legs[n].taken || !m.legs[stays].can.live():
		m.do(action{do: doDecline, letter: ev.letter, cause: Conflict})
		return
	case ev.letter.only != nil && !ev.letter.only(m.legs[stays].party):
		m.do(action{do: doDecline, letter: ev.letter, cause: Forbidden})
		return
	}
	m.part(stays, nobody)
	m.do(action{do: doGive, leg: stays, member: m.legs[stays], letter: ev.letter})
	m.legs[stays] = &member{ended: true}
	m.end(Replaced, nobody)
}

// given takes in a leg of another call.
func (m *machine) given(ev given) {
	m.asking = false
	m.legs = append(m.legs, ev.leg)
	n, h := len(m.legs)-1, m.handover
	if h == nil {
		// Whoever asked for it has gone.
		if m.state >= ending {
			m.hang(n, m.cause)
		} else {
			m.hang(n, Normal)
		}
		return
	}
	// It was put on hold by who has gone.
	ev.leg.said = ev.leg.can.awake()
	if h.who != nobody {
		m.handOver(n, m.terms, Replaced)
		return
	}
	m.handover = nil
	m.pair[1] = n
	m.state = talking
	a := m.legs[0]
	if o := a.asked; o != nil {
		d := a.said
		m.offer(n, m.present(n, m.terms, d), exchange{from: 0, seq: o.Seq, desc: d, lets: true})
	} else {
		m.offer(0, m.present(0, m.terms, ev.leg.said), exchange{from: nobody})
		m.align, m.next = alignBound, n
		m.letIn(0)
	}
	m.join()
}
