package sip

import (
	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
)

const (
	methodInvite = "INVITE"
	methodAck    = "ACK"
	methodCancel = "CANCEL"
)

// newDialogs makes the table of calls.
func (e *engine) newDialogs() *dialog.Table {
	return dialog.NewTable(dialog.Config{
		Agent: e.agent, Allow: e.set.allow(),
		Panicked: func(p any) {
			e.metrics.refused.WithLabelValues(refusedPanic).Inc()
			e.badInput.Do(func() { e.log.Error("panic in a call's timer", "err", p) })
		},
	})
}

// allow is what may be asked of us.
func (s *settings) allow() string {
	allow := "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, REFER, NOTIFY, OPTIONS, MESSAGE"
	if len(s.passwords) > 0 {
		allow += ", REGISTER"
	}
	return allow
}

// ack takes an ACK. It is never answered: one that is for nothing is late.
func (e *engine) ack(f flow, m *wire.Message) {
	if key, err := txKey(f, m.Request, methodInvite); err == nil {
		if tx := e.txs.get(key); tx != nil {
			if c := tx.owner(); c != nil {
				c.Ack(m)
			}
			return
		}
	}
	// Who knows our tag may say that it has seen the 2xx, but no more.
	if c := e.dialogs.Inside(m); c != nil && (len(m.Request.Body()) == 0 || e.isParty(f, c)) {
		c.Ack(m)
	}
}

// cancel takes a CANCEL of an INVITE that is known (RFC 3261 section 9.2). Who
// knows its branch and sends from where it came needs no credentials; they can't
// be asked for (section 22.1).
func (e *engine) cancel(f flow, m *wire.Message, key string) bool {
	invite, err := txKey(f, m.Request, methodInvite)
	if err != nil {
		return false
	}
	of := e.txs.get(invite)
	if of == nil || of.owner() == nil {
		return false
	}
	c := of.owner()
	tx := e.txs.begin(key, m, back(f, m), e.metrics)
	if tx == nil {
		e.crowded(f, m)
		return true
	}
	tx.Reply(200, m.Reply(200, phrases[200], c.ID(), f.remote, nil, nil))
	c.Cancel(m)
	return true
}

// isParty says whether f leads to the other side of a call: it is where that was
// met; or the peer is there; or the peer has told us to send there.
func (e *engine) isParty(f flow, c *dialog.Call) bool {
	p, ok := c.Path().(*path)
	switch {
	case !ok:
		return false
	case f.carrier == p.flow.carrier && f.remote == p.remote:
		return true
	case isSecure(p.network) && !isSecure(f.network()):
		return false
	case p.account != "":
		return f.remote == p.remote && f.network() == p.network
	}
	return e.isPeer(f) || c.Names(f.remote.Addr())
}

// inside takes a request within a dialog, but ACK and CANCEL.
func (e *engine) inside(f flow, m *wire.Message, key string, c *dialog.Call) {
	from := sender{}
	if p, ok := c.Path().(*path); ok {
		from.account = p.account
	}
	if !e.isParty(f, c) {
		// A phone may come from another address when it shows who it is.
		who, ok := e.gate(f, m)
		if !ok {
			return
		}
		if who != from {
			_, _ = e.forbid(f, m, refusedSender)
			return
		}
	}
	p, err := e.pathBy(f, from.account)
	if err != nil {
		e.log.Warn("request not taken", "peer", f.remote, "method", m.Request.Method, "err", err)
		e.stateless(f, m, 500, phrases[500])
		return
	}
	tx := e.txs.begin(key, m, back(f, m), e.metrics)
	if tx == nil {
		e.crowded(f, m)
		return
	}
	x := &exchange{e: e, m: m, f: f, tx: tx, from: from}
	if x.required() {
		x.inside(c, p)
	}
}

// inside takes a request within a dialog to what it is for.
func (x *exchange) inside(c *dialog.Call, p *path) {
	switch x.m.Request.Method {
	case "SUBSCRIBE", "PUBLISH":
		x.respond(489)
	case "MESSAGE":
		if x.from.account == "" && !x.e.isPeer(x.f) {
			// It may be in a call with us, but nobody vouches for what it calls itself.
			x.e.metrics.refused.WithLabelValues(refusedSender).Inc()
			x.refuse(403)
			return
		}
		if r := c.Admit(x.m); r != nil {
			x.answer(r.Status, r.Phrase, r.Fields...)
			return
		}
		x.message()
	case methodInvite:
		x.tx.own(c) // an ACK for a refusal has the transaction's key
		c.Request(x.m, p, x.tx)
	default:
		c.Request(x.m, p, x.tx)
	}
}

// invite takes an INVITE that begins a call. What is refused here is refused
// before it has been heard: its sender repeats it if the answer is lost.
func (x *exchange) invite() {
	if x.e.dialogs.Looped(x.m) {
		x.e.metrics.refused.WithLabelValues(refusedLoop).Inc()
		x.refuse(482)
		return
	}
	if mf := x.m.Request.MaxForwards(); mf != nil && mf.Val() == 0 {
		x.refuse(483)
		return
	}
	p, err := x.e.pathBy(x.f, x.from.account)
	if err != nil {
		x.e.log.Warn("call not taken", "peer", x.f.remote, "err", err)
		x.respond(500)
		return
	}
	c, refusal := x.e.dialogs.Incoming(x.m, p, x.tx, x.dialled())
	if refusal != nil {
		x.reject(refusal.Status, refusal.Phrase, refusal.Fields...)
		return
	}
	x.tx.own(c)
	x.e.called(x, c)
}

// dialled is the user part that a call came for, as it came: fit for our
// Contact.
func (x *exchange) dialled() string {
	uri := &x.m.Request.Recipient
	if uri.User != "" {
		return uri.User
	}
	if user, err := wire.User(uri); err == nil {
		return wire.EscapeUser(user)
	}
	return ""
}
