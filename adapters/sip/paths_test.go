package sip

import (
	"net/netip"
	"testing"
)

// A plug is a carrier that sends nothing.
type plug struct {
	kind string
	at   netip.AddrPort
}

func (p *plug) network() string                   { return p.kind }
func (p *plug) local() netip.AddrPort             { return p.at }
func (p *plug) send(netip.AddrPort, []byte) error { return nil }
func (p *plug) ended() <-chan struct{}            { return nil }

// TestTheWayBackIsRememberedWhereItStays: of a connection it ends with that, and from all addresses it depends on
// routes. What differs in anything is another way.
func TestTheWayBackIsRememberedWhereItStays(t *testing.T) {
	t.Parallel()
	here, there := netip.MustParseAddrPort("127.0.0.1:5070"), netip.MustParseAddrPort("127.0.0.1:5060")
	udp := &plug{networkUDP, here}
	anywhere := &plug{networkUDP, netip.MustParseAddrPort("0.0.0.0:5070")}
	e := &engine{set: &settings{}}
	way := func(f flow, account string) *path {
		t.Helper()
		p, err := e.pathBy(f, account)
		if err != nil {
			t.Fatal(err)
		}
		if p.flow != f || p.account != account || p.remote != f.remote {
			t.Errorf("%v of %q is reached by %+v", f.remote, account, p)
		}
		return p
	}
	first := way(flow{udp, there}, "")
	if way(flow{udp, there}, "") != first {
		t.Error("a way by UDP is made again")
	}
	for _, other := range []*path{
		way(flow{udp, there}, "alice"), way(flow{udp, netip.AddrPortFrom(there.Addr(), 5061)}, ""), way(flow{&plug{networkUDP, here}, there}, ""),
	} {
		if other == first {
			t.Errorf("%+v is taken for another", other)
		}
	}
	for _, c := range []*plug{anywhere, {"tcp", here}} {
		one, again := way(flow{c, there}, ""), way(flow{c, there}, "")
		if one == again {
			t.Errorf("a way by %s from %v is remembered", c.kind, c.at)
		}
	}
	for port := range 3 * maxPaths {
		way(flow{udp, netip.AddrPortFrom(there.Addr(), uint16(port+1))}, "")
		if len(e.paths.known) > maxPaths {
			t.Fatalf("%d ways are remembered", len(e.paths.known))
		}
	}
}
