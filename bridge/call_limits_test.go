package bridge_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
	"gateway/codec"
)

// refused wants a call to be refused for a cause, and no leg to be made.
func (w *town) refused(inv bridge.Invite, want bridge.Cause) {
	w.Helper()
	a, err := w.left.Call(inv)
	if got := refusal(err); got != want || a != nil {
		w.Errorf("%s calls %s: %v, want %v", inv.From.Name, inv.To.Name, err, want)
	}
}

// from is an invite from somebody else, with an identity of its own.
func from(who, to string) bridge.Invite {
	inv := invite(to)
	inv.ID, inv.From.Name = who+" calls "+to, who
	return inv
}

func TestCallsThatAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		make func() bridge.Invite
		want bridge.Cause
	}{
		{"nobody has that name", func() bridge.Invite { return invite("x1") }, bridge.NotFound},
		{"the caller has no name there", func() bridge.Invite { return from("x1", "r9") }, bridge.Forbidden},
		{"to itself", func() bridge.Invite { return invite("l1") }, bridge.Forbidden},
		{"no name at all", func() bridge.Invite { return invite("") }, bridge.Malformed},
		{"too many hops", func() bridge.Invite { i := invite("r9"); i.Hops = 0; return i }, bridge.Looped},
		{"nothing offered", func() bridge.Invite { i := invite("r9"); i.Offer.Desc = nil; return i }, bridge.NotAcceptable},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
				w.refused(row.make(), row.want)
				w.rest()
				if n := w.sum("gateway_call_legs_total", "left", "in", row.want.String()); n != 1 {
					t.Errorf("counted %v", n)
				}
				if r := w.recorded(row.want.String())[0]; len(r.Legs) != 0 || r.By != "gateway" || r.From == "" {
					t.Errorf("recorded %+v", r)
				}
			})
		})
	}
}

func TestPlacesWhereNoCallsCanBeMadeAreLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, []bridge.MapSpec{
			{Home: []string{"text:t1", "right:r1"}, As: map[string]string{"left": "mixed"}},
			{Home: []string{"text:t2"}, As: map[string]string{"left": "texts"}},
			{Home: []string{"left:{x:l.*}"}, As: map[string]string{"right": "{x}", "text": "{x}"}},
		}, bridge.Limits{})
		defer w.end()
		a, homes := w.call("mixed")
		if len(homes) != 1 {
			t.Fatalf("%d homes ring", len(homes))
		}
		w.take(homes[0], "pcmu")
		w.last("caller", a, "accept")
		w.refused(from("l2", "texts"), bridge.Unsupported)
	})
}

func TestACallThatComesBackIsRefused(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, _ := w.talk()
		w.refused(invite("r9"), bridge.Looped)
		if _, err := w.left.Call(func() bridge.Invite { i := invite("r8"); i.ID = "call to r9"; return i }()); err != nil {
			t.Errorf("forwarded to another name: %v", err)
		}
		a.Stubborn()
		a.End(bridge.Normal)
		w.rest()
		if _, err := w.left.Call(invite("r9")); err != nil {
			t.Errorf("after the first one: %v", err)
		}
	})
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{Calls: 3, CallsPerSender: 2}, func(w *town) {
		a, _ := w.talk()
		w.place(from("l1", "r2"))
		w.refused(from("l1", "r3"), bridge.Overloaded)
		w.place(from("l2", "r3"))
		w.refused(from("l3", "r4"), bridge.Overloaded)
		a.End(bridge.Normal)
		w.rest()
		w.place(from("l1", "r4"))
	})
}

func TestCallsInASecondAreLimited(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{CallsPerSecond: 2}, func(w *town) {
		w.place(from("l1", "r1"))
		w.place(from("l2", "r1"))
		w.refused(from("l3", "r1"), bridge.Overloaded)
		w.after(time.Second)
		w.place(from("l3", "r1"))
	})
}

func TestPrivacyIsTheCallersOrTheMaps(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name            string
		asked, ofMap    bool
		private, early_ bool
	}{
		{"neither", false, false, false, false},
		{"the caller's", true, false, true, false},
		{"the map's", false, true, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTown(t, bridge.Terms{Private: row.ofMap, Early: row.ofMap}, bridge.Limits{}, func(w *town) {
				inv := invite("r9")
				inv.Private = row.asked
				_, homes := w.place(inv)
				if got := homes[0].Invite; got.Private != row.private || got.Early != row.early_ {
					t.Errorf("invited by %+v", got)
				}
			})
		})
	}
}

func TestDrainingWaitsForCalls(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		ends time.Duration // after Drain; 0: never
		want time.Duration
		last string
	}{
		{"that end in time", 40 * time.Second, 40 * time.Second, "hangup normal"},
		{"and not longer than it is told to", 0, time.Minute, "hangup unavailable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, townMaps(bridge.Terms{}), bridge.Limits{})
				a, b := w.talk()
				start := time.Now()
				w.b.Drain()
				w.rest()
				w.refused(from("l2", "r2"), bridge.Overloaded)
				if row.ends > 0 {
					w.after(row.ends)
					b.End(bridge.Normal)
				}
				if err := <-w.ended; err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != row.want {
					t.Errorf("it took %v, want %v", d, row.want)
				}
				w.last("caller", a, row.last)
				w.nothingLeft()
				w.cancel()
			})
		})
	}
}

func TestTheEndNowDoesNotWaitForStubbornLegs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, townMaps(bridge.Terms{}), bridge.Limits{})
		a, b := w.talk()
		b.Stubborn()
		start := time.Now()
		w.cancel()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("it took %v", d)
		}
		w.last("caller", a, "hangup unavailable")
		w.recorded("unavailable")
		b.End(bridge.Normal)
	})
}

func TestACallNeedsAPlane(t *testing.T) {
	t.Parallel()
	o := options(map[string]bridge.Adapter{"left": bridgetest.NewPhones(nil)})
	if _, err := bridge.New(o); err == nil {
		t.Error("calls without media were accepted")
	}
}

func TestWhatWasHeardIsRecorded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		a, _ := w.talk()
		w.plane.SetStats(a.Port("0"), media.Stats{
			In: media.Flow{Packets: 990, Octets: 170280, Lost: 10, Jitter: 4 * time.Millisecond}, Out: media.Flow{Packets: 500},
			Reported: media.Report{Lost: 50, Jitter: 20 * time.Millisecond, Trip: 100 * time.Millisecond, At: time.Now()},
			Dropped:  map[media.Drop]uint64{media.DropSource: 3, media.DropCeiling: 4}, Suite: media.SuiteCM80, Keys: media.KeysSDES,
		})
		w.after(20 * time.Second)
		if n := w.sum("gateway_media_ports"); n != 2 {
			t.Errorf("gateway_media_ports is %v in the call", n)
		}
		a.End(bridge.Normal)
		w.rest()
		r := w.recorded("normal")[0]
		s := r.Legs[0].Streams[0]
		path := rtp.Path{Format: codec.Format{Name: "pcmu"}, Loss: .01, Delay: 50 * time.Millisecond, Jitter: 4 * time.Millisecond, Frame: 20 * time.Millisecond}
		if s.In.Packets != 990 || s.In.Loss != .01 || s.In.Jitter != 4 || s.In.MOS < path.MOS()-.01 || s.In.MOS > path.MOS()+.01 {
			t.Errorf("in %+v, want MOS %v", s.In, path.MOS())
		}
		if s.Out.Packets != 500 || s.Out.Loss != .1 || s.Out.Jitter != 20 || s.Out.MOS >= s.In.MOS || s.Trip != 100 {
			t.Errorf("out %+v, trip %v", s.Out, s.Trip)
		}
		if s.Dropped != 7 || s.Suite != "AES_CM_128_HMAC_SHA1_80" || s.Keys != "sdes" {
			t.Errorf("dropped %v, suite %q by %q", s.Dropped, s.Suite, s.Keys)
		}
		if none := r.Legs[1].Streams[0]; none.In.MOS != 0 || none.Out.MOS != 0 {
			t.Errorf("the silent one %+v", none)
		}
		for name, want := range map[string]float64{
			"gateway_call_one_way_total": 1, "gateway_media_dropped_packets_total": 7, "gateway_call_zero_packet_streams_total": 1, "gateway_call_mos": 1,
			"gateway_call_loss_ratio": 1, "gateway_call_jitter_seconds": 1, "gateway_call_setup_seconds": 1,
			"gateway_call_talk_seconds": 1, "gateway_call_media_total": 1, "gateway_media_ports": 0, "gateway_call_legs_total": 2,
		} {
			if got := w.sum(name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
	})
}

func TestRefusalsWithoutEndAreNotAllRecorded(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		for range 1000 {
			w.refused(invite("x1"), bridge.NotFound)
			w.rest()
		}
		if n := strings.Count(w.recordsText(), "\n"); n != 20 {
			t.Errorf("%d lines of 1000 refusals at once", n)
		}
		w.after(time.Second)
		w.refused(invite("x1"), bridge.NotFound)
		w.rest()
		if n := strings.Count(w.recordsText(), "\n"); n != 21 {
			t.Errorf("%d lines, one more is due", n)
		}
		if n := w.sum("gateway_call_legs_total", "left", "not-found"); n != 1001 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestARecordThatCantBeWrittenHurtsNobody(t *testing.T) {
	inTown(t, bridge.Terms{}, bridge.Limits{}, func(w *town) {
		w.records.broken = true
		a, b := w.talk()
		a.End(bridge.Normal)
		w.rest()
		w.last("callee", b, "hangup normal")
		w.recorded()
	})
}

func TestAReloadLeavesCallsAlone(t *testing.T) {
	inTown(t, bridge.Terms{Caps: bridge.Caps{Calls: 1}}, bridge.Limits{}, func(w *town) {
		a, b := w.talk()
		names := map[string]bridge.Namer{"left": bridgetest.Names{}, "right": bridgetest.Names{}, "text": bridgetest.Names{}}
		router, problems := bridge.NewRouter(townMaps(bridge.Terms{Caps: bridge.Caps{Calls: 1}}), names)
		if router == nil {
			t.Fatal(problems)
		}
		w.b.Reload(router, bridge.Limits{Calls: 1})
		w.joined(a, b)
		w.refused(from("l2", "r2"), bridge.Overloaded) // both the cap and the limit count on
		b.Say(bridge.Digit{Digit: '1'})
		w.rest()
		w.last("caller", a, "digit 1")
	})
}
