package peer

import (
	"fmt"
	"net/netip"
	"sync"
)

// A NATKind says which endpoint a NAT gives a host inside, and whom it lets
// answer (RFC 4787 sections 4 and 5; the names are those of RFC 3489 section 5).
type NATKind string

// The kinds of NAT.
const (
	// FullCone: one endpoint for all, and anybody may send to it.
	FullCone NATKind = "full-cone"
	// RestrictedCone: one endpoint for all; an address that was sent to may
	// answer, from any port.
	RestrictedCone NATKind = "restricted"
	// PortRestrictedCone: one endpoint for all; only what was sent to may answer.
	PortRestrictedCone NATKind = "port-restricted"
	// SymmetricNAT: an endpoint for each destination, which alone may answer.
	SymmetricNAT NATKind = "symmetric"
)

// firstNATPort is the first of those that a NAT gives away, one after the
// other. None keeps the port that is used inside.
const firstNATPort = 40000

// A NAT translates the UDP of a private network. It forgets nothing.
type NAT struct {
	// Public is the address that the world sees.
	Public netip.Addr
	Kind   NATKind
	// Hairpin: what is sent from inside to the NAT's own public endpoints comes
	// back in (RFC 4787 section 6), with the public source.
	Hairpin bool
	// Outer is the NAT that this one is behind, as a provider's; nil: it is in the
	// world. Public is an address of the network between them then.
	Outer *NAT
	// Isolated: hosts inside don't reach each other by their private addresses,
	// as on the wireless of a hotel.
	Isolated bool

	mu     sync.Mutex // guards all below
	byFlow map[natFlow]*natMapping
	byPort map[uint16]*natMapping
}

// A natFlow is what gets a mapping of its own. Only a symmetric NAT sets to.
type natFlow struct{ from, to netip.AddrPort }

type natMapping struct {
	inside netip.AddrPort
	port   uint16
	sentTo map[netip.AddrPort]bool
	hosts  map[netip.Addr]bool
}

// Out is the public endpoint by which from, inside, is seen at to. It opens the
// way back.
func (n *NAT) Out(from, to netip.AddrPort) netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	flow := natFlow{from: from}
	if n.Kind == SymmetricNAT {
		flow.to = to
	}
	m := n.byFlow[flow]
	if m == nil {
		if n.byFlow == nil {
			n.byFlow, n.byPort = map[natFlow]*natMapping{}, map[uint16]*natMapping{}
		}
		m = &natMapping{
			inside: from, port: firstNATPort + uint16(len(n.byPort)),
			sentTo: map[netip.AddrPort]bool{}, hosts: map[netip.Addr]bool{},
		}
		n.byFlow[flow], n.byPort[m.port] = m, m
	}
	m.sentTo[to], m.hosts[to.Addr()] = true, true
	return netip.AddrPortFrom(n.Public, m.port)
}

// In is the endpoint inside that gets what from sends to port of the public
// address; false, if nobody does.
func (n *NAT) In(from netip.AddrPort, port uint16) (netip.AddrPort, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.byPort[port]
	if m == nil {
		return netip.AddrPort{}, false
	}
	open := false
	switch n.Kind {
	case FullCone:
		open = true
	case RestrictedCone:
		open = m.hosts[from.Addr()]
	case PortRestrictedCone, SymmetricNAT:
		open = m.sentTo[from]
	}
	return m.inside, open
}

// String is the kind and what is special.
func (n *NAT) String() string {
	s := string(n.Kind)
	if n.Hairpin {
		s += ", hairpin"
	}
	if n.Isolated {
		s += ", isolated"
	}
	return fmt.Sprintf("%s (%s)", n.Public, s)
}
