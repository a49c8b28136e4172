package relay

import (
	"net/netip"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

// take deals with a datagram of n bytes in l.buf. What a stranger sends is not
// even looked at; with ICE it does not come here.
func (l *loop) take(g *leg, which, n int, source netip.AddrPort) {
	if g.ice == nil && (which == forRTP && !g.admits(source) || which == forRTCP && !g.admitsControl(source)) {
		g.drop(media.DropSource)
		return
	}
	if n > maxPacket {
		g.drop(media.DropMalformed)
		return
	}
	switch class := rtp.Classify(l.buf[:n]); {
	case class == rtp.RTP && which == forRTP:
		l.sound(g, n, source)
	case class == rtp.RTCP && (which == forRTCP || g.said.mux):
		l.control(g, which, n, source)
	case class == rtp.DTLS && which == forRTP:
		l.handshake(g, l.buf[:n], source)
	default:
		g.drop(media.DropMalformed)
	}
}

// sound takes an RTP packet.
func (l *loop) sound(g *leg, n int, source netip.AddrPort) {
	n, ok := l.open(g, n, false)
	if !ok {
		return
	}
	b := l.buf[:n]
	h, ok := rtp.Parse(b)
	if !ok {
		g.drop(media.DropMalformed)
		return
	}
	r, ok := g.route(h.Type)
	if !ok {
		g.drop(media.DropType)
		return
	}
	if !g.locked[forRTP] && !l.place(g, source, h) {
		g.drop(media.DropSource)
		return
	}
	if !g.within(l.now, 1) {
		g.drop(media.DropCeiling)
		return
	}
	if !l.count(g, h, r, n) {
		g.drop(media.DropRepeat)
		return
	}
	l.hear(g)
	passes := r.out != noType && g.receive && g.peer != nil && g.peer.send && g.peer.sock[forRTP].to.IsValid()
	if r.events {
		l.pressed(g, h, r, b, passes)
	}
	switch {
	case g.line != nil && g.takes(r):
		l.submit(g, h, b, !r.events)
		if r.events && passes {
			l.carry(g, g.peer, h, r, b)
		}
	case passes:
		l.pass(g, g.peer, h, r, n)
	case !r.events:
		g.drop(media.DropNowhere)
	}
}

// count counts an RTP packet that has come; false if it has come before.
func (l *loop) count(g *leg, h rtp.Header, r route, n int) bool {
	rate := r.rate
	if r.events {
		rate = 0 // their timestamps stand still, and say nothing of jitter
	}
	if g.receiver.Add(h, l.now, rate) == rtp.Duplicate {
		return false
	}
	g.got.count(n, l.now)
	return true
}

// pass sends an RTP packet of g's peer, which is in l.buf, on to that of p.
// All of it stays but the number of its payload type, and what is said at the
// calls below.
func (l *loop) pass(g, p *leg, h rtp.Header, r route, n int) {
	b := l.buf[:n]
	rtp.SetType(b, r.out)
	if h.SSRC != p.last.ssrc {
		p.shift = 0 // of another stream
	}
	sequence := h.Sequence + p.shift
	newest := p.passed == 0 || p.last.before(h.SSRC, sequence)
	switch {
	case p.keys != nil && p.keys.typing:
		n = l.replace(p, l.buf[:], n, h)
	case r.events:
		l.convert(p, b, h, r)
	case newest:
		p.sound, p.mark = r.rate, mark{timestamp: h.Timestamp, at: l.now}
	}
	if sequence != h.Sequence {
		rtp.SetSequence(l.buf[:], sequence)
	}
	if !r.events {
		p.passed = l.now
	}
	if newest {
		p.last = head{ssrc: h.SSRC, sequence: sequence}
	}
	l.emit(g, p, l.buf[:], n)
}

// emit seals and sends the RTP packet of n bytes at the start of b to the peer
// of p. from is whose packet that was, for the counts.
func (l *loop) emit(from, p *leg, b []byte, n int) {
	n, why, ok := l.seal(p, b, n, false)
	if !ok {
		from.drop(why)
		return
	}
	if !l.poller.send(&p.sock[forRTP], b[:n]) {
		from.drop(media.DropSend)
		return
	}
	p.gave.count(n, l.now)
}

// control takes a compound of RTCP packets (RFC 3550 section 6.1) and passes it
// on, whichever way media go: it is about both.
func (l *loop) control(g *leg, which, n int, source netip.AddrPort) {
	n, ok := l.open(g, n, true)
	if !ok {
		return
	}
	b := l.buf[:n]
	if !rtp.ValidControl(b) {
		g.drop(media.DropMalformed)
		return
	}
	if !l.placed(g, which, source, rtp.ControlSSRC(b)) {
		g.drop(media.DropSource)
		return
	}
	if !g.within(l.now, controlCost) {
		g.drop(media.DropCeiling)
		return
	}
	l.hear(g)
	g.monitor.Heard(b, l.now, g.last.ssrc, g.sound)
	if g.apart() {
		g.made.reporter.Heard(b, l.now)
		return
	}
	p := g.peer
	if p == nil || !p.control().to.IsValid() {
		g.drop(media.DropNowhere)
		return
	}
	p.monitor.Passed(b, l.now)
	if why, ok := l.dispatch(p, p.control(), n); !ok {
		g.drop(why)
	}
}

// placed reports whether RTCP of the sender ssrc may come from source by now.
func (l *loop) placed(g *leg, which int, source netip.AddrPort, ssrc uint32) bool {
	switch {
	case g.locked[which]:
		return true
	case which == forRTCP:
		return l.placeControl(g, source, ssrc)
	default: // by the RTP port: its source is found by RTP
		return source == g.sock[forRTP].to || source == g.said.rtp
	}
}
