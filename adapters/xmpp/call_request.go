package xmpp

import (
	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// requested takes a request of a session of the leg's. Only who the session is
// with may make one; others learn that there is none.
func (l *leg) requested(st *stanza, from bridge.Name, j *jingle.Jingle) {
	b := l.branchOf(j.SID)
	switch {
	case b == nil || b.state == ended || b.peer != from || l.over:
		l.a.refuseRequest(st, condition{"item-not-found", "cancel"}, "unknown-session")
		return
	case b.state == waiting && (j.Action != "session-initiate" || l.out || !l.accepted),
		b.state != waiting && j.Action == "session-initiate":
		l.a.refuseRequest(st, condition{"unexpected-request", "wait"}, "out-of-order")
		return
	}
	switch j.Action {
	case "session-initiate":
		l.initiate(st, b, j)
	case "session-accept":
		if b.state != sent || l.cur != nil && l.cur != b {
			l.a.refuseRequest(st, condition{"unexpected-request", "wait"}, "out-of-order")
			return
		}
		l.answered(st, b, j)
	case "session-terminate":
		l.a.result(st, nil)
		l.terminated(b, j)
	case "session-info":
		l.informed(st, b, j)
	case "transport-info":
		l.transported(st, b, j)
	case "content-accept", "content-reject", "transport-accept", "transport-reject":
		l.a.refuseRequest(st, condition{"unexpected-request", "wait"}, "out-of-order") // we have asked for nothing
	default:
		l.a.result(st, nil)
		l.changed(b, j)
	}
}

func (l *leg) branchOf(sid string) *branch {
	for _, b := range l.branches {
		if b.sid == sid {
			return b
		}
	}
	return nil
}

// terminated: the peer has ended a session.
func (l *leg) terminated(b *branch, j *jingle.Jingle) {
	none := bridge.Normal
	if b.state != active {
		none = bridge.Cancelled
		if l.out {
			none = bridge.Declined
		}
	}
	c := fromReason(j.Reason.Condition, none)
	switch {
	case c == bridge.Normal && l.out && b.state != active:
		c = bridge.Declined
	case c == bridge.Normal && b.state != active && !l.accepted:
		c = bridge.Cancelled
	case c == bridge.Cancelled && l.accepted:
		c = bridge.Normal // who cancels what is taken hangs up
	}
	if b.jmi {
		l.message(b.peer, jingle.Message{Kind: "finish", ID: b.sid, Reason: jingle.Reason{Condition: reasonOr(j.Reason.Condition)}})
	}
	l.gone(b, why{cause: c, text: oneLine(j.Reason.Text, maxReason)})
}

func reasonOr(word string) string {
	if _, known := otherReasons[word]; known || fromReason(word, 0) != 0 {
		return word
	}
	return "success"
}

// informed takes a session-info (XEP-0167 section 8).
func (l *leg) informed(st *stanza, b *branch, j *jingle.Jingle) {
	switch j.Info {
	case "", "active", "mute", "unmute", "hold", "unhold", "ringing":
	default:
		l.a.refuseRequest(st, condition{"feature-not-implemented", "modify"}, "unsupported-info")
		return
	}
	l.a.result(st, nil)
	switch j.Info {
	case "ringing":
		l.rings()
	case "hold":
		l.turn(b, bridge.SendOnly)
	case "unhold", "active":
		l.turn(b, bridge.SendReceive)
	}
}

// rings: a client of the party's rings.
func (l *leg) rings() {
	if l.out && !l.rung && !l.claimed {
		l.rung = true
		l.post(bridge.Ringing{})
	}
}

// changed takes a wish to change the session, which has been acknowledged.
func (l *leg) changed(b *branch, j *jingle.Jingle) {
	name, creator := b.x.Name()
	refuse := func(action string) {
		no := &jingle.Jingle{Action: action, Reason: jingle.Reason{Condition: "unsupported-applications"}}
		for _, c := range j.Contents {
			no.Contents = append(no.Contents, jingle.Content{Creator: c.Creator, Name: c.Name})
		}
		l.request(b, no, nil)
	}
	switch j.Action {
	case "content-add":
		refuse("content-reject")
	case "transport-replace":
		refuse("transport-reject")
	case "content-remove":
		for _, c := range j.Contents {
			if c.Name == name && c.Creator == creator {
				l.fail(b, why{cause: bridge.Normal}) // nothing is left
				return
			}
		}
	case "content-modify":
		for _, c := range j.Contents {
			if c.Name == name && c.Creator == creator {
				l.turn(b, b.x.DirOf(c.Senders))
			}
		}
	default: // description-info and security-info tell what may be nice to know
	}
}
