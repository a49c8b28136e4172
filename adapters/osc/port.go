package osc

import (
	"fmt"
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// A port is a UDP socket that stands for a user: others ping it and send to it as
// if it were that user's own. It answers nobody who has not pinged it under a
// name that is registered from the same IP address.
type port struct {
	number  uint16 // of the range of the relay, 0 for one that the system chose
	socket  *datagram.Socket
	user    *user // nil: it only proves where requests come from
	callers map[*user]*caller
	from    map[netip.AddrPort]*caller
}

// A caller is a user who has pinged a port.
type caller struct {
	user     *user
	at       netip.AddrPort
	local    netip.Addr // which of our addresses it used
	answered time.Time  // when we last pinged it for the port's user ourselves
}

// answerEvery is how often at most the port of somebody who can't ping answers a
// ping. Clients are content with one in 60 s.
const answerEvery = time.Second

// portFor gives the port that stands for u, or nil if there is none free.
func (h *hub) portFor(u *user) *port {
	if u.port != nil {
		return u.port
	}
	p := &port{user: u, callers: map[*user]*caller{}, from: map[netip.AddrPort]*caller{}}
	if err := h.openAny(p); err != nil {
		h.noise.Do(func() { h.log.Warn("no port for a member: others may not reach it", "user", u.name, "err", err) })
		return nil
	}
	u.port = p
	return p
}

// proof gives the port that stands for nobody.
func (h *hub) proof() *port {
	if h.prover == nil {
		p := &port{callers: map[*user]*caller{}, from: map[netip.AddrPort]*caller{}}
		if h.openPort(p) != nil {
			return nil
		}
		h.prover = p
	}
	return h.prover
}

// maxOpening is how many ports are tried at once. Who else has them may have all, or
// there is no socket to be had; and the hub waits.
const maxOpening = 16

// openAny opens p at the port that has been unused for longest. Without a range,
// or when it is used up, those who need one to be reached at all get one that
// the system chooses.
func (h *hub) openAny(p *port) error {
	for range min(len(h.free), maxOpening) {
		p.number, h.free = h.free[0], h.free[1:]
		err := h.openPort(p)
		if err == nil {
			return nil
		}
		h.free = append(h.free, p.number) // somebody else has it
	}
	p.number = 0
	if p.user.byUDP() {
		return errNoPort
	}
	if err := h.openPort(p); err != nil {
		return fmt.Errorf("%w: %w", errNoPort, err)
	}
	return nil
}

func (h *hub) closePort(u *user) {
	p := u.port
	if p == nil {
		return
	}
	u.port = nil
	_ = p.socket.Close() // nothing is lost with it
	if p.number != 0 {
		h.free = append(h.free, p.number)
	}
}

func (p *port) forget(u *user) {
	if c := p.callers[u]; c != nil {
		delete(p.callers, u)
		delete(p.from, c.at)
	}
}

// endpoint is where a user is told that the port is.
func (h *hub) endpoint(p *port, u *user) netip.AddrPort {
	return netip.AddrPortFrom(h.address(u), p.socket.Addr().Port())
}

// arrive hands on what has come to a port.
func (h *hub) arrive(p *port, packets []datagram.Packet, now time.Time, m *mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.user != nil && p.user.port != p {
		return // closed meanwhile
	}
	for _, in := range packets {
		switch {
		case len(in.Data) > wire.MaxMember:
			h.metrics.drop(dropTooLong)
		case wire.Check(in.Data) != nil:
			h.metrics.drop(dropMalformed)
		default:
			h.forward(p, in, now, m)
		}
	}
}

func (h *hub) forward(p *port, in datagram.Packet, now time.Time, m *mail) {
	name, isPing := wire.PingName(in.Data)
	c := p.from[in.From]
	if isPing {
		if c = h.pinged(p, name, in, now, m); c == nil {
			h.metrics.drop(dropForged)
			return
		}
	}
	if c == nil {
		h.metrics.drop(dropStranger)
		return
	}
	to := p.user
	switch {
	case to == nil:
	case isPing && !to.byUDP():
		h.answerPing(p, c, now, m)
	case to.self:
		m.hear(c.user.name, c.user.names(), in.Data)
	case !to.byUDP() && forged(in.Data):
		h.metrics.drop(dropForged)
	case !to.byUDP():
		h.metrics.door.Inc()
		to.give(in.Data, h.metrics)
	case isPing && !h.holds(c.user, to, now, m):
	default:
		h.relay(p, c, in.Data, isPing, now, m)
	}
}

// pinged notes where a member calls a port from; nil if it is none of those who
// may. Who can ping from an address gets what is sent there.
func (h *hub) pinged(p *port, name []byte, in datagram.Packet, now time.Time, m *mail) *caller {
	u := h.users[string(name)]
	if u == nil || !u.byUDP() || u.at.Addr() != in.From.Addr() || !p.takes(u) {
		return nil
	}
	c := p.callers[u]
	fresh := c == nil
	if fresh {
		c = &caller{user: u}
		p.callers[u] = c
	} else if c.at != in.From {
		delete(p.from, c.at)
	}
	if old := p.from[in.From]; old != nil && old != c {
		delete(p.callers, old.user)
	}
	c.at, c.local = in.From, in.To
	p.from[in.From] = c
	u.nature.mapping = mappingOther
	if in.From.Port() == u.at.Port() {
		u.nature.mapping = mappingSame
	}
	if p == h.prover && !u.probe.first.IsZero() {
		u.nature.filter = filterOpen // the ping that it answers came in
	}
	if u.budget.prove(now) {
		h.tellAll(u, now, m)
	}
	if fresh && p.user != nil && p.user.self {
		h.events.reached(u.name, u.names())
	}
	return c
}

// takes reports whether u may ping the port: who shares a group with its user, and where
// both play by UDP, has been told of it.
func (p *port) takes(u *user) bool {
	v := p.user
	switch {
	case v == nil:
		return true
	case v.byUDP() && u != v:
		return u.pairs[v] != nil
	}
	return u.meets(v)
}

// answerPing pings back for somebody who can't.
func (h *hub) answerPing(p *port, c *caller, now time.Time, m *mail) {
	if now.Sub(c.answered) < answerEvery {
		return
	}
	c.answered = now
	m.build.Reset()
	m.build.Ping(p.user.name)
	m.Compose(p.socket, m.build.Packet(), c.at, c.local)
}

// holds reports whether u and v are relayed, and lets a ping from u to v's port
// count where they are not.
func (h *hub) holds(u, v *user, now time.Time, m *mail) bool {
	p := u.pairs[v]
	if p == nil || p.relay {
		return p != nil
	}
	p.ping(u.side(v), now, u.probe.as == v.name && u.probe.first.After(p.began))
	return h.judge(u, v, now, m)
}

// judge puts a pair whose way has failed on the next one, and reports whether
// that is the relay.
func (h *hub) judge(u, v *user, now time.Time, m *mail) bool {
	p := u.pairs[v]
	if p.relay {
		return true
	}
	side, low := u.side(v), [2]bool{}
	low[side], low[1-side] = isLow(way(u, v, p).Addr()), isLow(way(v, u, p).Addr())
	if !p.failed(now, u.nature, v.nature, low) {
		if content, ok := p.lopsided(now, low); ok {
			p.nudge(content, now)
			if side != content {
				u, v = v, u
			}
			h.tell(u, v, now, m)
		} else if _, known := p.known(now); known {
			h.probeFor(u, v, now, m)
			h.probeFor(v, u, now, m)
		}
		return false
	}
	if p.next(now, max(len(ways(u, v)), len(ways(v, u)))); hopeless(u.nature, v.nature) {
		p.next(now, 0)
	}
	if p.relay {
		h.metrics.pairs.Inc()
		h.metrics.moved.WithLabelValues(pathRelay).Inc()
		h.noise.Do(func() { h.log.Info("two members do not meet, and are relayed", "from", u.name, "to", v.name) })
	}
	h.tellPair(u, v, now, m)
	return p.relay
}

// relay hands a packet of c's to the port's user, as from c's own port.
func (h *hub) relay(p *port, c *caller, packet []byte, isPing bool, now time.Time, m *mail) {
	back := c.user.port
	if back == nil {
		h.metrics.drop(dropAway)
		return
	}
	to := back.callers[p.user]
	if to == nil {
		h.metrics.drop(dropAway)
		return
	}
	if pair := c.user.pairs[p.user]; pair != nil && !isPing {
		pair.used = now
	}
	if !isPing {
		h.metrics.relay.Inc()
	}
	m.Hand(back.socket, packet, to.at, to.local)
}
