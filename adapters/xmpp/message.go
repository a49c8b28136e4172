package xmpp

import (
	"context"
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
	id, data, err := a.outgoing(m, from, to)
	if errors.Is(err, errFormless) {
		return 0, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Err: fmt.Errorf("a %v message of %q", m.Kind, m.Of)}
	}
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

var errFormless = errors.New("there is no stanza for that")

// outgoing is the stanza of a message and its id; errFormless for what has none.
func (a *Adapter) outgoing(m bridge.Message, from, to bridge.Name) (id string, data []byte, err error) {
	source, target := formatAddress(from), formatAddress(to)
	switch m.Kind {
	case bridge.Text:
		id = a.mark.wireID(m.ID, m.Body(), to)
		data, err = a.text(m, id, source, target, a.takesChatStates(to, true))
		return id, data, err
	case bridge.Signal:
		id = noticeID(m.ID) // an error is no news to anybody
		data, err = a.text(m, id, source, target, false)
		return id, data, err
	case bridge.Failed:
		data, err = render(a.failure(m, source, target))
		return m.Of, data, err
	case bridge.Delivered, bridge.Displayed:
		if m.Of != "" {
			data, err = render(receipt(m, source, target))
			return noticeID(m.ID), data, err
		}
	case bridge.Composing:
		data, err = render(chatState(m, source, target))
		return noticeID(m.ID), data, err
	}
	return "", nil, errFormless
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
	p := &pen{}
	p.Grow(160)
	p.begin("", "iq")
	p.attr("type", "get")
	p.attr("id", id)
	p.attr("from", a.domain)
	p.attr("to", a.domain)
	p.WriteByte('>')
	p.begin(nsPing, "ping")
	p.empty()
	p.WriteString("</iq>")
	a.out.lay(packet{p.Bytes(), s}, math.MaxInt)
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
