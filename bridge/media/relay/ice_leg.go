package relay

import (
	"net/netip"
	"sync/atomic"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// iceState is what a leg has of ICE. Its loop alone touches it, but for what is
// immutable.
type iceState struct {
	sites  []*site // immutable
	tenant *tenant // immutable
	now    *run
	next   *run // that the peer has begun; nil: none
	pair   media.Pair
	lost   bool                        // now has failed
	way    way                         // where RTP goes; any goroutine's
	told   map[netip.AddrPort]struct{} // of mapped addresses, to the peer
	whole  bool                        // the peer was told that there are no more
}

// A way is where a leg's packets go, for those that its loop does not send.
type way struct{ now atomic.Pointer[direction] }

type direction struct {
	s  *shared
	to netip.AddrPort
}

// send sends a datagram there, if that is known.
func (w *way) send(b []byte) {
	if d := w.now.Load(); d != nil {
		d.s.send(b, d.to)
	}
}

// A run is one of ICE, with credentials of its own.
type run struct {
	agents [2]*transport.Agent // forRTCP: nil without a component of its own
	remote [2]string           // the peer's user name fragment and password
}

func (n *run) close() {
	for _, a := range n.agents {
		if a != nil {
			a.Close()
		}
	}
}

// tell says what is known of the peer.
func (n *run) tell(peer media.ICE, controlling bool) {
	n.remote = [2]string{peer.Ufrag, peer.Pwd}
	for _, a := range n.agents {
		if a != nil {
			a.Tell(peer, controlling)
		}
	}
}

// single gives up the second component.
func (n *run) single() {
	if a := n.agents[forRTCP]; a != nil {
		a.Close()
		n.agents[forRTCP] = nil
	}
}

// newRun makes a run of the leg that t is: from now on checks can come. It may be
// called from any goroutine.
func (r *Relay) newRun(p media.PacketPort, t *tenant, sites []*site, separate bool) *run {
	n := &run{}
	n.agents[forRTP] = r.agents.New(t.loop.muxes[forRTP], r.agentConfig(p, t, n, sites, forRTP))
	if separate {
		n.agents[forRTCP] = r.agents.Second(n.agents[forRTP], t.loop.muxes[forRTCP], r.agentConfig(p, t, n, sites, forRTCP))
	}
	return n
}

func (r *Relay) agentConfig(p media.PacketPort, t *tenant, n *run, sites []*site, which int) transport.AgentConfig {
	c := transport.AgentConfig{Component: which + 1, Ours: r.doors.has}
	socks := map[*transport.Base]*shared{}
	for _, s := range sites {
		one := s.socks[which]
		socks[&one.base] = one
		c.Bases = append(c.Bases, &one.base)
	}
	c.Valid = func(base *transport.Base, source netip.AddrPort) {
		t.loop.admit(t, n, socks[base], source)
	}
	c.Selected = func(base *transport.Base, remote netip.AddrPort, way media.Pair) {
		r.do(p, func(l *loop, g *leg) { l.selected(g, n, socks[base], remote, way) })
	}
	c.Failed = func(err error) {
		r.do(p, func(l *loop, g *leg) { l.failed(g, n, which, err) })
	}
	return c
}

// openICE gives a leg to the sockets that are shared.
func (r *Relay) openICE(o media.Open, events func(media.Event)) (media.Port, error) {
	addrs, err := r.addresses.now()
	if err != nil {
		return media.Port{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return media.Port{}, errClosed
	}
	l := r.choose()
	sites, err := r.settle(l, addrs)
	if err != nil {
		return media.Port{}, err
	}
	g := r.table.take()
	if g == nil {
		return media.Port{}, media.ErrNoPorts
	}
	for _, s := range sites {
		s.users++
	}
	l.ports++
	g.home, g.port = l, &port{Listener: Listener{events: events}, call: o.Call, ice: true}
	for which := range g.sock {
		g.sock[which].handle = -1
	}
	id := media.PacketPort{Loop: l.number, Slot: g.slot, Generation: g.generation}
	t := &tenant{leg: g, generation: g.generation, loop: l}
	ice := &iceState{sites: sites, tenant: t, told: map[netip.AddrPort]struct{}{}}
	ice.now = r.newRun(id, t, sites, o.Separate)
	g.ice, g.locked = ice, [2]bool{true, true}
	ours := ice.describe(ice.now, r.reflector.settled())
	l.push(func() {
		l.at = g
		g.good = l.now
		l.adopt(g)
		l.complement(g, r.reflector.settled()) // with what was found meanwhile
	})
	r.reflector.want()
	return media.Port{ID: id, ICE: ours}, nil
}

// describe is what to tell the peer of a run.
func (i *iceState) describe(n *run, whole bool) media.ICE {
	i.whole = whole
	var d media.ICE
	d.Ufrag, d.Pwd = n.agents[forRTP].Credentials()
	d.Complete = whole
	clear(i.told)
	for which, a := range n.agents {
		if a == nil {
			continue
		}
		for _, s := range i.sites {
			one := s.socks[which]
			d.Candidates = append(d.Candidates, transport.HostCandidate(one.base.Address, one.order, which+1))
			if m := one.mapped.Load(); m != nil {
				d.Candidates = append(d.Candidates, i.reflexive(one, m.addr)...)
			}
		}
	}
	return d
}

// reflexive is the candidate for a mapped address that the peer was not told of yet.
func (i *iceState) reflexive(s *shared, mapped netip.AddrPort) []media.Candidate {
	if _, told := i.told[mapped]; told || mapped == s.base.Address {
		return nil
	}
	i.told[mapped] = struct{}{}
	return []media.Candidate{transport.ReflexiveCandidate(mapped, s.base.Address, s.order, s.which+1)}
}

// negotiate takes over what the peer has said of itself.
func (l *loop) negotiate(g *leg, s media.Setting) {
	i := g.ice
	g.said.mux = s.Mux
	if s.Mux {
		i.now.single()
		if i.next != nil {
			i.next.single()
		}
	}
	if s.ICE == nil {
		return
	}
	remote := [2]string{s.ICE.Ufrag, s.ICE.Pwd}
	switch {
	case i.next != nil && i.next.remote == remote:
		i.next.tell(*s.ICE, s.Controlling)
	case i.now.remote == remote, i.now.remote == [2]string{}:
		i.now.tell(*s.ICE, s.Controlling)
	default:
		if i.next != nil {
			i.next.close()
		}
		i.next = l.newRun(g.id(), i.tenant, i.sites, i.now.agents[forRTCP] != nil)
		ours := i.describe(i.next, i.whole)
		l.teller.Post(&g.port.Listener, media.Gathered{ICE: ours})
		i.next.tell(*s.ICE, s.Controlling)
	}
}

// selected has media go the way that a run has chosen.
func (l *loop) selected(g *leg, n *run, s *shared, remote netip.AddrPort, way media.Pair) {
	i := g.ice
	switch {
	case n == i.next:
		i.now.close()
		i.now, i.next, i.lost = n, nil, false
		l.with(i.tenant.loop, func() { i.tenant.leave(n) })
	case n != i.now || i.lost:
		return // of a run that is over
	}
	l.steer(g, s, remote)
	if s.which == forRTP {
		i.pair = way
		l.shakeNow(g)
		l.teller.Post(&g.port.Listener, media.Connected{Pair: way})
	}
}

// steer sends the packets of a socket to an address that has answered.
func (l *loop) steer(g *leg, s *shared, to netip.AddrPort) {
	first := !g.sock[s.which].to.IsValid()
	g.sock[s.which] = socket{handle: s.handle, to: to}
	if s.which != forRTP {
		return
	}
	g.ice.way.now.Store(&direction{s, to})
	if !first {
		return
	}
	g.good = l.now // only now anything can come
	if k := g.security; k != nil && k.waiting != nil && !k.waiting.Client {
		l.shakeNow(g)
	}
}

// shakeNow begins the DTLS association that has waited for a way. Where we are the
// client it has waited until one is chosen: before that the peer may not take
// what comes by it, and our first hello would be lost.
func (l *loop) shakeNow(g *leg) {
	if k := g.security; k != nil && k.waiting != nil {
		d := *k.waiting
		k.waiting = nil
		l.shake(g, d)
	}
}

// ready reports whether a DTLS association can begin.
func (i *iceState) ready(g *leg, client bool) bool {
	return g.sock[forRTP].to.IsValid() && (!client || i.pair != media.Pair{})
}

// failed takes note of a run that has found no way, or lost it. Nothing is sent to
// a peer that does not agree any more.
func (l *loop) failed(g *leg, n *run, which int, err error) {
	i := g.ice
	if which == forRTCP {
		if n == i.now {
			g.sock[forRTCP].to = netip.AddrPort{}
		}
		return
	}
	n.close()
	switch n {
	case i.next:
		i.next = nil
		if !i.lost {
			return
		}
	case i.now:
		i.lost, i.pair = true, media.Pair{}
		i.way.now.Store(nil)
		for which := range g.sock {
			g.sock[which].to = netip.AddrPort{}
		}
		if i.next != nil {
			return
		}
	default:
		return
	}
	l.teller.Post(&g.port.Listener, media.Failed{Err: err})
}

// part ends all that a leg has of ICE. Nobody uses what it knew afterwards.
func (i *iceState) part(l *loop) {
	i.way.now.Store(nil)
	i.now.close()
	if i.next != nil {
		i.next.close()
	}
	l.with(i.tenant.loop, func() { i.tenant.leave(nil) })
}
