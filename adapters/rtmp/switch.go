package rtmp

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// switchTongue is that of the clients of FreeSWITCH's mod_rtmp, whose application
// is "phone". A call is known by its leg's identity; a client has one at a time.
type switchTongue struct{}

// The states of a call, as callState tells them.
const (
	stateRinging = "RINGING"
	stateEarly   = "EARLY"
	stateActive  = "ACTIVE"
	stateHeld    = "HELD"
	loseRace     = "LOSE_RACE"
)

func (switchTongue) invited(s *session, p *phone) {
	inv := p.leg.inv
	name, number := oneLine(inv.From.Display, maxDisplay), inv.From.Name
	if inv.Private {
		name, number = "anonymous", "anonymous"
	}
	s.call("incomingCall", p.leg.id, name, number, s.name, nil)
}

func (switchTongue) cancelled(s *session, p *phone) { s.call("onHangup", p.leg.id, loseRace) }

func (switchTongue) ringing(s *session, p *phone, early bool) {
	state := stateRinging
	if early {
		state = stateEarly
	}
	s.call("callState", p.leg.id, state)
}

func (switchTongue) accepted(s *session, p *phone) {
	s.call("callState", p.leg.id, stateActive)
	s.call("onAttach", p.leg.id)
}

func (switchTongue) held(s *session, p *phone, on bool) {
	state := stateActive
	if on {
		state = stateHeld
	}
	s.call("callState", p.leg.id, state)
}

func (switchTongue) pressed(s *session, _ *phone, r rune) { s.call("receivedDTMF", string(r)) }

func (switchTongue) untransferred(s *session, p *phone, c bridge.Cause) {
	s.log.Info("transfer refused", "leg", p.leg.id, "cause", c)
}

func (t switchTongue) over(s *session, p *phone, _ stage, c bridge.Cause, _ string) {
	t.hungUp(s, p, c)
}

func (switchTongue) hungUp(s *session, p *phone, c bridge.Cause) {
	s.call("onHangup", p.leg.id, releaseOf(c))
}

// releases are the names that FreeSWITCH has for causes (ITU-T Q.850 table 1).
var releases = map[bridge.Cause]string{
	bridge.NotFound: "UNALLOCATED_NUMBER", bridge.NoRoute: "NO_ROUTE_DESTINATION", bridge.Normal: "NORMAL_CLEARING",
	bridge.Busy: "USER_BUSY", bridge.Timeout: "NO_ANSWER", bridge.Unavailable: "SUBSCRIBER_ABSENT", bridge.Declined: "CALL_REJECTED",
	bridge.Moved: "NUMBER_CHANGED", bridge.Elsewhere: loseRace, bridge.BadAddress: "INVALID_NUMBER_FORMAT",
	bridge.Cancelled: "ORIGINATOR_CANCEL", bridge.Internal: "NORMAL_TEMPORARY_FAILURE", bridge.Overloaded: "SWITCH_CONGESTION",
	bridge.Constrained: "NORMAL_CIRCUIT_CONGESTION", bridge.Forbidden: "OUTGOING_CALL_BARRED", bridge.NotAcceptable: "INCOMPATIBLE_DESTINATION",
	bridge.Unsupported: "FACILITY_NOT_IMPLEMENTED", bridge.GatewayTimeout: "RECOVERY_ON_TIMER_EXPIRE", bridge.NoMedia: "MEDIA_TIMEOUT",
}

func releaseOf(c bridge.Cause) string {
	if name, ok := releases[c]; ok {
		return name
	}
	return "NORMAL_UNSPECIFIED"
}

// causeOfRelease is the inverse, for what a client gives as a reason. One that it
// does not give is that it does not want to.
func causeOfRelease(name string) bridge.Cause {
	for c, n := range releases {
		if n == name {
			return c
		}
	}
	return bridge.Declined
}

// switchCommands are mod_rtmp's, as far as siprtmp has no others: what is not here is
// answered, and does nothing.
var switchCommands = map[string]func(*session, wire.Command) error{
	"login":             (*session).switchLogin,
	"logout":            (*session).unregister,
	"register":          (*session).register,
	"unregister":        (*session).unregister,
	"makeCall":          (*session).makeCall,
	"answer":            (*session).accept,
	"hangup":            (*session).hangup,
	"attach":            (*session).attachTo,
	"transfer":          (*session).transfer,
	"sendDTMF":          (*session).sendDTMF,
	"sendMessage":       (*session).sendText,
	"sendPagingMessage": (*session).sendPage,
}

// switchLogin is login(user@domain, md5hex(session:user@domain:password)).
func (s *session) switchLogin(c wire.Command) error {
	s.reply(c)
	who, hash := wire.Text(c.Arg(0)), wire.Text(c.Arg(1))
	party, ok := parseAddress(who)
	if s.name != "" {
		return nil
	}
	try := tryOf(party.user, s.from)
	secret := s.house.set.accounts[party.user]
	sum := md5.Sum([]byte(s.token + ":" + who + ":" + secret.Reveal()))
	good := ok && secret != "" && s.house.tries.may(try) && (party.domain == "" || s.house.serves(party.domain, s.host)) &&
		hmac.Equal([]byte(hash), []byte(hex.EncodeToString(sum[:])))
	if !good {
		s.house.tries.failed(try)
		s.house.metrics.refuse(refusedSecret)
		s.call("onLogin", "failure", party.user, party.domain)
		return nil
	}
	s.house.tries.succeeded(try)
	s.proven(party.user)
	s.call("onLogin", "success", party.user, party.domain)
	return nil
}

// register is register(user@domain, nickname): the client can be called.
func (s *session) register(c wire.Command) error {
	s.reply(c)
	if s.leave == nil {
		s.present()
	}
	return nil
}

// unregister is the end of that.
func (s *session) unregister(c wire.Command) error {
	s.reply(c)
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
	return nil
}

// makeCall is makeCall(number, account, {variables}), which is answered by
// onMakeCall(call, number, account).
func (s *session) makeCall(c wire.Command) error {
	s.reply(c)
	number := wire.Text(c.Arg(0))
	p, err := s.dials(number, false)
	if err != nil {
		s.house.noise.Do(func() { s.log.Info("call refused", "err", err) })
		id := newID()
		s.call("onMakeCall", id, number, s.name)
		s.call("onHangup", id, releaseOf(asError(err).Cause))
		return nil
	}
	s.call("onMakeCall", p.leg.id, number, s.name)
	return nil
}

// hangup is hangup(call, cause).
func (s *session) hangup(c wire.Command) error {
	s.reply(c)
	cause := causeOfRelease(fmt.Sprint(c.Arg(1)))
	s.with(func(p *phone) { p.refuse(s, inReject, cause) })
	return nil
}

// attachTo is attach(call): it goes on. attach("") holds it.
func (s *session) attachTo(c wire.Command) error {
	s.reply(c)
	id := wire.Text(c.Arg(0))
	s.with(func(p *phone) {
		if id == "" || id == p.leg.id {
			p.hold(id == "")
			s.call("onAttach", id)
		}
	})
	return nil
}

// transfer is transfer(call, address): the other side goes on with that party.
func (s *session) transfer(c wire.Command) error {
	s.reply(c)
	party, err := s.address(wire.Text(c.Arg(1)))
	if err != nil {
		return nil
	}
	s.with(func(p *phone) {
		if p.leg.taken {
			p.leg.post(bridge.TransferAsked{ID: newID(), To: s.house.address(party.user)})
		}
	})
	return nil
}
