package osc

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The kinds of doors to a server's groups.
const (
	doorUDP  = "udp"
	doorTCP  = "tcp"  // packets with their sizes before them
	doorSLIP = "slip" // packets between SLIP's ENDs
	doorWS   = "ws"   // a packet is a binary message
	doorWSS  = "wss"
)

// A door is a listener, as the mapping file says.
type door struct {
	kind string
	addr netip.AddrPort
}

func (d door) network() string {
	if d.kind == doorUDP {
		return "udp"
	}
	return "tcp"
}

func (d door) String() string { return d.kind + ":" + d.addr.String() }

// errFamily: user_info has 32 bits for an address.
var errFamily = errors.New("by UDP, OSCgroups has IPv4 only: want an IPv4 address, or [::]")

func parseDoor(s string) (door, error) {
	kind, addr, ok := strings.Cut(s, ":")
	switch kind {
	case doorUDP, doorTCP, doorSLIP, doorWS, doorWSS:
	default:
		ok = false
	}
	if !ok {
		return door{}, fmt.Errorf(`want "udp:ADDRESS:PORT", or tcp, slip, ws or wss, got %q`, s)
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return door{}, fmt.Errorf("want an IP address and a port behind %s:, got %q", kind, addr)
	}
	d := door{kind, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())}
	if kind == doorUDP {
		if d.addr.Addr() == netip.IPv6Unspecified() {
			d.addr = netip.AddrPortFrom(netip.IPv4Unspecified(), d.addr.Port())
		}
		if !d.addr.Addr().Is4() {
			return door{}, errFamily
		}
	}
	return d, nil
}

// maxPorts bounds a range of ports: each that is in use costs a socket.
const maxPorts = 10_000

// parseRange reads "22300-22399"; 0, 0 for "".
func parseRange(s string) (first, last uint16, err error) {
	if s == "" {
		return 0, 0, nil
	}
	from, to, ok := strings.Cut(s, "-")
	a, err := strconv.ParseUint(from, 10, 16)
	b, err2 := strconv.ParseUint(to, 10, 16)
	if !ok || err != nil || err2 != nil || a < 1 || b < a || b == 65535 || b-a >= maxPorts {
		return 0, 0, fmt.Errorf(`want a range of up to %d ports, as in "22300-22399", got %q`, maxPorts, s)
	}
	return uint16(a), uint16(b), nil
}
