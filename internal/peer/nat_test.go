package peer

import (
	"net/netip"
	"testing"
)

func TestNATsDifferInWhomTheyLetAnswer(t *testing.T) {
	t.Parallel()
	var (
		inside  = netip.MustParseAddrPort("192.168.1.2:22300")
		server  = netip.MustParseAddrPort("198.51.100.1:22242")
		sibling = netip.MustParseAddrPort("198.51.100.1:22300") // at the server's address
		other   = netip.MustParseAddrPort("203.0.113.9:7")
	)
	for _, row := range []struct {
		kind                       NATKind
		server, sibling, other     bool
		oneEndpoint, afterSendingO bool
	}{
		{FullCone, true, true, true, true, true},
		{RestrictedCone, true, true, false, true, true},
		{PortRestrictedCone, true, false, false, true, true},
		{SymmetricNAT, true, false, false, false, false},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			t.Parallel()
			n := &NAT{Public: netip.MustParseAddr("198.51.100.7"), Kind: row.kind}
			at := n.Out(inside, server)
			if at.Addr() != n.Public || at.Port() == inside.Port() || n.Out(inside, server) != at {
				t.Errorf("the server sees %s, then %s", at, n.Out(inside, server))
			}
			for from, want := range map[netip.AddrPort]bool{server: row.server, sibling: row.sibling, other: row.other} {
				to, ok := n.In(from, at.Port())
				if ok != want || ok && to != inside {
					t.Errorf("from %s: %s, %v", from, to, ok)
				}
			}
			if again := n.Out(inside, other); (again == at) != row.oneEndpoint {
				t.Errorf("another sees %s, the server %s", again, at)
			}
			if _, ok := n.In(other, at.Port()); ok != row.afterSendingO {
				t.Errorf("after sending to %s it may answer: %v", other, ok)
			}
			if _, ok := n.In(server, at.Port()+100); ok {
				t.Error("a port that nobody has leads inside")
			}
		})
	}
}
