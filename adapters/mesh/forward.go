package mesh

import (
	"time"

	"gateway/adapters/mesh/wire"
)

// maxReaches is of how many others it is kept what a client tells: what all tell of all
// would be a million in the largest mesh.
const maxReaches = 128

// forward hands a packet on to another client, as it is, for whoever is listed; so
// much a second for each.
func (h *hub) forward(c *client, p *wire.Packet, now time.Time, m *mail) {
	to := h.byUUID[p.Forward.UUID]
	switch {
	case !h.set.relay || to == nil || to == c || !to.extended() || !c.bound:
		h.metrics.drop(dropRelay)
		return
	case !c.credit.AllowN(now, len(p.Behind)):
		h.metrics.drop(dropRate)
		return
	}
	h.head(to, &m.build)
	if !m.build.Behind(wire.Forward{UUID: c.uuid}, p.Behind) {
		h.metrics.drop(dropRelay)
		return
	}
	h.post(to, m)
	h.metrics.relayed.Inc()
	h.metrics.bytes.Add(float64(len(p.Behind)))
	h.relayed.Packets++
	h.relayed.Bytes += len(p.Behind)
}

// extensions takes what a client's values of type CC say: what is for us, and what
// is for takers.
func (h *hub) extensions(c *client, p *wire.Packet, now time.Time, m *mail) {
	kept := p.CC[:0]
	for _, v := range p.CC {
		if len(v) == 0 || v[0] != wire.OpReport {
			kept = append(kept, v)
			continue
		}
		if nat, ok := wire.ReadNAT(v); ok {
			if nat.Port != c.nat.Port {
				if c.change(now) {
					h.dirty = true
				} else {
					nat.Port = c.nat.Port // it is told again in 5 s
				}
			}
			c.nat = nat
			continue
		}
		wire.EachReach(v, func(r wire.Reach) {
			if h.byUUID[r.UUID] == nil || r.UUID == c.uuid {
				return
			}
			if c.reaches == nil {
				c.reaches = map[wire.UUID]reach{}
			}
			if _, told := c.reaches[r.UUID]; told || len(c.reaches) < maxReaches {
				c.reaches[r.UUID] = reach{r, now}
			}
		})
	}
	if c.bound && len(kept) > 0 {
		m.hear(c.remote(), p.Meta, kept)
	}
}

// forget takes away what others have told of a client that is gone.
func (h *hub) forget(id wire.UUID) {
	for _, c := range h.listed {
		delete(c.reaches, id)
	}
}

// find implements carrier.
func (h *hub) find(name string) (Remote, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.byName[name]
	if id, ok := wire.ParseUUID(name); ok {
		c = h.byUUID[id]
	}
	if c == nil {
		return Remote{}, errAway
	}
	return c.remote(), nil
}

// send implements carrier.
func (h *hub) send(to wire.UUID, meta []byte, values [][]byte, m *mail) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.byUUID[to]
	switch {
	case c == nil:
		return errAway
	case !c.extended():
		return errNoTexts
	}
	m.values(func(b *wire.Builder) { h.head(c, b) }, func(*wire.Builder) { h.post(c, m) }, 0, meta, values)
	return nil
}
