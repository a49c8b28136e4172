package rtmp

import (
	"errors"
	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// A tongue is the commands by which a client is told of calls: siprtmp's, or
// mod_rtmp's.
type tongue interface {
	// placed: the client calls, and speaks in that call from now on.
	placed(s *session, p *phone, number string)
	// turned: the client speaks in a call, by its leg's identity; "": in none.
	turned(s *session, id string)
	invited(s *session, p *phone)
	cancelled(s *session, p *phone) // by another client of the account, which has taken it
	ringing(s *session, p *phone, early bool)
	// accepted: front says whether the client speaks in the call.
	accepted(s *session, p *phone, front bool)
	held(s *session, p *phone, on bool)
	pressed(s *session, p *phone, r rune)
	untransferred(s *session, p *phone, c bridge.Cause)
	// over tells of the end that came from the other side, hungUp of the one that
	// the client wanted.
	over(s *session, p *phone, was stage, c bridge.Cause, reason string)
	hungUp(s *session, p *phone, c bridge.Cause)
}

// tongue is the one that the client speaks.
func (s *session) tongue() tongue {
	if s.app.kind == appPhone {
		return switchTongue{}
	}
	return siprtmpTongue{}
}

// siprtmpTongue is that of siprtmp's clients.
type siprtmpTongue struct{}

func (siprtmpTongue) placed(*session, *phone, string) {}

func (siprtmpTongue) turned(*session, string) {}

func (siprtmpTongue) invited(s *session, p *phone) { s.call("invited", p.from, p.to) }

func (siprtmpTongue) cancelled(s *session, p *phone) { s.call("cancelled", p.from, p.to) }

func (siprtmpTongue) ringing(s *session, _ *phone, early bool) {
	if early {
		s.call("ringing", "183 Session Progress")
		return
	}
	s.call("ringing", "180 Ringing")
}

// accepted has two arguments only if the client has said which formats it has.
func (siprtmpTongue) accepted(s *session, p *phone, _ bool) {
	p.mu.Lock()
	list := p.list
	p.mu.Unlock()
	if list {
		s.call("accepted", p.leg.sound.hearing().Name, nil)
		return
	}
	s.call("accepted")
}

func (siprtmpTongue) held(s *session, _ *phone, on bool) { s.call("holded", on) }

func (siprtmpTongue) pressed(s *session, _ *phone, r rune) { s.call("receivedDTMF", string(r)) }

func (siprtmpTongue) untransferred(*session, *phone, bridge.Cause) {}

func (siprtmpTongue) over(s *session, p *phone, was stage, c bridge.Cause, reason string) {
	switch was {
	case placing, ringing:
		s.call("rejected", statusText(c, reason))
	case invited:
		s.call("cancelled", p.from, p.to)
	default:
		s.call("byed")
	}
}

// hungUp: siprtmp says nothing to whoever has ended the call, unless it could not be
// taken.
func (siprtmpTongue) hungUp(s *session, _ *phone, c bridge.Cause) {
	switch c {
	case bridge.Normal, bridge.Cancelled, bridge.Declined, bridge.Busy, bridge.BusyEverywhere, bridge.Unavailable:
	default:
		s.call("byed")
	}
}

// callCommands are siprtmp's.
var callCommands = map[string]func(*session, wire.Command) error{
	"invite":            (*session).invite,
	"accept":            (*session).accept,
	"reject":            (*session).decline,
	"bye":               (*session).bye,
	"sendDTMF":          (*session).sendDTMF,
	"hold":              (*session).hold,
	"sendMessage":       (*session).sendText,
	"sendPagingMessage": (*session).sendPage,
}

// invite is invite(address[, format...]).
func (s *session) invite(c wire.Command) error {
	s.reply(c)
	listed := s.choose(c.Args[min(1, len(c.Args)):])
	_, err := s.dials(wire.Text(c.Arg(0)), listed)
	if err == nil {
		return nil
	}
	e := asError(err)
	if errors.Is(e.Err, errInCall) {
		s.call("rejected", e.Reason)
		return nil
	}
	s.call("rejected", statusText(e.Cause, e.Reason))
	return nil
}

// with has the leg of the client's call in front do something; without a call nothing is
// done.
func (s *session) with(f func(*phone)) { s.withCall("", f) }

// withCall is with for any call of the client's, by its leg's identity; "" is that in
// front.
func (s *session) withCall(id string, f func(*phone)) {
	p := s.house.hub.callOf(s, id)
	if p == nil {
		return
	}
	if !p.leg.box.ask(func() { f(p) }) {
		s.house.metrics.drop(dropAsked)
	}
}

// accept is accept([format...]).
func (s *session) accept(c wire.Command) error {
	s.reply(c)
	listed := s.choose(c.Args)
	s.with(func(p *phone) {
		p.mu.Lock()
		p.list = listed
		p.mu.Unlock()
		p.accept(s)
	})
	return nil
}

// decline is reject([reason]), where reason may begin with a status: "486 Busy Here".
func (s *session) decline(c wire.Command) error {
	s.reply(c)
	cause := causeOf(wire.Text(c.Arg(0)))
	s.with(func(p *phone) { p.refuse(s, inReject, cause) })
	return nil
}

func (s *session) bye(c wire.Command) error {
	s.reply(c)
	s.with(func(p *phone) { p.refuse(s, inBye, bridge.Declined) })
	return nil
}

// sendDTMF is sendDTMF(digits): mod_rtmp's clients may send several, and say for how
// long, which nobody needs.
func (s *session) sendDTMF(c wire.Command) error {
	s.reply(c)
	digits := wire.Text(c.Arg(0))
	if len(digits) > maxKeys {
		digits = digits[:maxKeys]
	}
	s.with(func(p *phone) {
		for _, r := range digits {
			if r = keyOf(r); r != 0 {
				p.digit(r)
			}
		}
	})
	return nil
}

// hold is hold(true) or hold(false).
func (s *session) hold(c wire.Command) error {
	s.reply(c)
	on, _ := c.Arg(0).(bool)
	s.with(func(p *phone) { p.hold(on) })
	return nil
}
