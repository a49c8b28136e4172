package relay

import (
	"sync"
	"time"

	"gateway/bridge/media"
)

// An intake is where the peer of a port without sockets sends to. Its frames don't
// pass the loop: whoever feeds takes them to where they are worked on.
type intake struct {
	frames func(media.Frame) // immutable

	mu      sync.Mutex // guards what follows
	got     flow
	dropped drops
	told    bool // that something came, since it was silent
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
	return media.Port{ID: media.PacketPort{Loop: l.number, Slot: g.slot, Generation: g.generation}}, nil
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
	i.got.count(len(f.Data), now)
	i.dropped[media.DropNowhere]++
	first := !i.told
	i.told = true
	return first
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

// fed adds the counts of what came as frames.
func (i *intake) fed(of drops) (flow, drops) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for why, n := range i.dropped {
		of[why] += n
	}
	return i.got, of
}
