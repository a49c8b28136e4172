package mesh

import (
	"net/netip"
	"time"

	"gateway/adapters/mesh/wire"
)

// The addresses by which a peer may be reached, the best first.
const (
	byInternal = iota // within one network
	byExternal        // where the server sees it
	byPort            // there too, but by a port that its router hands on to it
	bySeen            // where it came from, if that is another
	wayCount
)

// alive is after how many probes without an answer a way is closed.
const alive = 10

// A peer is another client of the mesh that we are in, as the server lists it.
type peer struct {
	entry    wire.Entry
	ways     [wayCount]way
	uuid     wire.UUID // zero until it is known
	version  uint8     // 0 until it is known
	name     string
	bound    bool // it is the one with its UUID
	named    bool // and the one with its name
	since    time.Time
	asked    time.Time // of the last probe
	sequence uint32
	window   window // of probes by all ways that are tried

	handed window    // of probes by the server
	begged time.Time // of the last of those
	path   wire.Path // what was told last
}

// A way is one address of a peer.
type way struct {
	at    netip.AddrPort // zero: there is none
	heard time.Time      // of the last answer to a probe
	asked time.Time      // of the last probe that was of this way alone
}

// open reports whether a probe by the way was answered of late.
func (w *way) open(now time.Time, probe time.Duration) bool {
	return w.at.IsValid() && !w.heard.IsZero() && now.Sub(w.heard) < alive*probe
}

func newPeer(e wire.Entry, now time.Time) *peer {
	p := &peer{since: now}
	p.inform(e)
	return p
}

// is reports whether the peer can have a UUID: any, if the server has not said which.
func (p *peer) is(id wire.UUID) bool {
	return p.entry.Identity.UUID == id || p.entry.Identity.UUID == wire.UUID{}
}

// way is the one by an address; nil, if there is none.
func (p *peer) way(at netip.AddrPort) *way {
	for i := range p.ways {
		if p.ways[i].at == at {
			return &p.ways[i]
		}
	}
	return nil
}

// inform notes what the server tells of the peer.
func (p *peer) inform(e wire.Entry) {
	p.entry = e
	if e.Internal != p.ways[byInternal].at {
		p.ways[byInternal] = way{at: e.Internal}
	}
	if e.External != p.ways[byExternal].at {
		p.ways[byExternal] = way{at: e.External}
	}
	var mapped netip.AddrPort
	if e.Identity.Port != 0 && e.Identity.Port != e.External.Port() {
		mapped = netip.AddrPortFrom(e.External.Addr(), e.Identity.Port)
	}
	if mapped != p.ways[byPort].at {
		p.ways[byPort] = way{at: mapped}
	}
	if e.Identity.Version != 0 {
		p.version = e.Identity.Version
	}
}

// chosen is the best way that is open; false, if none is.
func (p *peer) chosen(now time.Time, probe time.Duration) (int, bool) {
	for i := range p.ways {
		if p.ways[i].open(now, probe) {
			return i, true
		}
	}
	return 0, false
}

// pathNow is how the peer is reached.
func (p *peer) pathNow(now time.Time, pace *pace) wire.Path {
	way, ok := p.chosen(now, pace.probe)
	switch {
	case ok && way == byInternal && p.ways[way].at != p.entry.External:
		return wire.Internal
	case ok:
		return wire.Direct
	case !p.handed.heard.IsZero() && now.Sub(p.handed.heard) < alive*pace.probe*relayPace:
		return wire.Relayed
	default:
		return wire.Unreached
	}
}

// relayPace is how much more seldom a peer is probed by the server than directly.
const relayPace = 4

func (p *peer) remote(now time.Time, pace *pace) Remote {
	r := Remote{UUID: p.uuid, Version: p.version, Path: p.pathNow(now, pace)}
	if p.named {
		r.Name = p.name
	}
	w := &p.window
	if r.Path == wire.Relayed {
		w = &p.handed
	}
	r.RTT, r.RTTVar = w.srtt, w.rttvar
	return r
}

// measure is of the way by which the peer is reached.
func (p *peer) measure(now time.Time, pace *pace) Measure {
	if p.pathNow(now, pace) == wire.Relayed {
		return p.handed.measure(now)
	}
	return p.window.measure(now)
}
