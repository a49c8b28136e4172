package relay

import (
	"net/netip"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

// Which of a leg's two sockets.
const (
	forRTP = iota
	forRTCP
)

// A leg is one port: the sockets of one stream towards one peer.
type leg struct {
	// owner is generation and loop of who has it now, 0 if nobody: a loop that
	// meets an event for a leg that is another's by now must not look further.
	owner      atomic.Uint64
	slot       uint32
	generation uint32 // of who has it or will have it next; changes while nobody has
	home       *loop  // where commands for it go; guarded by Relay.mu
	state
}

// state is what the leg's loop alone touches.
type state struct {
	port *port
	loop *loop
	peer *leg // joined to it; on the same loop
	at   int  // in loop.legs

	sock    [2]socket
	said    addresses // by the signalling
	search  *search   // for the source; nil once it is locked
	locked  [2]bool   // sock[i].to is where packets come from and go to
	send    bool      // the peer wants to hear
	receive bool      // it may speak
	silent  bool      // Silent was the last that was told
	heard   bool      // Heard was
	awake   bool      // in loop.awake
	sight   bool      // it may send pictures
	ptime   uint8     // ms of sound that it would like in a packet

	in, out []payload
	routes  []route        // of what comes
	current route          // of the last packet that came
	shift   uint16         // added to the sequence numbers of what is sent
	sound   uint32         // clock of what was sent last, in Hz; 0: nothing was
	last    head           // of what was sent last
	mark    mark           // of the sound that was sent last
	passed  time.Duration  // when that was
	keys    *keys          // nil until one is pressed
	line    *line          // of what comes; nil: it passes untouched, or not at all
	made    *made          // nil until something was laid from or to it
	crossed media.Crossing // how what comes did last cross

	security *security // nil: plain RTP
	ice      *iceState // nil: it has sockets of its own

	receiver  rtp.Receiver
	got, gave flow
	dropped   *drops // nil: nothing was
	monitor   rtp.Monitor
	due       time.Duration // when the next packet would come if all kept to the ceiling
	good      time.Duration // when something good came last, or silence began to count
}

// A port is what is known of a leg from its beginning to its end.
type port struct {
	Listener
	four     bool    // IPv4
	anywhere bool    // bound to all our addresses
	ice      bool    // its sockets are shared
	number   uint16  // of RTP; 0 with ICE or frames
	call     string  // for the log
	intake   *intake // of frames; nil: it has sockets
}

// A socket is one of the two of a leg.
type socket struct {
	handle    int32  // what the network calls it
	scope     uint32 // the interface of link-local addresses (RFC 4007 section 11)
	connected bool   // to `to`
	to        netip.AddrPort
}

// addresses are those of a media.Setting, in the form that packets have them in.
type addresses struct {
	rtp, rtcp netip.AddrPort
	learn     netip.Addr
	mux       bool
}

// drops counts packets that were thrown away, by why.
type drops [media.DropCount]uint64

// A flow counts RTP packets one way. Times are the loop's; 0: there was none.
type flow struct {
	packets, octets uint64
	first, last     time.Duration
}

func (f *flow) count(n int, now time.Duration) {
	if f.packets == 0 {
		f.first = now
	}
	f.packets++
	f.octets += uint64(n)
	f.last = now
}

// head is the identity of an RTP packet.
type head struct {
	ssrc     uint32
	sequence uint16
}

// before reports whether a packet comes after the one that h is of: another
// source, a higher number, or one so far away that the source has begun anew.
func (h head) before(ssrc uint32, sequence uint16) bool {
	const late = 100 // RFC 3550 appendix A.1: MAX_MISORDER
	ahead := int16(sequence - h.sequence)
	return ssrc != h.ssrc || ahead > 0 || ahead < -late
}

// own reports whether the leg has sockets of its own.
func (g *leg) own() bool { return g.ice == nil && g.port.intake == nil }

// key names a socket of a leg to the system, which gives it back with each event.
func (g *leg) key(which int) uint64 {
	return uint64(g.generation)<<32 | uint64(g.slot)<<1 | uint64(which)
}

// id is what the rest of the world calls the leg, where loops don't matter.
func (g *leg) id() media.PacketPort { return g.slotted(g.generation) }

// slotted is what the leg was or will be called in a generation.
func (g *leg) slotted(generation uint32) media.PacketPort {
	return media.PacketPort{Slot: g.slot, Generation: generation}
}

func (g *leg) drop(why media.Drop) {
	if g.dropped == nil {
		g.dropped = &drops{}
	}
	g.dropped[why]++
}

// route is what becomes of the payload type kind; false if it was not agreed on.
func (g *leg) route(kind uint8) (route, bool) {
	if g.current.in == kind && g.current.agreed {
		return g.current, true
	}
	for _, r := range g.routes {
		if r.in == kind {
			g.current = r
			return r, true
		}
	}
	return route{}, false
}
