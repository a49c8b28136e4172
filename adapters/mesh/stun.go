package mesh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/mesh/wire"

	"github.com/pion/stun/v4"
)

// stunTries is how often a STUN server is asked before it counts as silent.
const stunTries = 4

// What CHANGE-REQUEST asks for (RFC 5780 section 7.2).
const (
	changeNothing = 0
	changePort    = 2
	changeBoth    = 2 | 4
)

var errNoSTUN = errors.New("no answer by STUN")

// A stunAnswer is what a STUN server has said.
type stunAnswer struct {
	from   netip.AddrPort
	mapped netip.AddrPort // where it sees us
	other  netip.AddrPort // its other address and port; zero, if it has none
}

// An asker asks STUN servers by one socket, in which other packets may come.
type asker struct {
	send  func(packet []byte, to netip.AddrPort)
	first time.Duration // until the first repeat

	mu      sync.Mutex // guards the rest
	waiting map[[stun.TransactionIDSize]byte]chan stunAnswer
}

func newAsker(first time.Duration, send func([]byte, netip.AddrPort)) *asker {
	return &asker{send: send, first: first, waiting: map[[stun.TransactionIDSize]byte]chan stunAnswer{}}
}

// take takes a packet, and reports whether it is STUN's. Who answers a question that
// nobody has asked says nothing.
func (a *asker) take(data []byte, from netip.AddrPort) bool {
	if !stun.IsMessage(data) {
		return false
	}
	m := &stun.Message{Raw: append([]byte(nil), data...)}
	if len(data) > wire.MaxPacket || m.Decode() != nil || m.Type != stun.BindingSuccess {
		return true
	}
	a.mu.Lock()
	answer := a.waiting[m.TransactionID]
	delete(a.waiting, m.TransactionID)
	a.mu.Unlock()
	if answer != nil {
		answer <- readAnswer(m, from) // it has room for one
	}
	return true
}

func readAnswer(m *stun.Message, from netip.AddrPort) stunAnswer {
	s := stunAnswer{from: from}
	var xor stun.XORMappedAddress
	var plain stun.MappedAddress
	switch {
	case xor.GetFrom(m) == nil:
		s.mapped = endpoint(xor.IP, xor.Port)
	case plain.GetFrom(m) == nil: // of RFC 3489
		s.mapped = endpoint(plain.IP, plain.Port)
	}
	var other stun.OtherAddress
	if other.GetFrom(m) == nil {
		s.other = endpoint(other.IP, other.Port)
	}
	return s
}

func endpoint(ip net.IP, port int) netip.AddrPort {
	a, ok := netip.AddrFromSlice(ip)
	if !ok || port <= 0 || port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(port))
}

// ask asks a server where it sees us, and to answer from elsewhere, as change says.
func (a *asker) ask(ctx context.Context, to netip.AddrPort, change byte) (stunAnswer, error) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return stunAnswer{}, fmt.Errorf("stun: %w", err)
	}
	if change != changeNothing {
		m.Add(stun.AttrChangeRequest, []byte{0, 0, 0, change})
	}
	answer := make(chan stunAnswer, 1)
	a.mu.Lock()
	a.waiting[m.TransactionID] = answer
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.waiting, m.TransactionID)
		a.mu.Unlock()
	}()
	wait := a.first
	for range stunTries {
		a.send(m.Raw, to)
		again := time.NewTimer(wait)
		select {
		case s := <-answer:
			again.Stop()
			return s, nil
		case <-again.C:
			wait *= 2
		case <-ctx.Done():
			again.Stop()
			return stunAnswer{}, ctx.Err()
		}
	}
	return stunAnswer{}, fmt.Errorf("%w from %v", errNoSTUN, to)
}

// findMapping finds out how a NAT chooses endpoints (RFC 5780 section 4.3), or what
// of that can be told from what several servers see. others are where further ones
// saw the same socket.
func (a *asker) findMapping(ctx context.Context, servers []netip.AddrPort, local netip.AddrPort, others ...netip.AddrPort) (wire.Behaviour, netip.AddrPort) {
	var seen []netip.AddrPort
	for _, at := range others {
		if at.IsValid() {
			seen = append(seen, at)
		}
	}
	var first netip.AddrPort
	for _, to := range servers {
		s, err := a.ask(ctx, to, changeNothing)
		if err != nil || !s.mapped.IsValid() {
			continue
		}
		if !first.IsValid() {
			first = s.mapped
		}
		seen = append(seen, s.mapped)
		if s.mapped == local {
			return wire.NoNAT, s.mapped
		}
		if b := a.findByOther(ctx, to, s); b != wire.UnknownBehaviour {
			return b, s.mapped
		}
	}
	if !first.IsValid() || len(seen) < 2 {
		return wire.UnknownBehaviour, first
	}
	for _, at := range seen {
		if at != seen[0] {
			return wire.Dependent, first
		}
	}
	return wire.EndpointIndependent, first
}

// findByOther asks a server at its other address and port.
func (a *asker) findByOther(ctx context.Context, to netip.AddrPort, one stunAnswer) wire.Behaviour {
	if !one.other.IsValid() || one.other.Addr() == to.Addr() {
		return wire.UnknownBehaviour
	}
	two, err := a.ask(ctx, netip.AddrPortFrom(one.other.Addr(), to.Port()), changeNothing)
	switch {
	case err != nil || !two.mapped.IsValid():
		return wire.UnknownBehaviour
	case two.mapped == one.mapped:
		return wire.EndpointIndependent
	}
	three, err := a.ask(ctx, one.other, changeNothing)
	switch {
	case err != nil || !three.mapped.IsValid():
		return wire.Dependent
	case three.mapped == two.mapped:
		return wire.AddressDependent
	default:
		return wire.AddressAndPortDependent
	}
}

// findFiltering finds out whom a NAT lets answer (RFC 5780 section 4.4). The socket must be
// one that has sent nothing yet: what was sent opens doors.
func (a *asker) findFiltering(ctx context.Context, servers []netip.AddrPort) wire.Behaviour {
	for _, to := range servers {
		s, err := a.ask(ctx, to, changeNothing)
		if err != nil || !s.other.IsValid() || s.other.Addr() == to.Addr() {
			continue // it can't answer from elsewhere
		}
		if both, err := a.ask(ctx, to, changeBoth); err == nil {
			if both.from.Addr() != to.Addr() {
				return wire.EndpointIndependent
			}
			continue // it says that it can, and does not
		}
		if port, err := a.ask(ctx, to, changePort); err == nil && port.from.Port() != to.Port() {
			return wire.AddressDependent
		}
		return wire.AddressAndPortDependent
	}
	return wire.UnknownBehaviour
}

// filtering does so with a socket of its own.
func filtering(ctx context.Context, servers []netip.AddrPort, first time.Duration) (wire.Behaviour, error) {
	if len(servers) == 0 {
		return wire.UnknownBehaviour, nil
	}
	network := "udp6"
	if servers[0].Addr().Is4() {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return wire.UnknownBehaviour, fmt.Errorf("stun: %w", err)
	}
	a := newAsker(first, func(packet []byte, to netip.AddrPort) { _, _ = conn.WriteToUDPAddrPort(packet, to) })
	var reads sync.WaitGroup
	reads.Go(func() {
		buf := make([]byte, wire.MaxPacket+1)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				a.take(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
			}
		}
	})
	b := a.findFiltering(ctx, servers)
	conn.Close()
	reads.Wait()
	return b, nil
}
