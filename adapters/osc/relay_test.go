package osc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// Two members behind NATs of their own, as they register.
const (
	timAt = "198.51.100.1:4001"
	evaAt = "198.51.100.2:4002"
)

// twoMembers registers tim and eva at a server with a relay.
func twoMembers(t *testing.T, tim, eva string) *rig {
	t.Helper()
	r := newRig(t, func(c *Config) { c.Relay = "22300-22309" })
	r.ask(tim, alive("tim", inside, "g"))
	r.ask(eva, alive("eva", "192.168.1.3:22300", "g"))
	return r
}

func (r *rig) port(user string) *port { return r.hub.users[user].port }

// at is where a user is told that a port is.
func (r *rig) at(user string) string {
	return fmt.Sprintf("203.0.113.1:%d", r.port(user).socket.Addr().Port())
}

func (r *rig) pair() *pair { return r.hub.users["tim"].pairs[r.hub.users["eva"]] }

func TestAPairBeginsDirectlyWithASilentPort(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, timAt, evaAt)
	got := flat(r.ask(evaAt, alive("eva", "192.168.1.3:22300", "g")), evaAt)
	want := "info tim " + timAt + " " + r.at("tim") + " 0 g"
	if !slices.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, p := range []struct{ port, from, user string }{{"tim", evaAt, "eva"}, {"eva", timAt, "tim"}} {
		for _, d := range r.toPort(r.port(p.port), p.from, ping(p.user)) {
			if d.from != r.v.entry {
				t.Errorf("the silent port of %s sends %q", p.port, d.lines)
			}
		}
	}
}

// Both NATs give every destination another port: that is seen at once.
func TestTwoBehindSymmetricNATsAreRelayedAtOnce(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, timAt, evaAt)
	r.toPort(r.port("eva"), "198.51.100.1:5555", ping("tim"))
	got := r.toPort(r.port("tim"), "198.51.100.2:6666", ping("eva"))
	if !r.pair().relay {
		t.Fatal("they are not relayed")
	}
	for _, who := range []struct{ to, other string }{{timAt, "eva"}, {evaAt, "tim"}} {
		want := "info " + who.other + " " + r.at(who.other) + " " + r.at(who.other) + " 0 g"
		if !slices.Contains(flat(got, who.to), want) {
			t.Errorf("%s is told %q, want %q", who.to, flat(got, who.to), want)
		}
	}
	// The ping that showed it is handed on, and so is everything from now on.
	same(t, "the ping", flat(got, "198.51.100.1:5555"), []string{"/groupclient/ping eva"})
	got = r.toPort(r.port("eva"), "198.51.100.1:5555", line(t, "/hello 1 2.5 world"))
	same(t, "a message", flat(got, "198.51.100.2:6666"), []string{"/hello 1 2.5 world"})
	if len(got) != 1 || got[0].from != r.port("tim").socket {
		t.Errorf("it does not leave from tim's port: %v", got)
	}
}

// One NAT is symmetric. Whether they meet depends on what the other lets in.
func TestAPingFromANewPortShowsWhatANATLetsIn(t *testing.T) {
	t.Parallel()
	meet := func(t *testing.T) *rig {
		r := twoMembers(t, timAt, evaAt)
		r.toPort(r.port("eva"), "198.51.100.1:5555", ping("tim"))
		got := r.toPort(r.port("tim"), evaAt, ping("eva"))
		if p := r.hub.prover; p == nil || !slices.ContainsFunc(got, func(d told) bool {
			return d.from == p.socket && d.to == evaAt && slices.Equal(d.lines, []string{"/groupclient/ping tim"})
		}) {
			t.Fatalf("eva's NAT is not asked: %v", got)
		}
		return r
	}
	t.Run("it is answered", func(t *testing.T) {
		t.Parallel()
		r := meet(t)
		r.toPort(r.hub.prover, evaAt, ping("eva"))
		for range 20 {
			r.now = r.now.Add(time.Second)
			r.hub.purge(r.now, r.v.m)
		}
		r.toPort(r.port("tim"), evaAt, ping("eva"))
		if got := r.sent(); r.pair().relay || len(got) != 0 {
			t.Errorf("they are relayed, or asked again: %v", got)
		}
	})
	t.Run("it is not answered", func(t *testing.T) {
		t.Parallel()
		r := meet(t)
		asked := 0
		for range 4 {
			r.now = r.now.Add(time.Second)
			r.hub.purge(r.now, r.v.m)
			for _, d := range r.sent() {
				if d.from == r.hub.prover.socket {
					asked++
				}
			}
		}
		if !r.pair().relay || asked != maxProbes-1 {
			t.Errorf("relayed %v after %d more questions", r.pair().relay, asked)
		}
		// The next symmetric one is relayed to eva at once.
		r.ask("198.51.100.3:1", alive("max", inside, "g"))
		r.ask(evaAt, alive("eva", "192.168.1.3:22300", "g"))
		r.toPort(r.port("eva"), "198.51.100.3:7777", ping("max"))
		r.toPort(r.port("max"), evaAt, ping("eva"))
		if p := r.hub.users["max"].pairs[r.hub.users["eva"]]; !p.relay {
			t.Error("what was seen of eva's NAT is forgotten")
		}
	})
}

// The pings of OscGroupClient at the silent port, of a pair that does not meet
// although both NATs would let it.
func TestAWayThatFailsIsLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		tim, eva string
		seconds  []float64 // of the pings
		want     []bool    // relayed behind each of them

	}{
		{"addresses that all clients know again", "10.1.0.1:1", "10.2.0.1:2", []float64{0, 2.4, 5.4}, []bool{false, false, true}},
		{"addresses that some don't", timAt, evaAt, []float64{0, 2.4, 5.4}, []bool{false, false, true}},
		{"they meet", timAt, evaAt, []float64{0, 0.02, 2.4, 5.4, 9.6, 15.6, 21.6}, make([]bool, 7)},
		{"they meet just before a ping", timAt, evaAt, []float64{0, 1.7, 3.7, 6.7, 10.7, 16.7, 22.7}, make([]bool, 7)},
		{"they meet later", timAt, evaAt, []float64{0, 2.4, 4, 6.4, 9.4, 13.4, 19.4, 25.4}, make([]bool, 8)},
		{"what has begun anew does not end", timAt, evaAt, []float64{0, 0.02, 2.4, 5.4, 9.6, 15.6, 21.6, 27.6}, []bool{7: true}},
		{"they meet, and later once more", timAt, evaAt, []float64{0, 0.02, 2.4, 21.6, 100, 103}, make([]bool, 6)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := twoMembers(t, tt.tim, tt.eva)
			began := r.now
			for i, s := range tt.seconds {
				r.now = began.Add(time.Duration(s * float64(time.Second)))
				r.toPort(r.port("eva"), tt.tim, ping("tim"))
				r.toPort(r.port("tim"), tt.eva, ping("eva"))
				if got := r.pair().relay; got != tt.want[i] {
					t.Errorf("relayed %v after %v s, want %v", got, s, tt.want[i])
				}
			}
		})
	}
}

// Tim is content from eva's first ping on, eva has not heard of tim: tim is told
// again, so that it pings at once.
func TestWhoIsContentTooEarlyIsToldAgain(t *testing.T) {
	t.Parallel()
	const tim, eva = "10.1.0.1:1", "10.2.0.1:2"
	r := twoMembers(t, tim, eva)
	began := r.now
	r.toPort(r.port("eva"), tim, ping("tim"))
	var got []told
	for _, s := range []float64{0, 2.4, 5.4} {
		r.now = began.Add(time.Duration(s * float64(time.Second)))
		got = r.toPort(r.port("tim"), eva, ping("eva"))
	}
	same(t, "tim is told", flat(got, tim), []string{"info eva " + eva + " " + eva + " 5 g"})
	same(t, "eva is told", flat(got, eva), nil)
	// It helps, unless eva goes on for long.
	relayed := []bool{}
	for _, s := range []float64{9.6, 15.6, 21.6, 27.6, 33.6} {
		r.now = began.Add(time.Duration(s * float64(time.Second)))
		r.toPort(r.port("tim"), eva, ping("eva"))
		relayed = append(relayed, r.pair().relay)
	}
	if want := []bool{false, false, false, false, true}; !slices.Equal(relayed, want) {
		t.Errorf("relayed %v", relayed)
	}
}

// Eva's address is one that tim's client does not know again: that tim pings on
// says nothing, while eva is content, for tim has begun anew when eva pinged it.
func TestAClientThatKnowsNoHighAddressIsNotUnmet(t *testing.T) {
	t.Parallel()
	const tim = "10.1.0.1:1"
	r := twoMembers(t, tim, evaAt)
	began := r.now
	r.toPort(r.port("tim"), evaAt, ping("eva"))
	for _, s := range []float64{0, 0.02, 2.4, 5.4, 9.6, 15.6, 21.6} {
		r.now = began.Add(time.Duration(s * float64(time.Second)))
		for _, d := range r.toPort(r.port("eva"), tim, ping("tim")) {
			if d.from == r.v.entry && s > 0 {
				t.Errorf("after %v s %s is told %q", s, d.to, d.lines)
			}
		}
	}
	if r.pair().relay {
		t.Error("they are relayed")
	}
}

func TestBehindOneNATThePrivateAddressIsTriedFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Relay = "22300-22309" })
	const tim, eva = "198.51.100.1:4001", "198.51.100.1:4002"
	r.ask(tim, alive("tim", "10.0.0.2:22300", "g"))
	got := flat(r.ask(eva, alive("eva", "10.0.0.3:22300", "g")), eva)
	if want := "info tim 10.0.0.2:22300 " + r.at("tim") + " 0 g"; !slices.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	began := r.now
	pings := func(seconds ...float64) {
		for _, s := range seconds {
			r.now = began.Add(time.Duration(s * float64(time.Second)))
			r.toPort(r.port("eva"), tim, ping("tim"))
			r.toPort(r.port("tim"), eva, ping("eva"))
		}
	}
	pings(0, 2.4, 5.4)
	if p := r.pair(); p.relay || p.way != 1 {
		t.Errorf("behind the first way comes %+v", p)
	}
	pings(6, 8.4, 11.4)
	if !r.pair().relay {
		t.Error("behind the second way is no relay")
	}
}

func TestARelayedPairTriesDirectlyAgainWhenItIsIdle(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, "10.1.0.1:1", "10.2.0.1:2")
	r.pair().next(r.now, 1)
	began := r.now
	for r.now.Sub(began) < retrial-time.Second {
		r.now = r.now.Add(30 * time.Second)
		r.ask("10.1.0.1:1", alive("tim", inside, "g"))
		r.ask("10.2.0.1:2", alive("eva", "192.168.1.3:22300", "g"))
		if r.hub.purge(r.now, r.v.m); !r.pair().relay && r.now.Sub(began) < retrial {
			t.Fatalf("after %v", r.now.Sub(began))
		}
	}
	if r.pair().relay {
		t.Error("it does not")
	}
	r.pair().next(r.now, 1)
	r.hub.users["tim"].nature.mapping, r.hub.users["eva"].nature.mapping = mappingOther, mappingOther
	r.now = r.now.Add(30 * time.Second)
	if p := r.pair(); p.ripe(r.now.Add(retrial), r.hub.users["tim"].nature, r.hub.users["eva"].nature) {
		t.Error("it does without hope")
	}
}

func TestWhoMovesIsAStrangerUntilItPings(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, timAt, evaAt)
	r.toPort(r.port("eva"), "198.51.100.1:5555", ping("tim"))
	r.toPort(r.port("tim"), "198.51.100.2:6666", ping("eva"))
	r.ask("198.51.100.7:1", alive("tim", inside, "g"))
	r.ask(evaAt, alive("eva", "192.168.1.3:22300", "g"))
	if r.pair().relay {
		t.Error("the pair is still relayed")
	}
	if got := r.toPort(r.port("eva"), "198.51.100.1:5555", line(t, "/hello")); len(got) != 0 {
		t.Errorf("the old address is still tim's: %v", got)
	}
}

// Forged pings and strangers' packets go nowhere.
func TestAPortIsForMembersOnly(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, timAt, evaAt)
	r.ask("198.51.100.3:1", alive("max", inside, "other"))
	r.toPort(r.port("eva"), "198.51.100.1:5555", ping("tim"))
	r.toPort(r.port("tim"), "198.51.100.2:6666", ping("eva"))
	hello := line(t, "/hello")
	for _, tt := range []struct {
		name, from string
		packet     []byte
	}{
		{"a stranger's packet", "192.0.2.1:1", hello},
		{"another port of a member", "198.51.100.1:5556", hello},
		{"a member's name from elsewhere", "192.0.2.1:1", ping("tim")},
		{"nobody's name", "198.51.100.1:5555", ping("nobody")},
		{"a member of another group", "198.51.100.3:1", ping("max")},
		{"no OSC", "198.51.100.1:5555", []byte("hello")},
		{"what members can't read", "198.51.100.1:5555", []byte("/hello\x00\x00")},
		{"more than members can read", "198.51.100.1:5555", append(line(t, "/hello"), make([]byte, 4096)...)},
	} {
		if got := r.toPort(r.port("eva"), tt.from, tt.packet); len(got) != 0 {
			t.Errorf("%s goes on: %v", tt.name, got)
		}
	}
	if got := r.toPort(r.port("eva"), "198.51.100.1:5555", hello); len(got) != 1 {
		t.Errorf("behind them a member is not heard: %v", got)
	}
}

func TestWithoutAFreePortMembersAreToldAsAlways(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Relay = "22300-22300" })
	r.ask(timAt, alive("tim", inside, "g"))
	got := flat(r.ask(evaAt, alive("eva", inside, "g")), evaAt)
	want := fmt.Sprintf("info tim 203.0.113.1:%d %s 0 g", r.hub.prover.socket.Addr().Port(), timAt)
	if !slices.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r.hub.mu.Lock()
	r.hub.remove(r.hub.users["tim"])
	r.hub.remove(r.hub.users["eva"])
	free := len(r.hub.free)
	r.hub.mu.Unlock()
	if free != 1 {
		t.Errorf("%d ports are free again", free)
	}
}

// Nobody is pinged by one peer from two addresses, whatever happens: that is what
// makes clients of 64 bits ping a hundred thousand times a second.
func TestNobodyIsPingedByOnePeerFromTwoAddresses(t *testing.T) {
	t.Parallel()
	r := twoMembers(t, timAt, evaAt)
	began := r.now
	for i := range 300 {
		r.now = began.Add(time.Duration(i) * 300 * time.Millisecond)
		for _, who := range []struct{ port, from, user string }{{"eva", timAt, "tim"}, {"tim", evaAt, "eva"}} {
			relayed := r.pair().relay
			for _, d := range r.toPort(r.port(who.port), who.from, ping(who.user)) {
				for _, l := range d.lines {
					if strings.HasPrefix(l, wire.AddressPing) && !relayed && !r.pair().relay {
						t.Errorf("after %v a ping goes on while the pair is direct", r.now.Sub(began))
					}
				}
			}
		}
	}
}

func TestHandingOnAllocatesNothing(t *testing.T) {
	r := twoMembers(t, timAt, evaAt)
	r.toPort(r.port("eva"), "198.51.100.1:5555", ping("tim"))
	r.toPort(r.port("tim"), "198.51.100.2:6666", ping("eva"))
	m := r.v.m
	eva := r.port("eva")
	packets := []datagram.Packet{{Data: line(t, "/fader/1 0.5"), From: netip.MustParseAddrPort("198.51.100.1:5555"), To: serverIP}}
	if n := testing.AllocsPerRun(1000, func() {
		r.hub.arrive(eva, packets, r.now, m)
		if len(m.Letters) != 1 {
			t.Fatalf("%d letters", len(m.Letters))
		}
		m.Letters = m.Letters[:0]
	}); n != 0 {
		t.Errorf("%v allocations for each packet", n)
	}
}
