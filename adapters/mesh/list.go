package mesh

import (
	"time"

	"gateway/adapters/mesh/wire"
)

// maxListParts is what the number of a list's parts can say.
const maxListParts = 255

const (
	// publishRate is how many bytes a second news make of lists, in the mean. In the
	// largest mesh they come as often as without news.
	publishRate = 4 << 20
	// changeTime is between two changes of what others are told of a client.
	changeTime = 10 * time.Second
)

// head begins a packet to a client.
func (h *hub) head(c *client, b *wire.Builder) {
	b.Server(ourVersion, h.sequence, c.uuid)
	h.sequence++
}

// post sends what was built to a client.
func (h *hub) post(c *client, m *mail) {
	packet := m.build.Packet()
	h.bytes += len(packet)
	m.Compose(c.socket, packet, c.at, c.local)
}

// answer sends a client's time stamp back.
func (h *hub) answer(c *client, stamp uint64, m *mail) {
	h.head(c, &m.build)
	m.build.YourTime(stamp)
	h.post(c, m)
}

// publish tells everybody who is there, at once, but when many come together only
// once; what that costs bounds how soon it is done again.
func (h *hub) publish(now time.Time, m *mail) {
	// A millisecond for each client is for our own work.
	wait := max(h.set.pace.publish, time.Duration(len(h.listed))*time.Millisecond)
	wait = max(wait, min(time.Duration(h.cost)*time.Second/publishRate, h.set.pace.list))
	if now.Sub(h.published) < wait {
		return // tick does
	}
	h.published, h.dirty = now, false
	before := h.bytes
	for _, c := range h.listed {
		h.tell(c, now, m)
	}
	h.cost = h.bytes - before
}

// tell sends a client the list, and a time stamp. Who is not listed itself sees
// nobody.
func (h *hub) tell(c *client, now time.Time, m *mail) {
	c.told = now
	h.metrics.lists.Inc()
	stamp := c.window.ask(now)
	h.gather(c)
	h.begin(c, stamp, nil, m)
	room := m.build.Room()
	ends := h.split(room, room)
	if len(ends) > 1 && c.extended() {
		h.lists++
		h.parts(c, stamp, m)
		return
	}
	if len(h.entries) > ends[0] {
		cut := len(h.listed) - 1 - ends[0]
		h.metrics.dropped.WithLabelValues(dropCut).Add(float64(cut))
		h.noise.Do(func() { h.log.Warn("a list is too long for its client's program", "peer", c.at, "left_out", cut) })
	}
	for _, e := range h.entries[:ends[0]] {
		m.build.Entry(e)
	}
	m.build.Count(ends[0])
	h.post(c, m)
}

// gather makes a client's list: those who have been there longest are first, so that
// whoever comes takes nobody's place.
func (h *hub) gather(c *client) {
	h.entries = h.entries[:0]
	if !c.listed {
		return
	}
	room := wire.MaxPacket
	for _, o := range h.listed {
		if o == c || !c.extended() && !o.at.Addr().Is4() { // the original reads IPv6 wrongly
			continue
		}
		e := o.entry(c)
		h.entries = append(h.entries, e)
		if room -= e.Size(); room < 0 && !c.extended() {
			return // there is but one packet
		}
	}
}

// begin begins a list's first packet.
func (h *hub) begin(c *client, stamp uint64, part []byte, m *mail) {
	h.head(c, &m.build)
	m.build.MyTime(stamp)
	m.build.YourAddress(c.at)
	if c.extended() {
		m.build.Meta(h.meta)
	}
	if part != nil {
		m.build.CC(part)
	}
}

// split says where the packets of a list end, by the room that the first, and the
// others, have.
func (h *hub) split(first, rest int) []int {
	ends, room, n := h.ends[:0], first-wire.CountSize, 0
	for i, e := range h.entries {
		size := e.Size()
		if size > room || n == wire.MaxCount {
			ends = append(ends, i)
			room, n = rest-wire.CountSize, 0
		}
		room -= size
		n++
	}
	h.ends = append(ends, len(h.entries))
	return h.ends
}

// parts sends a list in many packets.
func (h *hub) parts(c *client, stamp uint64, m *mail) {
	part := func(i, of int) []byte {
		h.part = wire.Part{List: h.lists, Part: uint8(i), Parts: uint8(of)}.Append(h.part[:0])
		return h.part
	}
	b := &m.build
	h.begin(c, stamp, part(0, 1), m)
	first := b.Room()
	h.head(c, b)
	b.CC(part(0, 1))
	ends := h.split(first, b.Room())
	ends = ends[:min(len(ends), maxListParts)]
	from := 0
	for i, end := range ends {
		if i == 0 {
			h.begin(c, stamp, part(0, len(ends)), m)
		} else {
			h.head(c, b)
			b.CC(part(i, len(ends)))
		}
		for _, e := range h.entries[from:end] {
			b.Entry(e)
		}
		b.Count(end - from)
		h.post(c, m)
		from = end
	}
}
