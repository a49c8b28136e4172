package dialog

import (
	"strings"
	"testing"
	"time"
)

func TestTheRouteSetIsFollowed(t *testing.T) {
	for _, row := range []struct {
		name     string
		recorded []string // in the response
		uri      string
		routes   []string
	}{
		{"none", nil, "sip:bob@192.0.2.2:5070", nil},
		{
			"loose", []string{"Record-Route: <sip:p2@192.0.2.12;lr>, <sip:p1@192.0.2.11;lr>"}, "sip:bob@192.0.2.2:5070",
			[]string{"<sip:p1@192.0.2.11;lr>", "<sip:p2@192.0.2.12;lr>"},
		}, {
			"strict", []string{"Record-Route: <sip:p2@192.0.2.12>", "Record-Route: <sip:p1@192.0.2.11;method=INVITE>"}, "sip:p1@192.0.2.11",
			[]string{"<sip:p2@192.0.2.12>", "<sip:bob@192.0.2.2:5070>"},
		}, {
			"loose, then strict", []string{"Record-Route: <sip:p2@192.0.2.12>,<sip:p1@192.0.2.11;lr>"}, "sip:bob@192.0.2.2:5070",
			[]string{"<sip:p1@192.0.2.11;lr>", "<sip:p2@192.0.2.12>"},
		},
	} {
		t.Run("towards the callee, "+row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				x := a.dial(nil)
				inv := s.next("INVITE")
				s.respond(inv, 200, "b", append(row.recorded, "Contact: <sip:bob@192.0.2.2:5070>", "a1")...)
				ack := s.next("ACK")
				x.c.Hangup()
				bye := s.next("BYE")
				s.respond(bye, 200, "")
				for _, q := range []string{ack, bye} {
					if got := strings.Fields(line(q))[1]; got != row.uri {
						t.Error("Request-URI:", got)
					}
					want(t, "Route", strings.Join(values(q, "Route"), " "), strings.Join(row.routes, " "))
				}
				left(t, a)
			})
		})
	}
	t.Run("towards the caller", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			a, s := scripted(t)
			record := "Record-Route: <sip:p1@192.0.2.11;lr>, <sip:p2@192.0.2.12;lr>"
			y, _ := s.placed(a, record)
			for _, g := range s.got {
				if start(g) == "200 INVITE" && "Record-Route: "+value(g, "Record-Route") != record {
					t.Error("Record-Route does not come back:", g)
				}
			}
			y.c.Hangup()
			bye := s.next("BYE")
			want(t, "Route", strings.Join(values(bye, "Route"), " "), "<sip:p1@192.0.2.11;lr> <sip:p2@192.0.2.12;lr>")
			s.respond(bye, 200, "")
			left(t, a)
		})
	})
}

func TestAnElementOfRFC2543HasNoTags(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x := a.dial(nil)
		inv := s.next("INVITE")
		s.respond(inv, 180, "")
		s.respond(inv, 200, "", "a1")
		ack := s.next("ACK")
		if value(ack, "To") != "<sip:bob@192.0.2.2>" || line(ack) != "ACK sip:bob@192.0.2.2 SIP/2.0" {
			t.Error(ack)
		}
		p := s.callee(inv, "")
		p.request("BYE")
		s.next("200 BYE")
		want(t, "the caller", x.names(), "ringing 180, accepted answer a1, ended: hung up")
		left(t, a)
	})
}

func TestRequestsComeInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		_, p := s.placed(a)
		p.seq = 10
		p.request("OPTIONS")
		if res := s.next("200 OPTIONS"); value(res, "Allow") == "" || value(res, "Supported") != supported || value(res, "Accept") != "application/sdp" {
			t.Error(res)
		}
		p.seq = 5
		p.request("OPTIONS")
		s.next("500 OPTIONS")
		p.request("FROBNICATE")
		s.next("500 FROBNICATE")
		p.seq = 20
		p.request("FROBNICATE")
		s.next("405 FROBNICATE")
		p.request("BYE")
		s.next("200 BYE")
		p.request("BYE")
		s.next("481 BYE")
		left(t, a)
	})
}

func TestTheRemoteTargetIsRefreshed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		y, p := s.placed(a)
		p.request("UPDATE", "Contact: <sip:bob@192.0.2.2:5999>")
		if res := s.next("200 UPDATE"); value(res, "Contact") == "" {
			t.Error(res)
		}
		want(t, "the callee", y.names(), "acked") // nothing to decide
		y.c.Hangup()
		if bye := s.next("BYE"); line(bye) != "BYE sip:bob@192.0.2.2:5999 SIP/2.0" {
			t.Error(bye)
		} else {
			s.respond(bye, 200, "")
		}
		left(t, a)
	})
}

func TestAnOfferIsRefusedAndTheCallGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, _ := ends(t, false)
		x, y := established(t, a, b)
		_ = x.c.Offer([]byte("o2"))
		if err := x.c.Offer([]byte("o3")); err != ErrGlare {
			t.Error("two offers at once:", err)
		}
		after(time.Second)
		if err := y.c.Offer([]byte("o4")); err != ErrGlare {
			t.Error("an offer instead of an answer:", err)
		}
		ev := y.all()[1].(Offered)
		if err := y.c.Refuse(ev.Fork, 488, "Not Acceptable Here"); err != nil {
			t.Error(err)
		}
		if err := y.c.Answer(ev.Fork, []byte("a2")); err != ErrNotYet {
			t.Error("refused and answered:", err)
		}
		after(time.Second)
		want(t, "the caller", x.names(), "accepted answer a1, refused 488")
		if string(x.c.dlg.sent) != "o1" || string(y.c.dlg.got) != "o1" {
			t.Errorf("%s %s", x.c.dlg.sent, y.c.dlg.got)
		}
		y.c.Hangup()
		left(t, a, b)
	})
}

func TestAnOfferMayBeAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, p := s.answered(a)
		p.request("INVITE", "Contact: <sip:bob@192.0.2.2>")
		s.next("100 INVITE")
		want(t, "the caller", x.names(), "accepted answer a1, offered")
		_ = x.c.Answer("b", []byte("o2"))
		if res := s.next("200 INVITE"); !strings.HasSuffix(res, "\r\n\r\no2") {
			t.Error(res)
		}
		if err := x.c.Offer([]byte("o3")); err != ErrGlare {
			t.Error(err)
		}
		p.request("ACK", "a2")
		want(t, "the caller", x.names(), "accepted answer a1, offered, answered a2")
		p.request("INVITE", "Contact: <sip:bob@192.0.2.2>")
		_ = x.c.Answer("b", []byte("o4"))
		s.next("200 INVITE")
		p.request("ACK") // without an answer
		want(t, "the caller", x.names(), "accepted answer a1, offered, answered a2, offered, refused 0")
		p.request("BYE")
		left(t, a)
	})
}

func TestOffersThatCrossGoBackAndComeAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		answers := func(e *ear) {
			e.act = func(ev Event) {
				if ev, ok := ev.(Offered); ok {
					_ = e.c.Answer(ev.Fork, []byte("answer"))
				}
			}
		}
		x, y := established(t, a, b)
		answers(x)
		answers(y)
		began := len(tap.texts())
		_ = x.c.Offer([]byte("ox"))
		_ = y.c.Offer([]byte("oy"))
		after(10 * time.Second)
		kinds := strings.Join(tap.firsts()[began:began+6], ", ")
		want(t, "the wire", kinds, "INVITE, INVITE, 491 INVITE, 491 INVITE, ACK, ACK")
		// The caller waits for two seconds at least, the callee for two at most: so
		// the caller's offer gives way.
		want(t, "the callee", y.names(), "acked, answered answer")
		want(t, "the caller", x.names(), "accepted answer a1, refused 491, offered offer oy")
		x.c.Hangup()
		left(t, a, b)
	})
}

func TestGlareIsJudgedByTheBook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, p := s.answered(a, "Allow: INVITE, UPDATE")
		_ = x.c.Offer([]byte("o2"))
		inv := s.next("INVITE")
		p.request("INVITE", "o9")
		s.next("491 INVITE")
		p.request("ACK")
		p.request("UPDATE", "o9")
		s.next("491 UPDATE")
		s.respond(inv, 200, "", "a2")
		s.next("ACK")
		p.request("INVITE", "o9")
		s.next("100 INVITE")
		for _, method := range []string{"INVITE", "UPDATE"} {
			p.request(method, "o10") // another before the first is answered
			if res := s.next("500 " + method); value(res, "Retry-After") == "" {
				t.Error(res)
			}
		}
		_ = x.c.Answer("b", []byte("a9"))
		s.next("200 INVITE")
		p.request("UPDATE", "o11") // it has seen the 200, whatever came of its ACK
		want(t, "the caller", x.names(), "accepted answer a1, answered a2, offered offer o9, offered offer o11")
		p.request("UPDATE", "o12")
		s.next("500 UPDATE")
		_ = x.c.Answer("b", []byte("a11"))
		if res := s.next("200 UPDATE"); !strings.HasSuffix(res, "\r\n\r\na11") {
			t.Error(res)
		}
		p.request("BYE")
		left(t, a)
	})
}

func TestARefusalForNowIsTriedAgainWithinBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, _ := s.answered(a)
		_ = x.c.Offer([]byte("o2"))
		for i := range maxModifies {
			inv := s.next("INVITE")
			status, lines := 491, []string{}
			if i == 1 {
				status, lines = 500, []string{"Retry-After: 3 (minding the shop)"}
			}
			began := time.Now()
			s.respond(inv, status, "", lines...)
			s.next("ACK")
			for range 30 {
				if len(s.since()) > 0 {
					break
				}
				after(200 * time.Millisecond)
			}
			if took := time.Since(began); i < maxModifies-1 && (took < 2100*time.Millisecond || took > 4300*time.Millisecond) {
				t.Errorf("came again after %v", took)
			}
		}
		want(t, "the caller", x.names(), "accepted answer a1, refused 491")
		x.c.Hangup()
		s.respond(s.next("BYE"), 200, "")
		left(t, a)
	})
}

func TestWhoKnowsNothingOfTheCallEndsIt(t *testing.T) {
	for _, row := range []struct {
		method string
		status int
		ends   bool
	}{{"INFO", 481, true}, {"INFO", 408, true}, {"INFO", 415, false}, {"NOTIFY", 481, false}, {"INVITE", 481, true}, {"INVITE", 488, false}} {
		t.Run(row.method, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, s := scripted(t)
				x, p := s.answered(a)
				if row.method == "INVITE" {
					_ = x.c.Offer([]byte("o2"))
				} else if _, err := x.c.Send(row.method, "text/plain", []byte("x")); err != nil {
					t.Error(err)
				}
				q := s.next(row.method)
				if has := value(q, "Contact") != ""; has != (row.method != "INFO") {
					t.Error(q)
				}
				s.respond(q, row.status, "")
				after(time.Second)
				if ended := strings.HasSuffix(x.names(), "ended: lost"); ended != row.ends {
					t.Error(x.names())
				}
				if row.ends {
					s.respond(s.next("BYE"), 481, "")
				} else {
					p.request("BYE")
				}
				left(t, a)
			})
		})
	}
}

func TestRequestsForTheOwnerAreBoundedAndAnsweredAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		y, p := s.placed(a)
		for range maxRequests {
			p.request("INFO")
		}
		s.quiet()
		p.request("INFO")
		s.next("500 INFO")
		p.request("BYE")
		s.next("200 BYE")
		for range maxRequests {
			s.next("487 INFO")
		}
		for _, ev := range y.all() {
			if r, ok := ev.(Requested); ok {
				r.Request.Answer(200, "OK") // too late
			}
		}
		after(time.Second)
		s.quiet()
		left(t, a)
	})
}

func TestAnEarlyByeTakesTheCallBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		p, inv := s.caller("o1")
		s.next("100 INVITE")
		_ = a.call(0).c.Ring(180, nil)
		p.to = value(s.next("180 INVITE"), "To")
		p.request("BYE")
		s.next("200 BYE")
		s.next("487 INVITE")
		s.n.say(strings.Replace(strings.Replace(inv, "INVITE sip", "ACK sip", 1), "1 INVITE", "1 ACK", 1))
		want(t, "the callee", a.call(0).names(), "ended: cancelled")
		left(t, a)
	})
}

func TestTheEndOfTheAdapterIsTheEndOfItsCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, _ := s.answered(a)
		y := a.dial(nil)
		s.respond(s.next("INVITE"), 180, "r")
		a.table.Close()
		after(50 * time.Millisecond)
		if all := strings.Join(s.since(), " "); !strings.Contains(all, "BYE") || !strings.Contains(all, "CANCEL") {
			t.Error(all)
		}
		want(t, "one", x.names(), "accepted answer a1, ended: closed")
		want(t, "the other", y.names(), "ringing 180, ended: closed")
		if a.table.Dial(Invite{}) != nil {
			t.Error("a call after the end")
		}
		after(time.Minute)
		if n := len(s.since()); n != 2 {
			t.Errorf("%d messages", n)
		}
		if a.table.Len() != 0 || len(a.table.clients) != 0 {
			t.Error("something is left")
		}
	})
}

func TestAnOfferWaitsForTheAck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		p, _ := s.caller("o1")
		y := a.call(0)
		_ = y.c.Accept([]byte("a1"))
		p.to = value(s.next("200 INVITE"), "To")
		if err := y.c.Offer([]byte("o2")); err != nil {
			t.Error(err)
		}
		s.quiet()
		p.request("ACK")
		s.respond(s.next("INVITE"), 200, "", "a2")
		s.next("ACK")
		// And for that of a refusal.
		inv := p.request("INVITE", "o3")
		_ = y.c.Refuse("b", 488, "No")
		s.next("488 INVITE")
		if err := y.c.Offer([]byte("o4")); err != nil {
			t.Error(err)
		}
		s.quiet()
		s.n.say(strings.Replace(strings.Replace(inv, "INVITE sip", "ACK sip", 1), " INVITE\r\n", " ACK\r\n", 1))
		s.respond(s.next("INVITE"), 488, "")
		want(t, "the callee", y.names(), "acked, answered a2, offered offer o3, refused 488")
		p.request("BYE")
		left(t, a)
	})
}

func TestAnOfferThatIsNeverAnsweredIsTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, s := scripted(t)
		x, p := s.answered(a)
		_ = x.c.Offer([]byte("o2"))
		inv := s.next("INVITE")
		s.respond(inv, 100, "")
		after(timerC)
		cancel := s.next("CANCEL")
		if value(cancel, "CSeq") != value(inv, "CSeq")[:1]+" CANCEL" || value(cancel, "Via") != value(inv, "Via") {
			t.Error(cancel)
		}
		s.respond(cancel, 200, "")
		s.respond(inv, 487, "")
		s.next("ACK")
		want(t, "the caller", x.names(), "accepted answer a1, refused 487")
		if err := x.c.Offer([]byte("o3")); err != nil {
			t.Error(err)
		}
		p.request("BYE")
		left(t, a)
	})
}
