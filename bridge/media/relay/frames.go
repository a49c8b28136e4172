package relay

import (
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/bridge/media/rtp"
)

// An intake is where the peer of a port without sockets sends to. Its frames don't
// pass the loop: whoever feeds takes them to where they are worked on.
type intake struct {
	frames func(media.Frame) // immutable

	line atomic.Pointer[line] // of what is fed; nil: it goes nowhere

	mu      sync.Mutex // guards what follows
	got     flow
	gave    flow
	dropped drops
	told    bool          // that something came, since it was silent
	due     time.Duration // when the next would come if all kept to the ceiling
	from    *line         // that base is for
	base    uint32        // added to what it counts
	stamp   uint32        // of the last that was handed out
	length  int64         // of its sound, in units of its clock
	rate    int           // of its clock
}

// openFrames makes a port without sockets.
func (r *Relay) openFrames(o media.Open, events func(media.Event)) (media.Port, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return media.Port{}, errClosed
	}
	g := r.table.take()
	if g == nil {
		return media.Port{}, media.ErrNoPorts
	}
	l := r.choose()
	l.ports++
	g.home, g.port = l, &port{Listener: Listener{events: events}, call: o.Call, intake: &intake{frames: o.Frames}}
	g.locked = [2]bool{true, true}
	for which := range g.sock {
		g.sock[which].handle = -1
	}
	l.push(func() {
		l.at = g
		g.good = l.now
		l.adopt(g)
	})
	return media.Port{ID: media.PacketPort{Loop: l.number, Slot: g.slot, Generation: g.generation, Frames: true}}, nil
}

// Feed hands in a frame of a port's peer.
func (r *Relay) Feed(p media.PacketPort, f media.Frame) {
	r.mu.Lock()
	g, _ := r.find(p)
	if g == nil || g.port.intake == nil {
		r.mu.Unlock()
		return
	}
	at := g.port.intake
	r.mu.Unlock()
	if at.take(f, r.clock()) {
		r.do(p, func(l *loop, g *leg) { l.hear(g) })
	}
}

// take counts a frame and passes it on; true: it is the first after a silence.
func (i *intake) take(f media.Frame, now time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(f.Data) == 0 || len(f.Data) > media.MaxFrame {
		i.dropped[media.DropMalformed]++
		return false
	}
	if !i.within(now, len(f.Data)) {
		i.dropped[media.DropCeiling]++
		return false
	}
	i.got.count(len(f.Data), now)
	one := letter{came: now, fed: true, time: f.Time, packet: convert.Packet{Type: f.Type, Marker: f.Marker, Waited: f.Waited}}
	switch to := i.line.Load(); {
	case to == nil || !to.open.Load():
		i.dropped[media.DropNowhere]++
	case !to.put(one, f.Data):
		i.dropped[media.DropFull]++
	}
	first := !i.told
	i.told = true
	return first
}

// fedSize is how many bytes count for one frame more: ceilings are in bytes, too, above those
// of linear sound in two channels.
const fedSize = 1 << 10

// within is leg.within for a frame of size bytes: how much sound it has only its line knows.
func (i *intake) within(now time.Duration, size int) bool {
	due := max(i.due, now) + time.Duration(1+size/fedSize)*soundGap
	if due-now > slack {
		return false
	}
	i.due = due
	return true
}

// listened takes over when the intake's peer was heard last.
func (g *leg) listened() {
	i := g.port.intake
	i.mu.Lock()
	defer i.mu.Unlock()
	g.good = max(g.good, i.got.last)
}

// hushed takes note that the peer's silence was told.
func (i *intake) hushed() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.told = false
}

// hand gives a frame that f has made to the peer. What comes of several lines is
// stamped as one stream.
func (i *intake) hand(f *line, o convert.Out, now time.Duration) {
	i.mu.Lock()
	if i.from != f || i.rate != o.Rate {
		i.base = -uint32(o.Time)
		if i.gave.packets > 0 {
			passed := (now - i.gave.last).Milliseconds() * int64(o.Rate) / 1000
			passed = max(passed, i.length*int64(o.Rate)/int64(max(1, i.rate))) // what has been said takes its time
			i.base += uint32(rtp.Scale(uint64(i.stamp), uint32(i.rate), uint32(o.Rate)) + uint64(passed))
		}
		i.from, i.rate = f, o.Rate
	}
	i.stamp, i.length = i.base+uint32(o.Time), o.Length
	frame := media.Frame{Type: o.Type, Time: i.stamp, Marker: o.Marker, Data: o.Data}
	i.gave.count(len(o.Data), now)
	i.mu.Unlock()
	if !f.sink.closed.Load() {
		i.frames(frame)
	}
}

// fed adds the counts of what came as frames.
func (i *intake) fed(of drops) (got, gave flow, dropped drops) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for why, n := range i.dropped {
		of[why] += n
	}
	return i.got, i.gave, of
}
