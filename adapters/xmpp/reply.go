package xmpp

import (
	"encoding/xml"
	"errors"
	"strings"
	"time"

	"gateway/adapters/xmpp/wire"
	"gateway/bridge"
)

// refuse answers a message with what the bridge said of it.
func (a *Adapter) refuse(st *stanza, err error) {
	e := &bridge.Error{Cause: bridge.Internal}
	errors.As(err, &e)
	c := toCondition(e.Cause)
	if e.Retry {
		c.kind = "wait"
	}
	a.reply(st, c, e.Reason)
}

// droppedSafely is dropped, called while the stream is read.
func (a *Adapter) droppedSafely(d wire.Drop) {
	_ = a.guard(func() error { a.dropped(d); return nil }) // a panic is told
}

// dropped hears of what was not let through, and answers if it can.
func (a *Adapter) dropped(d wire.Drop) {
	a.metrics.drop(string(d.Reason))
	if n, ok := a.seldom.allow(string(d.Reason), time.Now()); ok {
		a.env.Log.Warn("a stanza was dropped", "cause", string(d.Reason),
			"from", oneLine(d.Head.From, maxReason), "to", oneLine(d.Head.To, maxReason), "before", n)
	}
	st := &stanza{name: d.Head.Name, kind: d.Head.Type, id: d.Head.ID, from: d.Head.From, to: d.Head.To}
	switch {
	case !st.isRequest():
	case d.Reason.OverLimit():
		a.answerError(st, condition{"policy-violation", "modify"}, "the stanza is too large")
	default:
		a.answerError(st, condition{"bad-request", "modify"}, "")
	}
}

// reply answers a stanza with an error. If that is for what was sent, and not
// for how things are with us, there is a line in the log; what clients ask to
// find out what we can do is no such thing.
func (a *Adapter) reply(st *stanza, c condition, text string) {
	if c.kind == "modify" || st.name == "message" && c.kind != "wait" {
		if n, ok := a.seldom.allow("refused "+c.name, time.Now()); ok {
			a.env.Log.Warn("a stanza was refused", "cause", c.name, "reason", oneLine(text, maxReason),
				"from", oneLine(st.from, maxReason), "to", oneLine(st.to, maxReason), "before", n)
		}
	}
	a.answerError(st, c, text)
}

// passOver counts a stanza that no server should have sent us.
func (a *Adapter) passOver(reason string, st *stanza) {
	a.metrics.drop(reason)
	if n, ok := a.seldom.allow(reason, time.Now()); ok {
		a.env.Log.Warn("a stanza was passed over", "cause", reason,
			"from", oneLine(st.from, maxReason), "to", oneLine(st.to, maxReason), "before", n)
	}
}

// answerError answers a stanza with an error (RFC 6120 section 8.3). It never
// answers an error, nobody, or ourselves.
func (a *Adapter) answerError(st *stanza, c condition, text string) {
	if st.kind == "error" || st.from == "" || rawDomain(st.from) == a.domain {
		a.metrics.drop("unanswerable")
		return
	}
	a.metrics.stanzaError("out", c.name)
	a.answer(element("", st.name, stanzaAttrs("error", st.id, a.as(st.to), st.from), errorElement(c, text)))
}

// errorElement is the <error/> of a stanza error.
func errorElement(c condition, text string) xml.TokenReader {
	children := []xml.TokenReader{element(nsStanzas, c.name, nil)}
	if text = oneLine(text, maxReason); text != "" {
		children = append(children, element(nsStanzas, "text", nil, chars(text)))
	}
	return element("", "error", []xml.Attr{attr("type", c.kind)}, children...)
}

// as gives the address to answer from: the raw one that was asked, if it is
// surely ours. From another one the server would close the stream.
func (a *Adapter) as(to string) string {
	if rawDomain(to) == a.domain {
		return to
	}
	return a.domain
}

func rawDomain(s string) string {
	s, _, _ = strings.Cut(s, "/")
	if _, domain, ok := strings.Cut(s, "@"); ok {
		return domain
	}
	return s
}

// answer queues a stanza of ours that nobody waits for. It does not block.
func (a *Adapter) answer(r xml.TokenReader) {
	data, err := render(r)
	if err == nil && a.out.put(packet{data: data}, queueMax) {
		return
	}
	a.metrics.drop("answer")
	if n, ok := a.seldom.allow("answer", time.Now()); ok {
		a.env.Log.Warn("an answer was dropped", "err", err, "before", n)
	}
}
