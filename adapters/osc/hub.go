package osc

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/adapters/osc/wire"

	"golang.org/x/time/rate"
)

// A hub is a server's groups and who is in them. Nothing in it waits: what is to
// be sent goes into a mail, which is sent without the lock.
type hub struct {
	set     *settings
	log     *slog.Logger
	metrics *metrics
	events  events
	// openPort opens a socket for what stands for a user, and serves it.
	openPort func(p *port) error

	noise rate.Sometimes // bounds what others make us log

	mu     sync.Mutex // guards the rest, and users, groups, pairs and ports
	users  map[string]*user
	byAddr map[netip.AddrPort]*user // of those by UDP the last from there
	groups map[string]*group
	self   *user    // nil without chat
	prover *port    // stands for nobody: to ping it shows where one is
	free   []uint16 // ports for the relay that nobody has, the longest unused first
	met    int      // how many pairs there are
	draws  bool     // new users are refused: the end is near
	info   []string // to build a user_info
}

// events are told who comes and goes.
type events interface {
	// joined and left are called with the hub's lock held. reached says that
	// texts can be sent there now.
	joined(user, group string)
	left(user, group string)
	reached(user string, groups []string)
}

var errNoPort = errors.New("no port is free")

func newHub(set *settings, log *slog.Logger, m *metrics, ev events) *hub {
	h := &hub{
		set: set, log: log, metrics: m, events: ev, noise: rate.Sometimes{First: 10, Interval: time.Second},
		users: map[string]*user{}, byAddr: map[netip.AddrPort]*user{}, groups: map[string]*group{},
	}
	for port := set.first; port != 0 && port <= set.last; port++ {
		h.free = append(h.free, port)
	}
	for name, hash := range set.groups {
		h.groups[name] = &group{name: name, hash: hash}
	}
	if set.chat != "" {
		h.self = &user{name: set.self, self: true, pairs: map[*user]*pair{}}
		h.users[h.self.name] = h.self
		for _, g := range h.groups {
			h.enter(h.self, g)
		}
	}
	return h
}

// identify finds or makes the user of a login; the status is wire.StatusOK, or
// why there is none. The strings of the hub outlive the login.
func (h *hub) identify(l wire.Login) (u *user, fresh bool, status string) {
	if !isWireName(l.Name) || len(l.Hash) > maxName {
		return nil, false, wire.StatusWrongPassword
	}
	if u = h.users[string(l.Name)]; u != nil {
		if u.self || u.hash != string(l.Hash) {
			return nil, false, wire.StatusWrongPassword
		}
		return u, false, wire.StatusOK
	}
	if hash, ok := h.set.accounts[string(l.Name)]; h.set.accounts != nil && (!ok || hash != string(l.Hash)) {
		return nil, false, wire.StatusWrongPassword
	}
	if h.draws || h.count() >= h.set.maxUsers {
		return nil, false, wire.StatusLimit
	}
	u = &user{name: string(l.Name), hash: string(l.Hash), pairs: map[*user]*pair{}}
	h.users[u.name] = u
	h.metrics.users.Set(float64(h.count()))
	return u, true, wire.StatusOK
}

// count is how many users there are, ourselves apart.
func (h *hub) count() int {
	if h.self != nil {
		return len(h.users) - 1
	}
	return len(h.users)
}

// open finds or makes the group of a login.
func (h *hub) open(l wire.Login) (g *group, status string) {
	if !isWireName(l.Name) || len(l.Hash) > maxName {
		return nil, wire.StatusWrongPassword
	}
	if g = h.groups[string(l.Name)]; g != nil {
		if g.hash != string(l.Hash) {
			return nil, wire.StatusWrongPassword
		}
		return g, wire.StatusOK
	}
	if h.set.groups != nil {
		return nil, wire.StatusWrongPassword
	}
	if len(h.groups) >= h.set.maxGroups {
		return nil, wire.StatusLimit
	}
	g = &group{name: string(l.Name), hash: string(l.Hash)}
	h.groups[g.name] = g
	h.metrics.groups.Set(float64(len(h.groups)))
	if h.self != nil {
		h.enter(h.self, g)
	}
	return g, wire.StatusOK
}

// enter makes u a member of g.
func (h *hub) enter(u *user, g *group) {
	u.groups = append(u.groups, g)
	g.members = append(g.members, u)
	if !u.self {
		h.events.joined(u.name, g.name)
	}
}

// leave takes u out of g.
func (h *hub) leave(u *user, g *group) {
	u.groups = slices.DeleteFunc(u.groups, func(x *group) bool { return x == g })
	g.members = slices.DeleteFunc(g.members, func(x *user) bool { return x == u })
	h.events.left(u.name, g.name)
	h.tellList(g)
	for _, v := range g.members {
		if !u.meets(v) {
			h.part(u, v)
		}
	}
	if fixed := h.set.groups != nil; !fixed && !slices.ContainsFunc(g.members, func(x *user) bool { return !x.self }) {
		if h.self != nil {
			h.self.groups = slices.DeleteFunc(h.self.groups, func(x *group) bool { return x == g })
		}
		delete(h.groups, g.name)
		h.metrics.groups.Set(float64(len(h.groups)))
	}
}

// part forgets how u and v met.
func (h *hub) part(u, v *user) {
	if p := u.pairs[v]; p != nil {
		h.met--
		if p.relay {
			h.metrics.pairs.Dec()
		}
	}
	delete(u.pairs, v)
	delete(v.pairs, u)
	for _, side := range [][2]*user{{u, v}, {v, u}} {
		if side[0].prover == side[1] {
			side[0].prover = nil
		}
		if port := side[0].port; port != nil {
			port.forget(side[1])
		}
	}
}

// remove forgets a user.
func (h *hub) remove(u *user) {
	for len(u.groups) > 0 {
		h.leave(u, u.groups[0])
	}
	h.unplace(u)
	delete(h.users, u.name)
	h.metrics.users.Set(float64(h.count()))
}

// purge forgets those by UDP who have not been heard for too long, and looks at
// what time changes for pairs.
func (h *hub) purge(now time.Time, m *mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range h.users {
		if u.byUDP() && now.Sub(u.alive) >= h.set.timeout {
			h.remove(u)
			continue
		}
		h.probeAgain(u, now, m)
		for v, p := range u.pairs {
			if u.name < v.name && p.ripe(now, u.nature, v.nature) {
				h.metrics.pairs.Dec()
				h.metrics.moved.WithLabelValues("direct").Inc()
				p.restart(now, true)
				h.tellPair(u, v, now, m)
			}
		}
	}
}

// address is which of our addresses a user is told for ports of ours.
func (h *hub) address(u *user) netip.Addr {
	if h.set.address.IsValid() {
		return h.set.address
	}
	return u.local
}

// closeAll closes the sockets of the hub.
func (h *hub) closeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draws = true
	for _, u := range h.users {
		h.closePort(u)
	}
	if h.prover != nil {
		_ = h.prover.socket.Close() // nothing is lost with it
		h.prover = nil
	}
}
