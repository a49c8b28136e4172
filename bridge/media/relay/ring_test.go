package relay

import (
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"
)

// toward is a setting for a peer that describes a port of ours as its own.
func toward(p media.Port) media.Setting {
	both := []media.Payload{{Format: pcmu, Type: 0}, {Format: keys8, Type: 101}}
	return media.Setting{RTP: p.RTP, RTCP: p.RTCP, Send: true, Receive: true, In: both, Out: both}
}

// TestAPacketDoesNotGoRound describes our own ports as the peers' in every way that
// makes a ring.
func TestAPacketDoesNotGoRound(t *testing.T) {
	t.Parallel()
	type link struct{ from, to int } // indices of ports; 0-1 and 2-3 are calls
	for _, row := range []struct {
		name  string
		links []link
	}{
		{"each the other's", []link{{0, 1}, {1, 0}}},
		{"each its own", []link{{0, 0}, {1, 1}}},
		{"two calls", []link{{0, 3}, {3, 0}, {1, 2}, {2, 1}}},
		{"two calls, one way", []link{{0, 2}, {3, 1}}},
	} {
		for _, order := range []string{"joined before", "joined after"} {
			t.Run(row.name+", "+order, func(t *testing.T) {
				forNetworks(t, func(t *testing.T, w *world) {
					all := []*party{w.open(t, loopback4), w.open(t, loopback4), w.open(t, loopback4), w.open(t, loopback4)}
					join := func() {
						w.Join(all[0].port.ID, all[1].port.ID)
						w.Join(all[2].port.ID, all[3].port.ID)
					}
					if order == "joined before" {
						join()
					}
					for _, l := range row.links {
						w.Set(all[l.from].port.ID, toward(all[l.to].port))
					}
					if order == "joined after" {
						join()
					}
					for _, p := range all {
						w.Digit(p.port.ID, '5', 100*time.Millisecond)
					}
					for range 50 {
						w.pass(beat)
					}
					sum := func() (n uint64) {
						for _, p := range all {
							s, _ := w.Stats(p.port.ID)
							n += s.Out.Packets
						}
						return n
					}
					before := sum()
					if after := sum(); after != before || before > 200 {
						t.Errorf("%d packets were sent, then %d", before, after)
					}
				})
			})
		}
	}
}

// TestPortsOfOtherCallsAreGoodAddresses is what a phone system does that lets media
// go straight: its two legs describe each other's ends.
func TestPortsOfOtherCallsAreGoodAddresses(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		caller, out, back, callee := w.open(t, loopback4), w.open(t, loopback4), w.open(t, loopback4), w.open(t, loopback4)
		w.Set(caller.port.ID, caller.setting(media.Payload{Format: pcmu}))
		w.Set(callee.port.ID, callee.setting(media.Payload{Format: pcmu}))
		w.Join(caller.port.ID, out.port.ID)
		w.Join(back.port.ID, callee.port.ID)
		w.Set(out.port.ID, toward(back.port))
		w.Set(back.port.ID, toward(out.port))
		w.Stats(back.port.ID)
		for i := range uint16(5) {
			caller.say(packet(0, i))
			hear(t, callee.rtp)
			callee.say(packet(0, i))
			hear(t, caller.rtp)
		}
	})
}

func TestAnAddressIsGoodAgainWhenThereIsNoRing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.pair(t)
	w.Set(a.port.ID, toward(b.port))
	if s, _ := w.Stats(a.port.ID); s.Remote.IsValid() {
		t.Errorf("packets go to %v", s.Remote)
	}
	w.Part(a.port.ID)
	w.Set(a.port.ID, toward(b.port))
	if s, _ := w.Stats(a.port.ID); s.Remote != b.port.RTP {
		t.Errorf("packets go to %v", s.Remote)
	}
	w.Set(a.port.ID, a.setting(media.Payload{Format: pcmu}))
	w.Close(b.port.ID)
	for _, one := range w.wiring.wires {
		if one != (wire{}) {
			t.Errorf("%+v is still known", one)
		}
	}
}

func TestPortsOfOursAreKnownByTheirAddresses(t *testing.T) {
	t.Parallel()
	w := newWiring(5001, 5010)
	w.own(loopback4)
	for a, want := range map[string]uint16{
		"127.0.0.1:5002": 5002, "127.0.0.1:5003": 5002, "127.0.0.1:5010": 5010, "127.0.0.1:5001": 0, "127.0.0.1:5012": 0,
		"127.0.0.2:5002": 0, "[::1]:5002": 0, "[::ffff:127.0.0.1]:5004": 5004,
	} {
		if got := w.leads(netip.MustParseAddrPort(a)); got != want {
			t.Errorf("%s leads to %d, want %d", a, got, want)
		}
	}
	long := newWiring(2, 1000)
	long.own(loopback4)
	for n := uint16(2); n < 400; n += 4 {
		long.at(n).aim = n + 4
		long.join(n, n+2)
		long.at(n + 2).aim = n + 4
	}
	if !long.round(4) {
		t.Error("a hundred ports may be passed")
	}
}

func TestAPacketThatComesAgainIsNotPassedOn(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		for _, n := range []uint16{1, 2, 1, 2, 3, 3} {
			a.say(packet(0, n))
		}
		s := a.taken(6)
		if s.Dropped[media.DropRepeat] != 3 || s.In.Packets != 3 {
			t.Errorf("%d came, %v", s.In.Packets, s.Dropped)
		}
		for range 3 {
			hear(t, b.rtp)
		}
		if again := pending(t, b.rtp); again != nil {
			t.Errorf("%x was passed on", again)
		}
	})
}

// TestAStreamHasACeiling brings more than anything that was agreed on can be.
func TestAStreamHasACeiling(t *testing.T) {
	t.Parallel()
	g := &leg{}
	pass := func(now time.Duration, offered int, cost time.Duration) (n int) {
		for i := range offered {
			if g.within(now+time.Duration(i)*time.Second/time.Duration(offered), cost) {
				n++
			}
		}
		return n
	}
	for _, row := range []struct {
		name        string
		sight       bool
		offered     int
		cost        time.Duration
		least, most int
	}{
		{"sound", false, 400, 1, 400, 400},
		{"a flood", false, 70000, 1, 1000, 1001},
		{"pictures", true, 4000, 1, 4000, 4000},
		{"a flood of pictures", true, 70000, 1, 5000, 5001},
		{"RTCP", false, 50, controlCost, 50, 50},
		{"a flood of RTCP", false, 70000, controlCost, 100, 101},
	} {
		*g = leg{}
		g.sight = row.sight
		pass(startAt, row.offered, row.cost) // and what may come at once
		if n := pass(startAt+time.Second, row.offered, row.cost); n < row.least || n > row.most {
			t.Errorf("%s: %d a second", row.name, n)
		}
	}
}

func TestEveryDropHasAWordOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for why := range media.DropCount {
		if seen[why.String()] || why.String() == media.DropCount.String() {
			t.Errorf("%d is %q", why, why)
		}
		seen[why.String()] = true
	}
}
