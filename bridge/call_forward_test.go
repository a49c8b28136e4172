package bridge_test

import (
	"slices"
	"testing"
	"time"

	"gateway/bridge"
)

func TestACallIsForwarded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, homes := w.place(from("l1", "r9"))
		homes[0].Forward("nobody", "r5")
		w.rest()
		c := w.right.Dialed()[1]
		if c.Invite.From.Name != "l1" || c.Invite.To.Name != "r5" {
			t.Errorf("invited by %+v", c.Invite)
		}
		if want := []bridge.Address{{Adapter: "right", Name: "r9"}}; !slices.Equal(c.Invite.Forwarders, want) {
			t.Errorf("forwarded by %v", c.Invite.Forwarders)
		}
		c.Say(bridge.Ringing{})
		w.take(c, "pcmu")
		w.heard("caller", a, "ring", "answer 1 0 sendrecv pcmu/8000", "accept")
		w.joined(a, c)
		a.End(bridge.Normal)
		w.rest()
		if r := w.recorded("normal")[0]; len(r.Legs) != 3 {
			t.Errorf("recorded %+v", r)
		}
	})
}

// TestWhoHasDivertedACallIsTold: each as it is called there, if it is.
func TestWhoHasDivertedACallIsTold(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		inv := from("l1", "r9")
		inv.Forwarders = []bridge.Address{{Adapter: "left", Name: "l7"}, {Adapter: "left", Name: "x3"}}
		a, homes := w.place(inv)
		if want := []bridge.Address{{Adapter: "right", Name: "l7"}}; !slices.Equal(homes[0].Invite.Forwarders, want) {
			t.Errorf("diverted by %v", homes[0].Invite.Forwarders)
		}
		homes[0].Forward("r5")
		w.rest()
		c := w.right.Dialed()[1]
		if want := []bridge.Address{{Adapter: "right", Name: "r9"}, {Adapter: "right", Name: "l7"}}; !slices.Equal(c.Invite.Forwarders, want) {
			t.Errorf("diverted by %v", c.Invite.Forwarders)
		}
		a.End(bridge.Cancelled)
		w.rest()
		if r := w.recorded("cancelled")[0]; !slices.Equal(r.Diverted, []string{"left:l7", "left:x3"}) {
			t.Errorf("recorded %q", r.Diverted)
		}
	})
}

func TestWhereCallsAreNotForwarded(t *testing.T) {
	for name, do := range map[string]func(w *town, first func(names ...string)) (ends string){
		"to nobody": func(_ *town, first func(...string)) string {
			first("nobody")
			return "hangup moved"
		},
		"to who calls": func(_ *town, first func(...string)) string {
			first("l1")
			return "hangup moved"
		},
		"to who has forwarded it": func(w *town, first func(...string)) string {
			first("r5")
			w.right.Dialed()[1].Forward("r9")
			return "hangup moved"
		},
		"too often": func(w *town, first func(...string)) string {
			first("r5")
			for i, next := range []string{"r6", "r7", "r8"} {
				w.rest()
				w.right.Dialed()[i+1].Forward(next)
			}
			return "hangup moved"
		},
		"to who is busy": func(w *town, first func(...string)) string {
			first("r5")
			w.right.Dialed()[1].End(bridge.Busy)
			return "hangup busy"
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				a, homes := w.place(from("l1", "r9"))
				ends := do(w, func(names ...string) {
					homes[0].Forward(names...)
					w.rest()
				})
				w.rest()
				w.last("caller", a, ends)
				if n := len(w.right.Dialed()); n > 4 {
					t.Errorf("%d homes were tried", n)
				}
			})
		})
	}
}

// A home that is forwarded does not end what others are asked.
func TestAForwardWaitsForTheOtherHomes(t *testing.T) {
	inTown(t, bridge.Terms{Ring: 20 * time.Second}, bridge.Limits{}, func(w *town) {
		_, homes := w.place(from("l1", "both"))
		homes[0].Forward("r5")
		w.rest()
		if n := len(w.right.Dialed()); n != 2 {
			t.Fatalf("%d homes were tried", n)
		}
		homes[1].End(bridge.Unavailable)
		w.rest()
		if n := len(w.right.Dialed()); n != 3 {
			t.Fatalf("%d homes were tried", n)
		}
	})
}

func TestAForwardedCallCountsWhereItLeads(t *testing.T) {
	inTown(t, bridge.Terms{Caps: bridge.Caps{PerHour: 2}}, bridge.Limits{}, func(w *town) {
		// Both maps are one: the first call has used it up.
		a, homes := w.place(from("l1", "r9"))
		homes[0].Forward("r5")
		w.rest()
		if n := len(w.right.Dialed()); n != 2 {
			t.Fatalf("%d homes were tried", n)
		}
		w.refused(from("l2", "r7"), bridge.Overloaded)
		a.End(bridge.Cancelled)
	})
}
