package xmpp

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"

	"gateway/bridge"
)

// runReader reads stanzas and hands them on until the stream ends.
func (a *Adapter) runReader(ctx context.Context, s *session, h bridge.Handler) error {
	r := s.stream.TokenReader()
	defer r.Close()
	for {
		// What we read makes answers: while the server takes none, we
		// take no more from it.
		if err := a.out.wait(ctx); err != nil {
			return err
		}
		tok, err := r.Token()
		if err != nil {
			return readError(err)
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue // white space
		}
		if err := a.receive(s, h, r, start); err != nil {
			return readError(err)
		}
	}
}

func readError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the server closed the stream")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server hung up")
	}
	return streamError(err)
}

// receive handles one stanza. An error is one of the stream.
func (a *Adapter) receive(s *session, h bridge.Handler, r xml.TokenReader, start xml.StartElement) error {
	c := &cursor{r: r}
	var st *stanza
	read := a.guard(func() (err error) {
		st, err = readStanza(c, start, s.conn.Lang())
		return err
	})
	if errors.Is(read, errPanic) {
		return c.drain()
	}
	if read != nil {
		return read
	}
	// An error here was a panic, and is told.
	_ = a.guard(func() error { a.dispatch(s, h, st); return nil })
	return nil
}

// dispatch sends a stanza where its kind is handled.
func (a *Adapter) dispatch(s *session, h bridge.Handler, st *stanza) {
	if st.kind == "error" {
		a.bounced(s, h, st)
		return
	}
	switch st.name {
	case "message":
		a.message(h, st)
	case "iq":
		a.iq(s, st)
	case "presence":
		a.presence(st)
	default:
		a.metrics.drop("no-stanza")
	}
}

// message takes a message in (RFC 6121 section 5.2).
func (a *Adapter) message(h bridge.Handler, st *stanza) {
	m, ok := a.incoming(st)
	if !ok {
		return
	}
	h.Message(m, func(_ bridge.Outcome, err error) {
		if err != nil {
			a.refuse(st, err)
		}
	})
}

// incoming makes the bridge's message of a stanza, or answers it.
func (a *Adapter) incoming(st *stanza) (bridge.Message, bool) {
	from, err := parseAddress(st.from)
	if err != nil {
		a.reply(st, condition{"jid-malformed", "modify"}, "")
		return bridge.Message{}, false
	}
	to, err := parseAddress(st.to)
	if err != nil {
		a.reply(st, condition{"jid-malformed", "modify"}, "")
		return bridge.Message{}, false
	}
	m := bridge.Message{
		Kind: bridge.Text, Ref: st.id, Subject: st.subject, Bodies: st.bodies,
		Thread: st.thread, Sent: st.sent, Hops: maxHops, Once: true,
	}
	m.From.Name, m.To.Name = a.naming.Text(from), a.naming.Text(to)
	switch {
	case from.Main == a.domain:
		a.metrics.drop("loop") // nobody at our own domain writes to it
	case len(m.Bodies) == 0 && len(m.Subject) == 0:
		a.metrics.drop("no-text") // chat states, markers and the like
	case to.Main != a.domain:
		a.metrics.drop("not-ours")
	case len(st.id) > maxPart:
		a.reply(st, condition{"policy-violation", "modify"}, "the id is too long")
	case st.kind == "groupchat":
		a.reply(st, condition{"service-unavailable", "cancel"}, "there are no rooms here")
	case a.mark.ours(st.id, m.Body()):
		a.reply(st, condition{"not-acceptable", "cancel"}, "this message came from here")
	case a.draining.Load():
		a.reply(st, condition{"service-unavailable", "wait"}, "the gateway is closing down")
	default:
		return m, true
	}
	return bridge.Message{}, false
}

// maxHops is what a message starts out with: no stanza says how far it has come.
const maxHops = 70

// bounced takes an error in. It is never answered.
func (a *Adapter) bounced(s *session, h bridge.Handler, st *stanza) {
	if st.name == "iq" {
		a.answeredUs(s, st)
		return
	}
	if st.name != "message" {
		a.metrics.drop("presence")
		return
	}
	r := st.refusal
	if r == nil {
		r = &refusal{}
	}
	a.metrics.stanzaError("in", r.condition)
	// An id is no secret: servers on the way, archives and whoever a message
	// was forwarded to know it. Only the recipient and its server may refuse.
	from, bad := parseAddress(st.from)
	if bad != nil || !a.mark.sentTo(st.id, from) {
		a.metrics.drop("unknown-error")
		a.env.Log.Debug("an error for nothing that went there", "from", oneLine(st.from, maxReason), "id", oneLine(st.id, maxReason))
		return
	}
	cause, _ := fromCondition(r.condition)
	err := &bridge.Error{
		Op: "send", Cause: cause, Reason: r.text, Retry: r.kind == "wait",
		Err: fmt.Errorf("%s: %s", oneLine(r.kind, 20), oneLine(r.condition, 60)),
	}
	if s.refuse(st.id, err) {
		return
	}
	if a.local[from.Main] {
		a.metrics.late.Inc()
		if n, ok := a.seldom.allow("late", time.Now()); ok {
			a.env.Log.Warn("a message was refused after it had counted as taken",
				"from", oneLine(st.to, maxReason), "to", oneLine(st.from, maxReason), "err", err, "before", n)
		}
	}
	if id, ok := messageID(st.id); ok {
		h.Bounced(id, err)
	}
}
