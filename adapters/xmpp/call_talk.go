package xmpp

import (
	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// propose tells the bridge of an offer of the peer's.
func (l *leg) propose(o openness, st bridge.Stream) {
	l.seq++
	l.open = o
	st.ID = l.stream
	l.post(bridge.Offered{Offer: bridge.Offer{Seq: l.seq, Desc: bridge.Description{st}}})
}

// answer is the command: the other side takes the offer seq.
func (l *leg) answer(seq uint32, d bridge.Description) {
	if seq != l.seq || l.open == closed {
		return
	}
	st, ok := soundOf(d)
	was, b := l.open, l.cur
	if was == inInvite {
		l.chosen = nil
		if ok {
			l.chosen = &st
		}
		return // until the call is taken it may change
	}
	l.open = closed
	switch {
	case b == nil:
	case !ok && was != inTalk:
		l.fail(b, why{cause: bridge.NotAcceptable})
	case was == inBegun:
		l.accept(b, st)
	case !ok || !b.x.Narrow(st):
		l.log.Info("an answer that has nothing in common with the session")
		if was == inTaken {
			l.fail(b, why{cause: bridge.NotAcceptable})
		}
	default:
		l.set(b)
		if was == inTaken {
			l.narrowed(b)
		}
	}
}

// refuse is the command: the other side does not take the offer seq.
func (l *leg) refuse(seq uint32, c bridge.Cause) {
	if seq != l.seq || l.open == closed {
		return
	}
	was := l.open
	l.open = closed
	if was != inTalk {
		l.hangup(c)
	}
}

// offer is the command: the other side proposes o. The client is not asked: what
// it has agreed to holds, and of that something is used or not.
func (l *leg) offer(o bridge.Offer) {
	b := l.cur
	st, ok := soundOf(o.Desc)
	if b == nil || b.state != active || l.open != closed {
		l.post(bridge.Refused{Seq: o.Seq, Cause: bridge.Conflict})
		return
	}
	held := !b.x.Dir().Hears()
	if !ok || !b.x.Narrow(st) {
		l.post(bridge.Refused{Seq: o.Seq, Cause: bridge.NotAcceptable})
		return
	}
	l.stream = st.ID
	l.set(b)
	l.narrowed(b)
	if now := !b.x.Dir().Hears(); now != held {
		info := "unhold"
		if now {
			info = "hold"
		}
		l.request(b, &jingle.Jingle{Action: "session-info", Info: info}, nil)
	}
	l.post(bridge.Answered{Seq: o.Seq, Desc: l.described(o.Desc, b.x.Stream())})
}

// narrowed tells a client that it should not send all that it may (XEP-0167
// section 5).
func (l *leg) narrowed(b *branch) {
	if b.x.Narrowed() {
		l.request(b, &jingle.Jingle{Action: "description-info", Contents: []jingle.Content{b.x.Wanted()}}, nil)
	}
}

// turn takes which way the client wants to send and hear from now on.
func (l *leg) turn(b *branch, d bridge.Dir) {
	if b.state != active || b.x.Theirs() == d {
		return
	}
	b.x.Turned(d)
	l.set(b)
	if l.open != closed || l.out && !l.accepted {
		return // the packets go the right way; the other side is not told
	}
	st := b.x.Agreed()
	st.Dir = d
	l.propose(inTalk, st)
}
