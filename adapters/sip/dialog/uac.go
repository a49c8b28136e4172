package dialog

import (
	"time"

	"gateway/adapters/sip/wire"
)

// An Invite is an INVITE of ours.
type Invite struct {
	URI      string   // Request-URI
	Routes   []string // values of Route, loose ones
	From, To string   // name-addr, without a tag
	User     string   // of Contact, escaped
	Hops     int      // Max-Forwards
	Fields   []wire.Field
	SDP      []byte // the offer; nil for none
	// Authorize answers challenges; nil: they are refusals.
	Authorize Authorize
	// More asks for the next place to try, when one was silent, full or could
	// not be reached. true: Try or Abort follows, but not before More has
	// returned. nil: there are no others.
	More func(c *Call) bool
}

// Dial makes a Call for an INVITE of ours. Nothing is sent before Try. It is nil
// if the Table is closed or full.
func (t *Table) Dial(inv Invite) *Call {
	c := &Call{
		t: t, out: true, callID: newToken(), tag: newToken(), user: inv.User, hops: inv.Hops, authorize: inv.Authorize,
		invite: &inv, offered: inv.SDP != nil, least: leastInterval, secure: isSIPS(inv.URI),
	}
	c.base = &dialog{local: inv.From + ";tag=" + c.tag, remote: inv.To, target: inv.URI}
	for _, v := range inv.Routes {
		if r, ok := readRoute(v); ok {
			c.base.routes = append(c.base.routes, r)
		}
	}
	if !t.add(c) {
		return nil
	}
	return c
}

// Try sends the INVITE by p, and waits within for the first response to it; 0 is as
// long as RFC 3261 has it.
func (c *Call) Try(p Path, within time.Duration) {
	c.mu.Lock()
	defer c.unlock()
	if c.ended {
		return
	}
	c.base.path, c.base.try = p, p
	c.t.meet(c, p.Remote())
	c.try(within)
}

// Abort ends a Call that could not be tried.
func (c *Call) Abort(err error) {
	c.mu.Lock()
	defer c.unlock()
	c.end(Ended{Why: Failed, Err: err})
}

func (c *Call) try(within time.Duration) {
	c.base.seq++
	inv := c.invite
	fields := append(c.about(c.base), c.asks()...)
	if !c.offered {
		fields[2].Value = unreliably // the offer is wanted in the 2xx
	}
	r := c.draft(c.base, methodInvite, append(fields, inv.Fields...), sessionType, inv.SDP)
	r.cseq = c.base.seq
	c.base.sent = inv.SDP
	c.first = &client{c: c, d: c.base, r: r, within: patience, progress: c.progress, success: c.success, done: c.failed}
	if within > 0 {
		c.first.within = within
	}
	c.first.start()
}

// about are the headers that say what we are like, in requests and responses
// that may change it.
func (c *Call) about(d *dialog) []wire.Field {
	const room = 8 // for what follows
	return append(make([]wire.Field, 0, room), c.contact(d.path), wire.Field{Name: "Allow", Value: c.t.cfg.Allow}, Supported())
}

// contact is where requests of the other side's are to come.
func (c *Call) contact(p Path) wire.Field {
	if p != c.shown {
		scheme, at := "<sip:", ""
		if c.secure {
			scheme = "<sips:"
		}
		if c.user != "" {
			at = "@"
		}
		c.shown, c.address = p, scheme+c.user+at+p.SentBy()+wire.TransportParam(p.Transport(), c.secure)+">"
	}
	return wire.Field{Name: "Contact", Value: c.address}
}

// failed takes a final response that is no 2xx, or that there was none.
func (c *Call) failed(m *wire.Message, err error) {
	c.first = nil
	if c.ended {
		return
	}
	status := 0
	if m != nil {
		status = m.Response.StatusCode
	}
	if status == 422 && c.raise(m) {
		c.try(0)
		return
	}
	elsewhere := (status == 0 || status == 503) && len(c.forks) == 0
	if more := c.invite.More; elsewhere && more != nil && more(c) {
		return
	}
	ev := Ended{Why: Failed, Status: status, Err: err, Message: m}
	if m != nil {
		ev.Phrase, ev.Reasons = wire.Phrase(m.Response.Reason), ParseReason(m.All("Reason"))
	}
	c.end(ev)
}

// fork finds or makes the dialog for a response to our INVITE (RFC 3261
// section 12.1.2); nil if it can't be one, or there are too many.
func (c *Call) fork(m *wire.Message) *dialog {
	to := m.Get("To")
	tag, _ := m.Response.To().Params.Get("tag")
	for _, d := range c.forks {
		if d.tag == tag {
			return d
		}
	}
	routes, ok := recorded(m)
	if !ok || len(to) > maxAddress || len(c.forks) == maxForks {
		return nil
	}
	d := &dialog{
		tag: tag, local: c.base.local, remote: to, target: c.base.target, routes: reversed(routes),
		seq: c.base.seq, path: c.base.path, ours: c.offered, sent: c.invite.body(),
	}
	d.learn(m)
	keep(&d.tag, &d.remote, &d.target)
	c.forks = append(c.forks, d)
	return d
}

func (inv *Invite) body() []byte {
	if inv == nil {
		return nil
	}
	return inv.SDP
}

// progress takes a provisional response to our INVITE.
func (c *Call) progress(m *wire.Message) {
	status := m.Response.StatusCode
	if status == 100 || c.ended || c.confirmed {
		return
	}
	d := c.fork(m)
	if d == nil {
		return
	}
	seq, rel := reliable(m)
	if rel {
		if d.rseq != 0 && seq != d.rseq+1 {
			return // a repeat, or one is missing that will be repeated
		}
		d.rseq = seq
		d.learn(m)
	}
	ev := Ringing{Fork: d.tag, Status: status, Message: m}
	sdp, err := session(m)
	switch {
	case err != nil || sdp == nil:
	case c.offered && !d.agreed:
		ev.Session = Session{Answer, sdp}
		d.got = sdp
		if rel {
			d.ours, d.agreed = false, true
		}
	case !c.offered && rel && !d.agreed && d.open == nil:
		ev.Session = Session{Offer, sdp}
		d.got = sdp
	}
	if rel {
		r := rack{seq, m.Response.CSeq().SeqNo, methodInvite}
		if ev.Session.Role == Offer {
			d.open = &open{
				answer: func(sdp []byte) { d.sent, d.agreed = sdp, true; c.sendPrack(d, r, sdp) },
				refuse: func(int, string) { c.sendPrack(d, r, nil) }, // there is no way to say no
			}
		} else {
			c.sendPrack(d, r, nil)
		}
	}
	c.tell(ev)
}

// success takes a 2xx to our INVITE, each time that one comes (RFC 3261
// section 13.2.2.4).
func (c *Call) success(m *wire.Message) {
	d := c.fork(m)
	if d == nil {
		return // without an ACK that side ends it
	}
	k := c.first
	if a := k.ackOf(d.tag); a != nil {
		_ = a.path.Write(a.data) // if it is lost too the 2xx comes again
		return
	}
	if d == c.dlg {
		return // the ACK waits for an answer
	}
	if routes, ok := recorded(m); ok {
		d.routes = reversed(routes)
	}
	d.learn(m)
	if c.ended || c.confirmed {
		// Taken after we took it back, or by a second phone.
		c.acknowledge(k, d, nil)
		fields := c.last
		if !c.ended {
			fields = []wire.Field{Reason{"SIP", 200, "Call completed elsewhere"}.Field()}
		}
		c.bye(d, fields)
		return
	}
	c.dlg, c.confirmed, c.invite = d, true, nil
	for _, other := range c.forks {
		if other != d {
			other.open = nil
		}
	}
	c.taken(d, m)
}

// taken is the first 2xx.
func (c *Call) taken(d *dialog, m *wire.Message) {
	sdp, err := session(m)
	ev := Accepted{Fork: d.tag, Message: m}
	switch {
	case err != nil:
		c.acknowledge(c.first, d, nil)
		c.bye(d, nil)
		c.end(Ended{Why: Failed, Status: 415, Err: err, Message: m})
		return
	case sdp == nil || d.agreed:
		if d.got != nil {
			d.agreed = true // by what a provisional response has said
		}
		d.ours = false
	case c.offered:
		ev.Session = Session{Answer, sdp}
		d.got, d.ours, d.agreed = sdp, false, true
	default:
		ev.Session = Session{Offer, sdp}
		d.got = sdp
		c.openAck(d)
	}
	if d.open == nil {
		c.acknowledge(c.first, d, nil)
	}
	c.agreedOn(m)
	c.tell(ev)
}

// openAck lets the ACK wait for the answer to the offer in a 2xx. Who accepts
// repeats it for 32 s.
func (c *Call) openAck(d *dialog) {
	late := c.after(patience/2, func() {
		c.quit()
		c.end(Ended{Why: Failed, Err: errNoSession})
	})
	d.open = &open{
		answer: func(sdp []byte) {
			late.stop()
			d.sent, d.agreed = sdp, true
			c.acknowledge(c.first, d, sdp)
		},
		refuse: func(int, string) {
			late.stop()
			c.quit()
			c.end(Ended{Why: Ours})
		},
	}
}

// raise asks for the interval that a 422 wants (RFC 4028 section 7.3); false if
// it wants nothing that can be.
func (c *Call) raise(m *wire.Message) bool {
	least := minSE(m)
	if least <= c.least || least >= mostInterval {
		return false
	}
	c.least = least
	return true
}
