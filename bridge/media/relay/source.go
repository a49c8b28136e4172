package relay

import (
	"net/netip"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

const (
	// proof is how many packets in a row make a source known, and controlProof how many
	// of RTCP, which is seldom, and must name the SSRC that is known by then.
	proof        = 4
	controlProof = 2
	// candidates are followed at the same time, each of them while it goes on
	// sending. Strangers behind the peer's own NAT may be among them; whose numbers are
	// none of a stream has to make room for who is new, and can't push out one whose are.
	candidates = 7
	// interval is how far apart packets of one that goes on are at most.
	interval = 120 * time.Millisecond
	// stale is how long a source must have been silent for a Set to look for
	// it anew though it names the same addresses.
	stale = 2 * time.Second
)

// search follows the sources that may be a peer's, until they are known.
type search struct {
	rtp          [candidates]candidate
	came         uint8          // how many have taken a place among them
	controlCount uint8          // that many times in a row
	control      netip.AddrPort // where RTCP of the source's came from
}

// A candidate may be where a peer is: at the address that was described, or at the one that
// may be learned.
type candidate struct {
	ssrc  uint32
	at    uint32 // of its last packet, in milliseconds
	port  uint16
	next  uint16 // its next sequence number
	count uint8  // of packets in a row
	since uint8  // what search.came was when it took its place
	said  bool   // it is the described one
}

// follow counts a packet of source; said: that is the one which was described. True if it
// has proved itself.
func (s *search) follow(source netip.AddrPort, said bool, h rtp.Header, now time.Duration) bool {
	at := uint32(now / time.Millisecond)
	c := s.candidate(source.Port(), said, at)
	if c == nil {
		return false
	}
	same := c.count > 0 && c.port == source.Port() && c.said == said
	if !same || c.ssrc != h.SSRC || c.next != h.Sequence {
		since := c.since
		if !same {
			s.came++
			since = s.came
		}
		*c = candidate{port: source.Port(), said: said, ssrc: h.SSRC, since: since}
	}
	c.next, c.at = h.Sequence+1, at
	c.count++
	return c.count >= proof
}

// candidate is the one at that port, or one that has stopped sending, or the first of those
// who have yet to send a second packet in a row, or nil.
func (s *search) candidate(port uint16, said bool, at uint32) *candidate {
	var free, first *candidate
	for i := range s.rtp {
		c := &s.rtp[i]
		switch {
		case c.count > 0 && c.port == port && c.said == said:
			return c
		case c.count == 0 || at-c.at > uint32(interval/time.Millisecond):
			free = c
		case c.count == 1 && (first == nil || int8(c.since-first.since) < 0):
			first = c
		}
	}
	if free == nil {
		free = first
	}
	return free
}

// expected reports whether the peer knows where we are, as far as we know.
func (g *leg) expected() bool {
	switch {
	case g.ice != nil:
		return g.sock[forRTP].to.IsValid()
	case g.port.intake != nil:
		return true
	}
	return g.said.rtp.IsValid()
}

// admits reports whether RTP may come from source. Most packets pass by the
// first comparison.
func (g *leg) admits(source netip.AddrPort) bool {
	return source == g.sock[forRTP].to ||
		!g.locked[forRTP] && (source == g.said.rtp || g.said.learn.IsValid() && source.Addr() == g.said.learn)
}

// admitsControl is admits for the RTCP socket. Beside what was signalled, RTCP
// comes from where RTP was found to come from.
func (g *leg) admitsControl(source netip.AddrPort) bool {
	return source == g.sock[forRTCP].to ||
		!g.locked[forRTCP] && (source == g.said.rtcp ||
			g.said.learn.IsValid() && g.locked[forRTP] && source.Addr() == g.sock[forRTP].to.Addr())
}

// place learns from a good packet where the peer is. false: that source is not
// known well enough for its packet to pass.
func (l *loop) place(g *leg, source netip.AddrPort, h rtp.Header) bool {
	if g.search.follow(source, source == g.said.rtp, h, l.now) {
		l.lock(g, forRTP, source)
		return true
	}
	return source == g.sock[forRTP].to || source == g.said.rtp
}

// placeControl is place for the RTCP socket; ssrc is who sent the packet.
func (l *loop) placeControl(g *leg, source netip.AddrPort, ssrc uint32) bool {
	if known, ok := g.receiver.SSRC(); ok && known == ssrc {
		q := g.search
		if q.control != source {
			q.control, q.controlCount = source, 0
		}
		if q.controlCount++; q.controlCount >= controlProof {
			l.lock(g, forRTCP, source)
			return true
		}
	}
	return source == g.sock[forRTCP].to || source == g.said.rtcp
}

// lock makes source the only place where the packets of a socket come from and go to.
func (l *loop) lock(g *leg, which int, source netip.AddrPort) {
	l.aim(g, which, source)
	g.locked[which] = true
	// A socket for all our addresses must not be bound to the one that the system
	// would choose: the peer may know another.
	if !g.port.anywhere {
		s := &g.sock[which]
		s.connected = l.poller.connect(s)
	}
	if g.locked[forRTP] && (g.locked[forRTCP] || g.said.mux) {
		g.search = nil
	}
}

// aim sends the packets of a socket to an address.
func (l *loop) aim(g *leg, which int, to netip.AddrPort) {
	s := &g.sock[which]
	if s.connected && s.to != to {
		l.poller.disconnect(s)
		s.connected = false
	}
	s.to = to
}

// point says where the peer is, by the signalling. Where that is nothing new, what is
// known stays known; and where nothing has come from there for a while the search
// begins again all the same, for the peer's NAT may have forgotten it.
func (l *loop) point(g *leg, said addresses) {
	if said == g.said {
		if said.learn.IsValid() && g.locked[forRTP] && l.now-g.good >= stale {
			l.seek(g)
		}
		return
	}
	g.said = said
	l.aim(g, forRTP, said.rtp)
	l.aim(g, forRTCP, said.rtcp)
	if said.learn.IsValid() {
		l.seek(g)
		return
	}
	g.search = nil // there is but one place where it can be
	for which, to := range [...]netip.AddrPort{said.rtp, said.rtcp} {
		g.locked[which] = true
		if to.IsValid() {
			l.lock(g, which, to)
		}
	}
}

// seek looks for the peer's source anew. What is known is used until another is found.
func (l *loop) seek(g *leg) {
	g.search, g.locked = &search{}, [2]bool{}
	for which := range g.sock {
		l.loosen(&g.sock[which])
	}
}

// loosen takes packets from everywhere at a socket again.
func (l *loop) loosen(s *socket) {
	if s.connected {
		l.poller.disconnect(s)
		s.connected = false
	}
}

// usable is a in the form that packets have it in, and zero if nothing can or
// should be sent there.
func usable(a netip.AddrPort, four bool) netip.AddrPort {
	addr := a.Addr().Unmap().WithZone("")
	switch {
	case !a.IsValid(), a.Port() == 0, addr.IsUnspecified(), addr.IsMulticast(), addr.Is4() != four,
		addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, a.Port())
}

// addressesOf takes from s what concerns addresses.
func addressesOf(s media.Setting, four bool) addresses {
	a := addresses{rtp: usable(s.RTP, four), mux: s.Mux}
	if !s.Mux {
		a.rtcp = usable(s.RTCP, four)
	}
	if learn := s.Learn.Unmap().WithZone(""); learn.IsValid() && learn.Is4() == four {
		a.learn = learn
	}
	return a
}
