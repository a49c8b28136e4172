package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/adapters/sip/wire"
)

func TestReliableResponsesWaitForTheirPrack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		p, _ := s.caller("Supported: 100rel, timer", "o1")
		s.next("100 INVITE")
		y := a.call(0)
		if y.c.Settled() {
			t.Error("settled without a word")
		}
		_ = y.c.Ring(183, []byte("a1"))
		if !y.c.Settled() {
			t.Error("not settled")
		}
		res := s.next("183 INVITE")
		if value(res, "Require") != "100rel" || !strings.HasSuffix(res, "\r\n\r\na1") {
			t.Error(res)
		}
		p.to = value(res, "To")
		_ = y.c.Ring(180, nil)                              // waits
		if err := y.c.Accept([]byte("other")); err != nil { // and this too, and instead
			t.Error(err)
		}
		after(3 * time.Second)
		if got := s.since(); len(got) != 2 || got[0] != "183 INVITE" || got[1] != "183 INVITE" { // after 0.5 and 1.5 s
			t.Error(got)
		}
		p.request("PRACK", "RAck: 1 1 INVITE")
		s.next("481 PRACK")
		p.request("PRACK", "RAck: "+value(res, "RSeq")+" 1 INVITE")
		s.next("200 PRACK")
		ok := s.next("200 INVITE")
		if value(ok, "Content-Length") != "0" || value(ok, "Require") != "timer" || value(ok, "Session-Expires") != "1800;refresher=uac" {
			t.Error(ok)
		}
		p.seq = 1
		p.request("ACK")
		p.seq = 50
		p.request("BYE")
		want(t, "the callee", y.names(), "acked, ended: hung up")
		left(t, a)
	})
}

func TestWhoRequiresReliableResponsesGetsNoOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		s.caller("Require: 100rel", "o1")
		y := a.call(0)
		_ = y.c.Ring(180, nil)
		if res := s.next("180 INVITE"); value(res, "RSeq") == "" {
			t.Error(res)
		}
		after(patience + time.Second)
		s.next("500 INVITE")
		want(t, "the callee", y.names(), "ended: no PRACK")
		left(t, a)
	})
}

func TestAnOfferOfOursGoesByAReliableResponse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		p, _ := s.caller("Supported: 100rel")
		y := a.call(0)
		_ = y.c.Ring(183, []byte("o1"))
		res := s.next("183 INVITE")
		p.to = value(res, "To")
		p.request("PRACK", "RAck: "+value(res, "RSeq")+" 1 INVITE", "a1")
		s.next("200 PRACK")
		want(t, "the callee", y.names(), "answered a1")
		if err := y.c.Accept(nil); err != nil {
			t.Error(err)
		}
		if res := s.next("200 INVITE"); value(res, "Content-Length") != "0" {
			t.Error(res)
		}
		p.request("BYE")
		left(t, a)
	})
}

func TestAnUpdateBeforeTheAnswerIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		p, _ := s.caller("Supported: 100rel", "o1")
		y := a.call(0)
		_ = y.c.Ring(180, nil)
		p.to = value(s.next("180 INVITE"), "To")
		p.request("UPDATE", "o2")
		if res := s.next("500 UPDATE"); value(res, "Retry-After") == "" {
			t.Error(res)
		}
		if err := y.c.Offer([]byte("o3")); err != ErrNotYet {
			t.Error(err)
		}
		_ = y.c.Ring(183, []byte("a1"))
		res := s.next("183 INVITE")
		p.request("PRACK", "RAck: "+value(res, "RSeq")+" 1 INVITE")
		s.next("200 PRACK")
		p.request("UPDATE", "o2")
		if err := y.c.Answer("b", []byte("a2")); err != nil {
			t.Error(err)
		}
		s.next("200 UPDATE")
		if err := y.c.Offer([]byte("o3")); err != nil {
			t.Error(err)
		}
		s.respond(s.next("UPDATE"), 200, "", "a3")
		want(t, "the callee", y.names(), "offered offer o2, answered a3")
		p.request("BYE")
		left(t, a)
	})
}

func TestRingingIsRepeatedEveryMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		s.caller("o1")
		y := a.call(0)
		_ = y.c.Ring(180, nil)
		s.next("180 INVITE")
		after(3*time.Minute + time.Second)
		want(t, "the wire", strings.Join(s.since(), ", "), "180 INVITE, 180 INVITE, 180 INVITE")
		y.c.Reject(486, "Busy Here")
		left(t, a)
	})
}

func TestARefusalIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		s.caller("o1")
		a.call(0).c.Reject(486, "Busy Here")
		s.next("486 INVITE")
		after(patience + time.Minute)
		if n := len(s.since()); n != 10 { // .5, 1.5, 3.5, 7.5, 11.5 … 31.5
			t.Errorf("%d repeats", n)
		}
		left(t, a)
	})
}

func TestAnInviteIsRefusedForWhatItSays(t *testing.T) {
	const busy = "Replaces: script@192.0.2.2;to-tag=%s;from-tag=b"
	for _, row := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"a body that is no session", []string{"Content-Type: text/plain", "x"}, 415},
		{"one that may be ignored", []string{"Content-Type: text/plain", "Content-Disposition: render; handling=optional", "x"}, 0},
		{"an encoded one", []string{"Content-Encoding: gzip", "x"}, 415},
		{"an interval too small", []string{"Supported: timer", "Session-Expires: 60", "o1"}, 422},
		{"a small one of who knows no timers", []string{"Session-Expires: 60", "o1"}, 0},
		{"a malformed one", []string{"Session-Expires: soon", "o1"}, 400},
		{"two of them", []string{"Session-Expires: 100", "x: 200", "o1"}, 400},
		{"a refresher that is none", []string{"Session-Expires: 100;refresher=me", "o1"}, 400},
		{"a malformed Replaces", []string{"Replaces: x", "o1"}, 400},
		{"two Replaces", []string{"Replaces: x;to-tag=1;from-tag=2", "Replaces: x;to-tag=1;from-tag=2", "o1"}, 400},
		{"Replaces and Join", []string{"Replaces: x;to-tag=1;from-tag=2", "Join: x;to-tag=1;from-tag=2", "o1"}, 400},
		{"nothing to replace", []string{"Replaces: x;to-tag=1;from-tag=2", "o1"}, 481},
		{"a confirmed call, only if early", []string{busy + ";early-only", "o1"}, 486},
		{"a confirmed call", []string{busy, "o1"}, 0},
		{"a route set that is none", []string{"Record-Route: <mailto:x>", "o1"}, 400},
		{"a route set too long", []string{"Record-Route: " + strings.Repeat("<sip:192.0.2.9;lr>,", maxRoutes+1) + "<sip:x>", "o1"}, 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				y, p := s.placed(a)
				second := &party{s: s, from: "<sip:carol@192.0.2.2>;tag=c", to: "<sip:alice@192.0.2.1>", id: "second"}
				for i, l := range row.lines {
					if strings.Contains(l, "%s") {
						row.lines[i] = fmt.Sprintf(l, y.c.ID())
					}
				}
				second.request(methodInvite, append([]string{"Contact: <sip:carol@192.0.2.2>"}, row.lines...)...)
				if row.status == 0 {
					s.next("100 INVITE")
					if replaced := a.call(1).c.Replaces(); strings.Contains(row.lines[0], "Replaces") && replaced != y.c {
						t.Error("replaces", replaced)
					}
					a.call(1).c.Hangup()
				} else {
					res := s.next(fmt.Sprint(row.status, " INVITE"))
					if row.status == 422 && value(res, "Min-SE") != "90" {
						t.Error(res)
					}
				}
				p.request("BYE")
				left(t, a)
			})
		})
	}
}

func TestAnInviteThatCameTwoWaysIsTakenOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		_, inv := s.caller("o1")
		s.next("100 INVITE")
		s.n.say(strings.Replace(inv, "branch=z9hG4bK", "branch=z9hG4bKother", 1))
		s.next("482 INVITE")
		a.call(0).c.Hangup()
		left(t, a)
	})
}

func TestAnInviteOfOursThatComesBackIsALoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		for _, row := range []struct {
			name, text string
			looped     bool
		}{
			{"as it went", inv, true},
			{"for somebody else", strings.Replace(inv, "sip:bob@", "sip:carol@", 1), false},
			{"from somebody else", strings.Replace(inv, "From: <sip:alice@192.0.2.1>;tag=", "From: <sip:alice@192.0.2.1>;tag=x", 1), false},
			{"of another call", strings.Replace(inv, "Call-ID: ", "Call-ID: x", 1), false},
		} {
			m, err := wire.Parse([]byte(row.text))
			if err != nil {
				t.Fatal(err)
			}
			if a.table.Looped(m) != row.looped {
				t.Error(row.name)
			}
		}
		x.c.Hangup()
		left(t, a)
	})
}

func TestACallIsRefreshed(t *testing.T) {
	for _, row := range []struct {
		name, allow, refresher string
		method                 string // of ours; "": the other side refreshes
	}{
		{"by UPDATE", "Allow: INVITE, UPDATE", "uac", "UPDATE"},
		{"by re-INVITE", "Allow: INVITE", "uac", "INVITE"},
		{"by the other side", "Allow: INVITE, UPDATE", "uas", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				x, p := s.answered(a, row.allow, "Session-Expires: 90;refresher="+row.refresher, "Require: timer")
				for range 5 {
					after(44 * time.Second)
					s.quiet()
					after(time.Second)
					if row.method == "" {
						p.request("UPDATE", "Supported: timer", "Session-Expires: 90;refresher=uac")
						if res := s.next("200 UPDATE"); value(res, "Session-Expires") != "90;refresher=uac" || value(res, "Require") != "timer" {
							t.Error(res)
						}
						continue
					}
					q := s.next(row.method)
					if value(q, "Session-Expires") != "90;refresher=uac" || row.method == "INVITE" != strings.HasSuffix(q, "\r\n\r\no1") {
						t.Error(q)
					}
					lines := []string{"Session-Expires: 90;refresher=uac"}
					if row.method == "INVITE" {
						lines = append(lines, "a1")
					}
					s.respond(q, 200, "", lines...)
					if row.method == "INVITE" {
						s.next("ACK")
					}
				}
				want(t, "the caller", x.names(), "accepted answer a1")
				p.request("BYE")
				left(t, a)
			})
		})
	}
}

func TestACallThatIsNotRefreshedExpires(t *testing.T) {
	for _, refresher := range []string{"uac", "uas"} {
		t.Run(refresher, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				x, _ := s.answered(a, "Allow: INVITE, UPDATE", "Session-Expires: 90;refresher="+refresher)
				after(57 * time.Second)
				if refresher == "uac" {
					s.respond(s.next("UPDATE"), 500, "")
				}
				if got := x.names(); got != "accepted answer a1" {
					t.Error(got)
				}
				after(5 * time.Second)
				want(t, "the caller", x.names(), "accepted answer a1, ended: session expired")
				s.respond(s.next("BYE"), 200, "")
				left(t, a)
			})
		})
	}
}

func TestWhoKnowsNoTimersIsAskedNowAndThen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		y, p := s.placed(a)
		after(usualInterval/2 - 10*time.Second)
		s.quiet()
		after(11 * time.Second)
		q := s.next("UPDATE")
		s.respond(q, 405, "") // it had said that it could
		q = s.next("INVITE")
		if !strings.HasSuffix(q, "\r\n\r\na1") {
			t.Error(q)
		}
		s.respond(q, 200, "", "o1")
		s.next("ACK")
		want(t, "the callee", y.names(), "acked")
		p.request("BYE")
		left(t, a)
	})
}
