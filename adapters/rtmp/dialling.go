package rtmp

import (
	"errors"
	"strings"
	"unicode"

	"gateway/bridge"
)

var errInCall = errors.New("in a call already")

// keyOf is a key of a telephone; 0 for anything else.
func keyOf(r rune) rune {
	if r = unicode.ToUpper(r); strings.ContainsRune(keys, r) {
		return r
	}
	return 0
}

// dials calls a party for the client, by commands. listed: it has said which formats
// it has. The error is a *bridge.Error; the client has been told of the call then if there is one.
func (s *session) dials(to string, listed bool) (*phone, error) {
	if s.house.draws.Load() {
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Unavailable, Reason: "the gateway is about to end"}
	}
	party, err := s.address(to)
	if err != nil {
		return nil, err
	}
	p := newPhone(s.house, s.name, placing)
	p.list = listed
	inv := bridge.Invite{
		From: bridge.Party{Address: s.house.address(s.name), Display: s.display},
		To:   bridge.Party{Address: s.house.address(party.user)}, Hops: maxHops,
	}
	p.leg = s.house.newLeg(inv, p, bridge.SendReceive, s.taste())
	inv.ID = p.leg.id
	p.from, p.to = s.house.uri(inv.From, false), s.house.uri(inv.To, false)
	if !s.house.hub.claim(p, s) {
		return nil, &bridge.Error{Op: dialOp, Cause: bridge.Busy, Reason: "Already in an active or pending call", Err: errInCall}
	}
	before := s.toFront(p)
	s.tongue().placed(s, p, to)
	if err := s.house.begin(p.leg, inv); err != nil {
		s.leaves(p)
		if before != nil {
			s.goesOn(before)
		} else {
			s.tongue().turned(s, "")
		}
		return p, err
	}
	s.house.bridge.Changed(s.house.address(s.name))
	return p, nil
}
