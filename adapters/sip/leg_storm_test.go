package sip

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// disorder gives a leg commands that it may or may not have expected, and
// hangs up at last.
func disorder(b *callBench, c *bridgetest.Call, r *rand.Rand) {
	d := sound([]bridge.Dir{bridge.SendReceive, bridge.SendOnly, bridge.Inactive}[r.IntN(3)], []bridge.Stream{{}, sound(0, pcmu)[0], sound(0, pcma, pcmu)[0]}[r.IntN(3)].Formats...)
	for range r.IntN(12) {
		switch r.IntN(9) {
		case 0:
			c.Leg.Ring(r.IntN(2) == 0)
		case 1:
			c.Leg.Answer(uint32(r.IntN(4)), d)
		case 2:
			c.Leg.Accept()
		case 3:
			c.Leg.Offer(bridge.Offer{Seq: r.Uint32N(4), Desc: d})
		case 4:
			c.Leg.Refuse(uint32(r.IntN(4)), bridge.Conflict)
		case 5:
			c.Leg.Digit('5', 0)
		case 6:
			c.Leg.Transfer("1", bridge.Busy)
		case 7:
			for _, p := range b.plane.Ports() {
				b.plane.Tell(p, []media.Event{media.Heard{}, media.Silent{}, media.Digit{Digit: '1'}, media.Lost{}}[r.IntN(4)])
			}
		case 8:
			continue
		}
	}
	c.Leg.Hangup([]bridge.Cause{bridge.Normal, bridge.Busy, bridge.Elsewhere, bridge.Timeout}[r.IntN(4)])
}

// grumble answers whatever comes, mostly by the book.
func (u *farUA) grumble(r *rand.Rand, stop <-chan struct{}) {
	bodies := []string{"", audio(4000, "0"), audio(4000, "8", "a=sendonly"), audio(0, "0"), "v=0\r\nm=nonsense\r\n"}
	for {
		var p packet
		select {
		case p = <-u.got:
		case <-stop:
			return
		}
		method, _, _ := strings.Cut(p.text, " ")
		tag := []string{"a", "b"}[r.IntN(2)]
		switch method {
		case "SIP/2.0", "ACK":
		case "INVITE":
			for range r.IntN(3) {
				u.reply(p.text, []int{100, 180, 183}[r.IntN(3)], tag, bodies[r.IntN(len(bodies))])
			}
			u.reply(p.text, []int{200, 200, 486, 603, 488, 491, 302}[r.IntN(7)], tag, bodies[r.IntN(len(bodies))])
		default:
			u.reply(p.text, []int{200, 200, 481}[r.IntN(3)], tag, "")
		}
	}
}

func TestNoCallLeavesAnythingBehind(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { u.grumble(rand.New(rand.NewPCG(1, 2)), stop) })
	const n = 60
	var calls []*bridgetest.Call
	for i := range n {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		c := b.dial(func(inv *bridge.Invite) {
			if i%5 == 0 {
				inv.Offer = nil
			}
		})
		calls = append(calls, c)
		all.Go(func() { disorder(b, c, r) })
	}
	caller := newFakePeer(t, "127.0.0.1:0") // of the same address as the peer
	for i := range n {
		in := &farUA{fakePeer: caller, gw: u.gw, tag: "in"}
		in.invite([]string{"", audio(4000, "0"), audio(4000, "8 0")}[i%3])
		c := b.h.Call(i)
		calls = append(calls, c)
		r := rand.New(rand.NewPCG(4, uint64(i)))
		all.Go(func() { disorder(b, c, r) })
	}
	for _, c := range calls {
		for { // it may fail in any way before it is hung up
			if evs := c.Events(); len(evs) > 0 {
				if _, over := evs[len(evs)-1].(bridge.Ended); over {
					break
				}
			}
			bridgetest.Await[bridge.Ended](c)
		}
		ready := map[media.PacketPort]bool{}
		for _, ev := range c.Events() {
			switch ev := ev.(type) {
			case bridge.MediaReady:
				ready[ev.Port] = true
			case bridge.MediaLost:
				if !ready[ev.Port] {
					t.Errorf("lost what was never ready: %+v", ev)
				}
			}
		}
	}
	close(stop)
	all.Wait()
	e := b.a.engine.Load()
	e.legs.mu.Lock()
	defer e.legs.mu.Unlock()
	if len(e.legs.all) != 0 || b.plane.Count() != 0 {
		t.Errorf("%d legs and %d ports are left", len(e.legs.all), b.plane.Count())
	}
}

func TestMediaComesWhereTheListenersAre(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr
	for _, row := range []struct {
		name   string
		bound  []string
		routed string
		want   string
	}{
		{"anywhere", []string{"0.0.0.0"}, "10.0.0.1", "10.0.0.1"},
		{"anywhere, by either IP version", []string{"::"}, "10.0.0.1", "10.0.0.1"},
		{"at that address", []string{"192.0.2.1", "10.0.0.1"}, "10.0.0.1", "10.0.0.1"},
		{"at another", []string{"::1", "192.0.2.1", "192.0.2.2"}, "10.0.0.1", "192.0.2.1"},
		{"in the other IP version only", []string{"192.0.2.1"}, "2001:db8::1", "2001:db8::1"},
	} {
		e := &engine{}
		for _, text := range row.bound {
			e.bound = append(e.bound, listener{network: "udp", addr: netip.AddrPortFrom(a(text), 5060)})
		}
		if got := e.listening(a(row.routed)); got != a(row.want) {
			t.Errorf("%s: %v, want %s", row.name, got, row.want)
		}
	}
	e := &engine{set: &settings{addresses: []string{"203.0.113.9", "gw.example.org", "auto"}}}
	for remote, want := range map[string]string{"127.0.0.1": "203.0.113.9", "::1": "::1"} {
		bind, told, err := e.mediaAddress(netip.Addr{}, a(remote))
		if err != nil || told != a(want) || !slices.Contains([]netip.Addr{a("127.0.0.1"), a("::1")}, bind) {
			t.Errorf("%s: %v %v %v", remote, bind, told, err)
		}
	}
}
