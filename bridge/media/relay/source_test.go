package relay

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"
)

// other is another host, as far as a relay on this one can tell.
var other = netip.MustParseAddr("127.0.0.2")

// Where a peer says that it is, and nobody is.
var (
	elsewhere        = netip.MustParseAddrPort("127.9.9.9:4000")
	elsewhereControl = netip.MustParseAddrPort("127.9.9.9:4001")
)

// behindNAT opens a port whose peer says that it is where nobody is, and
// signals from 127.0.0.1.
func behindNAT(t *testing.T, w *world) (a, b *party, s media.Setting) {
	t.Helper()
	a, b = w.pair(t)
	s = a.setting(media.Payload{Format: pcmu, Type: 0}, media.Payload{Format: keys8, Type: 101})
	s.RTP, s.RTCP, s.Learn = elsewhere, elsewhereControl, loopback4
	w.Set(a.port.ID, s)
	w.Stats(a.port.ID)
	return a, b, s
}

func remote(t *testing.T, p *party) (netip.AddrPort, bool) {
	t.Helper()
	s, ok := p.w.Stats(p.port.ID)
	if !ok {
		t.Fatal("the port is closed")
	}
	return s.Remote, s.Learned
}

func TestASourceIsLearnedFromFourPacketsInARow(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		for i := range uint16(proof - 1) {
			a.say(packet(0, i))
		}
		if st := a.taken(proof - 1); st.Dropped[media.DropSource] != proof-1 || st.In.Packets != 0 {
			t.Errorf("what comes before that is not dropped: %+v", st)
		}
		if to, learned := remote(t, a); to != s.RTP || learned {
			t.Errorf("packets go to %v already", to)
		}
		a.say(packet(0, proof-1))
		if got := hear(t, b.rtp); got[3] != proof-1 {
			t.Errorf("got %x", got)
		}
		if to, learned := remote(t, a); to != at(a.rtp) || !learned {
			t.Errorf("packets go to %v, learned %v", to, learned)
		}
		b.say(packet(96, 1))
		hear(t, a.rtp)
	})
}

func TestWhatDoesNotProveASource(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, _, s := behindNAT(t, w)
		sent := uint64(0)
		for _, row := range []struct {
			name   string
			packet func(i uint16) []byte
		}{
			{"the same packet again", func(uint16) []byte { return packet(0, 5) }},
			{"numbers with gaps", func(i uint16) []byte { return packet(0, 2*i) }},
			{"types that were not agreed on", func(i uint16) []byte { return packet(8, i) }},
			{"other sources each", func(i uint16) []byte { p := packet(0, i); p[8] = byte(i); return p }},
			{"no RTP", func(i uint16) []byte { return bytes.Repeat([]byte{byte(i)}, 100) }},
			{"headers that go beyond the end", func(i uint16) []byte { p := packet(0, i); p[0] |= 0x10; p[15] = 0xff; return p }},
		} {
			for i := range uint16(2 * proof) {
				a.say(row.packet(i))
				sent++
			}
			a.taken(sent)
			if to, learned := remote(t, a); to != s.RTP || learned {
				t.Errorf("%s: packets go to %v", row.name, to)
			}
		}
	})
}

func TestOnlyTheNamedAddressIsLearned(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		stranger := socketAt(t, other)
		for i := range uint16(10) {
			sendTo(t, stranger, a.port.RTP, packet(0, i))
		}
		st := a.taken(10)
		if to, _ := remote(t, a); to != s.RTP || st.Dropped[media.DropSource] != 10 {
			t.Errorf("packets go to %v, dropped %v", to, st.Dropped)
		}
		b.say(packet(96, 1))
		b.taken(1)
		if got := pending(t, stranger); got != nil {
			t.Errorf("the stranger was sent %x", got)
		}
	})
}

func TestAStrangerBehindTheSameNATDoesNotKeepThePeerOut(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, _ := behindNAT(t, w)
		one, two := socketAt(t, loopback4), socketAt(t, loopback4)
		sendTo(t, one, a.port.RTP, packet(0, 1))
		sendTo(t, two, a.port.RTP, packet(0, 1))
		a.taken(2)
		w.pass(2 * interval)
		for i := range uint16(proof) {
			a.say(packet(0, i))
			sendTo(t, one, a.port.RTP, packet(0, 10*i))
			sendTo(t, two, a.port.RTP, packet(0, 20*i))
		}
		if got := hear(t, b.rtp); got[3] != proof-1 {
			t.Errorf("got %x", got)
		}
		if to, _ := remote(t, a); to != at(a.rtp) {
			t.Errorf("packets go to %v", to)
		}
	})
}

func TestALockHoldsUntilTheAddressesChange(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		sent := uint64(0)
		flow := func(c *net.UDPConn, first uint16) {
			for i := range uint16(proof) {
				sendTo(t, c, a.port.RTP, packet(0, first+i))
				sent++
			}
		}
		flow(a.rtp, 0)
		if hear(t, b.rtp); a.taken(sent).In.Packets != 1 {
			t.Fatal("it was not learned")
		}
		second := socketAt(t, loopback4)
		flow(second, 100)
		w.Set(a.port.ID, s) // says nothing new, and the source is alive
		flow(second, 200)
		a.say(packet(0, 50))
		if got := hear(t, b.rtp); got[3] != 50 {
			t.Errorf("a second source passed: %x", got)
		}
		if to, _ := remote(t, a); to != at(a.rtp) {
			t.Errorf("the lock moved to %v", to)
		}
		w.pass(stale)
		w.Set(a.port.ID, s) // the source is silent: it may have moved
		if to, _ := remote(t, a); to != at(a.rtp) {
			t.Errorf("packets go to %v though nothing else is known", to)
		}
		flow(second, 300)
		hear(t, b.rtp)
		if to, _ := remote(t, a); to != at(second) {
			t.Errorf("the second source was not learned, but %v", to)
		}
		s.RTP = at(a.rtp)
		w.Set(a.port.ID, s)
		if to, learned := remote(t, a); to != at(a.rtp) || learned {
			t.Errorf("packets go to %v, learned %v", to, learned)
		}
	})
}

func TestTheSignalledSourcePassesAtOnceAndIsLocked(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		s := a.setting(media.Payload{Format: pcmu, Type: 0})
		s.Learn = loopback4
		w.Set(a.port.ID, s)
		for i := range uint16(proof) {
			a.say(packet(0, i))
			hear(t, b.rtp)
		}
		second := socketAt(t, loopback4)
		for i := range uint16(2 * proof) {
			sendTo(t, second, a.port.RTP, packet(0, 100+i))
		}
		a.say(packet(0, proof))
		if got := hear(t, b.rtp); got[3] != proof {
			t.Errorf("got %x", got)
		}
		if to, learned := remote(t, a); to != at(a.rtp) || learned {
			t.Errorf("packets go to %v", to)
		}
	})
}

func TestControlFollowsWhereSoundWasFound(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, _ := behindNAT(t, w)
		a.control(report(0x1234, 1)) // nobody is known yet
		a.taken(1)
		for i := range uint16(proof) {
			a.say(packet(0, i))
		}
		a.taken(1 + proof)
		a.control(report(0x9999, 1)) // another stream's
		a.control(report(0x1234, 1)) // the first good one
		b.control(report(1, 0x1234))
		if e := b.event(); e != (media.Heard{}) {
			t.Errorf("got %#v", e)
		}
		a.control(report(0x1234, 2))
		if got := hear(t, b.rtcp); !bytes.Equal(got, report(0x1234, 2)) {
			t.Errorf("got %x", got)
		}
		if got := pending(t, a.rtcp); got != nil {
			t.Errorf("RTCP went to an address that only one packet had come from: %x", got)
		}
		b.control(report(1, 0x1234))
		hear(t, a.rtcp)
	})
}

func TestAHeldPortThatIsResumedSearchesAgain(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		for i := range uint16(proof) {
			a.say(packet(0, i))
		}
		hear(t, b.rtp)
		held := s
		held.RTP, held.RTCP, held.Receive, held.Send = netip.AddrPort{}, netip.AddrPort{}, false, false
		w.Set(a.port.ID, held)
		if to, _ := remote(t, a); to.IsValid() {
			t.Errorf("packets go to %v", to)
		}
		b.say(packet(96, 1))
		if st := b.taken(1); st.Dropped[media.DropNowhere] != 1 {
			t.Errorf("dropped %v", st.Dropped)
		}
		w.Set(a.port.ID, s)
		for i := range uint16(proof) {
			a.say(packet(0, 50+i))
		}
		if got := hear(t, b.rtp); got[3] != 50+proof-1 {
			t.Errorf("got %x", got)
		}
	})
}

func TestUsableAddresses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, addr string
		local      netip.Addr
		want       bool
	}{
		{"one of our family", "192.0.2.1:4000", loopback4, true},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:4000", loopback4, true},
		{"IPv6", "[2001:db8::1]:4000", loopback6, true},
		{"of another family", "[2001:db8::1]:4000", loopback4, false},
		{"no port", "192.0.2.1:0", loopback4, false},
		{"nobody", "0.0.0.0:4000", loopback4, false},
		{"nobody, in IPv6", "[::]:4000", loopback6, false},
		{"a group", "224.0.0.1:4000", loopback4, false},
		{"a group, in IPv6", "[ff02::1]:4000", loopback6, false},
		{"everybody", "255.255.255.255:4000", loopback4, false},
	} {
		got := usable(netip.MustParseAddrPort(row.addr), row.local.Is4())
		if got.IsValid() != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestSilenceIsToldAndEnds(t *testing.T) {
	t.Parallel()
	first, last := portRange()
	w := newWorld(t, newNetwork(), Options{First: first, Last: last, Dead: time.Minute})
	a, _ := w.pair(t)
	a.say(packet(0, 1))
	if e := a.event(); e != (media.Heard{}) {
		t.Fatalf("got %#v", e)
	}
	a.say(packet(0, 2))
	a.taken(2)
	w.pass(time.Minute - time.Second)
	a.control(report(0x1234, 1)) // counts as well
	until(t, "RTCP is heard", func() bool {
		var good time.Duration
		w.ask(a.port.ID, func(_ *loop, g *leg) { good = g.good })
		return good == startAt+time.Minute-time.Second
	})
	w.pass(time.Minute - time.Second)
	w.pass(time.Second)
	if e := a.event(); e != (media.Silent{}) {
		t.Fatalf("got %#v", e)
	}
	w.pass(time.Hour)
	a.say(packet(0, 3))
	if e := a.event(); e != (media.Heard{}) {
		t.Fatalf("got %#v", e)
	}
}

func TestAPeerThatMayNotSpeakIsNotSilent(t *testing.T) {
	t.Parallel()
	first, last := portRange()
	w := newWorld(t, newNetwork(), Options{First: first, Last: last, Dead: time.Minute})
	a, b := w.pair(t)
	s := a.setting(media.Payload{Format: pcmu, Type: 0})
	s.Receive = false
	w.Set(a.port.ID, s)
	w.pass(time.Hour)
	if e := b.event(); e != (media.Silent{}) {
		t.Fatalf("got %#v", e)
	}
	s.Receive = true
	w.Set(a.port.ID, s)
	w.pass(time.Minute - time.Second)
	a.say(packet(0, 1))
	if e := a.event(); e != (media.Heard{}) {
		t.Fatalf("got %#v", e)
	}
}
