package sip

import (
	"errors"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// enrolls has somebody register as erin, and gives what is told of it.
func (b *bench) enrolls(e bridge.Enrolment) (told chan error, leave func()) {
	told = make(chan error, 10)
	return told, b.a.Enroll(e, func(err error) { told <- err })
}

func erin() bridge.Enrolment {
	return bridge.Enrolment{User: "erin", Login: "erin-7", Password: "hush"}
}

func causeIn(err error) bridge.Cause {
	var e *bridge.Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return 0
}

func TestOthersRegisterAtThePeer(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	told, leave := b.enrolls(erin())
	reg := p.next()
	if !strings.HasPrefix(reg.text, "REGISTER sip:") || !strings.Contains(header(reg.text, "To"), "sip:erin@") || strings.Contains(header(reg.text, "Contact"), "erin") {
		t.Error(reg.text)
	}
	p.send(reg.from, response(reg.text, 401, "Who?", `WWW-Authenticate: Digest realm="pbx", nonce="n"`))
	again := p.next()
	if !strings.Contains(header(again.text, "Authorization"), `username="erin-7"`) {
		t.Error(again.text)
	}
	p.send(again.from, response(again.text, 200, "OK"))
	if err := next(t, told, "that it is registered"); err != nil {
		t.Error(err)
	}
	if other, _ := b.enrolls(erin()); causeIn(next(t, other, "a refusal")) != bridge.Conflict {
		t.Error("the same name is registered twice")
	}
	leave()
	bye := p.next()
	if header(bye.text, "Expires") != "0" || header(bye.text, "Contact") != header(reg.text, "Contact") {
		t.Error(bye.text)
	}
	p.send(bye.from, response(bye.text, 200, "OK"))
	// The name is free again.
	_, leave = b.enrolls(erin())
	reg = p.next()
	p.send(reg.from, response(reg.text, 200, "OK"))
	leave()
}

// TestANameIsWhoseRegisterWasTaken: who only tries to register holds no name, and
// has none of its rights.
func TestANameIsWhoseRegisterWasTaken(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	guess := erin()
	guess.Password = "guess"
	slow, leaveSlow := b.enrolls(guess)
	pending := p.next()
	engine := b.a.engine.Load()
	if engine.lineNamed("erin") != nil {
		t.Error("what is sent by the name goes out with credentials that nobody has checked")
	}
	told, leave := b.enrolls(erin())
	reg := p.next()
	p.send(reg.from, response(reg.text, 200, "OK"))
	if err := next(t, told, "that it is registered"); err != nil {
		t.Errorf("the name is held by who has not got it: %v", err)
	}
	if l := engine.lineNamed("erin"); l == nil || l.is.password != "hush" {
		t.Errorf("the line is %v", l)
	}
	p.send(pending.from, response(pending.text, 200, "OK"))
	if err := next(t, slow, "a refusal"); causeIn(err) != bridge.Conflict {
		t.Errorf("the second one: %v", err)
	}
	leaveSlow()
	bye := p.next()
	if header(bye.text, "Contact") != header(pending.text, "Contact") {
		t.Error(bye.text)
	}
	p.send(bye.from, response(bye.text, 200, "OK"))
	if l := engine.lineNamed("erin"); l == nil || l.is.password != "hush" {
		t.Errorf("the line has become %v", l)
	}
	leave()
	if engine.lineNamed("erin") != nil {
		t.Error("the name stays")
	}
}

func TestRegistrationsThatThePeerRefuses(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, withLine)
	line := p.next()
	p.send(line.from, response(line.text, 200, "OK"))
	for status, want := range map[int]bridge.Cause{403: bridge.Forbidden, 404: bridge.NotFound, 500: bridge.Internal} {
		told, leave := b.enrolls(erin())
		reg := p.next()
		p.send(reg.from, response(reg.text, status, "No"))
		err := next(t, told, "a refusal")
		if causeIn(err) != want {
			t.Errorf("%d: %v", status, err)
		}
		leave()
	}
	for len(b.h.states) > 0 {
		if s := <-b.h.states; strings.HasPrefix(s, "false") && !strings.Contains(s, "7001") {
			t.Errorf("that is a trouble of the adapter's: %s", s)
		}
	}
	for _, e := range []bridge.Enrolment{{User: "7001", Login: "x", Password: "x"}, {User: "a\x00b", Login: "x", Password: "x"}} {
		told, _ := b.enrolls(e)
		if err := next(t, told, "a refusal"); causeIn(err) != bridge.Conflict && causeIn(err) != bridge.BadAddress {
			t.Errorf("%q: %v", e.User, err)
		}
	}
}

func TestNobodyRegistersWithoutAPeer(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	told, leave := b.enrolls(erin())
	if err := next(t, told, "a refusal"); causeIn(err) != bridge.Unsupported {
		t.Error(err)
	}
	leave()
	if b.a.EnrollsFor("gw.example.org") {
		t.Error("a domain is served without a peer")
	}
}

func TestDomainsOfEnrolment(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	host, _, _ := strings.Cut(p.addr(), ":")
	for domain, want := range map[string]bool{host: true, "GW.example.org": true, "elsewhere.example": false, "": false, "a b": false} {
		if got := b.a.EnrollsFor(domain); got != want {
			t.Errorf("%q: %v", domain, got)
		}
	}
}

// TestCallsOfWhoHasRegistered: a call to the Contact is for the name, and one by the
// name comes from there, with its credentials.
func TestCallsOfWhoHasRegistered(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	told := make(chan error, 10)
	b.a.Enroll(erin(), func(err error) { told <- err })
	reg := u.expect("REGISTER")
	u.reply(reg, 200, "", "")
	if err := next(t, told, "that it is registered"); err != nil {
		t.Fatal(err)
	}
	contact := strings.TrimPrefix(header(reg, "Contact"), "<sip:")
	token, _, _ := strings.Cut(contact, "@")
	c := bridgetest.NewCall(t)
	c.Leg = b.a.Dial(bridge.Invite{
		ID: "id", Hops: 5, From: bridge.Party{Address: bridge.Address{Name: "erin"}}, To: bridge.Party{Address: bridge.Address{Name: "2001"}},
		Offer: &bridge.Offer{Seq: 1, Desc: sound(bridge.SendReceive, pcmu)},
	}, c)
	inv := u.expect("INVITE")
	if !strings.Contains(header(inv, "Contact"), token+"@") || !strings.Contains(header(inv, "From"), "sip:erin@") {
		t.Error(inv)
	}
	u.reply(inv, 407, "", "", `Proxy-Authenticate: Digest realm="pbx", nonce="n", qop="auth", algorithm=MD5`)
	u.expect("ACK")
	inv = u.expect("INVITE")
	if !strings.Contains(header(inv, "Proxy-Authorization"), `username="erin-7"`) {
		t.Error(inv)
	}
	u.reply(inv, 486, "x", "")
	ends(t, c, bridge.Busy)
}
