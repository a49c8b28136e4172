package bridge

import (
	"slices"

	"gateway/bridge/media"
)

// mediaReady notes the port of a leg's stream.
func (m *machine) mediaReady(n int, ev MediaReady) {
	l := m.legs[n]
	l.ports.put(ev.Stream, ev.Port)
	delete(l.silent, ev.Stream)
	m.join()
	if m.mode == mediaUntouched && ev.Port.Frames && m.settled() {
		m.cross()
	}
}

// transcodes notes that a leg's sound is converted, or not, whatever was agreed on.
func (m *machine) transcodes(n int, on bool) {
	l := m.legs[n]
	if l.made == on {
		return
	}
	l.made = on
	if m.side(n) >= 0 && m.settled() {
		m.cross()
	}
}

// settled reports whether two hear each other and nothing is being negotiated.
func (m *machine) settled() bool {
	x, y := m.pair[0], m.pair[1]
	return m.state == talking && m.open == nil && x != nobody && y != nobody && !m.legs[x].away() && !m.legs[y].away() &&
		!m.legs[x].waits && !m.legs[y].waits
}

// mediaLost forgets a port, and parts what it was joined to.
func (m *machine) mediaLost(n int, ev MediaLost) {
	l := m.legs[n]
	if l.ports.at(ev.Stream) != ev.Port {
		return
	}
	l.ports.drop(ev.Stream)
	delete(l.silent, ev.Stream)
	peer := l.joined.at(ev.Stream)
	if peer.IsZero() {
		return
	}
	l.joined.drop(ev.Stream)
	m.do(action{do: doPart, leg: n, ports: ports(peer)})
	if o := m.other(n); o != nobody {
		m.legs[o].joined.without(ev.Port)
	}
}

// join joins the ports of the pair's streams that belong together.
func (m *machine) join() {
	x := m.pair[0]
	if x == nobody || m.legs[x].away() || m.other(x) == nobody || m.state >= ending {
		return
	}
	a, b := m.legs[x], m.legs[m.pair[1]]
	theirs := b.streams.slots()
	for i, at := range a.streams.slots() {
		j := slices.Index(theirs, at)
		if j < 0 {
			continue
		}
		s, t := a.streams[i].ID, b.streams[j].ID
		p, q := a.ports.at(s), b.ports.at(t)
		if p.IsZero() || q.IsZero() || a.joined.at(s) == q && b.joined.at(t) == p {
			continue
		}
		a.joined.put(s, q)
		b.joined.put(t, p)
		m.do(action{do: doJoin, leg: x, ports: ports(p, q)})
	}
}

// part parts the ports of a leg of the pair from those of the other, unless it
// is the leg but.
func (m *machine) part(n, but int) {
	if n == nobody || n == but {
		return
	}
	l := m.legs[n]
	for _, s := range l.joined {
		m.do(action{do: doPart, leg: n, ports: ports(l.ports.at(s.stream))})
	}
	l.joined = l.joined[:0]
	if i := m.side(n); i >= 0 && m.pair[1-i] != nobody {
		o := m.legs[m.pair[1-i]]
		o.joined = o.joined[:0]
	}
}

// listen ends a call in which nothing is heard from either side, and where it
// might only seem so, after a while. now: one of the two has just fallen silent.
func (m *machine) listen(now bool) {
	want := deadNever
	x, y := m.pair[0], m.pair[1]
	if m.state == talking && x != nobody && y != nobody {
		switch d := m.legs[x].agreed; {
		case d.still():
		case !d.both() && m.silentOrMute(x, y) && m.silentOrMute(y, x):
			want = deadHeld
		case d.both() && m.legs[x].quiet() && m.legs[y].quiet():
			want = deadSoon
		}
	}
	if want == deadSoon && now {
		m.end(NoMedia, nobody)
		return
	}
	if want == m.dead {
		return
	}
	m.dead = want
	switch want {
	case deadSoon:
		m.timer(timerSilence, m.soon)
	case deadHeld:
		m.timer(timerSilence, heldBound)
	default:
		m.timer(timerSilence, 0)
	}
}

// silentOrMute reports whether nothing comes from the leg n, or nothing may: its
// party does not send, or that of o does not want to hear. Of such a leg nobody
// says that it is silent.
func (m *machine) silentOrMute(n, o int) bool {
	l := m.legs[n]
	return l.quiet() || len(l.ports) > 0 && !l.away() && !l.said.reaches(m.legs[o].said)
}

// quiet reports whether nothing comes from the leg.
func (l *member) quiet() bool {
	for _, p := range l.ports {
		if !l.silent[p.stream] {
			return false
		}
	}
	return len(l.ports) > 0 && !l.away()
}

func ports(p ...media.PacketPort) (two [2]media.PacketPort) {
	copy(two[:], p)
	return two
}
