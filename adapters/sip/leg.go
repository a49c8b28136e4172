package sip

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/bridge"
	"gateway/bridge/media"
)

// A leg is one party's side of a call: an INVITE that came, or those that went
// to the party's phones. One goroutine at a time owns it: who wants something of it puts
// that into its box, and sees to the box unless somebody does so already.
//
//	bridge ──commands──▶ ┌─────┐                      ┌─ branch ─ dialog.Call ─▶ a phone
//	                     │ box │ ─▶ one after the other┤
//	Plane, Call ─events─▶└─────┘                      └─ branch ─ dialog.Call ─▶ another
//
// An INVITE that came is its only branch. Of several that went, the first that is
// accepted becomes the leg's, and the others are told so.
type leg struct {
	e      *engine
	id     string
	inv    bridge.Invite
	events bridge.Events
	log    *slog.Logger // nil: logger makes it
	box    box

	out      bool
	branches []*branch
	cur      *branch // whose media and dialog count; nil: none yet
	ringing  bool    // the bridge has been told
	accepted bool
	over     bool
	cause    bridge.Cause // it has been hung up for; 0: it has not
	refusal  refusal      // the best so far

	talk      negotiation
	transfers map[string]*transfer
	asked     int // transfers so far
}

// A branch is one INVITE.
type branch struct {
	call  *dialog.Call
	media *session
	forks map[string][]byte // of ours: what each has answered before it was accepted
	// fork is whose answer is in force, answer what it was.
	fork   string
	answer []byte
	ended  bool
}

var _ bridge.Leg = (*leg)(nil)

func (e *engine) newLeg(id string, inv bridge.Invite, events bridge.Events) *leg {
	return &leg{e: e, id: id, inv: inv, events: events}
}

// logger is made when there is something to be said: of most legs there is nothing.
func (l *leg) logger() *slog.Logger {
	if l.log == nil {
		l.log = l.e.log.With("call", cmp.Or(l.inv.Call, l.inv.ID), "leg", l.id)
	}
	return l.log
}

// debug writes a line for who looks for a fault.
func (l *leg) debug(text string, args ...any) {
	if l.e.log.Enabled(context.Background(), slog.LevelDebug) {
		l.logger().Debug(text, args...) //nolint:sloglint // the callers have constants
	}
}

// end is the end. It closes what is open and tells the bridge.
func (l *leg) end(c bridge.Cause, text string, err error) {
	if l.over {
		return
	}
	l.over = true
	defer l.e.crew.leave()
	l.box.close()
	l.e.legs.remove(l)
	for _, b := range l.branches {
		if !b.ended {
			b.call.Hangup(reason(c))
		}
		news := b.media.close()
		if b == l.cur {
			l.post(news...)
		}
	}
	end := bridge.Ended{Cause: c, Reason: text, Err: err}
	if c == bridge.Moved && c == l.refusal.cause {
		end.Instead = l.refusal.instead
	}
	l.post(end)
}

// hangup ends all branches that there still are; the leg ends when they have
// ended.
func (l *leg) hangup(c bridge.Cause) {
	if l.cause == 0 {
		l.cause = c
	}
	for _, b := range l.branches {
		if b.ended {
			continue
		}
		if !l.out && !l.accepted {
			status := callStatusOf(c)
			b.call.Reject(status, phrases[status], reason(c))
		}
		b.call.Hangup(reason(c)) // nothing is left for it to do after a Reject
	}
	if !l.alive() {
		l.end(l.cause, "", nil)
	}
}

// alive reports whether a branch still is.
func (l *leg) alive() bool {
	for _, b := range l.branches {
		if !b.ended {
			return true
		}
	}
	return false
}

func (l *leg) post(all ...bridge.Event) {
	for _, ev := range all {
		l.events.Post(ev)
	}
}

// ear is where a branch's Call tells its events.
func (l *leg) ear(b *branch) func(dialog.Event) {
	return func(ev dialog.Event) { l.do(func() { l.happened(b, ev) }) }
}

// heard is where the Plane tells its events. Its packets don't wait for what follows.
func (l *leg) heard(ev mediaEvent) { l.later(func() { l.sounded(ev) }) }

// ID implements bridge.Leg.
func (l *leg) ID() string { return l.id }

// Ring implements bridge.Leg.
func (l *leg) Ring(early bool) { l.do(func() { l.ring(early) }) }

// Accept implements bridge.Leg.
func (l *leg) Accept() { l.do(l.accept) }

// Offer implements bridge.Leg.
func (l *leg) Offer(o bridge.Offer) { l.do(func() { l.offer(o) }) }

// Answer implements bridge.Leg.
func (l *leg) Answer(seq uint32, d bridge.Description) { l.do(func() { l.answer(seq, d) }) }

// Refuse implements bridge.Leg.
func (l *leg) Refuse(seq uint32, c bridge.Cause) { l.do(func() { l.refuse(seq, c) }) }

// Digit implements bridge.Leg.
func (l *leg) Digit(r rune, d time.Duration) { l.do(func() { l.press(r, d) }) }

// Transfer implements bridge.Leg.
func (l *leg) Transfer(id string, c bridge.Cause) { l.do(func() { l.transferred(id, c) }) }

// Hangup implements bridge.Leg.
func (l *leg) Hangup(c bridge.Cause) { l.do(func() { l.hangup(c) }) }

// sounded takes an event of the Plane's. What a branch hears that does not count
// is nobody's concern, but that it has lost its port.
func (l *leg) sounded(ev mediaEvent) {
	b := l.branchOf(ev.of)
	if b == nil || b.ended {
		return
	}
	switch m := ev.event.(type) {
	case media.Insecure:
		l.logger().Warn("media can't be encrypted", "stream", ev.stream, "err", m.Err)
		l.drop(b, bridge.Insecure)
		return
	case media.Failed:
		l.logger().Warn("no way for media", "stream", ev.stream, "err", m.Err)
		l.drop(b, bridge.NoMedia)
		return
	case media.Lost:
		l.logger().Error("media port lost", "stream", ev.stream, "err", m.Err)
		l.drop(b, bridge.Internal)
		return
	}
	if b != l.cur {
		return
	}
	switch m := ev.event.(type) {
	case media.Heard:
		l.post(bridge.Heard{Stream: ev.stream})
	case media.Silent:
		l.post(bridge.Silent{Stream: ev.stream})
	case media.Secured:
		l.debug("media is encrypted", "stream", ev.stream, "suite", m.Suite)
	case media.Digit:
		if !m.Forwarded {
			l.post(bridge.Digit{Digit: m.Digit, Duration: m.Duration})
		}
	}
}

// drop ends one branch for a fault of its media; the leg, if it is its last or
// the one that counts.
func (l *leg) drop(b *branch, c bridge.Cause) {
	if l.accepted || !l.out {
		l.hangup(c)
		return
	}
	b.call.Hangup(reason(c))
	l.failed(b, refusal{cause: c})
}

func (l *leg) branchOf(s *session) *branch {
	for _, b := range l.branches {
		if b.media == s {
			return b
		}
	}
	return nil
}
