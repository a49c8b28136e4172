package sip

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"gateway/adapters/sip/wire"
)

// maxUDP is the longest request that goes by UDP (RFC 3261 section 18.1.1):
// what fits an Ethernet frame with room for what proxies add.
const maxUDP = 1300

// A udpSocket is one UDP listener; requests of ours leave from it too.
type udpSocket struct {
	conn *net.UDPConn
	addr netip.AddrPort
	done chan struct{} // closed when run has ended
}

// openUDP binds l. v6only keeps IPv4 out of [::].
func openUDP(l listener, v6only bool) (*udpSocket, error) {
	conn, err := net.ListenUDP(family("udp", l.addr.Addr(), v6only), net.UDPAddrFromAddrPort(l.addr))
	if err != nil {
		return nil, fmt.Errorf("listen on udp %v: %w", l.addr, err)
	}
	// A burst waits in the kernel while one message is read. That the size is
	// refused is no reason not to serve.
	_ = conn.SetReadBuffer(1 << 20)
	return &udpSocket{conn: conn, addr: addrPort(conn.LocalAddr()), done: make(chan struct{})}, nil
}

// family is what package net calls a network for one kind of address.
func family(network string, a netip.Addr, v6only bool) string {
	switch {
	case a.Is4():
		return network + "4"
	case v6only || !a.IsUnspecified():
		return network + "6"
	}
	return network
}

func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func (s *udpSocket) network() string        { return "udp" }
func (s *udpSocket) local() netip.AddrPort  { return s.addr }
func (s *udpSocket) ended() <-chan struct{} { return s.done }

func (s *udpSocket) send(to netip.AddrPort, data []byte) error {
	if _, err := s.conn.WriteToUDPAddrPort(data, to); err != nil {
		return fmt.Errorf("send by udp to %v: %w", to, err)
	}
	return nil
}

// run hands every datagram to receive, in the order of their arrival, until
// the socket is closed.
func (s *udpSocket) run(receive func(f flow, data []byte)) error {
	defer close(s.done)
	const patience = 100 // errors in a row, of which the kernel reports some for other datagrams
	buf := make([]byte, wire.MaxMessage)
	for failed := 0; ; {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			if failed++; failed == patience {
				return fmt.Errorf("read from udp %v: %w", s.addr, err)
			}
			continue
		}
		failed = 0
		if len(bytes.Trim(buf[:min(n, 8)], "\r\n\x00")) == 0 {
			continue // a keep-alive (RFC 5626 section 3.5.1)
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		receive(flow{carrier: s, remote: from}, buf[:n])
	}
}
