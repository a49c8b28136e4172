package relay

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
	"gateway/bridge/media/transport"
)

const (
	// maxSources bounds the addresses that one leg's packets may come from: those
	// of its valid pairs.
	maxSources = 16
	// maxHanded bounds the packets that wait for another loop.
	maxHanded = 1024
	// settledFor is how long an address stays a leg's without an answer to a
	// check: two of them may be lost.
	settledFor = 15 * time.Second
)

// errTaken says that another call has that address: what comes from there can't
// be told apart.
var errTaken = fmt.Errorf("%w: another call has its address", transport.ErrNoWay)

// A tenant is a leg as the loop knows it whose shared sockets it uses.
type tenant struct {
	leg        *leg
	generation uint32
	loop       *loop // whose sockets; not always the leg's own
	places     []place
}

// A place is where packets of a tenant come from.
type place struct {
	at     *shared
	source netip.AddrPort
	run    *run // that has found it
	seen   time.Duration
}

// place is the one that s says is t's.
func (t *tenant) place(s *shared, source netip.AddrPort) *place {
	return &t.places[slices.IndexFunc(t.places, func(p place) bool { return p.at == s && p.source == source })]
}

// leave gives up the places that were not found by n.
func (t *tenant) leave(n *run) {
	t.places = slices.DeleteFunc(t.places, func(p place) bool {
		if p.run == n {
			return false
		}
		delete(p.at.tenants, p.source)
		return true
	})
}

// with has f called by the goroutine of another loop, or at once if that is l.
func (l *loop) with(other *loop, f func()) {
	if l == other {
		f()
		return
	}
	other.push(f)
}

// admit lets packets of a leg come from source from now on: that way is open both ways.
// Where it is another leg's already, that one keeps it as long as its peer answers.
// l is the sockets' loop.
func (l *loop) admit(t *tenant, n *run, s *shared, source netip.AddrPort) {
	if other := s.tenants[source]; other != nil {
		p := other.place(s, source)
		switch {
		case other == t:
			p.run, p.seen = n, l.now
			return
		case l.now-p.seen < settledFor:
			l.reach(t, func(l *loop, g *leg) { l.failed(g, n, s.which, errTaken) })
			return
		}
		other.places = slices.DeleteFunc(other.places, func(p place) bool { return p.at == s && p.source == source })
	}
	if len(t.places) == maxSources { // what is in use is found again by its next check
		delete(t.places[0].at.tenants, t.places[0].source)
		t.places = slices.Delete(t.places, 0, 1)
	}
	s.tenants[source] = t
	t.places = append(t.places, place{s, source, n, l.now})
	l.reach(t, func(l *loop, g *leg) {
		// Until one is chosen, any will do (RFC 8445 section 12.1).
		if i := g.ice; (n == i.now && !i.lost || n == i.next) && !g.sock[s.which].to.IsValid() {
			l.steer(g, s, source)
		}
	})
}

// reach calls f with a tenant's leg, by the goroutine of the loop that has it. It may
// be called by a loop, which must not wait for Relay.mu.
func (l *loop) reach(t *tenant, f func(l *loop, g *leg)) {
	owner := t.leg.owner.Load()
	if owner>>32 != uint64(t.generation) || owner == 0 {
		return
	}
	p := t.leg.slotted(t.generation)
	other := l.all[uint32(owner)-1]
	l.with(other, func() {
		if g := other.leg(p); g != nil {
			f(other, g)
		}
	})
}

// common deals with a datagram of n bytes in l.buf that has come to a shared socket.
// STUN goes to the agents; what else comes from where ICE has found a leg's peer is
// that leg's, and the rest nobody's.
func (l *loop) common(s *shared, n int, source netip.AddrPort) {
	if n > maxPacket {
		return
	}
	if rtp.Classify(l.buf[:n]) == rtp.STUN {
		l.check(s, l.buf[:n], source)
		return
	}
	t := s.tenants[source]
	if t == nil {
		return
	}
	if g := t.leg; g.owner.Load() == l.ownership(t.generation) {
		l.at = g
		l.take(g, s.which, n, source)
		l.at = nil
		return
	}
	l.hand(t, s.which, l.buf[:n], source)
}

// check gives a STUN message to who it is for. Nobody's call is to end by it.
func (l *loop) check(s *shared, b []byte, source netip.AddrPort) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("media check failed", errAttr(fmt.Errorf("panic: %v", r)),
				slog.String("peer", source.String()), slog.String("stack", string(debug.Stack())))
		}
	}()
	s.mux.Take(&s.base, source, b)
}

// hand gives a packet to the loop that has its leg: one that was joined to a leg
// of that loop.
func (l *loop) hand(t *tenant, which int, b []byte, source netip.AddrPort) {
	owner := t.leg.owner.Load()
	if owner>>32 != uint64(t.generation) || owner == 0 {
		return
	}
	other := l.all[uint32(owner)-1]
	if other.handed.Add(1) > maxHanded {
		other.handed.Add(-1)
		return
	}
	p, kept := t.leg.slotted(t.generation), slices.Clone(b)
	other.push(func() {
		other.handed.Add(-1)
		if g := other.leg(p); g != nil {
			other.at = g
			other.take(g, which, copy(other.buf[:], kept), source)
		}
	})
}

// commons are the shared sockets of a loop.
type commons struct {
	shared map[uint64]*shared // by key
	muxes  [2]*transport.Mux  // of each component
	all    []*loop            // every loop
	newRun func(p media.PacketPort, t *tenant, sites []*site, separate bool) *run
	handed atomic.Int64 // packets in queue that other loops have taken
	sites  []*site      // guarded by Relay.mu, as is shares
	shares int          // how many shared sockets there were ever
}

func errAttr(err error) slog.Attr { return slog.Any("err", err) }
