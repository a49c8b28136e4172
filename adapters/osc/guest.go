package osc

import (
	"slices"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
)

// Bounds on connections.
const (
	maxPending    = 1 << 20 // bytes that wait for one
	maxGuestConns = 16      // of one user
)

// A guest is a connection whose other end is, or wants to be, a user. What is
// given to it waits in memory for a goroutine that writes.
type guest struct {
	user    *user // guarded by the hub
	router  bool  // guarded by the hub: it speaks as tcposcrouter does
	framing wire.Framing
	ready   chan struct{} // has room for one: something waits

	mu      sync.Mutex // guards the rest
	pending []byte     // frames
	closed  bool
}

func newGuest(f wire.Framing) *guest {
	return &guest{framing: f, ready: make(chan struct{}, 1)}
}

// give queues a packet, and reports whether there was room.
func (g *guest) give(packet []byte) bool {
	g.mu.Lock()
	if g.closed || len(g.pending)+len(packet) > maxPending {
		g.mu.Unlock()
		return false
	}
	g.pending = wire.AppendFrame(g.pending, g.framing, packet)
	g.mu.Unlock()
	g.wake()
	return true
}

func (g *guest) wake() {
	select {
	case g.ready <- struct{}{}:
	default: // it has been told already
	}
}

// shut has the connection closed when what waits has been written.
func (g *guest) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.wake()
}

// take gives the frames that wait, in exchange for memory for others. more is
// false when there will be no more.
func (g *guest) take(spare []byte) (frames []byte, more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	frames, g.pending = g.pending, spare[:0]
	return frames, !g.closed
}

// give gives a packet to all of a user's connections.
func (u *user) give(packet []byte, m *metrics) {
	for _, g := range u.guests {
		if !g.give(packet) {
			m.drop(dropSlow)
		}
	}
}

// seat makes a connection one of a user's, and reports whether others have to be
// told.
func (h *hub) seat(g *guest, u *user) (moved bool) {
	if g.user == u {
		return false
	}
	h.unseat(g)
	if u.byUDP() {
		h.unplace(u)
	}
	g.user = u
	if len(u.guests) >= maxGuestConns {
		u.guests[0].user = nil
		u.guests[0].shut()
		u.guests = u.guests[1:]
	}
	u.guests = append(u.guests, g)
	return len(u.guests) == 1
}

// unseat takes a connection from its user, who goes with the last one.
func (h *hub) unseat(g *guest) {
	u := g.user
	if u == nil {
		return
	}
	g.user = nil
	u.guests = slices.DeleteFunc(u.guests, func(x *guest) bool { return x == g })
	if len(u.guests) == 0 {
		h.remove(u)
	}
}

// gone says that a connection has ended.
func (h *hub) gone(g *guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unseat(g)
}

// listen takes a packet that came by a connection.
func (h *hub) listen(g *guest, packet []byte, now time.Time, v *visit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(packet) > wire.MaxMember {
		h.metrics.drop(dropTooLong)
		return
	}
	if wire.Check(packet) != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	if address, ok := wire.FirstAddress(packet); ok && isForServer(address) {
		v.reply = reply{m: v.m, guest: g, now: now}
		v.m.build.Reset()
		v.user, v.paid = g.user, true
		wire.Each(packet, func(msg wire.Message) {
			if !h.routerRequest(v, msg) {
				h.request(v, msg)
			}
		})
		v.flush()
		return
	}
	if g.user == nil {
		h.metrics.drop(dropStranger)
		return
	}
	if forged(packet) {
		h.metrics.drop(dropForged)
		return
	}
	h.metrics.door.Inc()
	h.spread(g.user, packet, v.m)
}

// isForServer reports whether a message is for the server, rather than the
// group.
func isForServer(address []byte) bool {
	has := func(prefix string) bool {
		return len(address) >= len(prefix) && string(address[:len(prefix)]) == prefix
	}
	return has(wire.PrefixToServer) || has(wire.PrefixRouter) || has(wire.PrefixToClient)
}

// forged reports whether a packet for a member has something in it that only a server says, or
// only it is told. Whoever comes by a connection could not tell that it is not the server's.
func forged(packet []byte) (is bool) {
	if !wire.IsBundle(packet) {
		address, ok := wire.FirstAddress(packet)
		return ok && isForServer(address)
	}
	wire.Each(packet, func(m wire.Message) { is = is || isForServer(m.Address) })
	return is
}

// spread hands a packet of u's, who plays by us, to everybody in its groups.
func (h *hub) spread(u *user, packet []byte, m *mail) {
	u.others(func(v *user) { h.pass(u, v, packet, m) })
}

// pass hands a packet of u's to v.
func (h *hub) pass(u, v *user, packet []byte, m *mail) {
	switch {
	case v.self:
		m.hear(u.name, u.names(), packet)
	case !v.byUDP():
		v.give(packet, h.metrics)
	default:
		if u.port == nil || u.port.callers[v] == nil {
			h.metrics.drop(dropAway)
			return
		}
		c := u.port.callers[v]
		m.Hand(u.port.socket, packet, c.at, c.local)
	}
}

// routerRequest answers a message of tcposcrouter's, and reports whether it was
// one.
func (h *hub) routerRequest(v *visit, msg wire.Message) bool {
	switch string(msg.Address) {
	case wire.AddressRegister:
		h.routerRegister(v, msg)
	case wire.AddressPrivate:
		to, packet, ok := wire.Private(msg, h.nameOf(v.user))
		other := h.users[string(to)]
		if !ok || v.user == nil || other == nil || other.self || !v.user.meets(other) {
			h.metrics.drop(dropAway)
			return true
		}
		if len(packet) > wire.MaxMember { // our name is longer than the other one's
			h.metrics.drop(dropTooLong)
			return true
		}
		h.pass(v.user, other, packet, v.m)
	case wire.AddressRouterPing, wire.AddressPing:
	default:
		return false
	}
	return true
}

func (h *hub) nameOf(u *user) string {
	if u == nil {
		return ""
	}
	return u.name
}

// routerRegister registers as user_alive does, from names with passwords as they
// are, and answers with an address that has the name in it.
func (h *hub) routerRegister(v *visit, msg wire.Message) {
	user, group, ok := wire.ReadRegister(msg)
	if !ok {
		h.metrics.drop(dropUnasked)
		return
	}
	user.Hash, group.Hash = []byte(wire.Hash(string(user.Hash))), []byte(wire.Hash(string(group.Hash)))
	u, fresh, status := h.identify(user)
	g := h.groups[string(group.Name)]
	if u != nil && (g == nil || !u.in(g)) {
		g, status = h.open(group)
	}
	h.metrics.status(status)
	if status != wire.StatusOK {
		if fresh {
			h.remove(u)
		}
		v.add(func(b *wire.Builder) {
			b.Begin(wire.AddressRegister, "ss")
			b.Bytes(user.Name)
			b.String(status)
			b.End()
		})
		return
	}
	v.guest.router = true
	joined := !u.in(g)
	if joined {
		h.enter(u, g) // before whom the connection was until now leaves: the group may live by that one
	}
	moved := h.seat(v.guest, u)
	v.user, u.alive = u, v.now
	v.add(func(b *wire.Builder) {
		b.Begin(wire.AddressRegister+"/"+u.name+"/"+g.name, "")
		b.End()
	})
	for i := len(u.groups) - 1; i >= 0; i-- {
		if other := u.groups[i]; other != g {
			h.leave(u, other)
		}
	}
	if joined || moved {
		v.announce(h, u, true)
	}
}
