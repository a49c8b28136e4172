package mesh

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"

	"github.com/pion/stun/v4"
)

// A stunWorld is a NAT and the STUN servers behind it, by function calls.
type stunWorld struct {
	mapped func(to netip.AddrPort) netip.AddrPort
	// passes says whether a packet from there comes in, after asked was asked.
	passes func(from, asked netip.AddrPort) bool
	other  bool // servers have another address, and answer from there
	deaf   bool // to CHANGE-REQUEST: they answer from where they were asked
}

var (
	stunAt    = addr("192.0.2.10:3478")
	stunOther = addr("192.0.2.11:3479")
	stunLocal = addr("10.0.0.5:7000")
)

// asker is one in that world.
func (w stunWorld) asker() *asker {
	a := newAsker(time.Millisecond, nil)
	a.send = func(packet []byte, to netip.AddrPort) { w.answer(a, packet, to) }
	return a
}

// answer is what the world does with a packet.
func (w stunWorld) answer(a *asker, packet []byte, to netip.AddrPort) {
	m := &stun.Message{Raw: packet}
	if m.Decode() != nil {
		return
	}
	from := to
	if v, err := m.Get(stun.AttrChangeRequest); err == nil && !w.deaf {
		if !w.other {
			return
		}
		if v[3]&4 != 0 {
			from = netip.AddrPortFrom(stunOther.Addr(), from.Port())
		}
		if v[3]&2 != 0 {
			from = netip.AddrPortFrom(from.Addr(), stunOther.Port())
		}
	}
	if !w.passes(from, to) {
		return
	}
	at := w.mapped(to)
	reply := []stun.Setter{
		stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(at.Addr().AsSlice()), Port: int(at.Port())},
	}
	if w.other {
		reply = append(reply, &stun.OtherAddress{IP: net.IP(stunOther.Addr().AsSlice()), Port: int(stunOther.Port())})
	}
	a.take(stun.MustBuild(reply...).Raw, from)
}

func TestANATIsKnownByWhatItDoes(t *testing.T) {
	t.Parallel()
	public := addr("203.0.113.1:5").Addr()
	one := func(netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(public, 5) }
	byAddress := func(to netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(public, 1000+uint16(to.Addr().As4()[3]))
	}
	byBoth := func(to netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(public, 1000+uint16(to.Addr().As4()[3])*7+to.Port())
	}
	none := func(netip.AddrPort) netip.AddrPort { return stunLocal }
	all := func(_, _ netip.AddrPort) bool { return true }
	address := func(from, asked netip.AddrPort) bool { return from.Addr() == asked.Addr() }
	both := func(from, asked netip.AddrPort) bool { return from == asked }
	elsewhere := netip.AddrPortFrom(public, 9)
	for _, row := range []struct {
		name              string
		world             stunWorld
		mesh              netip.AddrPort // where the mesh's server sees us
		mapping, filtered wire.Behaviour
	}{
		{"no NAT", stunWorld{none, all, true, false}, stunLocal, wire.NoNAT, wire.EndpointIndependent},
		{"full cone", stunWorld{one, all, true, false}, one(stunAt), wire.EndpointIndependent, wire.EndpointIndependent},
		{"restricted", stunWorld{one, address, true, false}, one(stunAt), wire.EndpointIndependent, wire.AddressDependent},
		{"port-restricted", stunWorld{one, both, true, false}, one(stunAt), wire.EndpointIndependent, wire.AddressAndPortDependent},
		{"a port for each address", stunWorld{byAddress, both, true, false}, elsewhere, wire.AddressDependent, wire.AddressAndPortDependent},
		{"symmetric", stunWorld{byBoth, both, true, false}, elsewhere, wire.AddressAndPortDependent, wire.AddressAndPortDependent},
		{"a server with one address, and a mesh that sees the same", stunWorld{one, both, false, false}, one(stunAt), wire.EndpointIndependent, wire.UnknownBehaviour},
		{"and one that sees another", stunWorld{one, both, false, false}, elsewhere, wire.Dependent, wire.UnknownBehaviour},
		{"a server with one address, and no mesh", stunWorld{one, both, false, false}, netip.AddrPort{}, wire.UnknownBehaviour, wire.UnknownBehaviour},
		{"a server that answers from one place always", stunWorld{one, all, true, true}, one(stunAt), wire.EndpointIndependent, wire.UnknownBehaviour},
		{"silence", stunWorld{one, func(_, _ netip.AddrPort) bool { return false }, true, false}, netip.AddrPort{}, wire.UnknownBehaviour, wire.UnknownBehaviour},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			servers := []netip.AddrPort{stunAt}
			if got := row.world.asker().findFiltering(t.Context(), servers); got != row.filtered {
				t.Errorf("it filters %q, want %q", got, row.filtered)
			}
			got, _ := row.world.asker().findMapping(t.Context(), servers, stunLocal, row.mesh)
			if got != row.mapping {
				t.Errorf("it maps %q, want %q", got, row.mapping)
			}
		})
	}
}

func TestTwoServersTellMoreThanOne(t *testing.T) {
	t.Parallel()
	byPort := func(to netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(stunLocal.Addr(), to.Port()) }
	w := stunWorld{mapped: byPort, passes: func(_, _ netip.AddrPort) bool { return true }}
	got, at := w.asker().findMapping(t.Context(), []netip.AddrPort{stunAt, stunOther}, stunLocal)
	if got != wire.Dependent || at != byPort(stunAt) {
		t.Errorf("%q at %v", got, at)
	}
}

func FuzzSTUN(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(1, 2, 3, 4), Port: 5}).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.OtherAddress{IP: net.ParseIP("2001:db8::1"), Port: 5}).Raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		a := newAsker(time.Second, nil)
		answer := make(chan stunAnswer, 1)
		if len(data) >= 20 {
			a.waiting[[stun.TransactionIDSize]byte(data[8:20])] = answer
		}
		if !a.take(data, stunAt) {
			return
		}
		select {
		case s := <-answer:
			if s.mapped.IsValid() && s.mapped.Port() == 0 {
				t.Errorf("%+v", s)
			}
		default:
		}
	})
}
