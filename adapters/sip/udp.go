package sip

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"gateway/adapters/sip/wire"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// maxUDP is the longest request that goes by UDP (RFC 3261 section 18.1.1):
// what fits an Ethernet frame with room for what proxies add.
const maxUDP = 1300

// A udpSocket is one UDP listener; requests of ours leave from it too.
type udpSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn // of conn
	addr netip.AddrPort
	info int           // bytes of control data with each datagram; 0: all have been sent to addr
	done chan struct{} // closed when run has ended

	reading datagramCall // of run
	calls   sync.Pool    // of *datagramCall, to send by
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
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("listen on udp %v: %w", l.addr, err)
	}
	s := &udpSocket{conn: conn, raw: raw, addr: addrPort(conn.LocalAddr()), done: make(chan struct{})}
	s.askForDestinations()
	return s, nil
}

// askForDestinations makes a socket without an address of its own say which of
// the host's each datagram was sent to (RFC 3542 section 6). Where that is
// refused, the system chooses what answers leave from.
func (s *udpSocket) askForDestinations() {
	switch addr := s.addr.Addr(); {
	case !addr.IsUnspecified():
	case addr.Is4():
		if ipv4.NewPacketConn(s.conn).SetControlMessage(ipv4.FlagDst, true) == nil {
			s.info = len(ipv4.NewControlMessage(ipv4.FlagDst))
		}
	default:
		if ipv6.NewPacketConn(s.conn).SetControlMessage(ipv6.FlagDst, true) == nil {
			s.info = len(ipv6.NewControlMessage(ipv6.FlagDst))
		}
	}
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
	if sent, err := s.sendTo(to, data, nil); sent {
		return err
	}
	if _, err := s.conn.WriteToUDPAddrPort(data, to); err != nil {
		return fmt.Errorf("send by udp to %v: %w", to, err)
	}
	return nil
}

// A udpAddress is a socket at one of the host's addresses: what is sent by it
// leaves from there. To a NAT anything else would come from a stranger (RFC 3581
// section 4).
type udpAddress struct {
	*udpSocket
	at netip.Addr // never IPv4 in IPv6, without a zone
}

func (a udpAddress) local() netip.AddrPort { return netip.AddrPortFrom(a.at, a.addr.Port()) }

func (a udpAddress) send(to netip.AddrPort, data []byte) error {
	var info []byte
	if src := a.at.AsSlice(); a.at.Is4() {
		info = (&ipv4.ControlMessage{Src: src}).Marshal()
	} else {
		info = (&ipv6.ControlMessage{Src: src}).Marshal()
	}
	sent, err := a.sendTo(to, data, info)
	if !sent {
		_, _, err = a.conn.WriteMsgUDPAddrPort(data, info, to)
	}
	if err == nil {
		return nil
	}
	// The address may be gone from this host, or be one of many hosts.
	return a.udpSocket.send(to, data)
}

// reached is the socket at the address that a datagram was sent to, by the
// control data that came with it.
func (s *udpSocket) reached(info []byte) carrier {
	var dst net.IP
	if s.addr.Addr().Is4() {
		var cm ipv4.ControlMessage
		if cm.Parse(info) == nil {
			dst = cm.Dst
		}
	} else {
		var cm ipv6.ControlMessage
		if cm.Parse(info) == nil {
			dst = cm.Dst
		}
	}
	at, ok := netip.AddrFromSlice(dst)
	if at = at.Unmap(); !ok || at.IsUnspecified() || at.IsMulticast() {
		return s
	}
	return udpAddress{udpSocket: s, at: at}
}

// run hands every datagram to receive, in the order of their arrival, until
// the socket is closed.
func (s *udpSocket) run(receive func(f flow, data []byte)) error {
	defer close(s.done)
	const patience = 100 // errors in a row, of which the kernel reports some for other datagrams
	buf, info := make([]byte, wire.MaxMessage), make([]byte, s.info)
	for failed := 0; ; {
		n, infoLen, from, err := s.read(buf, info)
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
		c := carrier(s)
		if infoLen > 0 {
			c = s.reached(info[:infoLen])
		}
		receive(flow{carrier: c, remote: from}, buf[:n])
	}
}
