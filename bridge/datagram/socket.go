// Package datagram reads and writes UDP datagrams, many with one system call
// where the system has that, and without allocating anything for them.
package datagram

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// recvBuffer is what we ask the system to keep for us, in bytes: a burst waits
// there while another is handed on.
const recvBuffer = 4 << 20

// A Socket is a bound UDP socket for IPv4, or for IPv6. Its writing side may be used by many
// goroutines, each with a Writer of its own.
type Socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	addr netip.AddrPort
	many bool // bound to no address: each datagram says which of ours it went to
	six  bool // for IPv6, and only that

	joins atomic.Bool // the system can send several datagrams as one
}

// Open binds addr, whose port may be 0: [::] is all of IPv6, and nothing of IPv4.
// With shared other sockets may be bound to it too: each gets what is broadcast.
func Open(addr netip.AddrPort, shared bool) (*Socket, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, shared)
	}}
	network := "udp4"
	if !addr.Addr().Is4() {
		network = "udp6"
	}
	pc, err := config.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("listen on udp %v: %w", addr, err)
	}
	conn, ok := pc.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("listen on udp %v: %T is no UDP socket", addr, pc)
	}
	s := &Socket{conn: conn, many: addr.Addr().IsUnspecified(), six: !addr.Addr().Is4()}
	if local, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		s.addr = unmap(local.AddrPort())
	}
	if s.raw, err = conn.SyscallConn(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen on udp %v: %w", addr, err)
	}
	growBuffer(s.raw)
	s.joins.Store(canJoin(s.raw))
	if s.many {
		askForDestinations(s.raw, s.six)
	}
	return s, nil
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Addr is where the socket is bound, with the port that it has.
func (s *Socket) Addr() netip.AddrPort { return s.addr }

// Close ends a Read that waits, too.
func (s *Socket) Close() error { return s.conn.Close() }

// A Packet is one datagram that was read.
type Packet struct {
	Data []byte         // until the next Read
	From netip.AddrPort // who sent it
	To   netip.Addr     // which of our addresses it was sent to; zero if that is not known
}
