package sip

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/sdp"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// dial begins the call at all the party's places.
func (l *leg) dial() {
	from, err1 := l.e.set.naming.Parse(l.inv.From.Name)
	to, err2 := l.e.set.naming.Parse(l.inv.To.Name)
	if err := errors.Join(err1, err2); err != nil {
		l.end(bridge.BadAddress, "", err)
		return
	}
	if l.inv.Hops < 1 {
		l.end(bridge.Looped, "", nil)
		return
	}
	if l.e.env.Media == nil {
		l.end(bridge.Unsupported, "", nil)
		return
	}
	places, err := l.e.places(to, from)
	if err != nil {
		l.fail(err)
		return
	}
	l.debug("calling", "places", len(places))
	for _, p := range places {
		if err := l.dialPlace(p); err != nil {
			l.note(refusalOf(err))
		}
	}
	if !l.alive() {
		l.end(l.refusal.cause, l.refusal.text, l.refusal.err)
	}
}

// fail ends a leg that has not come about.
func (l *leg) fail(err error) {
	r := refusalOf(err)
	l.end(r.cause, r.text, r.err)
}

// dialPlace sends one INVITE.
func (l *leg) dialPlace(p place) error {
	b := &branch{forks: map[string][]byte{}}
	b.media = newSession(l.e, l.inv.Call, p.remote(), l.e.localTo(&p), l.heard)
	if p.phone != nil && isWeb(p.phone.network) {
		b.media.browse()
	}
	var body []byte
	if o := l.inv.Offer; o != nil {
		s, err := b.media.x.MakeOffer(o.Desc, b.media.locate)
		if err != nil {
			b.media.close()
			return err
		}
		body = s.Bytes()
	}
	fields, err := l.fields(&p)
	if err != nil {
		b.media.close()
		return err
	}
	b.call = l.e.dial(p, dialing{
		From: l.inv.From, Private: l.inv.Private, Hops: l.inv.Hops, Fields: fields, SDP: body, post: l.ear(b),
	})
	if b.call == nil {
		b.media.close()
		return &bridge.Error{Op: dialOp, Cause: bridge.Constrained}
	}
	l.branches = append(l.branches, b)
	l.e.legs.add(b.call, l)
	return nil
}

// localTo is our end of the signalling to a place; not valid if that is not
// known yet.
func (e *engine) localTo(p *place) netip.Addr {
	if p.phone != nil {
		return localOf(p.phone)
	}
	if e.set.network != "udp" {
		return netip.Addr{}
	}
	f, err := e.way(context.Background(), "udp", p.addrs[0]) // by UDP it does not wait
	if err != nil {
		return netip.Addr{}
	}
	return f.local().Addr()
}

// fields are the headers of an INVITE that the bridge's Invite asks for.
func (l *leg) fields(p *place) ([]wire.Field, error) {
	var all []wire.Field
	if id := l.inv.ID; id != "" && !l.inv.Private && len(id) <= maxCID && wire.Token(strings.ReplaceAll(id, "@", "")) {
		all = append(all, wire.Field{Name: cid, Value: id})
	}
	if r := l.inv.Replaces; r != "" {
		rep, err := dialog.ParseReplaces(r)
		if err != nil {
			return nil, &bridge.Error{Op: dialOp, Cause: bridge.NotFound, Err: err}
		}
		all = append(all, wire.Field{Name: "Replaces", Value: rep.String()}, wire.Field{Name: "Require", Value: "replaces"})
	}
	if l.inv.Private {
		all = append(all, wire.Field{Name: "Privacy", Value: "id"})
	}
	if p.phone == nil && l.inv.From.Name != l.e.set.anonymous() {
		all = append(all, wire.Field{Name: "P-Asserted-Identity", Value: "<" + p.from + ">"}) // RFC 3325 section 5
	}
	diverted, err := l.e.diversions(p, l.inv.Forwarders)
	if err != nil {
		return nil, err
	}
	all = append(all, diverted...)
	by, err := l.e.set.naming.Parse(l.inv.By.Name)
	if err != nil || l.inv.By.Adapter != l.e.env.Name {
		return all, nil
	}
	host, err := l.e.local(p)
	if err != nil {
		return nil, err
	}
	uri := l.e.set.uri(by, cmp.Or(l.e.set.domain, host))
	return append(all, wire.Field{Name: "Referred-By", Value: "<" + uri + ">"}), nil
}

// A refusal is why a call has not come about.
type refusal struct {
	cause bridge.Cause
	text  string
	err   error
	all   bool // of the party, not of one of its places (RFC 3261 section 21.6)
	// instead are the names where the call should go.
	instead []string
}

// refusalOf makes one of a fault of our own.
func refusalOf(err error) refusal {
	if wrong := new(bridge.Error); errors.As(err, &wrong) {
		return refusal{cause: wrong.Cause, text: wrong.Reason, err: err}
	}
	switch {
	case errors.Is(err, sdp.ErrInsecure):
		return refusal{cause: bridge.Insecure, err: err}
	case errors.Is(err, sdp.ErrNothingFits), errors.Is(err, sdp.ErrAnswer):
		return refusal{cause: bridge.NotAcceptable, err: err}
	}
	return refusal{cause: bridge.Internal, err: err}
}

// note keeps the better of two refusals: what a person has done says more than
// what has not come about.
func (l *leg) note(r refusal) {
	rank := func(c bridge.Cause) int {
		switch c {
		case 0:
			return 0
		case bridge.Timeout, bridge.GatewayTimeout:
			return 1
		case bridge.Unavailable, bridge.Internal, bridge.Overloaded, bridge.Constrained, bridge.NoRoute:
			return 2
		case bridge.Busy, bridge.BusyEverywhere:
			return 4
		case bridge.Declined:
			return 5
		default:
			return 3
		}
	}
	if rank(r.cause) > rank(l.refusal.cause) {
		l.refusal = r
	}
}

// failed takes note that a branch has come to nothing.
func (l *leg) failed(b *branch, r refusal) {
	b.ended = true
	news := b.media.close()
	if b == l.cur {
		l.post(news...)
		l.cur = nil
	}
	l.note(r)
	if r.all {
		l.refusal = r
		l.cause = r.cause
		for _, other := range l.branches {
			if !other.ended {
				other.call.Hangup(reason(bridge.Declined))
			}
		}
	}
	if !l.alive() {
		l.end(l.refusal.cause, l.refusal.text, l.refusal.err)
	}
}

// progress takes a provisional response.
func (l *leg) progress(b *branch, ev dialog.Ringing) {
	switch ev.Session.Role {
	case dialog.Answer:
		b.forks[ev.Fork] = ev.Session.SDP
		if b == l.cur && b.fork == ev.Fork && bytes.Equal(b.answer, ev.Session.SDP) {
			return
		}
		if err := l.adopt(b, ev.Fork, ev.Session.SDP); err != nil {
			// It may still be taken, and say something better then.
			l.logger().Info("early media left out", "fork", ev.Fork, "err", err)
			break
		}
		l.ringing = true
		l.post(bridge.Ringing{Early: true})
		return
	case dialog.Offer:
		// We have not said that we take that before the call is accepted.
		b.call.Hangup(reason(bridge.NotAcceptable))
		l.failed(b, refusal{cause: bridge.NotAcceptable, err: errEarlyOffer})
		return
	}
	if ev.Status == 180 && !l.ringing {
		l.ringing = true
		l.post(bridge.Ringing{})
	}
}

var (
	errEarlyOffer = errors.New("an offer in a provisional response")
	errNoAnswered = errors.New("taken without a session description")
)

// adopt puts the answer of one fork of one branch into force.
func (l *leg) adopt(b *branch, fork string, body []byte) error {
	parsed, err := sdp.Parse(body)
	if err != nil {
		return fmt.Errorf("%w: %w", sdp.ErrAnswer, err)
	}
	d, agreed, err := b.media.x.TakeAnswer(parsed)
	if err != nil {
		return err
	}
	news := b.media.settle(agreed)
	if b != l.cur {
		l.cur, news = b, b.media.ready()
	}
	b.fork, b.answer = fork, body
	l.talk.told, l.talk.heard = narrow(l.inv.Offer.Desc, d), d
	l.post(news...)
	l.post(bridge.Answered{Seq: l.inv.Offer.Seq, Desc: d})
	return nil
}

// taken is the first 2xx: this branch is the leg's, the others are over.
func (l *leg) taken(b *branch, ev dialog.Accepted) {
	if l.accepted {
		b.call.Hangup(reason(bridge.Elsewhere)) // can't be: it has been hung up
		return
	}
	l.accepted = true
	for _, other := range l.branches {
		if other != b && !other.ended {
			other.call.Hangup(reason(bridge.Elsewhere))
		}
	}
	if err := l.takenWith(b, ev); err != nil {
		r := refusalOf(err)
		b.call.Hangup(reason(r.cause))
		b.ended = true
		l.end(r.cause, "", err)
		return
	}
	l.post(bridge.Accepted{})
}

// takenWith is what a 2xx says of the session.
func (l *leg) takenWith(b *branch, ev dialog.Accepted) error {
	if l.inv.Offer == nil {
		if ev.Session.Role != dialog.Offer {
			return fmt.Errorf("%w: %w", sdp.ErrNothingFits, errNoAnswered)
		}
		d, err := b.media.read(ev.Session.SDP)
		if err != nil {
			return fmt.Errorf("%w: %w", sdp.ErrNothingFits, err)
		}
		l.cur = b
		l.talk.offered(1, ev.Fork, inAck, d)
		l.post(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: d}})
		return nil
	}
	body := ev.Session.SDP
	if ev.Session.Role == dialog.NoSession {
		body = b.forks[ev.Fork]
	}
	switch {
	case body == nil:
		return fmt.Errorf("%w: %w", sdp.ErrNothingFits, errNoAnswered)
	case b == l.cur && b.fork == ev.Fork && bytes.Equal(b.answer, body):
		return nil
	}
	return l.adopt(b, ev.Fork, body)
}
