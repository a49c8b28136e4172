package relay

import (
	"math"

	"gateway/bridge/media"
)

// apply takes over what the signalling says of g. in and out are held by g from
// now on.
func (l *loop) apply(g *leg, s media.Setting, in, out []payload) {
	switch {
	case g.ice != nil:
		l.negotiate(g, s)
	case g.own():
		said := addressesOf(s, g.port.four)
		if said.rtp != g.said.rtp && !g.said.rtp.IsValid() {
			g.good = l.now // only now anything can come
		}
		l.point(g, said)
	}
	if s.Receive && !g.receive {
		g.good = l.now
	}
	g.send, g.receive = s.Send, s.Receive
	l.formats.release(g.in, g.out)
	g.in, g.out, g.sight = in, out, l.formats.sight(in)
	g.ptime = uint8(min(max(0, s.Ptime.Milliseconds()), math.MaxUint8))
	l.reroute(g)
	if g.peer != nil {
		l.reroute(g.peer)
	}
	if g.port.intake == nil {
		l.secure(g, s.Security)
	}
}
