package osc

import (
	"math"
	"net/netip"
	"time"
)

// A peer is another member of the group that we have joined.
type peer struct {
	name            string
	private, public netip.AddrPort // as we were told
	seen            netip.AddrPort // where its pings come from, if from neither; zero if none do

	told    time.Time    // when we heard of it last
	pinged  [3]time.Time // when it pinged us last, by its private and public address and by seen
	asked   time.Time    // when we pinged it last
	tries   int          // pings since it was new, or elsewhere
	used    time.Time    // when something went to it last
	rtt     time.Duration
	measure time.Time // when we measured that last
}

// The indexes of peer.pinged, in the order of preference.
const (
	byPrivate = iota
	byPublic
	bySeen
)

// establishing is how many pings a new peer gets at every address.
const establishing = 5

// address gives a peer's address by index.
func (p *peer) address(i int) netip.AddrPort {
	return [...]netip.AddrPort{p.private, p.public, p.seen}[i]
}

// heard is when it pinged us last.
func (p *peer) heard() time.Time {
	last := p.pinged[0]
	for _, t := range p.pinged[1:] {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// chosen is where what is for it goes: the first of its addresses from which it
// has pinged us lately; ok is false if there is none.
func (p *peer) chosen(now time.Time, within time.Duration) (to netip.AddrPort, ok bool) {
	for i, t := range p.pinged {
		if !t.IsZero() && now.Sub(t) < within {
			return p.address(i), true
		}
	}
	return netip.AddrPort{}, false
}

// inform notes what we were told of a peer, and reports whether that is new.
func (p *peer) inform(private, public netip.AddrPort, now time.Time) bool {
	p.told = now
	if p.private == private && p.public == public {
		return false
	}
	old := *p
	*p = peer{
		name: p.name, private: private, public: public, told: now,
		asked: p.asked, used: p.used, rtt: p.rtt, measure: p.measure,
	}
	for i, t := range old.pinged {
		if !t.IsZero() {
			p.ping(old.address(i), t) // it is there still, whatever it was told as
		}
	}
	return true
}

// ping notes a ping from an address, and reports whether the peer may be there:
// somebody else can put its name in a ping. first: it is the first from there.
func (p *peer) ping(from netip.AddrPort, now time.Time) (ok, first bool) {
	var i int
	switch {
	case from == p.private:
		i = byPrivate
	case from == p.public:
		i = byPublic
	case from.Addr() == p.public.Addr() || from.Addr() == p.private.Addr() && isPrivate(from.Addr()):
		if i = bySeen; p.seen != from {
			p.seen, p.pinged[bySeen] = from, time.Time{}
		}
	default:
		return false, false
	}
	first = p.pinged[i].IsZero()
	p.pinged[i] = now
	return true, first
}

// wait is how long after a ping the next one is due: as with OscGroupClient 2, 3,
// 4, 6, 6 … s for a new peer, and then 6 s, or 30 s while something goes to it.
func (p *peer) wait(now time.Time, pace *pace) time.Duration {
	switch {
	case p.tries < establishing:
		return time.Duration(pace.ping.Nanoseconds() / 6 * int64(min(6*(p.tries+1)/5, 6)))
	case now.Sub(p.used) < pace.ping:
		return pace.busy
	}
	return pace.ping
}

// settled reports whether there is an address to ping alone.
func (p *peer) settled() bool {
	return !p.pinged[byPrivate].IsZero() || p.tries >= establishing && !p.heard().IsZero()
}

// milliseconds are those of a ping there and back, as the bits of a float32; -1 if
// they are not known.
func (p *peer) milliseconds() uint32 {
	if p.rtt == 0 {
		return math.Float32bits(-1)
	}
	return math.Float32bits(float32(p.rtt.Seconds() * 1000))
}
