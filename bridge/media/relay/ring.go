package relay

import (
	"net/netip"
	"time"

	"gateway/bridge/media"
)

// Two legs that describe our own ports of each other would be joined into a ring, in which a
// packet goes round for ever. Such addresses are refused where they can be seen
// for what they are: a phone system that lets media go straight describes ports of ours too, but of
// other calls, and at the end of those is somebody. A ring by way of others, or of a
// source that was learned, can't be seen; a packet that comes again is not passed on, and
// for what goes round in other numbers there is a ceiling.
const (
	// soundGap and sightGap are how far apart packets are of a stream at its ceiling:
	// sound in packets of 2.5 ms stays far below it, and so do 40 Mbit/s of pictures.
	soundGap = time.Millisecond
	sightGap = 200 * time.Microsecond
	// controlCost is for how many packets one of RTCP counts.
	controlCost = 10
	// slack is what may come at once after a pause, in time at the ceiling.
	slack = time.Second
	// maxWires bounds the ports of ours that one packet may pass.
	maxWires = 32
)

// within reports whether a packet that counts for n keeps g below its ceiling (ITU-T I.371's
// virtual scheduling).
func (g *leg) within(now time.Duration, n time.Duration) bool {
	gap := soundGap
	if g.sight {
		gap = sightGap
	}
	due := max(g.due, now) + n*gap
	if due-now > slack {
		return false
	}
	g.due = due
	return true
}

// A wiring knows which ports of ours lead to others of ours. A port is the number of
// an RTP port; 0 stands for none, and for those of ICE. Relay.mu is held at every call.
type wiring struct {
	first uint16
	wires []wire                  // by (number - first) / 2
	ours  map[netip.Addr]struct{} // addresses that ports have been bound to, or may be known by
}

// A wire is what is known of one port.
type wire struct {
	mate uint16 // joined to it
	aim  uint16 // where its packets go, if that is ours
}

func newWiring(first, last uint16) *wiring {
	return &wiring{first: first, wires: make([]wire, (int(last)-int(first))/2+1), ours: map[netip.Addr]struct{}{}}
}

// own takes note of addresses of ours.
func (w *wiring) own(all ...netip.Addr) {
	for _, a := range all {
		w.ours[a] = struct{}{}
	}
}

// at is the wire of a port in the range.
func (w *wiring) at(number uint16) *wire {
	even := number &^ 1
	if even < w.first {
		return nil
	}
	if i := int(even-w.first) / 2; i < len(w.wires) {
		return &w.wires[i]
	}
	return nil
}

// leads is the port of ours that a belongs to, 0 if to none.
func (w *wiring) leads(a netip.AddrPort) uint16 {
	if _, ours := w.ours[a.Addr().Unmap().WithZone("")]; !ours || w.at(a.Port()) == nil {
		return 0
	}
	return a.Port() &^ 1
}

// set takes note of where the packets of a port go. What would go round goes
// nowhere, and false is returned.
func (w *wiring) set(number uint16, s *media.Setting) bool {
	if number == 0 {
		return true
	}
	one := w.at(number)
	one.aim = w.leads(s.RTP)
	if control := w.leads(s.RTCP); control != 0 && control != one.aim {
		s.RTCP = netip.AddrPort{} // it follows RTP, or there would be two ways to look at
	}
	if !w.round(number) {
		return true
	}
	one.aim = 0
	s.RTP, s.RTCP, s.Learn = netip.AddrPort{}, netip.AddrPort{}, netip.Addr{}
	return false
}

// join takes note that two ports are joined. It reports of which of them the packets
// would go round now: they go nowhere.
func (w *wiring) join(a, b uint16) (ringA, ringB bool) {
	w.part(a)
	w.part(b)
	if a == 0 || b == 0 {
		return false, false
	}
	w.at(a).mate, w.at(b).mate = b, a
	if ringA = w.round(a); ringA {
		w.at(a).aim = 0
	}
	if ringB = w.round(b); ringB {
		w.at(b).aim = 0
	}
	return ringA, ringB
}

// part takes note that a port is joined to none.
func (w *wiring) part(number uint16) {
	if number == 0 {
		return
	}
	one := w.at(number)
	if one.mate != 0 {
		w.at(one.mate).mate = 0
	}
	one.mate = 0
}

// close forgets a port.
func (w *wiring) close(number uint16) {
	if number != 0 {
		w.part(number)
		w.at(number).aim = 0
	}
}

// round reports whether what a port sends comes back to be sent by it again, or
// passes more ports of ours than anybody has a use for.
func (w *wiring) round(number uint16) bool {
	next := w.at(number).aim
	for range maxWires {
		if next == 0 {
			return false
		}
		mate := w.at(next).mate
		if mate == 0 {
			return false
		}
		if mate == number {
			return true
		}
		next = w.at(mate).aim
	}
	return true
}
