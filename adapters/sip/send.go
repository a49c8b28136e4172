package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const (
	sendOp = "send a message"
	// phoneTry is how long one contact of several may be silent.
	phoneTry   = 8 * time.Second
	maxQuoted  = 100 // runes of a message that a report of its failure repeats
	maxAfter   = 24 * time.Hour
	contentUTF = "text/plain;charset=UTF-8"
)

// sendMessage hands m to the contacts of an account, or to the peer.
func (e *engine) sendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	if m.Hops < 1 {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Looped, Reason: "too many hops"}
	}
	from, err1 := e.set.naming.Parse(m.From.Name)
	to, err2 := e.set.naming.Parse(m.To.Name)
	if err := errors.Join(err1, err2); err != nil {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.BadAddress, Err: err}
	}
	s := &sending{e: e, m: &m, from: from, to: to, body: []byte(text(&m))}
	if _, account := e.set.passwords[e.set.naming.Text(to)]; account {
		return s.toPhones(ctx)
	}
	if e.peer == nil {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.NotFound}
	}
	return s.toPeer(ctx)
}

// text is what a message says on the wire. A Failed is said in words: SIP has
// no other form for those who do not know RFC 5438.
func text(m *bridge.Message) string {
	if m.Kind != bridge.Failed {
		return m.Body()
	}
	reason := cmp.Or(wire.Phrase(m.Reason), strings.ReplaceAll(m.Cause.String(), "-", " "))
	s := "Not delivered: " + reason + "."
	if quoted := []rune(m.Body()); len(quoted) > 0 {
		s += " Your message: " + string(quoted[:min(len(quoted), maxQuoted)])
	}
	return s
}

// A sending is one message on its way out.
type sending struct {
	e        *engine
	m        *bridge.Message
	from, to bridge.Name
	body     []byte
}

// request makes the MESSAGE for one flow. uri is its Request-URI.
func (s *sending) request(f flow, uri, to, route string) (*outgoing, error) {
	domain := s.e.set.domain
	if domain == "" {
		host, _, err := s.e.sentBy(f)
		if err != nil {
			return nil, err
		}
		domain = host
	}
	from := "<" + s.e.set.uri(s.from, domain) + ">"
	if d := wire.Quote(s.m.From.Display); d != "" {
		from = `"` + d + `" ` + from
	}
	o := &outgoing{
		method: "MESSAGE", uri: uri, route: route, to: "<" + to + ">",
		from:   from + ";tag=" + fromTag(s.e.env.Key, s.m.ID, s.body),
		callID: wire.CallID(s.m.ID, s.m.Thread), cseq: cseqOf(s.m.At), hops: s.m.Hops - 1, body: s.body,
		extra: []wire.Field{{Name: "Content-Type", Value: contentUTF}},
	}
	if len(s.m.Bodies) > 0 && s.m.Kind == bridge.Text {
		if lang := wire.Lang(s.m.Bodies[0].Lang); lang != "" {
			o.extra = append(o.extra, wire.Field{Name: "Content-Language", Value: lang})
		}
	}
	if len(s.m.Subject) > 0 {
		if subject := wire.Subject(s.m.Subject[0].Text); subject != "" {
			o.extra = append(o.extra, wire.Field{Name: "Subject", Value: subject})
		}
	}
	if !s.m.Sent.IsZero() {
		o.extra = append(o.extra, wire.Field{Name: "Date", Value: wire.FormatDate(s.m.Sent)})
	}
	return o, nil
}

// toPeer sends to where the peer is, as a line if the sender is one.
func (s *sending) toPeer(ctx context.Context) (bridge.Outcome, error) {
	host := s.e.set.peer.host
	uri, to := s.e.set.uri(s.to, s.e.set.peer.hostport()), s.e.set.uri(s.to, host)
	var cred *credential
	if l, ok := s.e.set.lines[s.e.set.naming.Text(s.from)]; ok {
		cred = &credential{user: l.user, password: l.password}
	}
	res, err := s.e.ask(ctx, func(f flow) (*outgoing, error) {
		return s.request(f, uri, to, s.e.set.route)
	}, cred)
	return outcome(res, err)
}

// toPhones tries an account's contacts, the newest first, until one answers.
func (s *sending) toPhones(ctx context.Context) (bridge.Outcome, error) {
	name := s.e.set.naming.Text(s.to)
	contacts := s.e.registrar.contacts(name, time.Now())
	var last error
	for i, c := range contacts {
		res, err := s.toPhone(ctx, c, i < len(contacts)-1)
		if err == nil {
			return outcome(res, nil)
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Reason: "not registered", Retry: true}
	}
	return outcome(nil, last)
}

func (s *sending) toPhone(ctx context.Context, c contact, more bool) (*wire.Message, error) {
	if more {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, phoneTry)
		defer cancel()
	}
	host, _, err := s.e.sentBy(c.flow)
	if err != nil {
		return nil, err
	}
	o, err := s.request(c.flow, c.uri, s.e.set.uri(s.to, cmp.Or(s.e.set.domain, host)), "")
	if err != nil {
		return nil, err
	}
	return s.e.exchange(ctx, c.flow, o)
}

// outcome reads what came of a request.
func outcome(res *wire.Message, err error) (bridge.Outcome, error) {
	switch {
	case errors.Is(err, errTooBig):
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Policy, Reason: "the message is too long", Err: err}
	case errors.Is(err, errNoAnswer):
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Timeout, Retry: true, Err: err}
	case err != nil:
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Retry: true, Err: err}
	}
	r := res.Response
	if r.StatusCode < 300 {
		return bridge.Taken, nil
	}
	return 0, &bridge.Error{
		Op: sendOp, Cause: causeOf(r.StatusCode), Reason: wire.Phrase(r.Reason),
		Retry: again(r.StatusCode), After: after(res.Get("Retry-After")),
		Err: fmt.Errorf("answered with %d", r.StatusCode),
	}
}

// after reads a Retry-After (RFC 3261 section 20.33): seconds, and perhaps a
// comment and parameters.
func after(v string) time.Duration {
	i := 0
	for i < len(v) && v[i] >= '0' && v[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(v[:i], 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxAfter)
}
