package xmpp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

var errOurDoors = errors.New("a peer on loopback, where we are not")

// farAway is an address that is nobody's (RFC 5737): what routes to it routes to
// the world.
var farAway = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 9)

// ownAddr is the address of ours that a peer without ICE is told: the one that
// routes to it, or to the world while it has not said where it is. One on loopback
// is believed only if we have no other, or it might have us knock on our own doors.
func ownAddr(peer netip.AddrPort) (netip.Addr, error) {
	if !peer.IsValid() {
		if a, err := routeTo(farAway); err == nil {
			return a, nil
		}
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil // without a route there is nothing else
	}
	if peer.Addr().IsLoopback() {
		if _, err := routeTo(farAway); err == nil {
			return netip.Addr{}, errOurDoors
		}
	}
	return routeTo(peer)
}

// routeTo is the address of ours that the system would send from. Nothing is sent.
func routeTo(peer netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address that routes to %v: %w", peer, err)
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("find the address that routes to %v: it is %v", peer, conn.LocalAddr())
	}
	return local.AddrPort().Addr().Unmap(), nil
}
