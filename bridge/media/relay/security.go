package relay

import (
	"net/netip"
	"slices"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// maxOld is how many keys of a leg's are remembered, the last ones. One that
// comes again must go on where it was: the numbers that have been sealed with it
// must not be sealed again.
const maxOld = 4

// security is what a leg has of keys. It stays when the leg becomes plain.
type security struct {
	active    bool
	opener    *transport.Opener // nil: no keys yet
	sealer    *transport.Sealer
	name      media.Suite
	openers   []*transport.Opener // of SDES, the last maxOld
	sealers   []*transport.Sealer
	handshake *transport.Handshake // nil without DTLS
	waiting   *media.DTLS          // for a way to the peer; nil: none does
}

func (s *security) suite() media.Suite {
	if s == nil || !s.active {
		return ""
	}
	return s.name
}

// keys says where they are from.
func (s *security) keys() media.Keys {
	switch {
	case s.suite() == "":
		return ""
	case s.handshake != nil:
		return media.KeysDTLS
	}
	return media.KeysSDES
}

// renamed reports whether a source had to be sealed as another.
func (s *security) renamed() bool {
	if s.sealer != nil && s.sealer.Renamed() > 0 {
		return true
	}
	return slices.ContainsFunc(s.sealers, func(o *transport.Sealer) bool { return o.Renamed() > 0 })
}

// secure has what g's peer sends opened, and what it is sent sealed, as said.
func (l *loop) secure(g *leg, said *media.Security) {
	s := g.security
	if said == nil || said.SDES == nil && said.DTLS == nil {
		if s != nil {
			s.active = false
			s.part()
		}
		return
	}
	if s == nil {
		s = &security{}
		g.security = s
	}
	was := s.active
	s.active = true
	if said.SDES != nil {
		s.part()
		l.agree(g, said.SDES, was)
		return
	}
	if s.handshake != nil && s.handshake.Same(*said.DTLS) {
		return
	}
	s.part()
	if g.ice != nil && !g.ice.ready(g, said.DTLS.Client) {
		s.waiting = said.DTLS
		return
	}
	l.shake(g, *said.DTLS)
}

// part ends the DTLS association, and its keys with it.
func (s *security) part() {
	s.waiting = nil
	if s.handshake != nil {
		s.handshake.Close()
		s.handshake, s.opener, s.sealer, s.name = nil, nil, nil, ""
	}
}

// agree takes keys from the signalling. Those that are the same stay.
func (l *loop) agree(g *leg, k *media.SDES, was bool) {
	s := g.security
	i := slices.IndexFunc(s.openers, func(o *transport.Opener) bool { return o.Matches(k.Suite, k.Receive) })
	j := slices.IndexFunc(s.sealers, func(o *transport.Sealer) bool { return o.Matches(k.Suite, k.Send) })
	if i >= 0 && j >= 0 && s.openers[i] == s.opener && s.sealers[j] == s.sealer && was {
		return
	}
	if i < 0 {
		o, err := transport.NewOpener(k.Suite, k.Receive)
		if err != nil {
			l.unsecured(g, err)
			return
		}
		s.openers = keep(s.openers, o)
		i = len(s.openers) - 1
	}
	if j < 0 {
		o, err := transport.NewSealer(k.Suite, k.Send)
		if err != nil {
			l.unsecured(g, err)
			return
		}
		s.sealers = keep(s.sealers, o)
		j = len(s.sealers) - 1
	}
	s.opener, s.sealer = s.openers[i], s.sealers[j]
	l.secured(g, k.Suite)
}

// keep appends o to the last ones.
func keep[T any](list []T, o T) []T {
	if len(list) == maxOld {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, o)
}

func (l *loop) secured(g *leg, suite media.Suite) {
	g.security.name = suite
	l.teller.Post(&g.port.Listener, media.Secured{Suite: suite})
}

// unsecured: without keys nothing passes.
func (l *loop) unsecured(g *leg, err error) {
	g.security.opener, g.security.sealer, g.security.name = nil, nil, ""
	l.teller.Post(&g.port.Listener, media.Insecure{Err: err})
}

// handshake takes a datagram of DTLS, from where the signalling or media that
// came before say the peer is: a source that may be one behind a NAT
// does not begin a handshake.
func (l *loop) handshake(g *leg, b []byte, source netip.AddrPort) {
	switch {
	case g.ice == nil && source != g.sock[forRTP].to && source != g.said.rtp:
		g.drop(media.DropSource)
	case g.security == nil || !g.security.active || g.security.handshake == nil:
		g.drop(media.DropEarly)
	case !g.security.handshake.Feed(b):
		g.drop(media.DropMalformed)
	}
}

// open opens the packet of n bytes in l.buf in place, if g has its packets sealed.
func (l *loop) open(g *leg, n int, control bool) (int, bool) {
	s := g.security
	if s == nil || !s.active {
		return n, true
	}
	if s.opener == nil {
		g.drop(media.DropEarly)
		return 0, false
	}
	n, err := s.opener.Open(l.buf[:n], control)
	if err != nil {
		g.drop(transport.Reason(err))
		return 0, false
	}
	if control {
		s.sealer.Restore(l.buf[:n])
	}
	return n, true
}

// seal seals the packet in b[:n] in place, if p's peer wants that. room is left
// behind it.
func (l *loop) seal(p *leg, b []byte, n int, control bool) (int, media.Drop, bool) {
	s := p.security
	if s == nil || !s.active {
		return n, 0, true
	}
	if s.sealer == nil {
		return 0, media.DropEarly, false
	}
	n, err := s.sealer.Seal(b, n, control)
	if err != nil {
		return 0, transport.Reason(err), false
	}
	return n, 0, true
}

// shake begins a DTLS association with g's peer, or waits for it to begin one.
func (l *loop) shake(g *leg, d media.DTLS) {
	p := g.id()
	var h *transport.Handshake
	// The leg may be another loop's by the time that these are called.
	mine := func(g *leg) bool { return g.security != nil && g.security.handshake == h }
	send := func(datagram []byte) {
		b := slices.Clone(datagram)
		l.do(p, func(l *loop, g *leg) {
			if s := &g.sock[forRTP]; mine(g) && s.to.IsValid() {
				l.poller.send(s, b) // what is lost is sent again
			}
		})
	}
	done := func(o transport.Outcome) {
		l.do(p, func(l *loop, g *leg) {
			switch {
			case !mine(g):
			case o.Err != nil:
				l.unsecured(g, o.Err)
			default:
				g.security.opener, g.security.sealer = o.Opener, o.Sealer
				l.secured(g, o.Suite)
			}
		})
	}
	start := l.endpoint.Start
	if g.ice != nil {
		// A check of ours was answered from where its datagrams go and come from.
		start, send = l.endpoint.StartValidated, g.ice.way.send
	}
	h, err := start(d, send, done)
	if err != nil {
		l.unsecured(g, err)
		return
	}
	g.security.handshake = h
}
