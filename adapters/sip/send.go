package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const (
	sendOp   = "send a message"
	maxAfter = 24 * time.Hour
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
	best, ok := bestForm(&m)
	if !ok {
		return bridge.Taken, nil
	}
	s := &sending{e: e, m: &m, from: from, to: to, form: best}
	if m.Kind == bridge.Composing {
		s.notify(ctx)
		return bridge.Taken, nil
	}
	if m.Kind == bridge.Text {
		e.notices.over(s.pair())
	}
	return s.send(ctx)
}

// A sending is one message on its way out.
type sending struct {
	e        *engine
	m        *bridge.Message
	from, to bridge.Name
	form     form // the best one
	// copied: it may have come to the peer by more than one of its addresses.
	// Only where there is a single destination.
	copied bool
}

// send sends to where the recipient is, be it several places.
func (s *sending) send(ctx context.Context) (bridge.Outcome, error) {
	all, err := s.destinations(time.Now())
	if err != nil {
		return 0, err
	}
	if len(all) > 1 {
		return s.fork(ctx, all)
	}
	res, err := s.sendTo(ctx, all[0])
	if err != nil {
		return 0, unanswered(err)
	}
	return s.outcome(res, all[0].phone)
}

// sendTo sends in the best form that is taken there, at worst in plain words.
func (s *sending) sendTo(ctx context.Context, d destination) (*wire.Message, error) {
	wordless := s.form == newsForm && s.m.Kind != bridge.Failed
	if s.form == plainForm || wordless {
		return d.try(ctx, s.form)
	}
	if s.e.tastes.refuses(askingForm, d.key, time.Now()) {
		return d.try(ctx, plainForm)
	}
	first, err := d.try(ctx, s.form)
	switch {
	case err != nil && !tooLong(err):
		return nil, err
	case err == nil && !notTaken(first.Response.StatusCode):
		return first, nil
	}
	res, err := d.try(ctx, plainForm)
	if first != nil && err == nil && (first.Response.StatusCode == 415 || res.Response.StatusCode < 300) {
		s.e.tastes.note(askingForm, d.key, time.Now().Add(tasteTime))
	}
	return res, err
}

// unanswered is the error for a request that nobody has answered.
func unanswered(err error) error {
	switch {
	case errors.Is(err, errTooBig):
		return &bridge.Error{Op: sendOp, Cause: bridge.Policy, Reason: "the message is too long", Err: err}
	case errors.Is(err, errNoAnswer):
		return &bridge.Error{Op: sendOp, Cause: bridge.Timeout, Retry: true, Err: err}
	default:
		return &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Retry: true, Err: err}
	}
}

// taken says whether an answer means that the message is there. 482 does for
// one that may have been there before: whoever has seen it under the same
// identity answers so (RFC 3261 section 8.2.2.2), and so tells a repeat, which
// has a branch of its own, from what it has taken already.
func (s *sending) taken(res *wire.Message) bool {
	status := res.Response.StatusCode
	return status < 300 || status == statusMerged && (s.m.Try != 0 || s.copied)
}

// statusMerged is what a message is refused with that has come twice.
const statusMerged = 482

// outcome reads the answer to the message; phone says that it is the
// recipient's own.
func (s *sending) outcome(res *wire.Message, phone bool) (bridge.Outcome, error) {
	r := res.Response
	switch {
	case !s.taken(res):
		return 0, &bridge.Error{
			Op: sendOp, Cause: causeOf(r.StatusCode), Reason: wire.Phrase(r.Reason),
			Retry: again(r.StatusCode), After: after(res.Get("Retry-After")),
			Err: fmt.Errorf("answered with %d", r.StatusCode),
		}
	case s.m.Kind != bridge.Text:
		return bridge.Taken, nil // there is no news of news
	case r.StatusCode == 202 && (!phone || s.m.Hop):
		// It is stored somewhere (RFC 3428 section 7): not delivered, whatever
		// the word of the next hop is held to be worth.
		return bridge.Relayed, nil
	case phone && r.StatusCode != 202:
		return bridge.Arrived, nil
	default:
		return bridge.Taken, nil
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
