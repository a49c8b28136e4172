package dialog

import (
	"errors"
	"slices"
	"time"

	"gateway/adapters/sip/wire"
)

const (
	methodInvite = "INVITE"
	methodAck    = "ACK"
	methodCancel = "CANCEL"
	methodBye    = "BYE"
	methodPrack  = "PRACK"
	methodUpdate = "UPDATE"
	methodNotify = "NOTIFY"
)

var errNoAnswer = errors.New("no answer")

// A client is one request of ours and its transaction (RFC 3261 section 17.1,
// RFC 6026 section 7.2 for INVITE).
//
//	calling ──1xx──▶ proceeding ──2xx──▶ accepted (every 2xx counts, 32 s)
//	   │  └──2xx───────────────────────▲    │
//	   └──────3xx-6xx──▶ completed (ACK, 32 s by UDP) ──▶ over
type client struct {
	c      *Call
	d      *dialog // the request is within
	r      *draft
	path   Path
	branch string
	data   []byte
	within time.Duration // for the first response
	limit  time.Duration // of an INVITE: for the final response, once there was a provisional one; 0: none
	wait   time.Duration // until it is sent again
	resend alarm
	giveUp alarm
	tries  int    // with credentials
	heard  bool   // there was a provisional response
	cancel bool   // CANCEL goes with the first provisional response; or has gone
	over   bool   // done has been called, or for an INVITE success
	won    bool   // of an INVITE: there was a 2xx
	ack    []byte // of an INVITE: for a final response that is no 2xx
	acks   []ack  // of an INVITE: for 2xx, by tag

	// done has the final response, or why there is none; of an INVITE, one that
	// is no 2xx. At most once.
	done func(m *wire.Message, err error)
	// Of an INVITE: progress has every provisional response, success every 2xx,
	// repeats among them.
	progress, success func(m *wire.Message)
}

// An ack is an ACK for a 2xx, which is no part of a transaction but is sent
// again with every repeat of the 2xx (RFC 3261 section 13.2.2.4).
type ack struct {
	tag  string
	path Path
	data []byte
}

// ackOf is what has acknowledged the 2xx with a tag, nil if nothing has.
func (k *client) ackOf(tag string) *ack {
	for i := range k.acks {
		if k.acks[i].tag == tag {
			return &k.acks[i]
		}
	}
	return nil
}

// acknowledge sends the ACK for a 2xx to k, an INVITE.
func (c *Call) acknowledge(k *client, d *dialog, sdp []byte) {
	r := c.draft(d, methodAck, nil, sessionType, sdp)
	r.cseq, r.auth = k.r.cseq, k.r.auth
	a := ack{tag: d.tag, path: d.way(r)}
	a.data = r.bytes(a.path, newBranch(), c.t.cfg.Agent)
	k.acks = append(k.acks, a)
	d.acked = true
	_ = a.path.Write(a.data) // if it is lost the 2xx comes again
}

// send begins a transaction within d. The draft has its CSeq.
func (c *Call) send(d *dialog, r *draft, done func(m *wire.Message, err error)) *client {
	k := &client{c: c, d: d, r: r, within: patience, done: done}
	k.start()
	return k
}

// start sends the request for the first time. The lock is held.
func (k *client) start() {
	c := k.c
	k.path, k.branch = k.d.way(k.r), newBranch()
	k.data = k.r.bytes(k.path, k.branch, c.t.cfg.Agent)
	if len(k.data) > maxDatagram && !k.path.Reliable() {
		if long := k.path.Long(); long != k.path {
			k.path = long
			k.data = k.r.bytes(k.path, k.branch, c.t.cfg.Agent)
		}
	}
	k.run()
}

// run registers the transaction and sends what start, or cancelling, has made.
func (k *client) run() {
	c := k.c
	c.clients++
	c.t.addClient(k)
	if err := k.path.Write(k.data); err != nil {
		c.set(&k.giveUp, 0, func() { k.fail(err) })
		return
	}
	if !k.path.Reliable() {
		k.wait = timerT1
		c.set(&k.resend, k.wait, k.again)
	}
	c.set(&k.giveUp, k.within, func() {
		k.path.Silent()
		k.fail(errNoAnswer)
	})
}

// again repeats the request: timers A and E.
func (k *client) again() {
	if err := k.path.Write(k.data); err != nil {
		k.fail(err)
		return
	}
	k.wait *= 2
	if k.r.method != methodInvite {
		k.wait = min(k.wait, timerT2)
	}
	k.c.set(&k.resend, k.wait, k.again)
}

func (k *client) stop() {
	k.resend.stop()
	k.giveUp.stop()
}

// leave ends the transaction.
func (k *client) leave() {
	k.stop()
	if k.c.t.removeClient(k) {
		k.c.clients--
	}
	k.data, k.ack, k.acks = nil, nil, nil
}

func (k *client) fail(err error) {
	k.leave()
	if !k.over {
		k.over = true
		k.done(nil, err)
	}
}

// receive takes a response. The lock is held.
func (k *client) receive(m *wire.Message) {
	status := m.Response.StatusCode
	switch {
	case k.r.method == methodInvite:
		k.receiveInvite(m, status)
	case k.over:
	case status < 200:
		if !k.heard && !k.path.Reliable() {
			k.wait = timerT2
			k.c.set(&k.resend, k.wait, k.again)
		}
		k.heard = true
	default:
		k.over = true
		k.leave()
		if !k.challenged(m, status) {
			k.done(m, nil)
		}
	}
}

func (k *client) receiveInvite(m *wire.Message, status int) {
	switch {
	case status < 200:
		if k.over {
			return
		}
		if !k.heard {
			k.heard = true
			k.stop()
			if k.limit > 0 {
				k.c.set(&k.giveUp, k.limit, k.sendCancel)
			}
			if k.cancel {
				k.sendCancel()
			}
		}
		k.progress(m)
	case status < 300:
		if k.over && !k.won {
			return
		}
		if !k.won {
			k.won, k.over = true, true
			k.stop()
			// It lingers for repeats, and is never sent again.
			k.data, k.r.body, k.r.fields, k.r.routes = nil, nil, nil, nil
			k.c.linger(&k.giveUp, k.leave) // timer M
		}
		k.success(m)
	default:
		k.refused(m, status)
	}
}

// refused acknowledges a final response that is no 2xx, every time that it
// comes (RFC 3261 section 17.1.1.3).
func (k *client) refused(m *wire.Message, status int) {
	if k.won {
		return
	}
	if k.ack == nil {
		r := *k.r
		r.method, r.to, r.fields, r.body, r.auth = methodAck, m.Get("To"), nil, nil, k.r.auth
		if len(r.to) > maxAddress {
			r.to = k.r.to
		}
		k.ack = r.bytes(k.path, k.branch, k.c.t.cfg.Agent)
	}
	_ = k.path.Write(k.ack) // if it is lost the response comes again
	if k.over {
		return
	}
	k.over = true
	k.stop()
	if k.path.Reliable() { // timer D
		k.c.set(&k.giveUp, 0, k.leave)
	} else {
		k.c.linger(&k.giveUp, k.leave)
	}
	if !k.challenged(m, status) {
		k.done(m, nil)
	}
}

// challenged sends the request again with credentials, if there are any for it:
// once, and once more if the nonce was too old (RFC 3261 section 22.2).
func (k *client) challenged(m *wire.Message, status int) bool {
	c := k.c
	if status != 401 && status != 407 || c.authorize == nil || k.tries > 1 || k.cancel || k.r.method == methodCancel {
		return false
	}
	field, stale, err := c.authorize(m, k.r.method, k.r.uri)
	if err != nil || k.tries > 0 && !stale {
		return false
	}
	r := *k.r
	// A proxy and the server behind it may each ask.
	r.auth = append(slices.DeleteFunc(slices.Clone(r.auth), func(f wire.Field) bool { return f.Name == field.Name }), field)
	k.d.seq++
	r.cseq = k.d.seq
	next := &client{
		c: c, d: k.d, r: &r, within: k.within, limit: k.limit, tries: k.tries + 1, done: k.done, progress: k.progress, success: k.success,
	}
	if c.first == k {
		c.first = next
	}
	if k.d.modify != nil && k.d.modify.k == k {
		k.d.modify.k = next
	}
	next.start()
	return true
}

// sendCancel takes the INVITE back, after a provisional response only (RFC 3261
// section 9.1).
func (k *client) sendCancel() {
	c := k.c
	k.giveUp.stop()
	r := *k.r
	r.method, r.fields, r.body = methodCancel, c.last, nil
	x := &client{
		c: c, d: k.d, r: &r, path: k.path, branch: k.branch, within: patience,
		done: func(*wire.Message, error) {}, // its INVITE's final response is what counts
	}
	x.data = r.bytes(x.path, x.branch, c.t.cfg.Agent)
	x.run()
	c.set(&k.giveUp, patience, func() { k.fail(errNoAnswer) })
}
