package osc

import (
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// maxReply is the longest datagram of a server, in bytes: what an Ethernet frame
// holds by every way.
const maxReply = 1400

// A reply gathers messages to one address into bundles of at most maxReply, and
// within a budget.
type reply struct {
	m      *mail
	guest  *guest // by a connection, or else
	socket *datagram.Socket
	to     netip.AddrPort
	at     netip.Addr
	budget *budget
	now    time.Time
	short  bool // something did not fit
}

// room is how long the next datagram may be.
func (r *reply) room() int {
	if r.guest != nil {
		return maxReply
	}
	return min(maxReply, r.budget.left(r.now))
}

// add has write put one message into the bundle, or into the next one.
func (r *reply) add(write func(b *wire.Builder)) {
	b := &r.m.build
	before := b.Len()
	write(b)
	if b.Len() <= r.room() {
		return
	}
	b.Cut(before)
	if before > 0 {
		r.flush()
		write(b)
		if b.Len() <= r.room() {
			return
		}
		b.Reset()
	}
	r.short = true
}

// flush sends the bundle.
func (r *reply) flush() {
	p := r.m.build.Packet()
	switch {
	case len(p) == 0:
	case r.guest != nil:
		r.guest.give(p)
	default:
		r.budget.spend(len(p))
		r.m.Compose(r.socket, p, r.to, r.at)
	}
	r.m.build.Reset()
}

// replyTo begins a reply to a user.
func (h *hub) replyTo(u *user, now time.Time, m *mail) reply {
	m.build.Reset()
	return reply{m: m, socket: u.entry, to: u.at, at: u.local, budget: &u.budget, now: now}
}

// endpoints are the two addresses of v that u is told; zero where u has no use
// for any. u is nil for somebody unknown.
func (h *hub) endpoints(u, v *user, now time.Time) (private, public netip.AddrPort) {
	switch {
	case u == v && v.byUDP():
		return v.private, v.at
	case u == nil || !u.meets(v):
		return v.at, v.at // zero for one by another way, who has no port for strangers
	case u == v || !u.byUDP():
		return netip.AddrPort{}, netip.AddrPort{}
	case !v.byUDP():
		if p := h.portFor(v); p != nil {
			e := h.endpoint(p, u)
			return e, e
		}
		return netip.AddrPort{}, netip.AddrPort{}
	}
	all := ways(u, v)
	if h.set.first != 0 {
		if ours, theirs := h.portFor(u), h.portFor(v); ours != nil && theirs != nil {
			if p := h.pairOf(u, v, now); p != nil {
				return p.endpoints(way(u, v, p), h.endpoint(theirs, u), u.side(v))
			}
		}
	}
	// One that has not shown where it is gets a port to ping, in the place of
	// the private address of one other.
	if !u.budget.proven && (u.prover == nil || u.prover == v) {
		if p := h.proof(); p != nil {
			u.prover = v
			return h.endpoint(p, u), all[0]
		}
	}
	return all[0], all[0]
}

// addInfo adds where v is to what u is told.
func (h *hub) addInfo(r *reply, u, v *user) {
	asked := u == nil || u.prover != nil
	private, public := h.endpoints(u, v, r.now)
	seconds := int32(0)
	if v.byUDP() {
		seconds = int32(max(r.now.Sub(v.alive), 0) / time.Second)
	}
	h.info = h.info[:0]
	size := 0
	for _, g := range v.groups {
		if size += len(g.name) + 8; size > maxReply/2 {
			break // somebody in that many groups is known in the first of them
		}
		h.info = append(h.info, g.name)
	}
	r.add(func(b *wire.Builder) { b.UserInfo(v.name, private, public, seconds, h.info) })
	if r.short && !asked {
		u.prover = nil // it has not been told: another one's place will do
	}
}

// addMembers adds where the members of g are, and, where not all fit, begins
// with the first that did not when u asks again. Who has not shown where it is, is
// told the port that it shall ping each time.
func (h *hub) addMembers(r *reply, u *user, g *group) {
	n, start := len(g.members), 0
	var first *user
	if u != nil {
		start = u.turn % max(n, 1)
		if !u.budget.proven && u.prover != nil && u.prover.in(g) {
			first = u.prover
			h.addInfo(r, u, first) // what it was told before may be lost
		}
	}
	for i := range n {
		k := (start + i) % n
		if g.members[k] == first {
			continue
		}
		if h.addInfo(r, u, g.members[k]); r.short {
			h.metrics.drop(dropCredit)
			if u != nil {
				u.turn = k
			}
			return
		}
	}
	if u != nil {
		u.turn = 0
	}
}

// tell tells u at once where v is.
func (h *hub) tell(u, v *user, now time.Time, m *mail) {
	switch {
	case u.byUDP():
		r := h.replyTo(u, now, m)
		h.addInfo(&r, u, v)
		r.flush()
	case len(u.guests) > 0:
		for _, g := range u.guests {
			if g.router {
				continue // hears of everybody by tellList
			}
			m.build.Reset()
			r := reply{m: m, guest: g, now: now}
			h.addInfo(&r, u, v)
			r.flush()
		}
	}
}

// tellPair tells two members at once where the other is.
func (h *hub) tellPair(u, v *user, now time.Time, m *mail) {
	h.tell(u, v, now, m)
	h.tell(v, u, now, m)
}

// tellOthers tells everybody who shares a group with v where it is.
func (h *hub) tellOthers(v *user, now time.Time, m *mail) {
	v.others(func(u *user) { h.tell(u, v, now, m) })
}

// tellAll tells u where everybody is.
func (h *hub) tellAll(u *user, now time.Time, m *mail) {
	r := h.replyTo(u, now, m)
	for _, g := range u.groups {
		h.addMembers(&r, u, g)
	}
	r.flush()
}

// tellList tells those who speak as tcposcrouter does who is in a group.
func (h *hub) tellList(g *group) {
	var p []byte
	for _, u := range g.members {
		for _, to := range u.guests {
			if !to.router {
				continue
			}
			if p == nil {
				names := make([]any, 0, len(g.members))
				for _, v := range g.members {
					names = append(names, v.name)
				}
				var err error
				if p, err = wire.Compose(wire.AddressUserList, names...); err != nil || len(p) > wire.MaxPacket {
					return
				}
			}
			to.give(p)
		}
	}
}
