package relay

import (
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

// reportEvery is between two reports of ours (RFC 3550 section 6.2).
const reportEvery = 5 * time.Second

// apart reports whether what goes to or comes from g is made anew here, so that RTCP of
// the one side means nothing to the other.
func (g *leg) apart() bool {
	return g.made != nil && g.peer != nil && (g.line.used() || g.peer.line.used())
}

// used reports whether something has gone by the line, or is bound to.
func (f *line) used() bool { return f != nil && (!f.mixed || f.rate.Load() != 0) }

// report tells g's peer what we send and what we have heard of it, if nobody else does.
func (l *loop) report(g *leg) {
	m := g.made
	if !g.apart() || g.port.intake != nil || l.now-m.reported < reportEvery {
		return
	}
	m.reported = l.now
	s := rtp.Sent{SSRC: m.ssrc}
	if g.last.ssrc == m.ssrc && g.sound != 0 {
		s.Packets, s.Octets, s.Timestamp = m.packets, m.octets, l.elapsed(g)
	}
	b := m.reporter.Append(l.buf[:0], s, &g.receiver, l.now, l.moment(l.now))
	g.monitor.Passed(b, l.now)
	if to := g.control(); to.to.IsValid() {
		l.dispatch(g, to, len(b))
	}
}

// control is the socket that RTCP to g's peer goes by.
func (g *leg) control() *socket {
	if g.said.mux {
		return &g.sock[forRTP]
	}
	return &g.sock[forRTCP]
}

// dispatch sends the RTCP of n bytes in l.buf to g's peer.
func (l *loop) dispatch(g *leg, to *socket, n int) (media.Drop, bool) {
	n, why, ok := l.seal(g, l.buf[:], n, true)
	if !ok {
		return why, false
	}
	if !l.poller.send(to, l.buf[:n]) {
		return media.DropSend, false
	}
	return 0, true
}
