package xmpp

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mellium.im/xmpp/stream"

	"gateway/bridge"
)

// runReader reads stanzas and hands them on until the stream ends, also when
// work is done: what has been read is ours to answer for.
func (a *Adapter) runReader(work context.Context, s *session, h bridge.Handler) error {
	for {
		// What we read makes answers: while the server takes none, we
		// take no more from it. At the end, there is no time for that.
		_ = a.out.wait(work)
		r, err := s.conn.Stanza()
		if err != nil {
			return readError(err)
		}
		start := r.Start()
		if start.Name.Space == stream.NS { // package wire lets only an error of that pass
			var e stream.Error
			if err := xml.NewTokenDecoder(r).Decode(&e); err != nil {
				return readError(err)
			}
			return readError(e)
		}
		_, _ = r.Token() // that is start
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
	st := newStanza(start, s.conn.Lang())
	err := a.guard(func() error { return st.read(c, start.Name.Space) })
	if errors.Is(err, errPanic) {
		a.excuse(st)
		return c.drain()
	}
	if err != nil {
		return err
	}
	if a.guard(func() error { a.dispatch(s, h, st); return nil }) != nil {
		a.excuse(st)
	}
	return nil
}

// excuse answers what made us panic.
func (a *Adapter) excuse(st *stanza) {
	_ = a.guard(func() error { // a panic here is told, and that is all
		if st.isRequest() {
			a.refuse(st, &bridge.Error{Op: "receive", Cause: bridge.Internal})
		}
		return nil
	})
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
		a.iq(s, h, st)
	case "presence":
		a.presence(h, st)
	default:
		a.metrics.drop("no-stanza")
	}
}

// between gives whom a stanza is from and to. That these are no addresses, its sender is
// told here.
func (a *Adapter) between(st *stanza) (from, to bridge.Name, ok bool) {
	from, err := parseAddress(st.from)
	if err == nil {
		to, err = parseAddress(st.to)
	}
	if err != nil {
		a.reply(st, condition{"jid-malformed", "modify"}, "")
	}
	return from, to, err == nil
}

// message takes a message in (RFC 6121 section 5.2): what it says of messages
// of ours, a text, or else that somebody writes one.
func (a *Adapter) message(h bridge.Handler, st *stanza) {
	from, to, ok := a.between(st)
	if !ok {
		return
	}
	switch {
	case from.Main == a.domain:
		a.passOver("loop", st) // nobody at our own domain writes to it
		return
	case to.Main != a.domain:
		a.passOver("not-ours", st)
		return
	}
	if st.element != nil {
		a.initiation(h, st, from, to)
		return
	}
	var m bridge.Message
	m.From.Name, m.To.Name = a.naming.Text(from), a.naming.Text(to)
	m.Ref, m.Thread, m.Sent, m.Hops = st.id, st.thread, st.sent, maxHops
	m.Subject, m.Bodies = st.subject, st.words()
	hasText := len(m.Bodies) > 0 || len(m.Subject) > 0 || st.encrypted()
	if st.kind != "groupchat" {
		a.hasChatStates(from, st.chatState != "", hasText)
		a.marks(h, st, from, to, m)
	}
	switch {
	case hasText:
		a.incoming(h, st, from, m)
	case st.kind != "groupchat" && st.chatState != "":
		a.chatState(h, st, m)
	case len(st.marks) == 0:
		a.metrics.drop("no-text")
	}
}

// incoming hands a text to the bridge, and answers it if it is refused.
func (a *Adapter) incoming(h bridge.Handler, st *stanza, from bridge.Name, m bridge.Message) {
	m.Kind, m.Once = bridge.Text, true
	if st.id != "" { // else a receipt would have nothing to name
		// Who asks for a receipt may as well be told by one that there
		// won't be any.
		m.Want = bridge.Want{Delivered: st.receipt, Displayed: st.markable, Failed: st.receipt}
	}
	switch {
	case len(st.id) > maxPart:
		a.reply(st, condition{"policy-violation", "modify"}, "the id is too long")
	case st.kind == "groupchat":
		a.reply(st, condition{"service-unavailable", "cancel"}, "there are no rooms here")
	case a.mark.ours(st.id, bridge.Message{Bodies: st.bodies}.Body()):
		a.reply(st, condition{"not-acceptable", "cancel"}, "this message came from here")
	case a.draining.Load():
		a.reply(st, condition{"service-unavailable", "wait"}, "the gateway is closing down")
	case st.encrypted():
		a.refuseEncrypted(st)
	default:
		a.wrote(st, from)
		a.handOn(h, st, m)
	}
}

// handOn gives a text to the bridge, and its writer the answer if that is an
// error.
func (a *Adapter) handOn(h bridge.Handler, st *stanza, m bridge.Message) {
	a.fates.add()
	known := sync.OnceFunc(a.fates.done)
	handed := false
	defer func() {
		if !handed { // a panic: nobody may ever call what is below
			known()
		}
	}()
	h.Message(m, func(_ bridge.Outcome, err error) {
		if err != nil {
			a.refuse(st, err)
		}
		known()
	})
	handed = true
}

// maxHops is what a message starts out with: no stanza says how far it has come.
const maxHops = 70

// bounced takes an error in. It is never answered.
func (a *Adapter) bounced(s *session, h bridge.Handler, st *stanza) {
	if st.name == "iq" {
		if !a.answeredUs(s, st) && !a.calls.answered(st) {
			a.metrics.drop("unknown-result")
		}
		return
	}
	if st.name != "message" {
		a.metrics.drop("presence")
		return
	}
	if a.undelivered(st) {
		return
	}
	r := st.refusal
	if r == nil {
		r = &refusal{}
	}
	a.metrics.stanzaError("in", r.condition)
	// An id is no secret: servers on the way, archives and whoever a message
	// was forwarded to know it. Only the recipient and its server may refuse.
	if isNotice(st.id) {
		a.metrics.drop("notice-error") // nobody waits to hear of it
		return
	}
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
		if to, bad := parseAddress(st.to); bad == nil {
			a.neverDisplayed(to, from, id)
		}
		h.Bounced(id, err)
	}
}
