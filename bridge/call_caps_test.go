package bridge_test

import (
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// A capRow is what happens where every map has these caps.
type capRow struct {
	name string
	caps bridge.Caps
	do   func(w *town)
}

func underCaps(t *testing.T, rows []capRow) {
	t.Parallel()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{Caps: row.caps}, bridge.Limits{}, row.do)
		})
	}
}

func TestCapsOfCalls(t *testing.T) {
	underCaps(t, []capRow{
		{"calls at once", bridge.Caps{Calls: 1}, func(w *town) {
			a, _ := w.talk()
			w.refused(from("l2", "r2"), bridge.Overloaded)
			a.End(bridge.Normal)
			w.rest()
			w.place(from("l2", "r2"))
		}},
		{"calls at once, of which one does not end", bridge.Caps{Calls: 1}, func(w *town) {
			a, b := w.talk()
			b.Stubborn()
			a.End(bridge.Normal)
			w.after(34 * time.Second)
			w.refused(from("l2", "r2"), bridge.Overloaded)
			w.after(2 * time.Second)
			w.place(from("l2", "r2"))
		}},
		{"calls in an hour", bridge.Caps{PerHour: 2}, func(w *town) {
			for range 2 {
				a, homes := w.place(from("l1", "r2"))
				homes[0].End(bridge.Busy)
				a.End(bridge.Cancelled)
				w.after(time.Minute)
			}
			w.refused(from("l1", "r2"), bridge.Overloaded)
			w.after(58 * time.Minute)
			w.place(from("l1", "r2"))
		}},
	})
}

func TestCapsOfMinutes(t *testing.T) {
	underCaps(t, []capRow{
		{"minutes in a day", bridge.Caps{MinutesPerDay: 3}, func(w *town) {
			a, b := w.talk()
			w.after(2*time.Minute - time.Second)
			w.heard("callee", b)
			a.End(bridge.Normal)
			w.rest() // two minutes have begun
			a, homes := w.place(from("l1", "r2"))
			w.take(homes[0], "pcmu")
			w.after(59 * time.Second)
			w.last("caller", a, "accept")
			w.after(time.Second)
			w.last("caller", a, "hangup policy")
			w.last("callee", homes[0], "hangup policy")
			w.refused(from("l1", "r2"), bridge.Overloaded)
			w.after(24 * time.Hour)
			w.place(from("l1", "r2"))
		}},
		{"minutes of a leg whose partner's place is taken", bridge.Caps{MinutesPerDay: 3}, func(w *town) {
			a, b := w.talk()
			w.after(59 * time.Second)
			c := w.replace(a, "l2", "r9")
			b.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")})
			w.after(2*time.Minute + time.Second/2)
			w.last("who comes", c, "accept")
			w.after(time.Second)
			w.last("who comes", c, "hangup policy")
			w.last("who stays", b, "hangup policy")
		}},
		{"minutes of what is heard early, after the first", bridge.Caps{MinutesPerDay: 2}, func(w *town) {
			a, homes := w.call("slow")
			w.early(homes[0], "pcmu")
			homes[0].Say(bridge.Ringing{Early: true})
			w.after(3*time.Minute - time.Second)
			w.last("caller", a, "ring early")
			w.after(time.Second)
			w.last("caller", a, "hangup policy")
			w.last("who is heard", homes[0], "hangup cancelled")
		}},
		{"minutes of a call that was heard early", bridge.Caps{MinutesPerDay: 3}, func(w *town) {
			a, homes := w.call("slow")
			w.early(homes[0], "pcmu")
			w.after(90 * time.Second)
			w.take(homes[0], "pcmu") // the second begins
			w.after(2*time.Minute - time.Second)
			w.last("caller", a, "accept")
			w.after(time.Second)
			w.last("caller", a, "hangup policy")
		}},
		{"minutes of two legs whose partners have gone", bridge.Caps{MinutesPerDay: 3}, func(w *town) {
			a, b := w.talk()
			w.after(30 * time.Second)
			c, d := w.second("r8")
			w.after(10 * time.Second)
			c.Say(bridge.TransferAsked{ID: "t", Leg: a.ID()})
			w.rest()
			b.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")})
			d.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")})
			w.after(49 * time.Second)
			w.joined(b, d)
			w.after(2 * time.Second)
			w.last("the one", b, "hangup policy")
			w.last("the other", d, "hangup policy")
		}},
	})
}

func TestCapsOfTransfers(t *testing.T) {
	underCaps(t, []capRow{
		{"of where a transfer leads", bridge.Caps{Calls: 2}, func(w *town) {
			_, b := w.talk()
			w.place(from("l2", "r2"))
			ask(b, "r3")
			w.rest()
			w.last("who asks", b, "transfer t overloaded")
			w.right.Dialed()[1].End(bridge.Busy)
			w.rest()
			ask(b, "r3")
			w.rest()
			w.refused(from("l3", "r2"), bridge.Overloaded)
			w.right.Dialed()[2].End(bridge.Busy) // which gives it back
			w.rest()
			ask(b, "r3")
			w.rest()
			w.take(w.right.Dialed()[3], "pcmu") // as does the end of who asked
			w.place(from("l2", "r2"))
			w.refused(from("l3", "r2"), bridge.Overloaded)
		}},
		{"of a transfer, while a second is refused", bridge.Caps{Calls: 2, MinutesPerDay: 4}, func(w *town) {
			a, b := w.talk()
			ask(b, "r3")
			w.rest()
			ask(b, "r4")
			ask(a, "r5")
			w.rest()
			w.last("who asks meanwhile", a, "transfer t conflict")
			w.refused(from("l2", "r2"), bridge.Overloaded)
			c := w.right.Dialed()[1]
			w.take(c, "pcmu")
			w.place(from("l2", "r2"))
			w.refused(from("l3", "r2"), bridge.Overloaded)
			w.after(2 * time.Minute)
			w.heard("who was called last", c)
			w.after(time.Minute)
			w.last("who was called last", c, "hangup policy")
		}},
		{"of a transfer, while the caller is let in", bridge.Caps{Calls: 2}, func(w *town) {
			a, b := w.talk()
			c := w.replace(a, "l2", "r9")
			ask(b, "r5")
			w.rest()
			b.Say(bridge.Answered{Seq: 2, Desc: bridgetest.Sound("pcmu")})
			w.rest()
			w.last("who comes", c, "accept")
			w.take(w.right.Dialed()[1], "pcmu")
			ask(c, "l7")
			w.rest()
			w.take(w.left.Dialed()[0], "pcmu") // r5 talks on
			w.place(from("l3", "r2"))
			w.refused(from("l4", "r2"), bridge.Overloaded)
		}},
	})
}

func TestRefusedCallsCostNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		caps   bridge.Caps
		limits bridge.Limits
		do     func(w *town)
	}{
		{"of those in an hour, by a limit at once", bridge.Caps{PerHour: 2}, bridge.Limits{CallsPerSender: 1}, func(w *town) {
			w.place(from("l1", "r1"))
			for range 5 {
				w.refused(from("l1", "r2"), bridge.Overloaded)
			}
			w.place(from("l2", "r2"))
		}},
		{"of those in an hour, by a limit in a second", bridge.Caps{PerHour: 2}, bridge.Limits{CallsPerSecond: 1}, func(w *town) {
			w.place(from("l1", "r1"))
			for range 5 {
				w.refused(from("l2", "r2"), bridge.Overloaded)
			}
			w.after(time.Second)
			w.place(from("l2", "r2"))
		}},
		{"of those in a second, by a cap", bridge.Caps{PerHour: 1}, bridge.Limits{CallsPerSecond: 2}, func(w *town) {
			w.place(from("l1", "r1"))
			for range 5 {
				w.refused(from("l1", "r2"), bridge.Overloaded)
			}
			inv := from("r1", "l2")
			if _, err := w.right.Call(inv); err != nil {
				t.Errorf("a call to another map: %v", err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{Caps: row.caps}, row.limits, row.do)
		})
	}
}
