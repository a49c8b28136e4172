package rtmp

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// switchCommands are mod_rtmp's, as far as siprtmp has no others: what is not here is
// answered, and does nothing.
var switchCommands = map[string]func(*session, wire.Command) error{
	"login":             (*session).switchLogin,
	"logout":            (*session).switchLogout,
	"register":          (*session).register,
	"unregister":        (*session).unregister,
	"makeCall":          (*session).makeCall,
	"answer":            (*session).answer,
	"hangup":            (*session).hangup,
	"attach":            (*session).attachTo,
	"transfer":          (*session).transfer,
	"join":              (*session).join,
	"three_way":         (*session).threeWay,
	"sendevent":         (*session).sendEvent,
	"sendDTMF":          (*session).sendDTMF,
	"sendMessage":       (*session).sendText,
	"sendPagingMessage": (*session).sendPage,
}

// asAccount are the commands that come to nothing when the client has logged out. What calls there are goes on.
var asAccount = map[string]bool{"register": true, "makeCall": true, "sendevent": true, "sendMessage": true, "sendPagingMessage": true}

// switchLogin is login(user@domain, md5hex(session:user@domain:password)).
func (s *session) switchLogin(c wire.Command) error {
	s.reply(c)
	who, hash := wire.Text(c.Arg(0)), wire.Text(c.Arg(1))
	party, ok := parseAddress(who)
	if s.name != "" && (!s.out || party.user != s.name) {
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
	s.out = false
	if s.name == "" {
		s.proven(party.user)
	}
	s.call("onLogin", "success", party.user, party.domain)
	return nil
}

// switchLogout is logout(user@domain): the client is called, and calls, no more. Calls go on.
func (s *session) switchLogout(c wire.Command) error {
	s.reply(c)
	who, ok := parseAddress(wire.Text(c.Arg(0)))
	s.stopsRinging()
	if ok && who.user == s.name && !s.out {
		s.out = true
		s.call("onLogout", who.user, who.domain)
	}
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

// unregister is the end of that. Calls go on.
func (s *session) unregister(c wire.Command) error {
	s.reply(c)
	s.stopsRinging()
	return nil
}

func (s *session) stopsRinging() {
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
}

// makeCall is makeCall(number, account, {variables}), which is answered by
// onMakeCall(call, number, account).
func (s *session) makeCall(c wire.Command) error {
	s.reply(c)
	number := wire.Text(c.Arg(0))
	p, err := s.dials(number, false)
	if err == nil {
		return nil
	}
	s.house.noise.Do(func() { s.log.Info("call refused", "err", err) })
	id := newID()
	if p != nil {
		id = p.leg.id
	} else {
		s.call("onMakeCall", id, number, s.name)
	}
	s.call("onHangup", id, releaseOf(asError(err).Cause))
	return nil
}

// answer is answer(call); "" is the call in front.
func (s *session) answer(c wire.Command) error {
	s.reply(c)
	s.withCall(wire.Text(c.Arg(0)), func(p *phone) { p.accept(s) })
	return nil
}

// hangup is hangup(call, cause).
func (s *session) hangup(c wire.Command) error {
	s.reply(c)
	cause := causeOfRelease(fmt.Sprint(c.Arg(1)))
	s.withCall(wire.Text(c.Arg(0)), func(p *phone) { p.refuse(s, inReject, cause) })
	return nil
}

// attachTo is attach(call): the client speaks in it from now on, and what it spoke in before
// is held. attach of none, as mod_rtmp has it, holds that only.
func (s *session) attachTo(c wire.Command) error {
	s.reply(c)
	var p *phone
	if id := wire.Text(c.Arg(0)); id != "" {
		p = s.house.hub.callOf(s, id)
	}
	if p != nil {
		s.goesOn(p)
		return nil
	}
	s.rests()
	s.tongue().turned(s, "")
	return nil
}

// transfer is transfer(call, address): the other side goes on with that party.
func (s *session) transfer(c wire.Command) error {
	s.reply(c)
	party, err := s.address(wire.Text(c.Arg(1)))
	if err != nil {
		return nil
	}
	s.withCall(wire.Text(c.Arg(0)), func(p *phone) {
		if p.leg.taken {
			p.leg.post(bridge.TransferAsked{ID: newID(), To: s.house.address(party.user)})
		}
	})
	return nil
}

// join is join(call, call): the other sides of two calls go on with each other, without
// the client, whose calls end.
func (s *session) join(c wire.Command) error {
	hub := s.house.hub
	one, other := hub.callOf(s, wire.Text(c.Arg(0))), hub.callOf(s, wire.Text(c.Arg(1)))
	if one == nil || other == nil || one == other {
		s.cannot(c, bridge.NotFound, noTwoCalls)
		return nil
	}
	s.reply(c)
	ask := bridge.TransferAsked{ID: newID(), To: other.partner().Address, Leg: other.leg.id}
	s.withCall(one.leg.id, func(p *phone) {
		if p.leg.taken {
			p.leg.post(ask)
		}
	})
	return nil
}

// partner is the other side of the call.
func (p *phone) partner() bridge.Party {
	if p.leg.out {
		return p.leg.inv.From
	}
	return p.leg.inv.To
}

// threeWay is three_way(call, call): the other sides of two calls and the client hear each other, until one of the
// calls ends. The first stands in front for both.
func (s *session) threeWay(c wire.Command) error {
	hub := s.house.hub
	one, other := hub.callOf(s, wire.Text(c.Arg(0))), hub.callOf(s, wire.Text(c.Arg(1)))
	if one == nil || other == nil || one == other || !one.talks() || !other.talks() {
		s.cannot(c, bridge.NotFound, noTwoCalls)
		return nil
	}
	was := hub.phoneOf(s)
	if err := s.mixes(one, other); err != nil {
		e := asError(err)
		s.house.noise.Do(func() { s.log.Info("three_way refused", "cause", e.Cause, "err", err) })
		s.cannot(c, e.Cause, e.Reason)
		return nil
	}
	s.reply(c)
	if was != one {
		s.tongue().turned(s, one.leg.id)
	}
	return nil
}

const noTwoCalls = "there are no two such calls"

// sendEvent is sendevent([call,] object). That of a call is a message, whose text
// is _body and goes to the other side; others are for scripts in FreeSWITCH.
func (s *session) sendEvent(c wire.Command) error {
	object, ok := c.Arg(1).(wire.Object)
	p := s.house.hub.callOf(s, wire.Text(c.Arg(0)))
	if !ok || p == nil {
		s.cannot(c, bridge.Unsupported, "want a call of yours and an object with _body: nothing else is listened to")
		return nil
	}
	if to, ok := s.house.writable(p); ok {
		s.handOn(c, to, wire.Text(object.Get("_body")))
	} else {
		s.cannot(c, bridge.NotFound, "")
	}
	return nil
}

// cannot tells a client, if it expects an answer, that a command comes to nothing.
func (s *session) cannot(c wire.Command, cause bridge.Cause, reason string) {
	if c.ID != 0 {
		s.write(c.Error(nil, wire.Obj("level", "error", "code", codeCallFailed, "description", statusText(cause, reason))).Message())
	}
}
