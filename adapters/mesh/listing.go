package mesh

import (
	"net/netip"
	"slices"
	"time"

	"gateway/adapters/mesh/wire"
)

// A listing is a server's list that comes in parts.
type listing struct {
	number  uint32
	parts   map[uint8]bool
	entries []wire.Entry
}

// list takes a server's list, or a part of one. One whose number of entries is not
// what it says is none.
func (n *node) list(p *wire.Packet, now time.Time, m *mail) {
	if p.Count != len(p.List) {
		n.metrics.drop(dropMalformed)
		return
	}
	i := slices.IndexFunc(p.CC, func(v []byte) bool { _, ok := wire.ReadPart(v); return ok })
	if i < 0 {
		n.replace(p.List, now, m)
		return
	}
	part, _ := wire.ReadPart(p.CC[i])
	p.CC = slices.Delete(p.CC, i, i+1)
	b := &n.coming
	if b.number != part.List || b.parts == nil {
		*b = listing{number: part.List, parts: map[uint8]bool{}}
	}
	if b.parts[part.Part] || len(b.entries)+len(p.List) > maxPeers {
		return
	}
	b.parts[part.Part] = true
	b.entries = append(b.entries, p.List...)
	if len(b.parts) == int(part.Parts) {
		n.replace(b.entries, now, m)
		*b = listing{}
	}
}

// replace has the peers be those that are listed.
func (n *node) replace(entries []wire.Entry, now time.Time, m *mail) {
	there := make(map[netip.AddrPort]bool, len(entries))
	for _, e := range entries {
		if usable(e.External) && e.Identity.UUID != n.set.uuid {
			there[e.External] = true
		}
	}
	n.peers = slices.DeleteFunc(n.peers, func(q *peer) bool {
		if there[q.entry.External] {
			return false
		}
		n.gone(q, m)
		return true
	})
	for _, e := range entries {
		if !there[e.External] {
			continue
		}
		if !usable(e.Internal) || !isPrivate(e.Internal.Addr()) {
			e.Internal = netip.AddrPort{}
		}
		q := n.listed[e.External]
		news := q == nil
		if news {
			if len(n.peers) >= maxPeers {
				continue
			}
			q = newPeer(e, now)
			n.peers = append(n.peers, q)
			n.listed[e.External] = q
		}
		n.inform(q, e)
		if news {
			n.probe(q, now, m)
		}
	}
}

// inform notes what the server says of a peer.
func (n *node) inform(q *peer, e wire.Entry) {
	for _, w := range q.ways {
		if n.from[w.at] == q && w.at != q.ways[bySeen].at {
			delete(n.from, w.at)
		}
	}
	q.inform(e)
	for _, w := range q.ways {
		if w.at.IsValid() && w.at != n.server {
			n.from[w.at] = q
		}
	}
	n.bindUUID(q, e.Identity.UUID)
	if e.Identity.Name != "" && e.Identity.Name != q.name {
		n.bindName(q, e.Identity.Name)
	}
}

// gone forgets a peer.
func (n *node) gone(q *peer, m *mail) {
	if q.path != wire.Unreached && q.bound {
		r := Remote{UUID: q.uuid}
		if q.named {
			r.Name = q.name
		}
		m.tell(r, false)
	}
	n.unbind(q)
	delete(n.listed, q.entry.External)
	for _, w := range q.ways {
		if n.from[w.at] == q {
			delete(n.from, w.at)
		}
	}
	n.noise.Do(func() { n.log.Info("a peer is gone", "uuid", q.uuid, "name", q.name) })
}

// usable reports whether something can be sent to an address.
func usable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && !a.Addr().IsMulticast()
}
