package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4"
)

// inbox is how many messages wait for the library on one base.
const inbox = 16

// A conn is one base as the library sees it: nothing but STUN comes by it.
type conn struct {
	agent *Agent
	base  *Base
	in    chan received
	done  chan struct{}
	once  sync.Once // closes done
}

// received is a datagram that came.
type received struct {
	b      []byte
	source netip.AddrPort
}

func newConn(a *Agent, b *Base) *conn {
	return &conn{agent: a, base: b, in: make(chan received, inbox), done: make(chan struct{})}
}

// ReadFromAddrPort waits for the next message.
func (c *conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case r := <-c.in:
		return copy(b, r.b), r.source, nil
	case <-c.done:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort sends a message, after it has noted what answer to expect.
func (c *conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
	if len(b) < stunHeader || !to.IsValid() {
		return 0, errors.New("no STUN message")
	}
	if binary.BigEndian.Uint16(b) == bindingRequest && !c.agent.mux.checked(c.agent, c.base, to, transactionID(b[8:20])) {
		return 0, net.ErrClosed
	}
	c.base.Send(b, to)
	return len(b), nil
}

// ReadFrom is ReadFromAddrPort.
func (c *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, source, err := c.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(source), err
}

// WriteTo is WriteToAddrPort.
func (c *conn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errors.New("no UDP address")
	}
	return c.WriteToAddrPort(b, u.AddrPort())
}

// Close ends what waits in ReadFromAddrPort.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// LocalAddr is the base's.
func (c *conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.base.Address) }

// SetDeadline does nothing: the library sets one only before it closes.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// bases are the conns of an agent as the library's ice.UDPMux.
type bases []*conn

// GetConn is the base with that address.
func (s bases) GetConn(_ string, addr net.Addr) (net.PacketConn, error) {
	if u, ok := addr.(*net.UDPAddr); ok {
		for _, c := range s {
			if c.base.Address == u.AddrPort() {
				return c, nil
			}
		}
	}
	return nil, net.ErrClosed
}

// GetListenAddresses are those of all bases.
func (s bases) GetListenAddresses() []net.Addr {
	list := make([]net.Addr, len(s))
	for i, c := range s {
		list[i] = c.LocalAddr()
	}
	return list
}

// RemoveConnByUfrag does nothing: the library closes each conn by itself.
func (s bases) RemoveConnByUfrag(string) {}

// Close does nothing.
func (s bases) Close() error { return nil }

var _ ice.UDPMux = bases(nil)

// noNet has no interfaces: all that the library may use it is given.
type noNet struct{ transport.Net }

// Interfaces are none.
func (noNet) Interfaces() ([]*transport.Interface, error) { return nil, nil }
