package dialog

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"gateway/adapters/sip/wire"
)

// Request takes a request within one of the dialogs, but ACK and CANCEL, that
// came by p.
func (c *Call) Request(m *wire.Message, p Path, tx Server) {
	c.mu.Lock()
	defer c.unlock()
	d, refusal := c.admit(m)
	if refusal != nil {
		c.reply(m, p, tx, refusal.Status, refusal.Phrase, refusal.Fields, nil)
		return
	}
	switch method := string(m.Request.Method); method {
	case methodBye:
		c.hungUp(d, m, p, tx)
	case methodInvite:
		c.reinvited(d, m, p, tx)
	case methodUpdate:
		c.updated(d, m, p, tx)
	case methodPrack:
		c.prack(d, m, p, tx)
	case "OPTIONS":
		c.reply(m, p, tx, 200, "OK", append(c.about(d), wire.Field{Name: "Accept", Value: sessionType}), nil)
	case "INFO", "REFER", "NOTIFY":
		if r := c.ask(m, p, tx); r != nil {
			c.tell(Requested{Request: r})
		}
	default:
		c.reply(m, p, tx, 405, "Method Not Allowed", []wire.Field{{Name: "Allow", Value: c.t.cfg.Allow}}, nil)
	}
}

// Admit checks a request within one of the dialogs that is answered elsewhere,
// and notes its CSeq; nil: it is in order.
func (c *Call) Admit(m *wire.Message) *Refusal {
	c.mu.Lock()
	defer c.unlock()
	_, refusal := c.admit(m)
	return refusal
}

// admit finds the dialog of a request and checks its CSeq (RFC 3261 section
// 12.2.2).
func (c *Call) admit(m *wire.Message) (*dialog, *Refusal) {
	tag, _ := m.Request.From().Params.Get("tag")
	d := c.find(tag)
	if d == nil || c.ended && m.Request.Method != methodBye {
		return nil, &Refusal{Status: 481, Phrase: "Call Does Not Exist"}
	}
	seq := m.Request.CSeq().SeqNo
	if seq < d.heard {
		return nil, &Refusal{Status: 500, Phrase: "Out of Order"}
	}
	d.heard = seq
	return d, nil
}

// ask notes a request that the owner answers; nil: there are too many, and it
// has been refused.
func (c *Call) ask(m *wire.Message, p Path, tx Server) *Request {
	r := &Request{Method: string(m.Request.Method), Message: m, c: c, path: p, tx: tx}
	if len(c.asked) == maxRequests {
		c.reply(m, p, tx, 500, "Too Many Requests", []wire.Field{later()}, nil)
		return nil
	}
	c.asked = append(c.asked, r)
	// Who asked has given up by then.
	c.set(&r.giveUp, patience, func() { c.finish(r, 500, "No Answer", nil) })
	return r
}

// finish answers a request, once.
func (c *Call) finish(r *Request, status int, phrase string, fields []wire.Field) {
	c.finishWith(r, status, phrase, fields, nil)
}

func (c *Call) finishWith(r *Request, status int, phrase string, fields []wire.Field, sdp []byte) {
	if r.done {
		return
	}
	r.done = true
	r.giveUp.stop()
	c.asked = slices.DeleteFunc(c.asked, func(o *Request) bool { return o == r })
	c.reply(r.Message, r.path, r.tx, status, phrase, fields, sdp)
}

// later is a Retry-After of some seconds up to ten (RFC 3261 section 14.2).
func later() wire.Field {
	return wire.Field{Name: "Retry-After", Value: strconv.Itoa(rand.IntN(11))}
}

// hungUp takes a BYE (RFC 3261 section 15.1.2).
func (c *Call) hungUp(d *dialog, m *wire.Message, p Path, tx Server) {
	if c.out && !c.confirmed {
		c.reply(m, p, tx, 481, "Call Does Not Exist", nil, nil) // only the caller may, so early
		return
	}
	c.reply(m, p, tx, 200, "OK", nil, nil)
	c.byes, c.queue = false, nil
	c.hurry.stop()
	why := HungUp
	if s := c.answering; s != nil {
		if s.status < 200 {
			why = Cancelled
			c.conclude(s, 487, "Request Terminated", nil, nil)
		} else {
			c.settle(s) // it has seen our 2xx, or does not want to
		}
	}
	if s := d.served; s != nil {
		if s.status < 200 {
			c.conclude(s, 487, "Request Terminated", nil, nil)
		} else {
			c.settle(s)
		}
	}
	c.end(Ended{Why: why, Reasons: ParseReason(m.All("Reason")), Message: m})
}

// reinvited takes an INVITE within the dialog (RFC 3261 section 14.2).
func (c *Call) reinvited(d *dialog, m *wire.Message, p Path, tx Server) {
	if refusal := c.engaged(d); refusal != nil {
		c.reply(m, p, tx, refusal.Status, refusal.Phrase, refusal.Fields, nil)
		return
	}
	sdp, refusal := describes(m)
	i, status := agree(m, leastInterval, c.session.their())
	if refusal == nil {
		refusal = intervalRefusal(status, leastInterval)
	}
	if refusal != nil {
		c.reply(m, p, tx, refusal.Status, refusal.Phrase, refusal.Fields, nil)
		return
	}
	c.yield(d)
	s := &served{m: m, path: p, tx: tx, d: d, cseq: m.Request.CSeq().SeqNo}
	d.served = s
	c.trying(s)
	c.set(&s.giveUp, remind, func() {
		if c.takenBack(d) {
			c.conclude(s, 500, "No Answer", nil, nil)
		}
	})
	d.open = &open{of: s, refuse: func(status int, phrase string) { c.conclude(s, status, phrase, nil, nil) }}
	d.open.answer = func(answer []byte) {
		d.refreshed(m, p)
		d.sent = answer
		if sdp == nil {
			d.ours, s.offers = true, true
		} else {
			d.got, d.agreed = sdp, true
		}
		c.conclude(s, 200, "OK", c.promise(i), answer)
	}
	ev := Offered{Fork: d.tag, Message: m}
	if sdp != nil {
		ev.Session = Session{Offer, sdp}
	}
	c.tell(ev)
}

// takenBack closes the offer that is open, if there is one; false: it is too late
// for that.
func (c *Call) takenBack(d *dialog) bool {
	switch {
	case d.open == nil:
		return true
	case d.open.committed:
		return false
	}
	d.open = nil
	c.tell(Withdrawn{Fork: d.tag})
	return true
}

// engaged is why a re-INVITE can't be taken now; nil: it can.
func (c *Call) engaged(d *dialog) *Refusal {
	busy := &Refusal{Status: 500, Phrase: "Another Request Is Open", Fields: []wire.Field{later()}}
	if !c.confirmed || d.open != nil || d.served != nil && d.served.status < 200 {
		return busy
	}
	if d.modify != nil && d.modify.k != nil {
		return &Refusal{Status: 491, Phrase: "Request Pending"}
	}
	// Who sends another INVITE has seen the 2xx to the last one.
	for _, s := range []*served{c.answering, d.served} {
		switch {
		case s == nil:
		case s.offers:
			return &Refusal{Status: 491, Phrase: "Request Pending"}
		default:
			c.acknowledged(s, nil)
		}
	}
	if d.ours && (d.modify == nil || d.modify.k != nil) {
		return &Refusal{Status: 491, Phrase: "Request Pending"}
	}
	return nil
}

// yield gives up an offer of ours that only waits to be made again.
func (c *Call) yield(d *dialog) {
	if w := d.modify; w != nil {
		w.wait.stop()
		c.withdraw(d, w)
		if !w.refresh {
			c.tell(Refused{Fork: d.tag, Status: 491, Phrase: "Request Pending"})
		}
	}
}

// refreshed takes over the remote target of a request that is accepted, and
// the way that it has come (RFC 3261 section 12.2.2).
func (d *dialog) refreshed(m *wire.Message, p Path) {
	d.path = p
	d.learn(m)
}

// updated takes an UPDATE (RFC 3311 section 5.2).
func (c *Call) updated(d *dialog, m *wire.Message, p Path, tx Server) {
	sdp, refusal := describes(m)
	i, status := agree(m, leastInterval, c.session.their())
	if refusal == nil {
		refusal = intervalRefusal(status, leastInterval)
	}
	if refusal == nil && sdp != nil {
		refusal = c.glare(d)
	}
	if refusal != nil {
		c.reply(m, p, tx, refusal.Status, refusal.Phrase, refusal.Fields, nil)
		return
	}
	if sdp != nil {
		c.yield(d)
		c.opened(d, m, p, tx, sdp, &i)
		return
	}
	d.refreshed(m, p)
	c.reply(m, p, tx, 200, "OK", append(c.about(d), c.promised(i)...), nil)
}

// glare is why an offer in an UPDATE can't be taken now; nil: it can.
func (c *Call) glare(d *dialog) *Refusal {
	switch {
	case d.modify != nil && d.modify.k != nil && !(d.modify.refresh && d.modify.update),
		d.ours && (d.modify == nil || d.modify.k != nil):
		return &Refusal{Status: 491, Phrase: "Request Pending"}
	case d.open != nil || d.served != nil && d.served.status < 200 || !d.agreed:
		return &Refusal{Status: 500, Phrase: "Another Offer Is Open", Fields: []wire.Field{later()}}
	}
	return nil
}

// opened hands the offer in an UPDATE or PRACK to the owner. i is the session
// timer's, nil where the request does not touch it.
func (c *Call) opened(d *dialog, m *wire.Message, p Path, tx Server, sdp []byte, i *interval) {
	r := c.ask(m, p, tx)
	if r == nil {
		return
	}
	d.open = &open{refuse: func(status int, phrase string) { c.finish(r, status, phrase, nil) }}
	o := d.open
	o.answer = func(answer []byte) {
		var fields []wire.Field
		if i != nil {
			d.refreshed(m, p)
			fields = append(c.about(d), c.promised(*i)...)
		}
		d.sent, d.got = answer, sdp
		c.finishWith(r, 200, "OK", fields, answer)
	}
	c.set(&r.giveUp, patience, func() {
		if d.open != o || c.takenBack(d) {
			c.finish(r, 500, "No Answer", nil)
		}
	})
	c.tell(Offered{Fork: d.tag, Session: Session{Offer, sdp}, Message: m})
}
