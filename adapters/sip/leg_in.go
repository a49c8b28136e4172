package sip

import (
	"gateway/adapters/sip/dialog"
	"gateway/bridge"
)

// happened takes an event of a branch's Call.
func (l *leg) happened(b *branch, ev dialog.Event) {
	if b.ended {
		return
	}
	switch ev := ev.(type) {
	case dialog.Ringing:
		l.progress(b, ev)
	case dialog.Accepted:
		l.taken(b, ev)
	case dialog.Offered:
		l.proposed(b, ev)
	case dialog.Withdrawn:
		l.withdrawn(ev)
	case dialog.Answered:
		l.answered(b, ev)
	case dialog.Refused:
		l.refused(b, ev)
	case dialog.Requested:
		l.requested(b, ev.Request)
	case dialog.Responded:
		l.responded(ev)
	case dialog.Ended:
		l.gone(b, ev)
	}
}

// gone is the last event of a branch.
func (l *leg) gone(b *branch, ev dialog.Ended) {
	b.ended = true
	cause, text := endOf(ev, l.cause)
	if l.cause != 0 {
		cause, text = l.cause, ""
	}
	switch {
	case l.out && !l.accepted && l.cause == 0:
		l.failed(b, refusal{cause: cause, text: text, err: ev.Err, all: ev.Status >= 600, instead: l.e.set.insteadOf(ev)})
	case !l.alive() || b == l.cur:
		l.end(cause, text, ev.Err)
	default: // another branch has the call
		b.media.close()
	}
}

// ring is the command: the other side rings.
func (l *leg) ring(early bool) {
	if l.out || l.accepted || l.cur == nil || l.cause != 0 {
		return
	}
	status, body := 180, []byte(nil)
	if early && l.talk.theirs == inInvite && l.talk.body != nil {
		status, body = 183, l.talk.body
	}
	if err := l.cur.call.Ring(status, body); err != nil {
		l.debug("progress not told", "status", status, "err", err)
	}
}

// accept is the command: the other side has taken the call.
func (l *leg) accept() {
	if l.out || l.accepted || l.cur == nil || l.cause != 0 {
		return
	}
	n := &l.talk
	if n.body == nil { // of an offer that could not be made, nor answered
		l.hangup(bridge.NotAcceptable)
		return
	}
	body := n.body
	if l.cur.call.Settled() {
		body = nil
	}
	if err := l.cur.call.Accept(body); err != nil {
		l.logger().Info("call not accepted", "err", err)
		l.hangup(bridge.Internal)
		return
	}
	l.accepted, n.body = true, nil
	if n.theirs == inInvite {
		n.theirs = closed
	}
}
