package dialog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/adapters/sip/wire"
)

func TestOneForkIsConfirmedAndTheOthersAreEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		s.respond(inv, 180, "p")
		s.respond(inv, 183, "q", "early")
		s.respond(inv, 200, "q", "Contact: <sip:q@192.0.2.2>", "final")
		ack := s.next("ACK")
		if line(ack) != "ACK sip:q@192.0.2.2 SIP/2.0" || !strings.HasSuffix(value(ack, "To"), ";tag=q") {
			t.Error(ack)
		}
		if value(ack, "Via") == value(inv, "Via") {
			t.Error("the ACK for a 2xx is a transaction of its own")
		}
		s.respond(inv, 200, "q", "Contact: <sip:q@192.0.2.2>", "final") // a repeat
		if s.next("ACK") != ack {
			t.Error("another ACK for the same 200")
		}
		s.respond(inv, 200, "p", "Contact: <sip:p@192.0.2.2>", "late") // somebody else took it too
		if late := s.next("ACK"); line(late) != "ACK sip:p@192.0.2.2 SIP/2.0" {
			t.Error(late)
		}
		bye := s.next("BYE")
		if line(bye) != "BYE sip:p@192.0.2.2 SIP/2.0" || value(bye, "CSeq") != "2 BYE" || value(bye, "Reason") != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Error(bye)
		}
		s.respond(bye, 200, "")
		s.respond(inv, 200, "p", "Contact: <sip:p@192.0.2.2>", "late")
		s.next("ACK")
		s.quiet()
		want(t, "the caller", x.names(), "ringing 180, ringing 183 answer early, accepted answer final")
		if ev := x.all()[2].(Accepted); ev.Fork != "q" {
			t.Error(ev.Fork)
		}
		s.callee(inv, "p").request("INFO") // of a fork that is no more
		s.next("481 INFO")
		x.c.Hangup()
		bye = s.next("BYE")
		s.respond(bye, 200, "")
		left(t, a)
	})
}

func TestForksAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		for i := range 3 * maxForks {
			s.respond(inv, 180, fmt.Sprint("t", i))
		}
		if n := len(x.all()); n != maxForks {
			t.Errorf("%d forks", n)
		}
		x.c.Hangup()
		after(time.Second)
		left(t, a)
	})
}

// authorize knows a password.
func authorize(*wire.Message, string, string) (wire.Field, bool, error) {
	return wire.Field{Name: "Authorization", Value: "Digest let me in"}, false, nil
}

func TestChallengesAreAnsweredOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(func(inv *Invite) { inv.Authorize = authorize })
		inv := s.next("INVITE")
		s.respond(inv, 401, "c", "WWW-Authenticate: Digest please")
		ack := s.next("ACK")
		if value(ack, "Via") != value(inv, "Via") || value(ack, "CSeq") != "1 ACK" || !strings.HasSuffix(value(ack, "To"), ";tag=c") {
			t.Error(ack)
		}
		again := s.next("INVITE")
		if value(again, "CSeq") != "2 INVITE" || value(again, "Authorization") != "Digest let me in" || value(again, "To") != "<sip:bob@192.0.2.2>" ||
			value(again, "Call-ID") != value(inv, "Call-ID") || value(again, "From") != value(inv, "From") {
			t.Error(again)
		}
		s.respond(again, 200, "b", "Contact: <sip:bob@192.0.2.2>", "a1")
		if ack = s.next("ACK"); value(ack, "Authorization") == "" || value(ack, "CSeq") != "2 ACK" {
			t.Error(ack)
		}
		x.c.Hangup()
		bye := s.next("BYE")
		s.respond(bye, 407, "", "Proxy-Authenticate: Digest please")
		if bye = s.next("BYE"); value(bye, "CSeq") != "4 BYE" || value(bye, "Authorization") == "" {
			t.Error(bye)
		}
		s.respond(bye, 401, "", "WWW-Authenticate: Digest please")
		after(time.Second)
		s.quiet()
		left(t, a)
	})
}

func TestAChallengeThatCantBeAnsweredIsTheRefusal(t *testing.T) {
	for _, row := range []struct {
		name string
		auth Authorize
	}{
		{"no credentials", nil},
		{"none that fit", func(*wire.Message, string, string) (wire.Field, bool, error) {
			return wire.Field{}, false, errors.New("no")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				x := a.dial(func(inv *Invite) { inv.Authorize = row.auth })
				s.respond(s.next("INVITE"), 407, "c", "Proxy-Authenticate: Digest please")
				s.next("ACK")
				s.quiet()
				if ev := x.all()[0].(Ended); ev.Status != 407 {
					t.Errorf("%+v", ev)
				}
				left(t, a)
			})
		})
	}
}

func TestAnIntervalThatIsTooSmallIsRaised(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		if value(inv, "Session-Expires") != "1800" || value(inv, "Min-SE") != "90" {
			t.Error(inv)
		}
		s.respond(inv, 422, "c", "Min-SE: 3600")
		again := s.next("INVITE")
		if value(again, "Session-Expires") != "3600" || value(again, "Min-SE") != "3600" || value(again, "CSeq") != "2 INVITE" {
			t.Error(again)
		}
		s.respond(again, 422, "c", "Min-SE: 3600") // it does not know what it wants
		after(time.Second)
		want(t, "the caller", x.names(), "ended: failed")
		left(t, a)
	})
}

func TestTheNextPlaceIsTriedWhenOneIsSilentOrFull(t *testing.T) {
	for _, row := range []struct {
		name  string
		first func(s *script, inv string)
	}{
		{"silent", func(*script, string) { after(10 * time.Second) }},
		{"full", func(s *script, inv string) { s.respond(inv, 503, "c", "Retry-After: 60") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				more := 1
				e := &ear{c: a.table.Dial(Invite{
					URI: "sip:bob@192.0.2.2", From: "<sip:alice@192.0.2.1>", To: "<sip:bob@192.0.2.2>", Hops: 70, SDP: []byte("o"),
					More: func(c *Call) bool {
						if more--; more < 0 {
							return false
						}
						go c.Try(pipe{a}, 0)
						return true
					},
				})}
				e.c.Own(e.post)
				e.c.Try(pipe{a}, 8*time.Second)
				row.first(s, s.next("INVITE"))
				inv := s.next("INVITE")
				for value(inv, "CSeq") != "2 INVITE" {
					inv = s.next("INVITE")
				}
				s.respond(inv, 503, "c", "Retry-After: 60")
				after(time.Second)
				if ev, ok := e.all()[0].(Ended); !ok || ev.Status != 503 || ev.Message.Get("Retry-After") != "60" {
					t.Errorf("%+v", e.all())
				}
				left(t, a)
			})
		})
	}
}

func TestRedirectionsAreNotFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		s.respond(s.next("INVITE"), 302, "c", "Contact: <sip:premium@192.0.2.66>")
		s.next("ACK")
		s.quiet()
		if ev := x.all()[0].(Ended); ev.Status != 302 {
			t.Errorf("%+v", ev)
		}
		left(t, a)
	})
}

func TestProvisionalResponsesAreAcknowledgedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		contact := "Contact: <sip:bob@192.0.2.2>"
		s.respond(inv, 183, "b", contact, "Require: 100rel", "RSeq: 7", "a1")
		prack := s.next("PRACK")
		if value(prack, "RAck") != "7 1 INVITE" || value(prack, "CSeq") != "2 PRACK" || value(prack, "Contact") != "" {
			t.Error(prack)
		}
		s.respond(prack, 200, "")
		s.respond(inv, 183, "b", contact, "Require: 100rel", "RSeq: 7", "a1") // a repeat
		s.respond(inv, 180, "b", contact, "Require: 100rel", "RSeq: 9")       // one is missing
		s.quiet()
		s.respond(inv, 180, "b", contact, "Require: 100rel", "RSeq: 8")
		prack = s.next("PRACK")
		if value(prack, "RAck") != "8 1 INVITE" {
			t.Error(prack)
		}
		s.respond(prack, 200, "")
		s.respond(inv, 200, "b", contact, "other")
		s.next("ACK")
		want(t, "the caller", x.names(), "ringing 183 answer a1, ringing 180, accepted")
		x.c.Hangup()
		s.respond(s.next("BYE"), 200, "")
		left(t, a)
	})
}

func TestAnOfferInAProvisionalResponseIsAnsweredByPrack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(func(inv *Invite) { inv.SDP = nil })
		inv := s.next("INVITE")
		if strings.Contains(value(inv, "Supported"), "100rel") {
			t.Error("asks for an offer before the 2xx")
		}
		s.respond(inv, 183, "b", "Contact: <sip:bob@192.0.2.2>", "Require: 100rel", "RSeq: 1", "o1")
		s.quiet()
		if err := x.c.Answer("b", []byte("a1")); err != nil {
			t.Error(err)
		}
		if prack := s.next("PRACK"); !strings.HasSuffix(prack, "\r\n\r\na1") {
			t.Error(prack)
		} else {
			s.respond(prack, 200, "")
		}
		s.respond(inv, 200, "b", "Contact: <sip:bob@192.0.2.2>")
		if ack := s.next("ACK"); value(ack, "Content-Length") != "0" {
			t.Error(ack)
		}
		want(t, "the caller", x.names(), "ringing 183 offer o1, accepted")
		x.c.Hangup()
		s.respond(s.next("BYE"), 200, "")
		left(t, a)
	})
}
