package dialog

import (
	"bytes"
	"math/rand/v2"
	"time"

	"gateway/adapters/sip/wire"
)

const maxModifies = 4 // tries of one offer that meets 491

// A modify is a re-INVITE or UPDATE of ours, until it has been accepted or
// refused for good.
type modify struct {
	sdp     []byte // nil in an UPDATE that only refreshes
	before  []byte // what was in force
	refresh bool   // for the session timer: the owner knows nothing of it
	update  bool   // UPDATE rather than re-INVITE
	tries   int
	k       *client // nil while it waits
	wait    *alarm  // until it is made again; nil: it waits for an ACK
}

// Offer proposes another session: by UPDATE before the call is established, by
// re-INVITE after. Answered or Refused follows.
func (c *Call) Offer(sdp []byte) error {
	c.mu.Lock()
	defer c.unlock()
	if c.ended {
		return ErrOver
	}
	d := c.dlg
	if c.out && !c.confirmed && len(c.forks) == 1 {
		d = c.forks[0]
	}
	switch {
	case d == nil:
		return ErrNotYet
	case d.modify != nil && d.modify.refresh && d.modify.k == nil:
		d.modify.wait.stop() // the offer refreshes too
		c.withdraw(d, d.modify)
	case d.modify != nil || d.open != nil || d.ours || d.served != nil && d.served.status < 200:
		return ErrGlare
	}
	if !c.confirmed && (!d.agreed || !d.allows(methodUpdate)) {
		return ErrNotYet
	}
	d.modify = &modify{sdp: sdp, before: d.sent, update: !c.confirmed}
	d.ours, d.sent = true, sdp
	if c.answering != nil && c.confirmed || d.served != nil {
		return nil // RFC 3261 section 14.1: after the ACK
	}
	c.propose(d)
	return nil
}

// Commit has an open offer of the other side's stay open until Answer, which is to follow at
// once: what would take it back comes too late.
func (c *Call) Commit(fork string) error {
	c.mu.Lock()
	defer c.unlock()
	o, err := c.opening(fork)
	if err == nil {
		o.committed = true
	}
	return err
}

// Answer answers an open offer of the other side's: where it asked for an
// offer, sdp is that.
func (c *Call) Answer(fork string, sdp []byte) error {
	c.mu.Lock()
	defer c.unlock()
	o, err := c.take(fork)
	if err == nil {
		o.answer(sdp)
	}
	return err
}

// Refuse refuses an open offer of the other side's. All stays as it was.
func (c *Call) Refuse(fork string, status int, phrase string) error {
	c.mu.Lock()
	defer c.unlock()
	o, err := c.take(fork)
	if err == nil {
		o.refuse(status, phrase)
	}
	return err
}

// opening is the offer that is open.
func (c *Call) opening(fork string) (*open, error) {
	if c.ended {
		return nil, ErrOver
	}
	d := c.find(fork)
	if d == nil || d.open == nil {
		return nil, ErrNotYet
	}
	return d.open, nil
}

// take closes an open offer.
func (c *Call) take(fork string) (*open, error) {
	o, err := c.opening(fork)
	if err == nil {
		c.find(fork).open = nil
	}
	return o, err
}

// propose sends what d.modify says.
func (c *Call) propose(d *dialog) {
	w := d.modify
	w.wait = nil
	w.tries++
	d.seq++
	fields := append(c.about(d), c.asks()...)
	if w.update {
		r := c.draft(d, methodUpdate, fields, sessionType, w.sdp)
		r.cseq = d.seq
		w.k = &client{c: c, d: d, r: r, within: patience, done: func(m *wire.Message, err error) { c.proposed(d, w, m, err) }}
		w.k.start()
		return
	}
	r := c.draft(d, methodInvite, fields, sessionType, w.sdp)
	r.cseq = d.seq
	w.k = &client{
		c: c, d: d, r: r, within: patience, limit: timerC, progress: func(*wire.Message) {},
		done: func(m *wire.Message, err error) { c.proposed(d, w, m, err) },
	}
	w.k.success = c.reinviteSuccess(d, w)
	w.k.start()
}

// reinviteSuccess takes every 2xx to a re-INVITE.
func (c *Call) reinviteSuccess(d *dialog, w *modify) func(*wire.Message) {
	var k *client
	return func(m *wire.Message) {
		if k == nil {
			// Only now it is known which it was: a challenge makes it anew.
			k = w.k
			c.acknowledge(k, d, nil)
			c.proposed(d, w, m, nil)
			return
		}
		if a := k.ackOf(d.tag); a != nil {
			_ = a.path.Write(a.data)
		}
	}
}

// proposed takes what came of a re-INVITE or UPDATE of ours.
func (c *Call) proposed(d *dialog, w *modify, m *wire.Message, err error) {
	if d.modify != w {
		return // the call has ended
	}
	w.k = nil
	status := 0
	if m != nil {
		status = m.Response.StatusCode
	}
	switch {
	case status >= 200 && status < 300:
		c.agreedAnew(d, w, m)
	case status == 422 && w.tries < maxModifies && c.raise(m):
		c.propose(d)
	case again(m, status) && w.tries < maxModifies:
		w.wait = c.after(c.backOff(m), func() { c.propose(d) })
	case w.update && (status == 405 || status == 501) && c.confirmed && d.sent != nil:
		d.allow = []string{methodInvite} // it does not take UPDATE after all
		w.update, w.sdp = false, d.sent
		c.propose(d)
	default:
		c.withdraw(d, w)
		if !w.refresh {
			ev := Refused{Fork: d.tag, Status: status, Err: err, Message: m}
			if m != nil {
				ev.Phrase = wire.Phrase(m.Response.Reason)
			}
			c.tell(ev)
		}
		c.lost(status, m, err)
	}
}

// withdraw forgets an offer of ours: what was agreed on before stays.
func (c *Call) withdraw(d *dialog, w *modify) {
	d.modify, d.ours = nil, false
	d.sent = w.before
}

// agreedAnew takes the 2xx.
func (c *Call) agreedAnew(d *dialog, w *modify, m *wire.Message) {
	d.modify, d.ours = nil, false
	d.learn(m)
	c.agreedOn(m)
	sdp, err := session(m)
	switch {
	case w.sdp == nil:
	case err != nil || sdp == nil:
		d.sent = w.before
		if !w.refresh {
			c.tell(Refused{Fork: d.tag, Err: errNoSession, Message: m})
		}
	case !w.refresh || !bytes.Equal(sdp, d.got):
		d.got, d.agreed = sdp, true
		c.tell(Answered{Fork: d.tag, SDP: sdp, Refresh: w.refresh, Message: m})
	}
}

// again says whether a refusal is only for now: 491, or 500 with a Retry-After
// as RFC 3261 section 14.2 has it.
func again(m *wire.Message, status int) bool {
	n, ok := digits(retryAfter(m))
	return status == 491 || status == 500 && ok && n <= 10
}

func retryAfter(m *wire.Message) string {
	if m == nil {
		return ""
	}
	head, _ := params(m.Get("Retry-After"))
	if i := bytes.IndexByte([]byte(head), '('); i >= 0 {
		head = head[:i] // a comment
	}
	head, _ = params(head)
	return head
}

// backOff is how long to wait after a 491 (RFC 3261 section 14.1): two to four
// seconds for who chose the Call-ID, less for the other, in steps of 10 ms.
func (c *Call) backOff(m *wire.Message) time.Duration {
	if n, ok := digits(retryAfter(m)); ok {
		return time.Duration(min(n, 10)) * time.Second
	}
	if c.out {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// lost ends the call when a request within it has met what means that the other
// side knows nothing of it (RFC 3261 section 12.2.1.2).
func (c *Call) lost(status int, m *wire.Message, err error) {
	if c.ended || status != 481 && status != 408 && status != 0 {
		return
	}
	c.queue = nil // nobody is there to hear it
	c.quit()
	c.end(Ended{Why: Lost, Status: status, Err: err, Message: m})
}
