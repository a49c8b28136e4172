package xmpp

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"time"

	"gateway/bridge"
)

const (
	nsSID  = "urn:xmpp:sid:0"                  // XEP-0359
	nsNick = "http://jabber.org/protocol/nick" // XEP-0172
	nsPing = "urn:xmpp:ping"                   // XEP-0199
)

// late is how long a message may wait before its reader is told when it was
// sent (XEP-0203).
const late = 10 * time.Second

// SendMessage implements bridge.Messenger. It returns when the server has
// handled the message: Relayed for a text to somebody at another server, which
// may still refuse it, else Taken. A Composing is taken when it is queued.
func (a *Adapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	from, to, err := a.parties(m)
	if err != nil {
		return 0, err
	}
	if m.Kind == bridge.Composing && !a.worthTelling(from, to, m.Active) {
		return bridge.Taken, nil
	}
	id, stanza := a.outgoing(m, from, to)
	if stanza == nil {
		return 0, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Err: fmt.Errorf("a %v message of %q", m.Kind, m.Of)}
	}
	data, err := render(stanza)
	if errors.Is(err, errTooLarge) {
		return 0, &bridge.Error{Op: "send", Cause: bridge.TooLarge, Reason: "the message is too long", Err: err}
	}
	if err != nil {
		return 0, &bridge.Error{Op: "send", Cause: bridge.Internal, Err: err}
	}
	switch m.Kind {
	case bridge.Composing:
		if err := a.toss(data); err != nil {
			return 0, err
		}
		a.shown.put(m.Active, pair(from, to)...)
		return bridge.Taken, nil
	case bridge.Failed:
		a.metrics.stanzaError("out", toCondition(m.Cause).name)
		if text := a.inWords(m, from, to); text != nil {
			more, err := render(text)
			if err != nil {
				return 0, &bridge.Error{Op: "send", Cause: bridge.Internal, Err: err}
			}
			data = append(data, more...)
		}
	default:
	}
	if err := a.send(ctx, data, id, m.Kind == bridge.Text); err != nil {
		return 0, err
	}
	if m.Kind == bridge.Text {
		return a.arrived(m, from, to), nil
	}
	return bridge.Taken, nil
}

// outgoing is the stanza of a message and its id; nil for what has none.
func (a *Adapter) outgoing(m bridge.Message, from, to bridge.Name) (string, xml.TokenReader) {
	source, target := formatAddress(from), formatAddress(to)
	switch m.Kind {
	case bridge.Text:
		id := a.mark.wireID(m.ID, m.Body(), to)
		return id, a.text(m, id, source, target, a.takesChatStates(to, true))
	case bridge.Signal:
		id := noticeID(m.ID) // an error is no news to anybody
		return id, a.text(m, id, source, target, false)
	case bridge.Failed:
		return m.Of, a.failure(m, source, target)
	case bridge.Delivered, bridge.Displayed:
		if m.Of == "" {
			return "", nil
		}
		return noticeID(m.ID), receipt(m, source, target)
	case bridge.Composing:
		return noticeID(m.ID), chatState(m, source, target)
	}
	return "", nil
}

// parties checks the names that a message goes from and to. From a domain that
// is not ours the server would close the stream.
func (a *Adapter) parties(m bridge.Message) (from, to bridge.Name, err error) {
	if from, err = a.naming.Parse(m.From.Name); err != nil {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the sender has no address here", Err: err}
	}
	if to, err = a.naming.Parse(m.To.Name); err != nil {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the recipient has no address here", Err: err}
	}
	if from.Main != a.domain {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.Forbidden, Reason: "the sender has no address here"}
	}
	if to.Main == a.domain {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.Looped, Reason: "the recipient's address leads back here"}
	}
	return from, to, nil
}

// send queues a stanza, and a barrier behind it, and waits for that. Only
// stanzas with an id of ours get errors.
func (a *Adapter) send(ctx context.Context, data []byte, id string, ours bool) error {
	s := a.current()
	if s == nil {
		return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: errors.New("not connected")}
	}
	if !ours {
		return a.pass(ctx, s, data)
	}
	if !s.expect(id) {
		return &bridge.Error{Op: "send", Cause: bridge.Conflict, Retry: true, Err: errors.New("being sent already")}
	}
	err := a.pass(ctx, s, data)
	if refused := s.settle(id); refused != nil {
		return refused // what came before the end counts
	}
	return err
}

// pass returns when the server has handled the stanza.
func (a *Adapter) pass(ctx context.Context, s *session, data []byte) error {
	if err := a.out.wait(ctx); err != nil {
		return timeout(err)
	}
	if !a.out.put(packet{data, s}, queueMax) {
		return &bridge.Error{Op: "send", Cause: bridge.Constrained, Retry: true, Err: errors.New("the queue is full")}
	}
	select {
	case <-s.barrier.join():
		return nil
	case <-s.gone:
		return errLost()
	case <-ctx.Done():
		return timeout(ctx.Err())
	}
}

func timeout(err error) error {
	return &bridge.Error{Op: "send", Cause: bridge.Timeout, Retry: true, Err: err}
}

// ask sends the barrier's question: a ping to ourselves.
func (a *Adapter) ask(s *session, id string) {
	data, err := render(element("", "iq", stanzaAttrs("get", id, a.domain, a.domain), element(nsPing, "ping", nil)))
	if err != nil {
		return // it has nothing in it that can't be rendered
	}
	a.out.put(packet{data, s}, math.MaxInt)
}

// text is the stanza of a message that somebody wrote. Its type is chat: most
// clients show normal messages apart, and that is not where an answer from a
// phone is looked for (RFC 7572 section 5 would have normal).
//
// states: the recipient may want to tell us, and to be told, that somebody
// writes.
func (a *Adapter) text(m bridge.Message, id, from, to string, states bool) xml.TokenReader {
	lang := ""
	if len(m.Bodies) > 0 {
		lang = language(m.Bodies[0].Lang)
	}
	attrs := stanzaAttrs("chat", id, from, to)
	if lang != "" {
		attrs = append(attrs, langAttr(lang))
	}
	var in []xml.TokenReader
	in = append(in, texts("subject", m.Subject, lang)...)
	in = append(in, texts("body", m.Bodies, lang)...)
	if m.Thread != "" {
		in = append(in, element("", "thread", nil, chars(m.Thread)))
	}
	in = append(in, element(nsSID, "origin-id", []xml.Attr{attr("id", id)}))
	if stamp := written(m, time.Now()); !stamp.IsZero() {
		in = append(in, element(nsDelay, "delay", []xml.Attr{
			attr("from", a.domain), attr("stamp", stamp.UTC().Format("2006-01-02T15:04:05.000Z")),
		}))
	}
	if nick := oneLine(m.From.Display, maxReason); nick != "" {
		in = append(in, element(nsNick, "nick", nil, chars(nick)))
	}
	if m.Want.Delivered {
		in = append(in, element(nsReceipts, "request", nil))
	}
	if m.Want.Displayed {
		in = append(in, element(nsMarkers, "markable", nil))
	}
	if states {
		in = append(in, element(nsChatStates, "active", nil))
	}
	if m.Kind == bridge.Signal {
		in = append(in, element(nsHints, "no-store", nil))
	}
	return element("", "message", attrs, in...)
}

// written is when m was, if its reader has to be told: clients treat what has a
// time as old. A sender whose clock says that m is still to come is not believed.
func written(m bridge.Message, now time.Time) time.Time {
	at := m.Sent
	if at.IsZero() || at.After(now) || !m.At.IsZero() && at.After(m.At) {
		at = m.At
	}
	if at.IsZero() || now.Sub(at) <= late {
		return time.Time{}
	}
	return at
}

func texts(name string, all []bridge.Body, inherited string) []xml.TokenReader {
	var out []xml.TokenReader
	for _, b := range all {
		var attrs []xml.Attr
		if lang := language(b.Lang); lang != inherited {
			attrs = append(attrs, langAttr(lang))
		}
		out = append(out, element("", name, attrs, chars(b.Text)))
	}
	return out
}
