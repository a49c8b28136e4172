package osc

import (
	"net/netip"
	"slices"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// maxRequest bounds what a server reads by UDP, in bytes.
const maxRequest = 8 << 10

// A visit is the requests of one packet.
type visit struct {
	reply
	entry  *datagram.Socket // where it came in
	user   *user            // who has registered in this packet, or from this address before
	size   int              // of the packet
	paid   bool             // the packet counts for one budget only
	unpaid budget
	alive  wire.UserAlive
}

// ask answers what came to the server's socket.
func (h *hub) ask(packets []datagram.Packet, now time.Time, v *visit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, in := range packets {
		if len(in.Data) > maxRequest || wire.Check(in.Data) != nil {
			h.metrics.drop(dropMalformed)
			continue
		}
		v.begin(h, in, now)
		wire.Each(in.Data, func(msg wire.Message) { h.request(v, msg) })
		v.flush()
	}
}

// begin makes v ready for a datagram.
func (v *visit) begin(h *hub, in datagram.Packet, now time.Time) {
	v.m.build.Reset()
	v.reply = reply{m: v.m, socket: v.entry, to: in.From, at: in.To, now: now}
	v.user, v.size, v.paid = h.byAddr[in.From], len(in.Data), false
	v.unpaid = budget{}
	v.unpaid.heard(v.size)
	v.budget = &v.unpaid
}

// pay lets the packet count for a user, once: of what it is good for, what has been
// answered already is gone. Where it counts for another one, that one pays for the
// answers until now.
func (v *visit) pay(u *user) {
	switch {
	case v.guest != nil || v.budget == &u.budget:
		return
	case v.paid:
		v.flush()
	default:
		u.budget.grant(v.unpaid.credit)
		v.paid = true
	}
	v.budget = &u.budget
}

// request answers one message.
func (h *hub) request(v *visit, msg wire.Message) {
	switch string(msg.Address) {
	case wire.AddressUserAlive:
		if !v.alive.Read(msg) {
			h.metrics.drop(dropUnasked)
			return
		}
		h.register(v)
	case wire.AddressGetUsers:
		login, ok := wire.ReadLogin(msg)
		if !ok {
			h.metrics.drop(dropUnasked)
			return
		}
		if v.user != nil {
			v.pay(v.user)
		}
		if g := h.groups[string(login.Name)]; g != nil && g.hash == string(login.Hash) {
			h.addMembers(&v.reply, v.user, g)
		}
	default:
		h.metrics.drop(dropUnasked)
	}
}

// register answers a user_alive.
func (h *hub) register(v *visit) {
	req := &v.alive
	u, fresh, status := h.identify(req.User)
	h.metrics.status(status)
	if u == nil {
		v.add(func(b *wire.Builder) { b.UserStatus(req.User, status) })
		return
	}
	moved := h.place(v, u, fresh)
	v.pay(u)
	v.user, u.alive = u, v.now
	v.add(func(b *wire.Builder) { b.UserStatus(req.User, status) })
	joined := false
	for _, login := range req.Groups {
		g := h.groups[string(login.Name)]
		status := wire.StatusOK
		if g == nil || !u.in(g) {
			if g, status = h.open(login); g != nil {
				h.enter(u, g)
				joined = true
			}
		}
		v.add(func(b *wire.Builder) { b.GroupStatus(req.User, login, status) })
	}
	for i := len(u.groups) - 1; i >= 0; i-- {
		g := u.groups[i]
		if !slices.ContainsFunc(req.Groups, func(l wire.Login) bool { return string(l.Name) == g.name }) {
			h.leave(u, g)
		}
	}
	if joined || moved {
		v.announce(h, u, joined)
	}
}

// announce tells the others of somebody who is new, or elsewhere. What is told
// goes out before the answer, whose bundle has begun.
func (v *visit) announce(h *hub, u *user, joined bool) {
	v.flush()
	h.tellOthers(u, v.now, v.m)
	v.m.build.Reset()
	for _, g := range u.groups {
		if joined {
			h.tellList(g)
		}
	}
}

// place notes where a user is now, and reports whether others have to be told.
func (h *hub) place(v *visit, u *user, fresh bool) (moved bool) {
	if v.guest != nil {
		return h.seat(v.guest, u)
	}
	moved = u.private != v.alive.Private
	u.private, u.local = v.alive.Private, v.at
	if u.at == v.to {
		return moved
	}
	if !fresh {
		h.noise.Do(func() { h.log.Info("a user is elsewhere now", "user", u.name, "peer", v.to) })
		h.unplace(u)
	}
	u.at, u.entry = v.to, v.entry
	u.budget, u.nature, u.probe, u.prover, u.turn = budget{}, nature{}, probe{}, nil, 0
	h.byAddr[u.at] = u
	return true
}

// unplace forgets where a user was, and how it met others.
func (h *hub) unplace(u *user) {
	u.others(func(v *user) { h.part(u, v) })
	if h.prover != nil {
		h.prover.forget(u)
	}
	if h.byAddr[u.at] == u {
		delete(h.byAddr, u.at)
	}
	for _, g := range u.guests {
		g.user = nil
		g.shut()
	}
	u.guests, u.at = nil, netip.AddrPort{}
	h.closePort(u) // it has stood for somebody elsewhere
}
