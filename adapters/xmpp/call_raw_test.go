package xmpp

import (
	"errors"
	"net/netip"
	"testing"
)

var errNoRoute = errors.New("network is unreachable")

// onNetwork are the routes of a machine at 192.0.2.1 and 2001:db8:1::1.
func onNetwork(peer netip.AddrPort) (netip.Addr, error) {
	if peer.Addr().IsLoopback() {
		return onLoopback(peer)
	}
	if peer.Addr().Is6() {
		return netip.ParseAddr("2001:db8:1::1")
	}
	if peer.Addr() == addrPort("255.255.255.255:0").Addr() {
		return netip.Addr{}, errNoRoute
	}
	return netip.ParseAddr("192.0.2.1")
}

// onLoopback are the routes of a machine without a network.
func onLoopback(peer netip.AddrPort) (netip.Addr, error) {
	if !peer.Addr().IsLoopback() {
		return netip.Addr{}, errNoRoute
	}
	return peer.Addr(), nil
}

// onSix are the routes of a machine that has only IPv6.
func onSix(peer netip.AddrPort) (netip.Addr, error) {
	if peer.Addr().Is4() && !peer.Addr().IsLoopback() {
		return netip.Addr{}, errNoRoute
	}
	return onNetwork(peer)
}

func TestWhereAClientWithoutICEMayBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		route func(netip.AddrPort) (netip.Addr, error)
		peer  string // "": it has not said so
		own   string // "": it is refused with err
		err   error
	}{
		{"not said", onNetwork, "", "192.0.2.1", nil},
		{"not said, IPv6 only", onSix, "", "2001:db8:1::1", nil},
		{"not said, without a network", onLoopback, "", "127.0.0.1", nil},
		{"in the world", onNetwork, "198.51.100.7:4000", "192.0.2.1", nil},
		{"in the world by IPv6", onNetwork, "[2001:db8::7]:4000", "2001:db8:1::1", nil},
		{"in the world, without a network", onLoopback, "198.51.100.7:4000", "", errNoRoute},
		{"loopback", onNetwork, "127.0.0.1:5060", "", errOurDoors},
		{"loopback by IPv6", onNetwork, "[::1]:5060", "", errOurDoors},
		{"loopback, IPv6 only", onSix, "127.0.0.1:5060", "", errOurDoors},
		{"loopback, without a network", onLoopback, "127.0.0.1:4000", "127.0.0.1", nil},
		{"our address", onNetwork, "192.0.2.1:20004", "", errOurDoors},
		{"our address by IPv6", onNetwork, "[2001:db8:1::1]:20004", "", errOurDoors},
		{"everybody's", onNetwork, "255.255.255.255:4000", "", errNoRoute},
	} {
		a := &Adapter{route: row.route}
		var peer netip.AddrPort
		if row.peer != "" {
			peer = addrPort(row.peer)
		}
		got, err := a.ownAddr(peer)
		if !errors.Is(err, row.err) || (row.own != "") != (err == nil) || err == nil && got.String() != row.own {
			t.Errorf("%s: %v, %v", row.name, got, err)
		}
	}
}
