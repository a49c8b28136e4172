package peer

import (
	"net/netip"
	"time"
)

// The times of an OscGroupClient.
const (
	oscTick        = 600 * time.Millisecond // the pace at which it looks what is due
	oscPoll        = 6 * time.Second        // between two words to the server
	oscPing        = 6 * time.Second        // between two pings to a peer
	oscBusyPing    = 30 * time.Second       // the same while there is other traffic
	oscSilent      = 60 * time.Second       // without a ping: it pings at every tick
	oscForgotten   = 180 * time.Second      // without a word from anybody: dropped
	oscEstablished = 5                      // periods after which any endpoint will do
)

// oscPeriod is how long after its nth ping of somebody new the next is due: 2,
// 3, 4, 6, 6 ... seconds.
func oscPeriod(n int) time.Duration {
	return min(time.Duration(6*(n+1)/5)*time.Second, oscPing)
}

// oscEnd is one endpoint of a peer.
type oscEnd struct {
	addr   netip.AddrPort
	pinged time.Time // when it last pinged us
}

// An oscPeer is what a member knows of another, and when it pings where.
type oscPeer struct {
	private, public oscEnd // as the server told
	seen            oscEnd // a third, which pings came from
	told            time.Time
	forwarded       time.Time // when the last traffic was sent
	wide            bool      // see OSCMemberConfig.Wide

	establishing bool
	period       int // of the establishment: pings sent so far
	lastPing     time.Time
}

// same says whether a ping from at is one from the endpoint that the server
// told as told.
func (p *oscPeer) same(told, at netip.AddrPort) bool {
	return told == at && !(p.wide && at.Addr().As4()[0] >= 128)
}

// tell notes what the server says of the peer: alive seconds ago it was there.
func (p *oscPeer) tell(private, public netip.AddrPort, alive time.Time) {
	p.told = alive
	if p.private.addr == private && p.public.addr == public {
		return
	}
	p.private, p.public, p.seen = oscEnd{addr: private}, oscEnd{addr: public}, oscEnd{}
	p.establish()
}

// establish starts over: the next tick pings every endpoint.
func (p *oscPeer) establish() { p.establishing, p.period, p.lastPing = true, 0, time.Time{} }

// ping notes a ping that came from at.
func (p *oscPeer) ping(at netip.AddrPort, now time.Time) {
	switch {
	case p.same(p.private.addr, at):
		p.private.pinged = now
	case p.same(p.public.addr, at):
		p.public.pinged = now
	default:
		if p.seen.addr != at {
			p.seen.addr = at
			p.establish()
		}
		p.seen.pinged = now
	}
}

// lastPinged is when any endpoint last pinged us.
func (p *oscPeer) lastPinged() time.Time {
	last := p.private.pinged
	for _, t := range []time.Time{p.public.pinged, p.seen.pinged} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// chosen is where traffic goes; false, if the peer has never pinged us.
func (p *oscPeer) chosen() (netip.AddrPort, bool) {
	for _, e := range []oscEnd{p.private, p.public, p.seen} {
		if !e.pinged.IsZero() {
			return e.addr, true
		}
	}
	return netip.AddrPort{}, false
}

// due is where pings go now.
func (p *oscPeer) due(now time.Time) []netip.AddrPort {
	to, ok := p.chosen()
	if ok && now.Sub(p.lastPinged()) > oscSilent {
		p.establish()
	}
	if p.establishing && (!p.private.pinged.IsZero() || ok && p.period >= oscEstablished) {
		p.establishing = false
	}
	wait := oscPing
	switch {
	case p.establishing:
		wait = oscPeriod(p.period)
	case now.Sub(p.forwarded) < oscPing:
		wait = oscBusyPing
	}
	if !p.lastPing.IsZero() && now.Sub(p.lastPing) < wait {
		return nil
	}
	p.lastPing = now
	if !p.establishing {
		return []netip.AddrPort{to}
	}
	p.period++
	all := []netip.AddrPort{p.private.addr, p.public.addr}
	if p.seen.addr.IsValid() {
		all = append(all, p.seen.addr)
	}
	return all
}

// gone says that nobody has heard of the peer for so long that it is dropped.
func (p *oscPeer) gone(now time.Time) bool {
	return now.Sub(p.told) > oscForgotten && now.Sub(p.lastPinged()) > oscForgotten
}
