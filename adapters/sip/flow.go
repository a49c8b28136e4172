package sip

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

var errClosed = errors.New("the connection is closed")

// A carrier is a socket, at one of the host's addresses if it has several: one
// of UDP has many flows, one of TCP a single one. Carriers can be compared.
type carrier interface {
	network() string // "udp" or "tcp"
	local() netip.AddrPort
	// send does not block. nil does not mean that anything arrives.
	send(to netip.AddrPort, data []byte) error
	// ended is closed when nothing can be sent any more.
	ended() <-chan struct{}
}

// A flow is a way from an address of ours to a remote one and back (RFC 5626
// section 3.1). Equal flows are the same one.
type flow struct {
	carrier
	remote netip.AddrPort // never IPv4 in IPv6
}

func (f flow) write(data []byte) error { return f.send(f.remote, data) }

func (f flow) reliable() bool { return f.network() == "tcp" }

// txFlow lets sipgo's server transactions write to a flow.
type txFlow struct{ flow }

var _ gosip.Connection = txFlow{}

// LocalAddr is the socket's address.
func (t txFlow) LocalAddr() net.Addr {
	if t.reliable() {
		return net.TCPAddrFromAddrPort(t.local())
	}
	return net.UDPAddrFromAddrPort(t.local())
}

// WriteMsg sends msg to where the flow leads, whatever its headers say.
func (t txFlow) WriteMsg(msg gosip.Message) error {
	var b strings.Builder
	msg.StringWrite(&b)
	return t.write([]byte(b.String()))
}

// Ref counts nothing: a flow belongs to its socket, not to transactions.
func (txFlow) Ref(int) int { return 1 }

// TryClose closes nothing.
func (txFlow) TryClose() (int, error) { return 1, nil }

// Close closes nothing.
func (txFlow) Close() error { return nil }
