package bridge_test

import (
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// ask has a phone ask for its call to be transferred to a name.
func ask(p *bridgetest.Phone, to string) {
	p.Say(bridge.TransferAsked{ID: "t", To: bridge.Address{Name: to}})
}

// second is another call by l2, taken by to.
func (w *town) second(to string) (a, b *bridgetest.Phone) {
	w.Helper()
	inv := invite(to)
	inv.ID, inv.From.Name = "second", "l2"
	a, homes := w.place(inv)
	w.take(homes[0], "pcmu")
	return a, homes[0]
}

func TestABlindTransferByTheCallee(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		ask(b, "r5")
		w.rest()
		c := w.right.Dialed()[1]
		if c.Invite.From.Name != "l1" || c.Invite.To.Name != "r5" || c.Invite.By != (bridge.Address{Adapter: "right", Name: "r9"}) {
			t.Errorf("invited by %+v", c.Invite)
		}
		if got := bridgetest.Words(c.Invite.Offer.Desc); got != "0 sendrecv pcmu/8000 pcma/8000 opus/48000/2 g722/8000" {
			t.Errorf("offered %q", got)
		}
		w.joined(a, b) // until somebody is there
		c.Say(bridge.Ringing{})
		w.take(c, "pcmu")
		w.heard("who asked", b, "transfer t done", "hangup normal")
		w.heard("who stays", a, "answer 1 0 sendrecv pcmu/8000", "accept")
		w.joined(a, c)
		c.End(bridge.Normal)
		w.rest()
		w.last("who stays", a, "hangup normal")
		if r := w.recorded("normal")[0]; r.Transfers != 1 || len(r.Legs) != 3 || r.By != "callee" {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestABlindTransferByTheCaller(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		w.hold(a, b, bridge.SendOnly, bridge.ReceiveOnly)
		ask(a, "r5")
		w.rest()
		c := w.right.Dialed()[1]
		if c.Invite.From.Name != "r9" || c.Invite.By.Name != "l1" {
			t.Errorf("invited by %+v", c.Invite)
		}
		w.take(c, "pcmu")
		w.last("who asked", a, "hangup normal")
		w.last("who stays", b, "offer 3 0 sendrecv pcmu/8000") // it was on hold
		b.Say(bridge.Answered{Seq: 3, Desc: bridgetest.Sound("pcmu")})
		w.rest()
		w.heard("the new one", c)
		w.joined(b, c)
	})
}

func TestATransferThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, to string
		ends     bridge.Cause // of whom is called, if anybody
		want     string
	}{
		{"nobody has that name", "x1", 0, "not-found"},
		{"who stays is called", "l1", 0, "forbidden"},
		{"is busy", "r5", bridge.Busy, "busy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				ask(b, row.to)
				w.rest()
				if row.ends != 0 {
					w.right.Dialed()[1].End(row.ends)
					w.rest()
				}
				w.heard("who asked", b, "transfer t "+row.want)
				w.joined(a, b)
				ask(b, "r6") // another may be asked for
				w.rest()
				w.take(w.right.Dialed()[len(w.right.Dialed())-1], "pcmu")
				w.last("who asked", b, "hangup normal")
			})
		})
	}
}

func TestWhoAskedForATransferMayGoAtOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		taken bool
	}{{"and it succeeds", true}, {"and it fails", false}} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				ask(b, "r5")
				b.End(bridge.Normal)
				w.rest()
				c := w.right.Dialed()[1]
				if !row.taken {
					c.End(bridge.Busy)
					w.rest()
					w.last("who stays", a, "hangup busy")
					return
				}
				w.take(c, "pcmu")
				w.last("who stays", a, "accept")
				w.joined(a, c)
			})
		})
	}
}

func TestAnOfferToWhoLeavesIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		goes func(w *town, b, c *bridgetest.Phone)
	}{
		{"because it has asked, and gone", func(w *town, b, _ *bridgetest.Phone) { b.End(bridge.Normal) }},
		{"because another has come", func(w *town, _, c *bridgetest.Phone) { w.take(c, "pcmu") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				ask(b, "r5")
				a.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcmu")}})
				w.rest()
				row.goes(w, b, w.right.Dialed()[1])
				w.rest()
				w.last("who stays", a, "refuse 2 conflict")
			})
		})
	}
}

func TestWhoStaysGoes(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		ask(b, "r5")
		w.rest()
		a.End(bridge.Normal)
		w.rest()
		w.last("who asked", b, "hangup normal")
		w.heard("the new one", w.right.Dialed()[1], "hangup cancelled")
	})
}

func TestASecondTransferMeanwhile(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		ask(b, "r5")
		w.rest()
		ask(a, "r6")
		w.rest()
		w.last("the second who asks", a, "transfer t conflict")
	})
}

func TestATransferWithAForeignCallInIt(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		b.Say(bridge.TransferAsked{ID: "t", To: bridge.Address{Name: "r5"}, Replaces: "theirs"})
		w.rest()
		c := w.right.Dialed()[1]
		if c.Invite.Replaces != "theirs" {
			t.Errorf("invited by %+v", c.Invite)
		}
		w.take(c, "pcmu")
		w.joined(a, c)
		c.Say(bridge.TransferAsked{ID: "u", To: bridge.Address{Name: "l7"}, Replaces: "theirs"})
		w.rest()
		w.last("who asks for another network", c, "transfer u not-found")
	})
}

func TestAnAttendedTransfer(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()       // l1 and r9
		c, d := w.second("r8") // l2 and r8; b and c are one phone, say
		w.hold(c, d, bridge.SendOnly, bridge.ReceiveOnly)
		w.hold(b, a, bridge.SendOnly, bridge.ReceiveOnly)
		d.Say(bridge.TransferAsked{ID: "t", Leg: b.ID()})
		w.rest()
		w.last("who asked", d, "hangup replaced")
		w.last("its other leg", b, "hangup replaced")
		w.last("the one", c, "offer 1 0 sendrecv pcmu/8000 pcma/8000") // all that the other can
		c.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcmu")})
		w.rest()
		w.last("the other", a, "offer 2 0 sendrecv pcmu/8000")
		a.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")})
		w.rest()
		w.joined(a, c)
		a.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("the one", c, "digit 1")
		w.after(time.Minute)
		a.End(bridge.Normal)
		w.rest()
		w.last("the one", c, "hangup normal")
		records := w.recorded("replaced", "normal")
		if len(records[1].Legs) != 3 || records[1].Transfers != 1 || records[0].Legs[0].Cause != "replaced" {
			t.Errorf("recorded %+v", records[1])
		}
	})
}

func TestAttendedTransfersThatCantBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		leg  func(w *town, a, b *bridgetest.Phone) string
		want string
	}{
		{"there is no such leg", func(*town, *bridgetest.Phone, *bridgetest.Phone) string { return "none" }, "not-found"},
		{"it is in the same call", func(w *town, a, b *bridgetest.Phone) string { return b.ID() }, "not-found"},
		{"it only rings", func(w *town, a, b *bridgetest.Phone) string {
			w.place(func() bridge.Invite { i := invite("r7"); i.ID = "x"; return i }())
			return w.right.Dialed()[1].ID()
		}, "not-found"},
		{"an offer is open there", func(w *town, a, b *bridgetest.Phone) string {
			c, d := w.second("r8")
			c.Say(bridge.Offered{Offer: bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcmu")}})
			w.rest()
			return d.ID()
		}, "conflict"},
		{"it has just ended", func(w *town, a, b *bridgetest.Phone) string {
			_, d := w.second("r8")
			d.End(bridge.Normal)
			w.rest()
			return d.ID()
		}, "not-found"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				b.Say(bridge.TransferAsked{ID: "t", Leg: row.leg(w, a, b)})
				w.rest()
				w.last("who asked", b, "transfer t "+row.want)
				w.joined(a, b)
			})
		})
	}
}

func TestTwoCallsThatWantEachOther(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		c, d := w.second("r8")
		b.Say(bridge.TransferAsked{ID: "t", Leg: d.ID()})
		d.Say(bridge.TransferAsked{ID: "u", Leg: b.ID()})
		w.rest()
		// Either both are refused, or one of them is first; nobody hangs.
		a.End(bridge.Normal)
		c.End(bridge.Normal)
		w.rest()
		if n := w.sum("gateway_calls_active"); n != 0 {
			t.Errorf("%v calls stayed", n)
		}
	})
}

func TestWhoAskedIsGoneWhenTheOtherCallAnswers(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		c, d := w.second("r8")
		b.Say(bridge.TransferAsked{ID: "t", Leg: d.ID()})
		b.End(bridge.Normal)
		w.rest()
		w.joined(a, c)
		w.last("its other leg", d, "hangup replaced")
	})
}

func TestACallerTakesThePlaceOfALeg(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		late bool
	}{{"with an offer", false}, {"and offers late", true}} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				inv := bridge.Invite{ID: "pick", Hops: 5, Replaces: b.ID(), Offer: &bridge.Offer{Seq: 7, Desc: bridgetest.Stream("s", bridge.SendReceive, "g722", "pcma")}}
				inv.From.Name, inv.To.Name = "r3", "l1"
				if row.late {
					inv.Offer = nil
				}
				c, err := w.right.Call(inv)
				if err != nil {
					t.Fatal(err)
				}
				c.OpenMedia("s")
				w.rest()
				w.last("whose place it takes", b, "hangup replaced")
				if row.late {
					w.last("who comes", c, "accept")
					c.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Stream("0", bridge.SendReceive, "pcma")})
					w.rest()
					w.last("who stays", a, "offer 1 0 sendrecv pcma/8000")
				} else {
					w.last("who stays", a, "offer 1 0 sendrecv g722/8000 pcma/8000")
				}
				a.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound("pcma")})
				w.rest()
				if !row.late {
					w.heard("who comes", c, "answer 7 s sendrecv pcma/8000", "accept")
					if w.plane.Joined(a.Port("0")) != c.Port("s") {
						t.Error("not joined")
					}
				}
				c.End(bridge.Normal)
				w.rest()
				w.last("who stays", a, "hangup normal")
				w.recorded("replaced", "normal")
			})
		})
	}
}

func TestWhoComesWithoutAnOfferIsOfferedWhatItsMapAllows(t *testing.T) {
	inTown(t, bridge.Terms{Codecs: []string{"pcma"}}, bridge.Limits{}, func(w *town) {
		_, homes := w.call("r9") // the caller offers PCMU as well
		w.take(homes[0], "pcma")
		inv := bridge.Invite{ID: "pick", Hops: 5, Replaces: homes[0].ID()}
		inv.From.Name, inv.To.Name = "r3", "l1"
		c, err := w.right.Call(inv)
		if err != nil {
			t.Fatal(err)
		}
		w.rest()
		w.heard("who comes", c, "offer 1 0 sendrecv pcma/8000", "accept")
	})
}

func TestPlacesThatCantBeTaken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, to string
		leg      func(w *town, a, b *bridgetest.Phone) string
		refused  bridge.Cause // at once
		ends     string       // or later
	}{
		{"there is no such leg", "l1", func(*town, *bridgetest.Phone, *bridgetest.Phone) string { return "none" }, bridge.NotFound, ""},
		{"it is another network's", "l1", func(w *town, a, b *bridgetest.Phone) string { return "nobody's " + a.ID() }, bridge.NotFound, ""},
		{"nobody has the name that was dialled", "x1", func(w *town, a, b *bridgetest.Phone) string { return b.ID() }, bridge.NotFound, ""},
		{"it is another's call", "l5", func(w *town, a, b *bridgetest.Phone) string { return b.ID() }, 0, "hangup forbidden"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, b := w.talk()
				inv := bridge.Invite{ID: "pick", Hops: 5, Replaces: row.leg(w, a, b), Offer: &bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu")}}
				inv.From.Name, inv.To.Name = "r3", row.to
				c, err := w.right.Call(inv)
				w.rest()
				if refusal(err) != row.refused {
					t.Errorf("refused: %v", err)
				}
				if c != nil {
					w.heard("who comes", c, row.ends)
				}
				w.joined(a, b)
			})
		})
	}
}

func TestOnlyWhoAskedForItIsWithheld(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		inv := invite("r9")
		inv.Private = true
		a, homes := w.place(inv)
		w.take(homes[0], "pcmu")
		ask(homes[0], "r5") // the caller goes on
		w.rest()
		c := w.right.Dialed()[1]
		w.take(c, "pcmu")
		ask(a, "r6") // r5 goes on
		w.rest()
		for i, want := range []bool{true, true, false} {
			if got := w.right.Dialed()[i].Invite.Private; got != want {
				t.Errorf("%s: withheld: %v", w.right.Dialed()[i].Invite.To.Name, got)
			}
		}
	})
}
