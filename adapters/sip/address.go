package sip

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Where SIP is unless something else is said.
const (
	defaultPort    = 5060
	defaultTLSPort = 5061
)

// sentBy is what the other end of f is told of us: host, IPv6 in brackets, and
// the port of a listener.
func (e *engine) sentBy(f flow) (host string, port uint16, err error) {
	local := f.local()
	if port = local.Port(); f.reliable() {
		port = e.listenPort(f.network(), port)
	}
	addr := local.Addr()
	if addr.IsUnspecified() {
		if addr, err = e.routeTo(f.remote); err != nil {
			return "", 0, err
		}
	}
	return advertised(e.set.addresses, addr, f.remote.Addr()), port, nil
}

// advertised is the first of the configured addresses that remote can use.
func advertised(configured []string, local, remote netip.Addr) string {
	for _, c := range configured {
		if c == "auto" {
			break
		}
		host, _ := foldHost(c)
		a, err := netip.ParseAddr(c)
		if err != nil || a.Unmap().Is4() == remote.Is4() {
			return host
		}
	}
	host := local.WithZone("").String()
	if !local.Is4() {
		host, _ = foldHost(host)
	}
	return host
}

// listenPort is the port of the first listener for a network, or other.
func (e *engine) listenPort(network string, other uint16) uint16 {
	for _, a := range e.bound {
		if a.network == network {
			return a.addr.Port()
		}
	}
	return other
}

// routeTo is the local address from which packets go to remote. Nothing is
// sent to find out.
func routeTo(remote netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(remote))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address that routes to %v: %w", remote, err)
	}
	defer func() { _ = conn.Close() }()
	return addrPort(conn.LocalAddr()).Addr(), nil
}

func hostPort(host string, port uint16) string { return host + ":" + strconv.Itoa(int(port)) }
