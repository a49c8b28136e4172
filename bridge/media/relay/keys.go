package relay

import (
	"math"
	"math/rand/v2"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

const (
	// lull is how long sound must have been away for key presses to be sent
	// in packets of our own rather than in place of it.
	lull = 3 * beat
	// gap is between two presses, so that they are heard as two.
	gap = 3 * beat
	// maxQueued bounds the presses that wait to be sent.
	maxQueued = 32
	// eventPacket is the length of a packet of ours, in bytes.
	eventPacket = rtp.MinHeader + rtp.EventSize
)

// keys is what a leg knows of key presses, once there are any.
type keys struct {
	detector rtp.Detector // of what the peer presses
	passed   bool         // its last packet went to the other side

	// Presses of the other peer that are passed on in a clock of another rate.
	converted bool
	in, out   uint32 // timestamp of the press, there and here

	// Presses that we send to the peer.
	queue     []press
	keying    rtp.Keying
	typing    bool          // keying is under way
	kind      uint8         // its payload type
	rate      uint32        // its clock
	timestamp uint32        // its start
	began     time.Duration // when that was
	steps     int           // packets of keying that are due by now
	packet    rtp.KeyPacket // the last
	free      time.Duration // when the next may begin
}

type press struct {
	digit    rune
	duration time.Duration
}

// A mark fixes the clock of a stream: at that moment it showed timestamp.
type mark struct {
	timestamp uint32
	at        time.Duration
}

// elapsed is the timestamp that the stream to g's peer has now.
func (l *loop) elapsed(g *leg) uint32 {
	d := l.now - g.mark.at
	return g.mark.timestamp + uint32(uint64(d/time.Second)*uint64(g.sound)+uint64(d%time.Second)*uint64(g.sound)/uint64(time.Second))
}

// pressing is the keys of g, made if there were none.
func (g *leg) pressing() *keys {
	if g.keys == nil {
		g.keys = &keys{}
	}
	return g.keys
}

// pressed looks at a telephone event of g's peer.
func (l *loop) pressed(g *leg, h rtp.Header, r route, b []byte, passes bool) {
	e, ok := rtp.ParseEvent(h.Payload(b))
	if !ok {
		g.drop(media.DropMalformed)
		return
	}
	k := g.pressing()
	k.passed = passes
	if p, ok := k.detector.Add(h, e, r.rate, l.now); ok {
		l.tell(g, p, passes)
	}
	if k.detector.Pending() {
		l.rouse(g)
	}
}

func (l *loop) tell(g *leg, p rtp.Press, passed bool) {
	l.teller.Post(&g.port.Listener, media.Digit{Digit: p.Digit, Duration: p.Duration, Forwarded: passed})
}

// convert puts a telephone event whose clock is not that of p's peer into that
// clock: its duration by the ratio of the rates, at most what fits; its
// timestamp, which has nothing to be a ratio to, to what the stream's clock
// shows when the press begins.
func (l *loop) convert(p *leg, b []byte, h rtp.Header, r route) {
	if r.rate == r.other || r.rate == 0 || r.other == 0 {
		return
	}
	payload := h.Payload(b)
	e, ok := rtp.ParseEvent(payload)
	if !ok {
		return
	}
	k := p.pressing()
	switch {
	case k.converted && h.Timestamp == k.in:
	case k.converted && h.Timestamp-k.in == math.MaxUint16:
		k.in, k.out = h.Timestamp, k.out+uint32(rtp.Scale(math.MaxUint16, r.rate, r.other)) // its next segment
	default:
		k.converted, k.in, k.out = true, h.Timestamp, h.Timestamp
		if p.sound != 0 {
			k.out = l.elapsed(p)
		}
	}
	e.Duration = uint16(min(math.MaxUint16, rtp.Scale(uint64(e.Duration), r.rate, r.other)))
	e.Put(payload)
	rtp.SetTimestamp(b, k.out)
}

// press queues a key press to be sent to g's peer.
func (l *loop) press(g *leg, digit rune, d time.Duration) {
	if kind, _ := l.formats.takesEvents(g.out, g.sound); kind == noType {
		return
	}
	if _, ok := rtp.Code(digit); !ok {
		return
	}
	k := g.pressing()
	if len(k.queue) < maxQueued {
		k.queue = append(k.queue, press{digit, d})
		l.rouse(g)
		l.begin(g)
	}
}

// begin starts the next press if it is time for that.
func (l *loop) begin(g *leg) {
	k := g.keys
	if k.typing || len(k.queue) == 0 || l.now < k.free || !g.send || !g.sock[forRTP].to.IsValid() {
		return
	}
	next := k.queue[0]
	k.queue = append(k.queue[:0], k.queue[1:]...)
	kind, rate := l.formats.takesEvents(g.out, g.sound)
	keying, ok := rtp.NewKeying(next.digit, next.duration, rate)
	if !ok || kind == noType {
		return
	}
	if g.sound == 0 { // a stream of our own
		g.sound = rate
		g.mark = mark{timestamp: rand.Uint32(), at: l.now}
		g.last = head{ssrc: rand.Uint32(), sequence: uint16(rand.Uint32())}
	}
	k.keying, k.kind, k.rate, k.typing = keying, kind, rate, true
	k.timestamp, k.steps, k.packet = l.elapsed(g), 0, rtp.KeyPacket{}
	l.insert(g)
}

// step goes on to the packet that is due now, if that is another than the one
// before; false where the press is over.
func (k *keys) step(now time.Duration) bool {
	if k.steps == 0 {
		k.began = now
	}
	due := int((now-k.began)/rtp.KeyingInterval) + 1
	for k.packet.Event.End || k.steps < due {
		p, ok := k.keying.Next()
		if !ok {
			k.typing, k.free = false, now+gap
			return false
		}
		k.packet = p
		k.steps++
		if p.Event.End {
			break // each end is said, however late it is
		}
	}
	return true
}

// replace puts a telephone event where a packet of the other side's sound, of n
// bytes and with the header h, was in b. It has that one's source and number.
// The new length is returned; where the press is over, the sound stays.
func (l *loop) replace(p *leg, b []byte, n int, h rtp.Header) int {
	k := p.keys
	fresh := k.steps == 0
	if fresh {
		k.timestamp = h.Timestamp
	}
	if !k.step(l.now) {
		return n
	}
	return k.write(b, head{ssrc: h.SSRC, sequence: h.Sequence}, p.sound, fresh)
}

// write writes the event packet that is due to b. sound is the clock of its timestamps.
func (k *keys) write(b []byte, as head, sound uint32, fresh bool) int {
	rtp.Header{
		Type: k.kind, Marker: fresh && k.packet.Marker, Sequence: as.sequence, SSRC: as.ssrc,
		Timestamp: k.timestamp + uint32(rtp.Scale(uint64(k.packet.Offset), k.rate, sound)),
	}.Put(b)
	k.packet.Event.Put(b[rtp.MinHeader:eventPacket])
	return eventPacket
}

// tend is the beat of a leg that is awake; false: it can sleep.
func (l *loop) tend(g *leg) bool {
	k := g.keys
	if k == nil {
		return false
	}
	if p, ok := k.detector.Late(l.now); ok {
		l.tell(g, p, k.passed)
	}
	l.begin(g)
	l.insert(g)
	return k.typing || len(k.queue) > 0 || k.detector.Pending()
}

// insert sends the packet that is due of the press that is under way beside a
// sound that has paused, in its numbers: what comes after it is counted up by one.
func (l *loop) insert(g *leg) {
	k := g.keys
	if !k.typing || g.passed != 0 && l.now-g.passed < lull {
		return
	}
	steps := k.steps
	if !k.step(l.now) || k.steps == steps {
		return
	}
	g.last.sequence++
	g.shift++
	n := k.write(l.own[:], g.last, g.sound, steps == 0)
	l.emit(g, g, l.own[:], n)
}
