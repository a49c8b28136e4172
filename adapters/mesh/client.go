package mesh

import (
	"net/netip"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"

	"golang.org/x/time/rate"
)

// A client is one of those who are registered with a server: whatever has sent a
// packet, by where it comes from.
type client struct {
	at     netip.AddrPort
	host   netip.Addr       // what it is counted by
	socket *datagram.Socket // it came by
	local  netip.Addr       // and to which address of ours

	uuid    wire.UUID
	version uint8
	name    string         // by its META; "" if it gave none
	inside  netip.AddrPort // where it is in its own network, by its own word

	since, heard time.Time
	beaconed     time.Time // of its own last packet that is no answer
	told         time.Time // of the last list
	changed      time.Time // when its name or its port was another
	asked        time.Time // when it was asked whether it is there still
	leaving      time.Time // when it goes, if it is not heard any more; zero: it stays
	rival        rival     // who says that this address is its own
	listed       bool      // others are told of it: it sent back a time stamp that was sent to it
	bound        bool      // it is the one with its UUID
	named        bool      // and the one with its name

	window  window
	nat     wire.NAT
	reaches map[wire.UUID]reach // what it tells of others
	credit  rate.Limiter        // of what is handed on for it
}

// reach is what a client has told of another, and when.
type reach struct {
	wire.Reach
	at time.Time
}

// host is what clients are counted by: who has one address of IPv6 has a /64.
func host(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a // there is none without an address
	}
	return p.Addr()
}

func (c *client) remote() Remote {
	r := Remote{UUID: c.uuid, Version: c.version, Path: wire.Direct, RTT: c.window.srtt, RTTVar: c.window.rttvar}
	if c.named {
		r.Name = c.name
	}
	return r
}

// change reports whether others can be told something else of the client.
func (c *client) change(now time.Time) bool {
	if now.Sub(c.changed) < changeTime {
		return false
	}
	c.changed = now
	return true
}

func (c *client) extended() bool { return c.version >= wire.Extended }

// entry is how to is told of c: by the address in its own network too, if they
// are in the same. Anything else than an address that is nobody's elsewhere would
// have others send where c likes.
func (c *client) entry(to *client) wire.Entry {
	e := wire.Entry{External: c.at}
	if c.at.Addr() == to.at.Addr() && isPrivate(c.inside.Addr()) && c.inside.Port() != 0 {
		e.Internal = c.inside
	}
	if to.extended() {
		e.Identity = wire.Identity{UUID: c.uuid, Version: c.version, Port: c.nat.Port}
		if c.named {
			e.Identity.Name = c.name
		}
	}
	return e
}
