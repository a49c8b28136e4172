package relay

import (
	"log/slog"
	"time"

	"gateway/bridge/media"
)

// do has f called with the leg p by its loop, if it is open by then.
func (r *Relay) do(p media.PacketPort, f func(l *loop, g *leg)) { r.tell(p, (*loop).push, f) }

// tell has how bring f to the loop of the leg p.
func (r *Relay) tell(p media.PacketPort, how func(*loop, func()), f func(l *loop, g *leg)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, l := r.find(p)
	if l == nil {
		return
	}
	how(l, func() {
		if g := l.leg(p); g != nil {
			l.at = g
			f(l, g)
		}
	})
}

// ask is do, and waits until f has been called; false: it was not.
func (r *Relay) ask(p media.PacketPort, f func(l *loop, g *leg)) bool {
	r.mu.Lock()
	_, l := r.find(p)
	if l == nil {
		r.mu.Unlock()
		return false
	}
	answer := l.asked((*loop).later, func() bool {
		g := l.leg(p)
		if g == nil {
			return false
		}
		l.at = g
		f(l, g)
		return true
	})
	r.mu.Unlock()
	l.kick()
	return answer()
}

// ask pushes f, and gives what waits for its answer; it is false if the loop ends.
func (l *loop) ask(f func() bool) func() bool { return l.asked((*loop).push, f) }

// asked is ask with another way for f to the loop.
func (l *loop) asked(how func(*loop, func()), f func() bool) func() bool {
	answer := make(chan bool, 1)
	how(l, func() {
		done := false
		defer func() { answer <- done }()
		done = f()
	})
	return func() bool {
		select {
		case ok := <-answer:
			return ok
		case <-l.done:
			return false
		}
	}
}

// Set says where a port's peer is and what it may send and hear.
func (r *Relay) Set(p media.PacketPort, s media.Setting) {
	if l := r.set(p, s); l != nil {
		l.kick()
	}
}

// set gives the loop that is to be kicked; nil: none.
func (r *Relay) set(p media.PacketPort, s media.Setting) *loop {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, l := r.find(p)
	if l == nil {
		return nil
	}
	if !r.wiring.set(g.port.number, &s) {
		l.log.Warn("media address refused: it leads back to itself", slog.String("call", g.port.call))
	}
	in, out := r.formats.hold(s.In), r.formats.hold(s.Out)
	l.later(func() {
		g := l.leg(p)
		if g == nil {
			l.formats.release(in, out)
			return
		}
		l.at = g
		l.apply(g, s, in, out)
	})
	return l
}

// Join forwards between two ports, both ways.
func (r *Relay) Join(a, b media.PacketPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ga, la := r.find(a)
	gb, lb := r.find(b)
	if la == nil || lb == nil || a.Slot == b.Slot {
		return
	}
	to := la
	if la != lb {
		stays, goes, name := ga, gb, b
		if gb.port.ice && !ga.port.ice { // its sockets can't move with it
			stays, goes, name = gb, ga, a
		}
		if to = stays.home; !r.move(goes, name, to) {
			return
		}
	}
	ringA, ringB := r.wiring.join(ga.port.number, gb.port.number)
	how := (*loop).later
	if ga.port.intake != nil || gb.port.intake != nil {
		how = (*loop).push // frames come without packets
	}
	how(to, func() {
		x, y := to.leg(a), to.leg(b)
		if x == nil || y == nil {
			return
		}
		to.at = x
		to.join(x, y)
		if ringA {
			to.point(x, addresses{})
		}
		if ringB {
			to.point(y, addresses{})
		}
	})
}

// move takes the leg g, which p names, from its loop to another. Whoever sends
// it commands waits for r.mu meanwhile.
func (r *Relay) move(g *leg, p media.PacketPort, to *loop) bool {
	from := g.home
	moved := from.ask(func() bool {
		if from.leg(p) == nil {
			return false
		}
		from.at = g
		from.release(g, poller.remove)
		return true
	})()
	if !moved {
		return false
	}
	from.ports--
	to.ports++
	g.home = to
	to.push(func() {
		to.at = g
		to.adopt(g)
	})
	return true
}

// Part ends the forwarding from and to p.
func (r *Relay) Part(p media.PacketPort) {
	r.mu.Lock()
	if g, _ := r.find(p); g != nil {
		r.wiring.part(g.port.number)
	}
	r.mu.Unlock()
	r.tell(p, (*loop).later, func(l *loop, g *leg) { l.part(g) })
}

// Digit sends a telephone event to the peer of p.
func (r *Relay) Digit(p media.PacketPort, digit rune, d time.Duration) {
	r.do(p, func(l *loop, g *leg) { l.press(g, digit, d) })
}

// Stats are the counts of p so far; false if it is closed.
func (r *Relay) Stats(p media.PacketPort) (media.Stats, bool) {
	var s media.Stats
	ok := r.ask(p, func(l *loop, g *leg) { s = r.stats(g) })
	return s, ok
}

// Close gives the sockets back and returns the last counts.
func (r *Relay) Close(p media.PacketPort) media.Stats {
	r.mu.Lock()
	g, l := r.find(p)
	if g == nil {
		r.mu.Unlock()
		return media.Stats{}
	}
	owner := g.port
	owner.Close()
	g.home = nil // nobody else closes it
	r.wiring.close(owner.number)
	l.ports--
	r.mu.Unlock()
	s, handles := r.end(l, g, p)
	for _, handle := range handles { // not by the loop: the system takes its time
		if handle >= 0 {
			r.network.close(handle)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case g.ice != nil:
		for _, s := range g.ice.sites {
			s.users--
		}
		r.reflector.unwant()
	case g.own():
		r.ports.give(owner.number, r.clock())
	}
	r.table.give(g)
	return s
}

// end has l be done with its leg g, which p names and nobody tells anything any more. It gives
// the last counts, and the sockets that are to be closed; -1: none.
func (r *Relay) end(l *loop, g *leg, p media.PacketPort) (media.Stats, [2]int32) {
	l.kick()
	if l.turn.TryLock() {
		if !l.waits.Load() { // what g was told before has been done
			return r.endNow(l, g, p)
		}
		l.turn.Unlock()
	}
	var s media.Stats
	handles := noSockets()
	answered := l.asked((*loop).later, func() bool {
		s, handles = r.last(l, g, p)
		return true
	})
	l.kick()
	if !answered() {
		return media.Stats{}, noSockets()
	}
	return s, handles
}

// noSockets are none.
func noSockets() [2]int32 { return [2]int32{-1, -1} }

// endNow is end for the caller, who has the turn; it gives that back.
func (r *Relay) endNow(l *loop, g *leg, p media.PacketPort) (s media.Stats, handles [2]int32) {
	defer l.turn.Unlock()
	defer func() {
		if fault := recover(); fault != nil {
			_ = l.mend(fault) // it is in the log
			l.at = nil
			handles = noSockets()
		}
	}()
	l.now = l.clock()
	return r.last(l, g, p)
}

// last is the part of end that is done with the turn.
func (r *Relay) last(l *loop, g *leg, p media.PacketPort) (s media.Stats, handles [2]int32) {
	s, handles = r.stats(g), noSockets()
	if l.leg(p) != nil { // else it was lost before
		l.at = g
		handles = l.shut(g)
		l.at = nil
	}
	return s, handles
}

// Count is how many ports are open.
func (r *Relay) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, l := range r.loops {
		n += l.ports
	}
	if r.closed {
		n = 0 // it has given all back itself
	}
	return n
}
