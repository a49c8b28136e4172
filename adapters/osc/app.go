package osc

import (
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// fromApp takes what an app has sent: for the group, for one member of it, or a
// question to us.
func (m *member) fromApp(i int, packets []datagram.Packet, out *mail) {
	out.group = out.group[:0] // of a batch that made us panic
	for _, in := range packets {
		switch {
		case in.From.Addr() != m.set.apps[i].from:
			m.metrics.drop(dropStranger)
		case len(in.Data) > wire.MaxMember:
			m.metrics.drop(dropTooLong)
			m.noise.Do(func() {
				m.log.Warn("an app's packet is longer than all members take", "peer", in.From, "bytes", len(in.Data))
			})
		case wire.Check(in.Data) != nil:
			m.metrics.drop(dropMalformed)
			m.noise.Do(func() { m.log.Warn("an app's packet is no OSC that all members take", "peer", in.From) })
		case isForUs(in.Data):
			m.play(i, out) // nobody hears what came later before what came sooner
			m.forUs(i, in.Data, out)
		default:
			m.metrics.group.Inc()
			out.group = append(out.group, in.Data)
			m.hear(out, m.set.self, in.Data)
		}
	}
	m.play(i, out)
	m.playing.Store(true)
}

// play gives what one app has said to the group: to each member what there is, as
// packets to one place cost least one after the other; and to the other apps, and
// to itself if it wants that.
func (m *member) play(i int, out *mail) {
	if m.set.uplink.kind != "" {
		for _, packet := range out.group {
			_ = m.send(packet) // what is lost is counted
		}
	}
	for _, to := range *m.targets.Load() {
		for _, packet := range out.group {
			out.Hand(m.socket, packet, to, netip.Addr{})
		}
	}
	for k := range m.apps {
		if k == i && !m.set.echo {
			continue
		}
		for _, packet := range out.group {
			out.Hand(m.apps[k], packet, m.set.apps[k].to, netip.Addr{})
		}
	}
	out.group = out.group[:0]
}

// isForUs reports whether an app's message is not for the whole group.
func isForUs(packet []byte) bool {
	address, ok := wire.FirstAddress(packet)
	return ok && isForServer(address)
}

// forUs answers such a message.
func (m *member) forUs(i int, packet []byte, out *mail) {
	msg, ok := wire.First(packet)
	if !ok {
		return // Check has passed it, so there is one
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch string(msg.Address) {
	case wire.AddressPrivate:
		to, private, ok := wire.Private(msg, m.set.self)
		if len(private) > wire.MaxMember { // our name is longer than the other one's
			m.metrics.drop(dropTooLong)
			return
		}
		if m.set.uplink.kind != "" {
			_ = m.send(packet) // the server puts our name in; what is lost is counted
			return
		}
		if p := m.peers[string(to)]; ok && p != nil {
			if addr, ok := p.chosen(now, m.set.pace.dead); ok {
				out.Hand(m.socket, private, addr, netip.Addr{})
				return
			}
		}
		m.metrics.drop(dropAway)
	case wire.AddressPeers:
		m.listPeers(i, now, out)
	default:
		m.metrics.drop(dropUnasked) // it would speak for us to the others
	}
}

// listPeers tells an app who is there: for each member AddressPeer with its name,
// by which address it is reached ("private", "public", "seen", or "none" yet; "server"
// where the server hands on), that address, and how many milliseconds a ping takes there and back, -1 if that is
// not known.
func (m *member) listPeers(i int, now time.Time, out *mail) {
	for _, p := range m.peers {
		path, at := "none", ""
		if m.up.Load() != nil {
			path = "server"
		}
		if to, ok := p.chosen(now, m.set.pace.dead); ok {
			at = to.String()
			switch to {
			case p.private:
				path = "private"
			case p.public:
				path = "public"
			default:
				path = "seen"
			}
		}
		b := &out.build
		b.Reset()
		b.Begin(wire.AddressPeer, "sssf")
		b.String(p.name)
		b.String(path)
		b.String(at)
		b.Float(p.milliseconds())
		b.End()
		out.Compose(m.apps[i], b.Packet(), m.set.apps[i].to, netip.Addr{})
	}
}
