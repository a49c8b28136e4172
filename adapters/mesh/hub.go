package mesh

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"

	"golang.org/x/time/rate"
)

const (
	// ourVersion is what we say that our program is.
	ourVersion = wire.Extended
	// maxUnlisted bounds those who have not shown yet that they are where they say.
	maxUnlisted = 1024
	// proofTime is how long one may take for that.
	proofTime = 10 * time.Second
	// relayBurst is how many seconds' worth is handed on at once.
	relayBurst = 2
)

// A hub is who is in a server's mesh. Whoever holds its lock waits for nothing: what
// is to be sent goes into a mail.
type hub struct {
	set     *settings
	log     *slog.Logger
	metrics *metrics
	roster  *roster
	noise   rate.Sometimes

	mu        sync.Mutex // guards the rest
	clients   map[netip.AddrPort]*client
	listed    []*client // in the order of their coming
	unlisted  []*client // likewise
	byUUID    map[wire.UUID]*client
	byName    map[string]*client
	hosts     map[netip.Addr]int // how many are listed at each
	sequence  uint32
	lists     uint32
	dirty     bool // somebody has come or gone since
	published time.Time
	bytes     int    // that were sent
	cost      int    // of those, for what was published last
	meta      []byte // our name
	relayed   Traffic

	entries []wire.Entry // of the list that is being made, and where its packets end
	ends    []int
	part    []byte
}

func newHub(a *Adapter, r *roster) *hub {
	return &hub{
		set: a.set, log: a.log, metrics: a.metrics, roster: r, noise: rate.Sometimes{First: 100, Interval: time.Second},
		meta:    wire.AppendNames(nil, [2]string{wire.KeyPeer, a.set.self}),
		clients: map[netip.AddrPort]*client{}, byUUID: map[wire.UUID]*client{}, byName: map[string]*client{}, hosts: map[netip.Addr]int{},
	}
}

// receive takes packets that came by s.
func (h *hub) receive(s *datagram.Socket, packets []datagram.Packet, now time.Time, m *mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.metrics.beacons.Add(float64(len(packets)))
	for i := range packets {
		h.take(s, &packets[i], now, m)
	}
	if h.dirty {
		h.publish(now, m)
	}
}

// take takes one packet. What is no packet changes nothing, whoever is said to
// have sent it.
func (h *hub) take(s *datagram.Socket, in *datagram.Packet, now time.Time, m *mail) {
	p := &m.packet
	if err := p.Read(in.Data); err != nil {
		reason := dropMalformed
		if errors.Is(err, wire.ErrChecksum) {
			reason = dropChecksum
		}
		h.metrics.drop(reason)
		return
	}
	c := h.clients[in.From]
	if c != nil && p.HasUUID && p.UUID != c.uuid {
		if c = h.other(c, p, now, m); c == nil {
			return
		}
	} else if c == nil {
		if c = h.admit(s, in, now, m); c == nil {
			return
		}
	}
	c.heard = now
	if p.Shutdown && p.HasUUID {
		h.leave(c, now, m)
		return
	}
	c.leaving = time.Time{}
	if p.MyTime != 0 {
		c.beaconed, c.rival = now, rival{}
	}
	h.learn(c, p, now)
	if p.MyTime != 0 {
		h.answer(c, p.MyTime, m)
	}
	if p.YourTime != 0 {
		h.answered(c, p, now, m)
	}
	if h.clients[c.at] != c {
		return
	}
	if !c.listed {
		if c.told.IsZero() || now.Sub(c.told) >= time.Second {
			h.tell(c, now, m)
		}
		return
	}
	if p.HasForward {
		h.forward(c, p, now, m)
	}
	if len(p.CC) > 0 {
		h.extensions(c, p, now, m)
	}
}

// admit makes a client of whoever sent a packet, if it may be one; else nil.
func (h *hub) admit(s *datagram.Socket, in *datagram.Packet, now time.Time, m *mail) *client {
	p := &m.packet
	if !p.HasUUID || p.ClientVersion == 0 || p.Shutdown {
		h.metrics.drop(dropStranger)
		return nil
	}
	if h.full(in.From) {
		return nil
	}
	h.evict(host(in.From.Addr()), m)
	return h.add(&client{at: in.From, socket: s, local: in.To, uuid: p.UUID, since: now, heard: now})
}

// full reports whether no more clients can be listed at an address.
func (h *hub) full(at netip.AddrPort) bool {
	if h.hosts[host(at.Addr())] < h.set.perHost && len(h.listed) < h.set.maxClients {
		return false
	}
	h.metrics.drop(dropFull)
	h.noise.Do(func() { h.log.Warn("one client too many", "peer", at) })
	return true
}

// add remembers a client that is not listed.
func (h *hub) add(c *client) *client {
	c.credit = *rate.NewLimiter(rate.Limit(h.set.relayRate), relayBurst*h.set.relayRate)
	c.host = host(c.at.Addr())
	h.clients[c.at] = c
	h.unlisted = append(h.unlisted, c)
	return c
}

// evict makes room for one at a host: whoever of there, or of all, has waited longest
// to be listed goes. A forged address is as good as another until then, and must not
// keep those out who are at that host; they are listed one round trip later.
func (h *hub) evict(at netip.Addr, m *mail) {
	n, first := 0, -1
	for i, c := range h.unlisted {
		if c.host == at {
			if n++; first < 0 {
				first = i
			}
		}
	}
	switch {
	case n >= h.set.perHost:
		h.remove(h.unlisted[first], m)
	case len(h.unlisted) >= maxUnlisted:
		h.remove(h.unlisted[0], m)
	}
}

// learn notes what a client says of itself.
func (h *hub) learn(c *client, p *wire.Packet, now time.Time) {
	if p.ClientVersion != 0 {
		c.version = p.ClientVersion
	}
	if p.Local.IsValid() {
		c.inside = p.Local
	}
	if p.Meta == nil {
		return
	}
	name, ok := wire.Field(p.Meta, wire.KeyPeer)
	if !ok || string(name) == c.name || !wire.IsName(name) {
		return
	}
	if _, taken := wire.ParseUUID(string(name)); taken || string(name) == h.set.self {
		return // somebody else is called that
	}
	if c.name != "" && !c.change(now) {
		return // it says it again with its next beacon
	}
	h.unname(c)
	c.name = string(name)
	if c.listed {
		h.name(c)
		h.dirty = true
	}
}

// name gives a client its name, if nobody else who is there has it.
func (h *hub) name(c *client) {
	if c.bound && c.name != "" && h.byName[c.name] == nil {
		c.named = true
		h.byName[c.name] = c
		h.roster.set(c.remote(), true)
	}
}

func (h *hub) unname(c *client) {
	if c.named {
		h.roster.set(c.remote(), false)
		delete(h.byName, c.name)
		c.named = false
		h.roster.set(c.remote(), c.bound)
	}
}

// answered takes a time stamp that came back. Who sends one back is where it says,
// and others are told of it.
func (h *hub) answered(c *client, p *wire.Packet, now time.Time, m *mail) {
	switch {
	case !c.window.answer(p.YourTime, now):
	case c.listed:
		c.proven(p)
	case h.full(c.at):
		h.remove(c, m)
	default:
		h.list(c, m)
	}
}

// list has others be told of a client.
func (h *hub) list(c *client, m *mail) {
	h.unlisted = slices.DeleteFunc(h.unlisted, func(o *client) bool { return o == c })
	c.listed, c.told = true, time.Time{} // it is told at the next tick, when nobody else is
	h.listed = append(h.listed, c)
	h.hosts[c.host]++
	if h.byUUID[c.uuid] == nil {
		h.bind(c, m)
	}
	h.dirty = true
	h.metrics.peers.Set(float64(len(h.listed)))
	h.noise.Do(func() { h.log.Info("a client has joined the mesh", "peer", c.at, "uuid", c.uuid, "name", c.name) })
}

// bind gives a client its UUID, and its name. Whoever says the same while it is there
// has neither: it may have moved, or lie.
func (h *hub) bind(c *client, m *mail) {
	h.byUUID[c.uuid] = c
	c.bound = true
	h.roster.set(c.remote(), true)
	h.name(c)
	m.tell(c.remote(), true)
}

// remove forgets a client.
func (h *hub) remove(c *client, m *mail) {
	delete(h.clients, c.at)
	if !c.listed {
		h.unlisted = slices.DeleteFunc(h.unlisted, func(o *client) bool { return o == c })
		return
	}
	if h.hosts[c.host] > 1 {
		h.hosts[c.host]--
	} else {
		delete(h.hosts, c.host)
	}
	if i := slices.Index(h.listed, c); i >= 0 {
		h.listed = slices.Delete(h.listed, i, i+1)
	}
	if c.bound {
		was := c.remote()
		h.unname(c)
		h.roster.set(c.remote(), false)
		delete(h.byUUID, c.uuid)
		c.bound = false
		h.forget(c.uuid)
		m.tell(was, false)
		if i := slices.IndexFunc(h.listed, func(o *client) bool { return o.uuid == c.uuid }); i >= 0 {
			h.bind(h.listed[i], m) // it has moved
		}
	}
	h.dirty = true
	h.metrics.peers.Set(float64(len(h.listed)))
	h.noise.Do(func() { h.log.Info("a client has left the mesh", "peer", c.at, "uuid", c.uuid, "name", c.name) })
}

// tick does what time brings.
func (h *hub) tick(now time.Time, m *mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.listed) - 1; i >= 0; i-- { // one goes, or its successor comes last
		h.settle(h.listed[i], now, m)
	}
	for len(h.unlisted) > 0 && now.Sub(h.unlisted[0].since) > proofTime {
		h.remove(h.unlisted[0], m)
	}
	if h.dirty {
		h.publish(now, m)
	}
	for _, c := range h.listed {
		if now.Sub(c.told) >= h.set.pace.list {
			h.tell(c, now, m)
		}
	}
}
