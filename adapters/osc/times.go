package osc

import (
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// measureEvery is how often a ping to a member asks for the time that it takes.
const measureEvery = 30 * time.Second

// askTime adds to a ping, now and then, our clock: another gateway sends it back.
// OscGroupClient passes over it.
func (m *member) askTime(p *peer, b *wire.Builder, now time.Time) {
	if p.heard().IsZero() || now.Sub(p.measure) < measureEvery {
		return
	}
	p.measure = now
	b.Begin(wire.AddressPingSent, "sh")
	b.String(m.set.self)
	b.Long(now.UnixNano())
	b.End()
}

// times looks behind a ping for another's clock, which is sent back, or for ours.
func (m *member) times(p *peer, in datagram.Packet, now time.Time, out *mail) {
	wire.Each(in.Data, func(msg wire.Message) {
		ours := string(msg.Address) == wire.AddressPingBack
		if !ours && string(msg.Address) != wire.AddressPingSent {
			return
		}
		c := msg.Arguments()
		if tag, ok := c.Next(); !ok || tag != 's' {
			return
		}
		if tag, ok := c.Next(); !ok || tag != 'h' {
			return
		}
		clock := c.Int()
		if ours {
			if rtt := time.Duration(now.UnixNano() - clock); rtt >= 0 && rtt < time.Minute && !p.measure.IsZero() {
				p.rtt = max(rtt, 1)
				m.metrics.rtt.Observe(rtt.Seconds())
				m.log.Debug("a ping was measured", "user", p.name, "rtt", rtt)
			}
			return
		}
		b := &out.build
		b.Reset()
		b.Ping(m.set.self)
		b.Begin(wire.AddressPingBack, "sh")
		b.String(m.set.self)
		b.Long(clock)
		b.End()
		out.Compose(m.socket, b.Packet(), in.From, netip.Addr{})
	})
}
