package relay

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"gateway/bridge/media"

	"github.com/pion/stun/v4"
)

// stunServer answers that everybody is at an address, and to every second
// question only.
func stunServer(t *testing.T, mapped netip.AddrPort) netip.AddrPort {
	t.Helper()
	c := socketAt(t, loopback4)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for i := 1; ; i++ {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: b[:n]}
			if m.Decode() != nil || i%2 == 1 {
				continue
			}
			reply, err := stun.Build(m, stun.BindingSuccess,
				&stun.XORMappedAddress{IP: net.IP(mapped.Addr().AsSlice()), Port: int(mapped.Port())}, stun.Fingerprint)
			if err == nil {
				c.WriteToUDPAddrPort(reply.Raw, from)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return at(c)
}

func TestAServerSaysWhereWeAreSeen(t *testing.T) {
	t.Parallel()
	mapped := netip.MustParseAddrPort("203.0.113.9:4444")
	w := newICEWorld(t, newNetwork(), Options{STUN: stunServer(t, mapped).String()})
	p := w.roam(t, manner{})
	if p.port.ICE.Complete {
		t.Error("it was complete before anybody was asked")
	}
	var list []media.Candidate
	for complete := false; !complete; {
		d := p.await(isGathered).(media.Gathered).ICE
		if d.Ufrag != p.port.ICE.Ufrag || d.Pwd != p.port.ICE.Pwd {
			t.Errorf("the credentials are %s, %s", d.Ufrag, d.Pwd)
		}
		list, complete = append(list, d.Candidates...), d.Complete
	}
	base := p.port.ICE.Candidates[0]
	if len(list) != 1 || list[0].Address != mapped || list[0].Type != media.ServerReflexive || list[0].Related != base.Address ||
		list[0].Component != 1 || list[0].Priority >= base.Priority || list[0].Foundation == base.Foundation {
		t.Errorf("got %+v", list)
	}
	next := w.roam(t, manner{separate: true})
	if !next.port.ICE.Complete {
		t.Error("the next is not complete at once")
	}
	if !slices.ContainsFunc(next.port.ICE.Candidates, func(c media.Candidate) bool { return c.Address == mapped }) {
		t.Errorf("the next has %+v", next.port.ICE.Candidates)
	}
}

func TestAServerThatIsNotThereIsDoneWithout(t *testing.T) {
	t.Parallel()
	for _, server := range []string{at(socketAt(t, loopback4)).String(), "127.0.0.1:http", "[::1]"} {
		w := newICEWorld(t, newNetwork(), Options{STUN: server})
		p, q := w.call(t, manner{controlling: true})
		d := p.await(isGathered).(media.Gathered).ICE
		if !d.Complete || len(d.Candidates) != 0 {
			t.Errorf("got %+v", d)
		}
		p.meet()
		passes(t, p, q, 0)
	}
}

func TestWhatAddressesAreOffered(t *testing.T) {
	t.Parallel()
	addrs := func(list ...string) (all []netip.Addr) {
		for _, s := range list {
			all = append(all, netip.MustParseAddr(s))
		}
		return all
	}
	for _, row := range []struct {
		name      string
		has, want []netip.Addr
	}{
		{"loopback is not", addrs("127.0.0.1", "10.0.0.1", "::1"), addrs("10.0.0.1")},
		{"loopback is, where there is nothing else", addrs("127.0.0.1", "fe80::1"), addrs("127.0.0.1")},
		{"IPv6 is before IPv4", addrs("10.0.0.1", "2001:db8::1", "10.0.0.2"), addrs("2001:db8::1", "10.0.0.1", "10.0.0.2")},
		{"IPv4 in IPv6 is IPv4", addrs("::ffff:10.0.0.1"), addrs("10.0.0.1")},
		{"none", nil, nil},
	} {
		if got := offered(row.has); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %v", row.name, got)
		}
	}
	if n := len(offered(slices.Repeat(addrs("10.0.0.1"), 100))); n != maxSites {
		t.Errorf("%d are offered", n)
	}
}

func TestAnAddressThatIsGoneGivesItsSocketsBack(t *testing.T) {
	t.Parallel()
	w := newICEWorld(t, newNetwork(), Options{})
	p := w.roam(t, manner{})
	w.addresses.fixed = []netip.Addr{loopback6}
	q := w.roam(t, manner{})
	count := func() (n int) {
		w.loops[0].ask(func() bool { n = len(w.loops[0].shared); return true })()
		return n
	}
	if n := count(); n != 4 {
		t.Errorf("%d sockets are shared while both are in use", n)
	}
	w.Close(p.port.ID)
	w.Close(q.port.ID)
	w.roam(t, manner{})
	if n := count(); n != 2 {
		t.Errorf("%d sockets are shared", n)
	}
	w.addresses.fixed = []netip.Addr{netip.MustParseAddr("192.0.2.1")} // nobody's
	if _, err := w.Open(media.Open{ICE: true}, func(media.Event) {}); err == nil {
		t.Error("a port was opened on no address of ours")
	}
	w.addresses.fixed = []netip.Addr{}
	if _, err := w.Open(media.Open{ICE: true}, func(media.Event) {}); err == nil {
		t.Error("a port was opened on no address")
	}
}
