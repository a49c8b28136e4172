package sip

import (
	"errors"
	"net/netip"
)

var errClosed = errors.New("the connection is closed")

// A carrier is a socket, at one of the host's addresses if it has several: one
// of UDP has many flows, a connection a single one. Carriers can be compared.
type carrier interface {
	network() string // "udp", "tcp", "tls", "ws" or "wss"
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

func (f flow) reliable() bool { return f.network() != networkUDP }

// takes reports whether a URI of a scheme can be reached by f: one of sips: only by
// TLS (RFC 5630 section 4).
func (f flow) takes(scheme string) bool {
	return scheme == "sip" || scheme == "sips" && isSecure(f.network())
}
