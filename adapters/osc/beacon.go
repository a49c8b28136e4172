package osc

import (
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// beaconPort is where members on one network find each other. Several on one
// machine share it.
const beaconPort = 22241

// broadcasts are the addresses to reach everybody on each of our networks.
func broadcasts() []netip.AddrPort {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.AddrPort
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.To4() == nil || len(n.Mask) < 4 {
			continue
		}
		ip, mask := binary.BigEndian.Uint32(n.IP.To4()), binary.BigEndian.Uint32(n.Mask[len(n.Mask)-4:])
		if ^mask <= 1 {
			continue // two ends of a wire have no broadcast
		}
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], ip|^mask)
		all = append(all, netip.AddrPortFrom(netip.AddrFrom4(b), beaconPort))
	}
	return all
}

// announce tells the local network that we are there.
func (m *member) announce(now time.Time) {
	if m.beacon == nil || now.Sub(m.here) < m.set.pace.here {
		return
	}
	m.here = now
	b := &m.mail.build
	b.Reset()
	b.Begin(wire.AddressHere, "sssi")
	b.String(m.set.self)
	b.String(m.set.group)
	b.String(m.set.groupHash)
	b.Int(int32(m.socket.Addr().Port()))
	b.End()
	packet := b.Packet()
	for _, to := range m.spread() {
		m.mail.Compose(m.beacon, packet, to, netip.Addr{})
	}
}

// fromBeacon takes what others on the local network announce. Only those of our
// group are members, and only addresses that are not of the wide world.
func (m *member) fromBeacon(packets []datagram.Packet, out *mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, in := range packets {
		if len(in.Data) > wire.MaxMember || wire.Check(in.Data) != nil {
			m.metrics.drop(dropMalformed)
			continue
		}
		if !isPrivate(in.From.Addr()) {
			m.metrics.drop(dropStranger)
			continue
		}
		if msg, ok := wire.First(in.Data); ok && string(msg.Address) == wire.AddressHere {
			m.hereIs(msg, in.From.Addr(), now, out)
		}
	}
}

func (m *member) hereIs(msg wire.Message, from netip.Addr, now time.Time, out *mail) {
	var words [3]string
	c := msg.Arguments()
	for i := range words {
		if tag, ok := c.Next(); !ok || tag != 's' {
			return
		}
		words[i] = string(c.Value)
	}
	if tag, ok := c.Next(); !ok || tag != 'i' || words[1] != m.set.group || words[2] != m.set.groupHash || words[0] == m.set.self {
		return
	}
	port := c.Int()
	if port < 1 || port > math.MaxUint16 {
		return
	}
	at := netip.AddrPortFrom(from, uint16(port))
	if p := m.peers[words[0]]; p != nil && (p.private == at || p.public == at) {
		p.told = now
		return // the server has told of it, or it was here before
	}
	m.inform(words[0], at, at, now, out)
}
