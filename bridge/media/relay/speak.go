package relay

import (
	"math/rand/v2"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/bridge/media/rtp"
)

// maxParcels bounds what waits for a loop to send it.
const maxParcels = 4096

// A parcel is what a worker has made to be sent by a loop.
type parcel struct {
	line *line
	out  convert.Out
	data []byte
}

// made is what a leg knows of packets of our own making: of a stream that goes to its
// peer, and of the reports about what comes from it.
type made struct {
	ssrc    uint32
	base    uint32 // added to what the line counts
	line    *line  // that base is for
	length  uint32 // of the sound of the last packet, in units of its clock
	fading  *line  // that comes from the leg, and is replaced, while something waits in it
	packets uint32
	octets  uint32

	reported time.Duration
	reporter rtp.Reporter

	// What lines that are closed have counted.
	concealed, late, malformed, skipped uint64
}

// deliver takes a packet that is to be sent; the loop looks at it when it is rung.
func (l *loop) deliver(f *line, o convert.Out) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.mail) >= maxParcels {
		return false
	}
	n := len(l.mail)
	if n < cap(l.mail) {
		l.mail = l.mail[:n+1]
	} else {
		l.mail = append(l.mail, parcel{})
	}
	p := &l.mail[n]
	p.data = append(p.data[:0], o.Data...)
	p.line, p.out = f, o
	p.out.Data = p.data
	return true
}

// ring wakes the loop for what was delivered.
func (l *loop) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && len(l.mail) > 0 {
		l.poller.wake()
	}
}

// unpack sends what was delivered.
func (l *loop) unpack() {
	l.mu.Lock()
	l.mail, l.unpacked = l.unpacked[:0], l.mail
	l.mu.Unlock()
	for i := range l.unpacked {
		p := &l.unpacked[i]
		if g := l.leg(p.line.to); g != nil && g.peer != nil && g.peer.id() == p.line.from && !p.line.gone {
			l.at = g
			l.speak(g.peer, g, p.line, p.out)
			l.at = nil
		}
		p.line = nil
	}
}

// speak sends a packet of our own making to the peer of p. g is where its sound comes
// from.
func (l *loop) speak(g, p *leg, f *line, o convert.Out) {
	if !g.receive || !p.send || !p.sock[forRTP].to.IsValid() {
		g.drop(media.DropNowhere)
		return
	}
	if len(o.Data) > maxPacket-rtp.MinHeader {
		g.drop(media.DropMalformed)
		return
	}
	m := p.made
	fresh := l.originate(p, uint32(o.Rate))
	if m.line != f || fresh {
		m.line, m.base = f, l.elapsed(p)-uint32(o.Time)
		if passed := l.elapsed(p) - p.mark.timestamp; !fresh && passed < m.length {
			m.base += m.length - passed // what has been said takes its time
		}
	}
	m.length = uint32(o.Length)
	h := rtp.Header{
		Type: o.Type, Marker: o.Marker || fresh, Sequence: p.last.sequence + 1, Timestamp: m.base + uint32(o.Time), SSRC: m.ssrc,
	}
	h.Put(l.buf[:])
	n := rtp.MinHeader + copy(l.buf[rtp.MinHeader:maxPacket], o.Data)
	p.mark, p.passed = mark{timestamp: h.Timestamp, at: l.now}, l.now
	if p.keys != nil && p.keys.typing {
		n = l.replace(p, l.buf[:], n, h)
	}
	l.utter(g, p, l.buf[:], n, h.Sequence)
}

// utter sends a packet of the stream that we make for p.
func (l *loop) utter(g, p *leg, b []byte, n int, sequence uint16) {
	p.last = head{ssrc: p.made.ssrc, sequence: sequence}
	p.made.packets++
	p.made.octets += uint32(n - rtp.MinHeader)
	l.emit(g, p, b, n)
}

// originate has the stream to p's peer be one of our own, in a clock of that rate; true: it
// begins now.
func (l *loop) originate(p *leg, rate uint32) bool {
	m := p.made
	if m.packets > 0 && p.last.ssrc == m.ssrc && p.sound == rate {
		return false
	}
	if m.packets > 0 {
		m.ssrc = rand.Uint32() // the numbers of another would not go on
		m.packets, m.octets = 0, 0
	}
	switch {
	case p.sound == 0:
		p.mark = mark{timestamp: rand.Uint32(), at: l.now}
	case p.sound != rate:
		// It may be anything, but there are phones that throw away what is older than
		// what they had from another source.
		p.mark = mark{timestamp: l.elapsed(p), at: l.now}
	}
	p.sound, p.shift = rate, 0
	p.last = head{ssrc: m.ssrc, sequence: uint16(rand.Uint32())}
	return true
}

// carry sends a telephone event of g's peer to that of p, in the stream of ours.
func (l *loop) carry(g, p *leg, h rtp.Header, r route, b []byte) {
	e, ok := rtp.ParseEvent(h.Payload(b))
	if !ok {
		return // that was counted
	}
	rate := g.line.clock()
	if kind, other := l.formats.takesEvents(p.out, rate); kind != noType {
		r.out, r.other = kind, other
	}
	l.originate(p, rate)
	k := p.pressing()
	if !k.converted || h.Timestamp != k.in {
		if k.converted && h.Timestamp-k.in == 0xffff {
			k.out += uint32(rtp.Scale(0xffff, r.rate, rate)) // its next segment
		} else {
			k.out = l.elapsed(p)
		}
		k.converted, k.in = true, h.Timestamp
	}
	e.Duration = uint16(min(0xffff, rtp.Scale(uint64(e.Duration), r.rate, r.other)))
	rtp.Header{
		Type: r.out, Marker: h.Marker, Sequence: p.last.sequence + 1, Timestamp: k.out, SSRC: p.made.ssrc,
	}.Put(l.own[:])
	e.Put(l.own[rtp.MinHeader:eventPacket])
	l.utter(g, p, l.own[:], eventPacket, p.last.sequence+1)
}

// add takes over the counts of a line.
func (m *made) add(f *line) {
	m.concealed += f.concealed.Load()
	m.late += f.late.Load()
	m.malformed += f.malformed.Load()
	m.skipped += f.skipped.Load()
}
