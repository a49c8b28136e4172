package xmpp

import (
	"slices"
	"strings"
	"time"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// initiation takes a message of Jingle Message Initiation (XEP-0353). It is
// never answered with an error.
func (a *Adapter) initiation(h bridge.Handler, st *stanza, from, to bridge.Name) {
	m, ok := jingle.ReadMessage(st.element)
	if !ok {
		a.metrics.drop("call-message")
		return
	}
	k := keyOf(m.ID, to, from)
	if l := a.calls.of(k); l != nil {
		if !l.box.full() {
			l.do(func() { l.said(from, m) })
		}
		return
	}
	old := !st.sent.IsZero() && time.Since(st.sent) > oldCall
	if m.Kind != "propose" || from.Tail == "" || old || a.calls.wasOver(k) || a.env.Media == nil {
		a.metrics.drop("call-message")
		return
	}
	a.proposed(h, from, to, m)
}

// proposed takes a call that begins by message.
func (a *Adapter) proposed(h bridge.Handler, from, to bridge.Name, m jingle.Message) {
	reject := func(r jingle.Reason) {
		our := bare(to)
		our.Tail = ourResource
		no := jingle.Message{Kind: "reject", ID: m.ID, Reason: r}
		e := no.Element()
		a.answer(element("", "message", stanzaAttrs("chat", callPrefix+"reject-"+m.ID, formatAddress(our), formatAddress(from)),
			e.TokenReader(), element(nsHints, "store", nil)))
	}
	switch {
	case len(m.Media) > 0 && !slices.Contains(m.Media, "audio"):
		reject(jingle.Reason{Condition: "unsupported-applications"})
		return
	case a.crossed(from, to, m.ID, true):
		reject(jingle.Reason{Condition: "expired", TieBreak: true})
		return
	}
	b := &branch{sid: m.ID, jmi: true, peer: from}
	if err := a.handCall(h, a.invite(from, to, m.ID, jingle.Usual("audio")), from, to, b); err != nil {
		word, text := toReason(err.Cause)
		reject(jingle.Reason{Condition: word, Text: text})
	}
}

// said takes a message about the leg's call.
func (l *leg) said(from bridge.Name, m jingle.Message) {
	b := l.branchOf(m.ID)
	if b == nil || b.state == ended || bare(from) != bare(l.peer) {
		return
	}
	if l.out {
		l.heard(b, from, m)
		return
	}
	// The call of a client is its own: others of the same user have no say.
	if from != b.peer && m.Kind != "retract" {
		return
	}
	switch m.Kind {
	case "retract":
		if b.state == waiting {
			l.gone(b, why{cause: callerGone(l.accepted), text: m.Reason.Text})
		}
	case "finish", "reject":
		l.gone(b, why{cause: finished(m, callerGone(l.accepted)), text: m.Reason.Text})
	}
}

func callerGone(accepted bool) bridge.Cause {
	if accepted {
		return bridge.Normal
	}
	return bridge.Cancelled
}

// finished is the cause of a finish; none if it says none.
func finished(m jingle.Message, none bridge.Cause) bridge.Cause {
	if c := fromReason(m.Reason.Condition, none); c != bridge.Cancelled {
		return c
	}
	return none
}

// heard takes what the party that we call says.
func (l *leg) heard(b *branch, from bridge.Name, m jingle.Message) {
	if b.state != waiting {
		if m.Kind == "finish" && from == b.peer {
			l.gone(b, why{cause: finished(m, l.lostFor()), text: m.Reason.Text})
		}
		return
	}
	switch m.Kind {
	case "ringing":
		l.rings()
	case "proceed", "accept": // the latter in XEP-0353 before 0.4
		if from.Tail == "" || l.claimed {
			return
		}
		b.peer = from
		l.claim(b)
		d, ok := l.a.abilityOf(from)
		if !ok {
			d = ability{who: from}
		}
		l.initiateTo(b, d)
	case "reject":
		c := fromReason(m.Reason.Condition, bridge.Declined)
		if m.Reason.TieBreak {
			c = bridge.Busy
		}
		if c == bridge.Cancelled || c == bridge.Normal {
			c = bridge.Declined
		}
		l.gone(b, why{cause: c, text: m.Reason.Text})
	case "finish":
		l.gone(b, why{cause: finished(m, bridge.Declined), text: m.Reason.Text})
	}
}

// undelivered takes an error for a message of XEP-0353 of ours; false if the id
// is none of those.
func (a *Adapter) undelivered(st *stanza) bool {
	rest, ok := strings.CutPrefix(st.id, callPrefix)
	if !ok {
		return false
	}
	kind, sid, _ := strings.Cut(rest, "-")
	from, err1 := parseAddress(st.from)
	to, err2 := parseAddress(st.to)
	if err1 != nil || err2 != nil || kind != "propose" && kind != "proceed" {
		return true
	}
	l := a.calls.of(keyOf(sid, to, from))
	if l == nil {
		return true
	}
	l.do(func() {
		b := l.branchOf(sid)
		if b == nil || b.state != waiting || from != l.peer && from != bare(l.peer) {
			return
		}
		c := bridge.Unavailable
		text := ""
		if st.refusal != nil {
			c, _ = fromCondition(st.refusal.condition)
			text = st.refusal.text
		}
		l.gone(b, why{cause: c, text: text})
	})
	return true
}
