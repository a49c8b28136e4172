package osc

import (
	"net/netip"
	"time"
)

// A mapping is how a member's NAT names it to others than the server (RFC 4787
// section 4.1), as far as we have seen.
type mapping uint8

const (
	mappingUnknown mapping = iota
	mappingSame            // as to the server: others can be told that address
	mappingOther           // otherwise for each: nobody can be told beforehand
)

// A filter is what a member's NAT lets in (RFC 4787 section 5), as far as we have
// seen.
type filter uint8

const (
	filterUnknown filter = iota
	filterOpen           // what comes from an address that was sent to, or all
	filterStrict         // what comes from an address and port that was sent to
)

// A nature is what we have seen of a member's NAT.
type nature struct {
	mapping mapping
	filter  filter
}

// hopeless reports whether two members can't meet: each NAT keeps out what the
// other one, which nobody can tell the port of beforehand, sends.
func hopeless(a, b nature) bool {
	return a.mapping == mappingOther && (b.mapping == mappingOther || b.filter == filterStrict) ||
		b.mapping == mappingOther && a.filter == filterStrict
}

// When a pair's way has failed.
const (
	// quickFail and slowFail are how long after both know of each other a
	// member may still ping the silent port. OscGroupClient pings every
	// address that it was told at 0, 2, 5, 9, 15 and 21 s, and ends that at
	// once when the first of them pinged it. One of 64 bits does not know an
	// address from 128.0.0.0 on again, and so goes on to the end; but it begins
	// anew as soon as it is pinged, so one that keeps to those times was not.
	quickFail = 3500 * time.Millisecond
	slowFail  = 24 * time.Second
	// early is how much sooner than at its time a ping may come without being
	// one of a new beginning.
	early = 500 * time.Millisecond
	// content is how long after both know of each other one may have pinged
	// last that was met at once.
	content = 1500 * time.Millisecond
	// quiet is how long no ping must have come for what had been before to be
	// over.
	quiet = 45 * time.Second
	// alone is how long one waits for the other to know of it.
	alone = 10 * time.Second
	// A pair that is relayed tries directly again after retrial, when it has
	// been idle for idleRetrial.
	retrial     = 10 * time.Minute
	idleRetrial = time.Minute
)

// gaps are the times between OscGroupClient's first pings; then the last one counts.
var gaps = [...]time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second, 6 * time.Second}

// A pair is two members by UDP, and how they meet. They are told two addresses of
// each other: directly, one that should work, and a port of ours, which stays
// silent so that nobody is pinged by one peer from two addresses. Two who ping that
// port for longer than it takes to meet have not met, and the next way is tried:
//
//	direct(0) ──▶ direct(1), for two behind one NAT ──▶ relay
//	    ▲                                                 │
//	    └──── an address changed, or it was long ago ◀────┘
//
// The last is to relay: our port is both addresses, and hands on.
type pair struct {
	relay bool
	way   int       // which of the candidates, if not relay
	began time.Time // this way
	used  time.Time // when something was relayed last
	again bool      // another trial: what fails slowly may work
	seen  [2]sighting

	// plain: the side was told again, and of no silent port.
	plain [2]bool
}

// maxPairs bounds the pairs that the ports of the relay are for, as there are as many as
// there are members in a group, squared: each takes some 750 bytes when both have pinged.
// All of a group of 362 have one.
const maxPairs = 1 << 16

// pairOf is how u and v meet; nil if there are too many pairs to say.
func (h *hub) pairOf(u, v *user, now time.Time) *pair {
	p := u.pairs[v]
	if p == nil && h.met < maxPairs {
		h.met++
		p = &pair{began: now}
		u.pairs[v], v.pairs[u] = p, p
	}
	return p
}

// A sighting is what was seen of one side's pings to the silent port.
type sighting struct {
	first, last time.Time
	count       int       // of pings since it began, or began anew
	anew        time.Time // when it began anew, as something had pinged it; zero: never
}

// endpoints are what a side is told of the other: directly, or a port of ours, or both.
func (p *pair) endpoints(direct, ours netip.AddrPort, side int) (private, public netip.AddrPort) {
	switch {
	case p.relay:
		return ours, ours
	case p.plain[side]:
		return direct, direct
	}
	return direct, ours
}

// restart begins with the first way.
func (p *pair) restart(now time.Time, again bool) { *p = pair{began: now, again: again} }

// next goes to the next of n direct ways, or to the relay behind the last.
func (p *pair) next(now time.Time, n int) {
	if p.way++; p.way >= n {
		*p = pair{relay: true, began: now, used: now}
		return
	}
	*p = pair{way: p.way, began: now, again: p.again}
}

// ping notes that one side has pinged the other's port while the pair is
// direct. asked: we have pinged that side ourselves, in the name of the other.
func (p *pair) ping(side int, now time.Time, asked bool) {
	s := &p.seen[side]
	switch {
	case s.first.IsZero() || now.Sub(s.last) > quiet:
		*s = sighting{first: now}
	case asked || now.Sub(s.last) < gaps[min(s.count, len(gaps))-1]-early:
		s.anew, s.count = now, 0
	}
	s.count++
	s.last = now
}

// known is since when both sides know of each other; ok is false as long as one
// may not.
func (p *pair) known(now time.Time) (since time.Time, ok bool) {
	a, b := p.seen[0].first, p.seen[1].first
	if a.After(b) {
		a, b = b, a
	}
	return b, !b.IsZero() && (!a.IsZero() || p.nudged() || now.Sub(b) >= alone)
}

func (p *pair) nudged() bool { return p.plain[0] || p.plain[1] }

// goesOn is for how long a side has pinged the silent port since both know of
// each other.
func (p *pair) goesOn(side int, since time.Time) time.Duration { return p.seen[side].last.Sub(since) }

// unmet reports whether a side surely was not met. low: the address that it was
// told is one that every client knows again.
func (p *pair) unmet(side int, since time.Time, low bool) bool {
	s := &p.seen[side]
	if (low || s.anew.IsZero()) && !p.again && !p.nudged() {
		return p.goesOn(side, since) >= quickFail
	}
	if s.anew.After(since) {
		since = s.anew
	}
	return p.goesOn(side, since) >= slowFail
}

// failed reports whether the present way has failed: neither side was met, or
// one was not although the other was told again.
func (p *pair) failed(now time.Time, a, b nature, low [2]bool) bool {
	since, ok := p.known(now)
	if !ok {
		return false
	}
	return hopeless(a, b) || (p.plain[0] || p.unmet(0, since, low[0])) && (p.plain[1] || p.unmet(1, since, low[1]))
}

// lopsided reports which side is content while the other surely was not met: it
// was pinged by a path that its own first ping did not get through, and pings
// again in 6 s only, or in 30 s. Told the way alone it does so at once.
func (p *pair) lopsided(now time.Time, low [2]bool) (side int, ok bool) {
	since, ok := p.known(now)
	if !ok || p.nudged() {
		return 0, false
	}
	for side := range p.seen {
		if p.goesOn(side, since) < content && p.unmet(1-side, since, low[1-side]) {
			return side, true
		}
	}
	return 0, false
}

// nudge has one side told again, without the silent port.
func (p *pair) nudge(side int, now time.Time) {
	p.plain[side] = true
	p.began, p.seen = now, [2]sighting{}
}

// ripe reports whether a relayed pair should try directly again.
func (p *pair) ripe(now time.Time, a, b nature) bool {
	return p.relay && now.Sub(p.began) >= retrial && now.Sub(p.used) >= idleRetrial && !hopeless(a, b)
}

// isLow reports whether a client of 64 bits knows a ping from a again.
func isLow(a netip.Addr) bool { return a.Is4() && a.As4()[0] < 128 }
