package mesh

import (
	"time"

	"gateway/adapters/mesh/wire"
)

// beg probes a peer by the server, if it can't be met by itself.
func (n *node) beg(q *peer, now time.Time, m *mail) {
	pace := &n.set.pace
	if !n.set.relay || !q.bound || q.version < wire.Extended || n.link.version < wire.Extended || n.link.err != nil ||
		now.Sub(q.since) < pace.meet || now.Sub(q.begged) < relayPace*pace.probe {
		return
	}
	if _, met := q.chosen(now, pace.probe); met {
		return
	}
	q.begged = now
	n.peerHead(q, &m.build)
	m.build.MyTime(q.handed.ask(now))
	n.hand(q, m)
}

// hand has the server hand on what was built for a peer.
func (n *node) hand(q *peer, m *mail) {
	n.values = append(n.values[:0], m.build.Values()...)
	n.serverHead(&m.build)
	if !m.build.Behind(wire.Forward{UUID: q.uuid}, n.values) {
		n.metrics.drop(dropRelay)
		return
	}
	n.mailTo(n.server, m)
}

// fromFar takes a packet of a peer's that the server has handed on.
func (n *node) fromFar(p *wire.Packet, now time.Time, m *mail) {
	q := n.byUUID[p.Forward.UUID]
	in := &m.inner
	if q == nil || in.ReadBehind(p.Behind) != nil || in.HasForward {
		n.metrics.drop(dropStranger)
		return
	}
	if in.MyTime != 0 {
		n.peerHead(q, &m.build)
		m.build.YourTime(in.MyTime)
		n.hand(q, m)
	}
	if in.YourTime != 0 && q.handed.answer(in.YourTime, now) {
		n.changed(q, now, m)
	}
	if len(in.CC) > 0 {
		m.hear(q.remote(now, &n.set.pace), in.Meta, in.CC)
	}
}
