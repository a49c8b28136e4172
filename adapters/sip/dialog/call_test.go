package dialog

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallIsMadeAndHungUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		x := a.dial(nil)
		after(50 * time.Millisecond)
		y := b.call(0)
		if err := y.c.Ring(180, nil); err != nil {
			t.Error(err)
		}
		after(time.Second)
		if err := y.c.Accept([]byte("a1")); err != nil {
			t.Error(err)
		}
		after(time.Second)
		x.c.Hangup(Reason{"Q.850", 16, "Normal"}.Field())
		after(time.Second)
		want(t, "the caller", x.names(), "ringing 180, accepted answer a1, ended: ours")
		want(t, "the callee", y.names(), "acked, ended: hung up")
		want(t, "the wire", strings.Join(tap.firsts(), ", "), "INVITE, 100 INVITE, 180 INVITE, 200 INVITE, ACK, BYE, 200 BYE")
		ev := y.all()[1].(Ended)
		if len(ev.Reasons) != 1 || ev.Reasons[0] != (Reason{"Q.850", 16, "Normal"}) {
			t.Errorf("%+v", ev.Reasons)
		}
		left(t, a, b)
	})
}

// everything is a call in which every kind of message occurs, with what its
// sides hear of it.
func everything(t *testing.T, a, b *node) {
	t.Helper()
	b.answer = func(e *ear) {
		e.act = func(ev Event) {
			switch ev := ev.(type) {
			case Offered:
				_ = e.c.Answer(ev.Fork, []byte("a-"+string(ev.Session.SDP)))
			case Requested:
				ev.Request.Answer(200, "OK")
			}
		}
	}
	x := a.dial(nil)
	after(40 * time.Second)
	y := b.call(0)
	_ = y.c.Ring(183, []byte("a1"))
	after(40 * time.Second)
	if err := x.c.Offer([]byte("o2")); err != nil { // UPDATE
		t.Error(err)
	}
	after(40 * time.Second)
	if err := y.c.Accept([]byte("a1")); err != nil {
		t.Error(err)
	}
	after(40 * time.Second)
	if err := x.c.Offer([]byte("o3")); err != nil { // re-INVITE
		t.Error(err)
	}
	after(40 * time.Second)
	for range 3 {
		if _, err := x.c.Send("INFO", "text/plain", []byte("5")); err != nil {
			t.Error(err)
		}
	}
	after(100 * time.Second)
	y.c.Hangup()
	after(40 * time.Second)
	want(t, "the caller", x.names(), "ringing 183 answer a1, answered a-o2, accepted, answered a-o3, responded 200, responded 200, responded 200, ended: hung up")
	want(t, "the callee", y.names(), "offered offer o2, acked, offered offer o3, requested INFO, requested INFO, requested INFO, ended: ours")
	left(t, a, b)
}

func TestEachMessageMayBeLostOnce(t *testing.T) {
	t.Parallel()
	messages := 0
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, b, tap := ends(t, false)
			everything(t, a, b)
			messages = len(tap.texts())
		})
	})
	if messages < 20 {
		t.Fatal("only", messages)
	}
	for i := range messages {
		t.Run("number "+string(rune('a'+i)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, tap := ends(t, false)
				tap.lose = func(n int, _ string) bool { return n == i }
				everything(t, a, b)
				if t.Failed() {
					t.Log("lost", start(tap.texts()[i]), "of", tap.firsts())
				}
			})
		})
	}
}

func TestACallGoesByTCPToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, true)
		everything(t, a, b)
		seen := map[string]int{}
		for _, s := range tap.firsts() {
			seen[s]++
		}
		if seen["INVITE"] != 2 || seen["BYE"] != 1 || seen["INFO"] != 3 || seen["PRACK"] != 1 || seen["UPDATE"] != 1 {
			t.Errorf("something was repeated: %v", tap.firsts())
		}
		if c := value(tap.texts()[0], "Contact"); c != "<sip:alice@192.0.2.1:5060;transport=tcp>" {
			t.Error(c)
		}
	})
}

func TestEveryMessageMayBeLostTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		sent := map[string]int{}
		tap.lose = func(_ int, text string) bool {
			sent[text]++
			return sent[text] <= 2
		}
		everything(t, a, b)
	})
}

func TestALateOfferIsAnsweredInTheAck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		x := a.dial(func(inv *Invite) { inv.SDP = nil })
		after(time.Second)
		y := b.call(0)
		if s := y.c.Session(); s.Role != NoSession {
			t.Error(s)
		}
		_ = y.c.Ring(183, []byte("early")) // goes without: the caller takes no reliable responses here
		if err := y.c.Accept(nil); err != ErrNotYet {
			t.Error("accepted without an offer:", err)
		}
		if err := y.c.Accept([]byte("o1")); err != nil {
			t.Error(err)
		}
		after(5 * time.Second)
		if err := x.c.Answer("", nil); err != ErrNotYet {
			t.Error("a fork that is none:", err)
		}
		acc := x.all()[1].(Accepted)
		if err := x.c.Answer(acc.Fork, []byte("a1")); err != nil {
			t.Error(err)
		}
		after(time.Second)
		want(t, "the caller", x.names(), "ringing 183, accepted offer o1")
		want(t, "the callee", y.names(), "acked, answered a1")
		for _, s := range tap.texts() {
			if start(s) == "183 INVITE" && strings.HasSuffix(s, "early") {
				t.Error("an unreliable offer")
			}
		}
		// And the other way round: a re-INVITE without an offer.
		x.c.Hangup()
		left(t, a, b)
	})
}

func TestALateOfferWithoutAnAnswerEndsTheCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, _ := ends(t, false)
		x := a.dial(func(inv *Invite) { inv.SDP = nil })
		after(time.Second)
		y := b.call(0)
		_ = y.c.Accept([]byte("o1"))
		after(patience)
		want(t, "the caller", x.names(), "accepted offer o1, ended: failed")
		want(t, "the callee", y.names(), "acked, refused 0, ended: hung up")
		left(t, a, b)
	})
}

func TestCancelMeetsEveryStateOfTheInvite(t *testing.T) {
	for _, row := range []struct {
		name           string
		when           time.Duration // of the hang-up after the INVITE
		ring, accept   time.Duration // of the callee's doing; 0: never
		caller, callee string
		wire           string
	}{
		{
			"before anything was heard", time.Millisecond, 0, 0, "ended: ours", "ended: cancelled",
			"INVITE, 100 INVITE, CANCEL, 200 CANCEL, 487 INVITE, ACK",
		}, {
			"while it rings", 2 * time.Second, time.Second, 0, "ringing 180, ended: ours", "ended: cancelled",
			"INVITE, 100 INVITE, 180 INVITE, CANCEL, 200 CANCEL, 487 INVITE, ACK",
		}, {
			"crossing the 200", 1005 * time.Millisecond, 0, time.Second, "ended: ours", "acked, ended: hung up",
			"INVITE, 100 INVITE, 200 INVITE, CANCEL, ACK, BYE, 200 CANCEL, 200 BYE",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b, tap := ends(t, false)
				b.answer = func(e *ear) {
					if row.ring > 0 {
						time.AfterFunc(row.ring-10*time.Millisecond, func() { _ = e.c.Ring(180, nil) })
					}
					if row.accept > 0 {
						time.AfterFunc(row.accept-10*time.Millisecond, func() { _ = e.c.Accept([]byte("a1")) })
					}
				}
				x := a.dial(nil)
				time.AfterFunc(row.when, func() { x.c.Hangup(Reason{"SIP", 200, "Call completed elsewhere"}.Field()) })
				after(5 * time.Second)
				want(t, "the caller", x.names(), row.caller)
				want(t, "the callee", b.call(0).names(), row.callee)
				want(t, "the wire", strings.Join(tap.firsts(), ", "), row.wire)
				end, ok := b.call(0).all()[len(b.call(0).all())-1].(Ended)
				if !ok || len(end.Reasons) != 1 || end.Reasons[0].Text != "Call completed elsewhere" {
					t.Errorf("%+v", end)
				}
				left(t, a, b)
			})
		})
	}
}

func TestARefusalIsAcknowledgedAndTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		tap.lose = func(_ int, text string) bool {
			return start(text) == "ACK" && strings.Count(strings.Join(tap.log, ""), "\r\nCSeq: 1 ACK") == 1
		}
		x := a.dial(nil)
		after(time.Second)
		b.call(0).c.Reject(486, "Busy Here", Reason{"Q.850", 17, ""}.Field())
		after(10 * time.Second)
		want(t, "the caller", x.names(), "ended: failed")
		if ev := x.all()[0].(Ended); ev.Status != 486 || ev.Phrase != "Busy Here" || len(ev.Reasons) != 1 || ev.Reasons[0].Cause != 17 {
			t.Errorf("%+v", ev)
		}
		want(t, "the wire", strings.Join(tap.firsts(), ", "), "INVITE, 100 INVITE, 486 INVITE, ACK, 486 INVITE, ACK")
		left(t, a, b)
	})
}

func TestByesMayCross(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		x, y := established(t, a, b)
		after(2 * patience)
		x.c.Hangup()
		y.c.Hangup()
		after(time.Second)
		want(t, "the caller", x.names(), "accepted answer a1, ended: ours")
		want(t, "the callee", y.names(), "acked, ended: ours")
		want(t, "the wire", strings.Join(tap.firsts(), ", "), "INVITE, 100 INVITE, 200 INVITE, ACK, BYE, BYE, 200 BYE, 200 BYE")
		left(t, a, b)
	})
}

// established makes a call.
func established(t *testing.T, a, b *node) (x, y *ear) {
	t.Helper()
	x = a.dial(nil)
	after(time.Second)
	y = b.call(len(b.incoming) - 1)
	if err := y.c.Accept([]byte("a1")); err != nil {
		t.Fatal(err)
	}
	after(time.Second)
	return x, y
}

func TestTheAnsweringSideWaitsForTheAckBeforeItHangsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		lost := 0
		tap.lose = func(_ int, text string) bool {
			if start(text) == "ACK" {
				lost++
			}
			return start(text) == "ACK" && lost <= 2
		}
		x := a.dial(nil)
		after(time.Second)
		y := b.call(0)
		_ = y.c.Accept([]byte("a1"))
		y.c.Hangup()
		after(10 * time.Second)
		want(t, "the caller", x.names(), "accepted answer a1, ended: hung up")
		want(t, "the wire", strings.Join(tap.firsts(), ", "),
			"INVITE, 100 INVITE, 200 INVITE, ACK, 200 INVITE, ACK, 200 INVITE, ACK, BYE, 200 BYE")
		left(t, a, b)
	})
}

func TestAnAcceptedCallWithoutAnAckEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, tap := ends(t, false)
		tap.lose = func(_ int, text string) bool { return start(text) == "ACK" }
		x := a.dial(nil)
		after(time.Second)
		y := b.call(0)
		_ = y.c.Accept([]byte("a1"))
		after(patience + time.Second)
		want(t, "the callee", y.names(), "ended: no ACK")
		want(t, "the caller", x.names(), "accepted answer a1, ended: hung up")
		var at []string
		for _, s := range tap.firsts() {
			if s == "200 INVITE" {
				at = append(at, s)
			}
		}
		if len(at) != 11 { // 0, .5, 1.5, 3.5, 7.5, 11.5 … 31.5
			t.Errorf("%d times 200", len(at))
		}
		left(t, a, b)
	})
}

func TestSilenceEndsACallThatIsPlaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _, tap := ends(t, false)
		tap.lose = func(int, string) bool { return true }
		x := a.dial(nil)
		after(patience + time.Second)
		want(t, "the caller", x.names(), "ended: failed")
		if ev := x.all()[0].(Ended); ev.Status != 0 || ev.Err != errNoAnswer {
			t.Errorf("%+v", ev)
		}
		if n := len(tap.texts()); n != 7 { // 0, .5, 1.5, 3.5, 7.5, 15.5, 31.5
			t.Errorf("%d INVITEs", n)
		}
		left(t, a)
	})
}
