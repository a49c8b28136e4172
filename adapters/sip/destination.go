package sip

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// A destination is where a message can go.
type destination struct {
	key   string // names it among all
	phone bool   // it ends at a phone of the recipient's
	try   func(ctx context.Context, f form) (*wire.Message, error)
}

// destinations are those of the recipient, the newest contact first; at least
// one.
func (s *sending) destinations(now time.Time) ([]destination, error) {
	name := s.e.set.naming.Text(s.to)
	if _, account := s.e.set.passwords[name]; !account {
		if s.e.peer == nil {
			return nil, &bridge.Error{Op: sendOp, Cause: bridge.NotFound}
		}
		return []destination{s.toPeer()}, nil
	}
	var all []destination
	for _, c := range distinct(s.e.registrar.contacts(name, now)) {
		all = append(all, s.toPhone(name, c))
	}
	if len(all) == 0 {
		return nil, &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Reason: "not registered", Retry: true}
	}
	return all, nil
}

// distinct leaves out, of contacts the newest first, those of a phone that has
// registered anew before its old registration has expired: they lead the same
// way, to URIs that differ in parameters only.
func distinct(contacts []contact) []contact {
	type place struct {
		flow       flow
		user, host string
		port       int
	}
	seen := map[place]bool{}
	return slices.DeleteFunc(contacts, func(c contact) bool {
		uri, err := wire.ParseURI(c.uri)
		if err != nil {
			return false // can't be: the registrar has read it
		}
		p := place{c.flow, uri.User, uri.Host, uri.Port}
		again := seen[p]
		seen[p] = true
		return again
	})
}

// first is where a notice goes; not ok if it would only wait there.
func (s *sending) first(now time.Time) (d destination, ok bool) {
	all, err := s.destinations(now)
	if err != nil || !all[0].phone && !s.e.peer.isUp() {
		return d, false
	}
	return all[0], true
}

// toPeer is where the peer is, as a line if the sender is one. Behind a
// peer are many phones: what one does not take, another may.
func (s *sending) toPeer() destination {
	set := s.e.set
	uri, to := set.peerURI(s.to, set.peer.hostport()), set.peerURI(s.to, set.peer.host)
	var cred *credential
	if l := s.e.lineNamed(set.naming.Text(s.from)); l != nil {
		cred = &credential{user: l.is.user, password: l.is.password}
	}
	return destination{key: "peer " + uri, try: func(ctx context.Context, fm form) (*wire.Message, error) {
		var copies []*outgoing
		make := func(f flow) (*outgoing, error) {
			o, err := s.request(f, fm, uri, to, set.route)
			if err == nil {
				copies = append(copies, o)
			}
			return o, err
		}
		if fm == composingForm {
			return s.e.tour(ctx, make, cred) // what is silent to a notice may well be there
		}
		res, err := s.e.ask(ctx, make, cred)
		copies = slices.DeleteFunc(copies, func(o *outgoing) bool { return !o.sent })
		s.copied = len(copies) > 1
		return res, err
	}}
}

// toPhone is one contact of an account.
func (s *sending) toPhone(name string, c contact) destination {
	return destination{key: "phone " + name + " " + c.uri, phone: true, try: func(ctx context.Context, fm form) (*wire.Message, error) {
		host, _, err := s.e.sentBy(c.flow)
		if err != nil {
			return nil, err
		}
		o, err := s.request(c.flow, fm, c.uri, s.e.set.uri(s.to, cmp.Or(s.e.set.domain, host)), "")
		if err != nil {
			return nil, err
		}
		return s.e.exchange(ctx, c.flow, o)
	}}
}

// request makes the MESSAGE for one flow. uri is its Request-URI.
func (s *sending) request(f flow, fm form, uri, to, route string) (*outgoing, error) {
	domain := s.e.set.domain
	if domain == "" {
		host, _, err := s.e.sentBy(f)
		if err != nil {
			return nil, err
		}
		domain = host
	}
	me := s.e.set.uri(s.from, domain)
	from := "<" + me + ">"
	if d := wire.Quote(s.m.From.Display); d != "" {
		from = `"` + d + `" ` + from
	}
	o := &outgoing{
		method: "MESSAGE", uri: uri, route: route, to: "<" + to + ">",
		from:   from + ";tag=" + fromTag(s.e.marks, s.m.ID, s.saying()),
		callID: wire.CallID(s.m.ID, s.m.Thread), cseq: firstCSeq, hops: s.m.Hops - 1,
	}
	if fm == plainForm && s.form != plainForm {
		o.cseq = plainCSeq
	}
	o.body, o.extra = s.content(fm, me, to)
	return o, nil
}
