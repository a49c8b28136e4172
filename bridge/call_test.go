package bridge_test

import (
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestACallIsTakenAndEnds(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("r9")
		b := homes[0]
		if b.Invite.From.Name != "l1" || b.Invite.To.Name != "r9" || b.Invite.ID != "call to r9" || b.Invite.Hops != 9 || b.Invite.Call == "" {
			w.Errorf("invited by %+v", b.Invite)
		}
		b.Say(bridge.Ringing{})
		b.Say(bridge.Ringing{})
		w.rest()
		w.heard("caller", a, "ring")
		w.after(3 * time.Second)
		w.take(b, "pcmu")
		w.joined(a, b)
		a.Say(bridge.Digit{Digit: '5', Duration: time.Second})
		b.Say(bridge.Digit{Digit: '#', Duration: time.Second})
		w.after(time.Minute)
		b.End(bridge.Normal)
		w.rest()
		w.heard("caller", a, "ring", "answer 1 0 sendrecv pcmu/8000", "accept", "digit #", "hangup normal")
		w.heard("callee", b, "digit 5")
		r := w.recorded("normal")[0]
		if r.By != "callee" || r.Media != "untouched" || r.Talk != 60 || r.Setup != 3 || r.From != "left:l1" || r.To != "left:r9" || r.Node != "gw1" {
			w.Errorf("recorded %+v", r)
		}
		if len(r.Legs) != 2 || r.Legs[1].Told != "" || r.Legs[0].Told != "normal" || r.Legs[1].Formats[0] != "pcmu/8000" {
			w.Errorf("legs %+v, %+v", r.Legs[0], r.Legs[1])
		}
	})
}

// Each row is a call to "both", r1 and r2; what r1 and r2 do, and how it ends
// for all three.
func TestTheFirstHomeThatTakesItWins(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		for _, h := range homes {
			h.Say(bridge.Ringing{})
		}
		w.take(homes[1], "pcma")
		w.heard("caller", a, "ring", "answer 1 0 sendrecv pcma/8000", "accept")
		w.heard("the other home", homes[0], "hangup elsewhere")
		w.joined(a, homes[1])
		a.End(bridge.Normal)
		w.rest()
		w.heard("the winner", homes[1], "hangup normal")
		w.recorded("normal")
	})
}

func TestTwoHomesThatTakeItAtOnce(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		for _, h := range homes {
			h.OpenMedia("0")
			h.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
			h.Say(bridge.Accepted{})
		}
		w.rest()
		w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept")
		w.heard("the first", homes[0])
		w.heard("the second", homes[1], "hangup elsewhere")
		w.joined(a, homes[0])
	})
}

func TestTheBestRefusalIsTold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		first, last bridge.Cause
		want        string
	}{
		{"busy before no such name", bridge.NotFound, bridge.Busy, "busy"},
		{"no such name before no answer", bridge.Timeout, bridge.NotFound, "not-found"},
		{"a place where nobody is before no such name", bridge.NotFound, bridge.Unavailable, "unavailable"},
		{"what nobody has taken back is no cancel", bridge.Cancelled, bridge.Internal, "unavailable"},
		{"what nobody has taken is no end", bridge.Internal, bridge.Normal, "unavailable"},
		{"a refusal before a fault", bridge.Internal, bridge.Forbidden, "forbidden"},
		{"the first of two alike", bridge.Internal, bridge.Internal, "internal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, homes := w.call("both")
				homes[0].End(row.first)
				w.rest()
				w.heard("caller, while another home rings", a)
				homes[1].End(row.last)
				w.rest()
				w.heard("caller", a, "hangup "+row.want)
				w.recorded(row.want)
			})
		})
	}
}

func TestWhoDeclinesDeclinesForAllPlaces(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		homes[1].End(bridge.Declined)
		w.rest()
		w.heard("the other home", homes[0], "hangup cancelled")
		w.heard("caller", a, "hangup declined")
	})
}

func TestTheCallerGivesUp(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.call("both")
		homes[0].Say(bridge.Ringing{})
		w.rest()
		a.End(bridge.Cancelled)
		homes[1].Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
		homes[1].Say(bridge.Accepted{}) // it crosses
		w.rest()
		w.heard("the first", homes[0], "hangup cancelled")
		w.heard("the second", homes[1], "hangup cancelled")
		if r := w.recorded("cancelled")[0]; r.By != "caller" || r.Talk != 0 {
			w.Errorf("recorded %+v", r)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		rings bool
	}{{"though it rings", true}, {"and nothing is heard", false}} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{Ring: 10 * time.Second}, bridge.Limits{}, func(w *town) {
				a, homes := w.call("both")
				if row.rings {
					homes[0].Say(bridge.Ringing{})
				}
				w.after(9 * time.Second)
				if n := len(homes[0].Heard()); n > 0 {
					w.Errorf("%d commands too early", n)
				}
				w.after(time.Second)
				w.heard("a home", homes[0], "hangup timeout")
				w.heard("the other", homes[1], "hangup timeout")
				w.last("caller", a, "hangup unavailable")
			})
		})
	}
}

func TestHuntingGoesOnePlaceAfterTheOther(t *testing.T) {
	inTown(t, bridge.Terms{Ring: 10 * time.Second}, bridge.Limits{}, func(w *town) {
		a, _ := w.call("hunt")
		homes := func() []*bridgetest.Phone { return w.right.Dialed() }
		homes()[0].Say(bridge.Ringing{})
		w.after(10 * time.Second)
		if len(homes()) != 2 || homes()[1].Invite.To.Name != "r2" {
			w.Fatalf("%d homes were tried", len(homes()))
		}
		w.heard("the first", homes()[0], "hangup timeout")
		homes()[1].End(bridge.Internal)
		w.rest()
		w.take(homes()[2], "pcmu")
		w.heard("caller", a, "ring", "answer 1 0 sendrecv pcmu/8000", "accept")
		w.joined(a, homes()[2])
	})
}

func TestHuntingEndsWhereSomebodySaysNo(t *testing.T) {
	t.Parallel()
	for _, c := range []bridge.Cause{bridge.Busy, bridge.Declined, bridge.NotFound, bridge.NotAcceptable} {
		t.Run(c.String(), func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, homes := w.call("hunt")
				homes[0].End(c)
				w.rest()
				w.heard("caller", a, "hangup "+c.String())
				if n := len(w.right.Dialed()); n != 1 {
					w.Errorf("%d homes were tried", n)
				}
			})
		})
	}
}

func TestALegThatDoesNotEndIsGivenUp(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.Stubborn()
		a.End(bridge.Normal)
		w.after(34 * time.Second)
		w.recorded()
		w.after(2 * time.Second)
		if r := w.recorded("normal")[0]; r.Legs[1].Cause != "timeout" {
			w.Errorf("recorded %+v", r.Legs[1])
		}
		b.End(bridge.Normal) // nobody listens
	})
}

func TestALegThatFloodsIsEnded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.React(func(command string) {
			if command == "digit 1" { // the call is busy with this leg
				for range 1000 {
					b.Say(bridge.Digit{Digit: '2'})
				}
			}
		})
		a.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("the flooder", b, "hangup overloaded")
		w.last("caller", a, "hangup overloaded")
		if n := len(a.Heard()); n > 300 {
			w.Errorf("%d commands got through", n)
		}
	})
}

func TestTheEndOfALegThatFloodsIsHeard(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.React(func(command string) {
			if command == "digit 1" {
				for range 1000 {
					b.Say(bridge.Digit{Digit: '2'})
				}
				b.End(bridge.Normal)
			}
		})
		a.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("caller", a, "hangup normal")
		w.recorded("normal")
	})
}

func TestALegThatBreaksEndsItsCallOnly(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		c, homes := w.place(func() bridge.Invite { i := invite("r8"); i.ID = "another"; return i }())
		w.take(homes[0], "pcmu")
		b.React(func(command string) {
			if command == "digit 1" {
				panic("a fault of the adapter")
			}
		})
		a.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("caller", a, "hangup internal")
		w.last("callee", b, "hangup internal")
		if r := w.recorded("internal")[0]; r.By != "gateway" {
			t.Errorf("recorded %+v", r)
		}
		w.last("another caller", c, "accept")
	})
}
