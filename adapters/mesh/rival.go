package mesh

import (
	"time"

	"gateway/adapters/mesh/wire"
)

const (
	// quiet is how long who sends a beacon every 7 s sends none when it is gone.
	quiet = 10 * time.Second
	// leaveTime is how long a client has to show that it has not ended.
	leaveTime = time.Second
)

// A rival is another client at a client's address, by the word of a packet: another
// program has taken the port, or the packet is forged.
type rival struct {
	uuid    wire.UUID
	version uint8
	stamp   uint64 // that was sent to the address since
	proven  bool   // it came back
}

// other takes a packet from a client's address that says another UUID. It gives the
// client whose it is; nil, if it is nobody's.
//
// A program of our kind says its own UUID when it sends a time stamp back: whoever
// does that is there, and the one before it is not. The original's says the UUID that
// came with the stamp, and so does its successor: that is believed when the one before
// it sends no beacon any more.
func (h *hub) other(c *client, p *wire.Packet, now time.Time, m *mail) *client {
	beacon := p.MyTime != 0 && p.ClientVersion != 0 && !p.Shutdown
	if !c.listed && !p.Shutdown {
		if beacon { // it is as good as the last, and takes no more room
			c.uuid, c.version, c.name = p.UUID, p.ClientVersion, ""
		}
		return c
	}
	if c.listed && p.YourTime != 0 && p.ClientVersion >= wire.Extended && c.window.answer(p.YourTime, now) {
		return h.succeed(c, p.UUID, p.ClientVersion, now, m)
	}
	h.metrics.drop(dropStranger)
	if !beacon {
		return nil
	}
	if c.rival.uuid != p.UUID {
		c.rival = rival{uuid: p.UUID, version: p.ClientVersion}
	}
	if now.Sub(c.asked) >= time.Second {
		c.rival.stamp = h.ask(c, now, m)
	}
	return nil
}

// ask sends a client a time stamp, and no list.
func (h *hub) ask(c *client, now time.Time, m *mail) uint64 {
	c.asked = now
	stamp := c.window.ask(now)
	h.head(c, &m.build)
	m.build.MyTime(stamp)
	m.build.YourAddress(c.at)
	h.post(c, m)
	return stamp
}

// proven notes that a time stamp came back from a client's address with the client's
// own UUID.
func (c *client) proven(p *wire.Packet) {
	switch {
	case c.rival.stamp == 0 || p.YourTime != c.rival.stamp:
	case c.extended() && p.ClientVersion >= wire.Extended: // it is there
		c.rival = rival{}
	default:
		c.rival.proven = true
	}
}

// settle ends clients who have said that they end, or whose address is another's.
func (h *hub) settle(c *client, now time.Time, m *mail) {
	switch {
	case now.Sub(c.heard) > h.set.timeout || !c.leaving.IsZero() && !now.Before(c.leaving):
		h.remove(c, m)
	case c.rival.proven && now.Sub(c.beaconed) >= quiet:
		h.succeed(c, c.rival.uuid, c.rival.version, now, m)
	}
}

// succeed puts a client whose address is another's out, for that.
func (h *hub) succeed(c *client, id wire.UUID, version uint8, now time.Time, m *mail) *client {
	h.remove(c, m)
	n := h.add(&client{at: c.at, socket: c.socket, local: c.local, uuid: id, version: version, since: now, heard: now})
	h.list(n, m)
	return n
}

// leave takes a client's word that it ends: it goes when it does not answer any more.
func (h *hub) leave(c *client, now time.Time, m *mail) {
	switch {
	case !c.listed:
		h.remove(c, m)
	case c.leaving.IsZero():
		c.leaving = now.Add(leaveTime)
		h.ask(c, now, m)
	}
}
