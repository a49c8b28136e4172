package sip

import (
	"errors"
	"strings"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// refIMDN begins the Ref of a message that has an imdn.Message-ID. No other
// Ref is of three words of which this is the first: they end in a tag.
const refIMDN = "imdn"

// imdnRef is what a notification of a message needs to be written: so the
// bridge's Ref of it. It is the message's identity too, better than Call-ID
// and CSeq, which are other ones when a phone sends it anew.
func imdnRef(a wire.Ask) string {
	dateTime := a.DateTime
	if dateTime == "" {
		dateTime = "-"
	}
	return refIMDN + " " + dateTime + " " + a.ID
}

// parseIMDNRef is the inverse of imdnRef. at stands in for a time that the
// message did not say.
func parseIMDNRef(ref string, at time.Time) (n wire.Notification, ok bool) {
	words := strings.Split(ref, " ")
	if len(words) != 3 || words[0] != refIMDN {
		return n, false
	}
	n = wire.Notification{DateTime: words[1], ID: words[2]}
	if n.DateTime == "-" {
		n.DateTime = at.UTC().Format(time.RFC3339)
	}
	return n, true
}

var errNotified = errors.New("a notification says so")

// notification takes what somebody tells of a message of ours (RFC 5438
// section 7) to the bridge. One of no message of ours to that sender is as
// good as any other to who sends it.
func (x *exchange) notification(m bridge.Message, n *wire.Notification) {
	id, ok := ownID(x.e.marks, n.ID, m.From.Name)
	if !ok {
		x.e.metrics.refused.WithLabelValues(refusedReceipt).Inc()
		x.respond(200)
		return
	}
	m.Of = id
	switch n.Disposition {
	case wire.Delivered:
		m.Kind = bridge.Delivered
	case wire.Displayed:
		m.Kind = bridge.Displayed
	case wire.Failed, wire.Forbidden, wire.Erroneous:
		x.e.h.Bounced(id, &bridge.Error{Op: sendOp, Cause: notifiedCause(n), Reason: n.Reason, Err: errNotified})
		x.respond(200)
		return
	default:
		x.respond(200)
		return
	}
	x.e.h.Message(m, x.done)
}

// notifiedCause is why a message has failed, by its notification.
func notifiedCause(n *wire.Notification) bridge.Cause {
	switch {
	case n.Code != 0:
		return causeOf(n.Code)
	case n.Disposition == wire.Forbidden:
		return bridge.Forbidden
	case n.Disposition == wire.Erroneous:
		return bridge.Internal
	default:
		return bridge.Unavailable
	}
}

// news is the notification that a message of the bridge's is as one; not ok if
// its writer has not asked for any.
func news(m *bridge.Message) (n wire.Notification, ok bool) {
	if m.Kind == bridge.Failed && !m.Want.Failed {
		return n, false
	}
	if n, ok = parseIMDNRef(m.Of, m.At); !ok {
		return n, false
	}
	switch m.Kind {
	case bridge.Delivered:
		n.Disposition = wire.Delivered
	case bridge.Displayed:
		n.Disposition = wire.Displayed
	case bridge.Failed:
		n.Disposition, n.Code, n.Reason = wire.Failed, statusOf(m.Cause), whyFailed(m)
	default:
		return n, false
	}
	return n, true
}
