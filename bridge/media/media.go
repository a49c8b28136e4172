// Package media is what carries sound and pictures between the legs of a call.
// Its unit is the RTP packet (RFC 3550), which passes untouched wherever both
// sides have a format in common.
//
// A Plane owns sockets and relays between them. It takes commands, which are
// values, and gives events: so it can live in this process or in a child.
package media

import (
	"errors"
	"net/netip"
	"time"

	"gateway/codec"
)

// ErrNoPorts says that every pair of ports of the range is taken.
var ErrNoPorts = errors.New("no media port is left")

// A PacketPort names the sockets of one stream of one leg in a Plane. It is
// worth nothing once the port is closed: another that takes its slot has
// another generation. The zero PacketPort is none.
type PacketPort struct {
	Loop, Slot, Generation uint32
	Frames                 bool // it was opened with Open.Frames
}

// IsZero reports whether p is none.
func (p PacketPort) IsZero() bool { return p == PacketPort{} }

// A Remote is a Plane in another process: Open, Close and Stats wait for that.
type Remote interface{ Remote() }

// A Plane carries packets. Every method may be called from any goroutine and
// does not wait for the network. A command for a port that is closed does
// nothing.
type Plane interface {
	// Open binds the sockets of one stream. events is told what happens to
	// it, one at a time, from a goroutine of the plane's that it must not hold up;
	// after Close it is told nothing more, but a call of it that has begun may
	// still be under way. ErrNoPorts is the error when there is no room.
	Open(o Open, events func(Event)) (Port, error)
	// Set says where a port's peer is and what it may send and hear. It
	// replaces what was set before. Sources are learned anew where the
	// addresses have changed, or the source has fallen silent; keys that stay
	// the same go on as they are.
	Set(p PacketPort, s Setting)
	// Join forwards between two ports, both ways, and parts each of them from what
	// it was joined to before.
	Join(a, b PacketPort)
	// Part ends the forwarding from and to p.
	Part(p PacketPort)
	// Feed hands in a frame of the peer of p, which was opened with Open.Frames. It
	// copies f.Data. What comes faster than it can be carried is dropped, and
	// counted as DropFull.
	Feed(p PacketPort, f Frame)
	// Digit sends a telephone event to the peer of p for d, after those that
	// are being sent. It does nothing where the peer takes no events.
	Digit(p PacketPort, digit rune, d time.Duration)
	// Stats are the counts of p so far; false if it is closed.
	Stats(p PacketPort) (Stats, bool)
	// Close gives the sockets back and returns the last counts.
	Close(p PacketPort) Stats
	// Count is how many ports are open.
	Count() int
	// Fingerprint is that of the certificate that the plane shows in DTLS.
	Fingerprint() Fingerprint
}

// Open asks for the sockets of one stream.
type Open struct {
	// Local is the address of ours to bind to, which packets then come from.
	// An unspecified one takes packets for every address of its family, and
	// costs more: its sockets can't be connected to the peer. With ICE it is not
	// looked at.
	Local netip.Addr
	// ICE: the peer is found by ICE. The port has no sockets of its own but shares
	// those of the plane, on all addresses of ours.
	ICE bool
	// Separate asks for a second component, for RTCP of a peer that may not be
	// able to take it by the RTP port. It is given up at the first Set with Mux.
	Separate bool
	// Frames is for a peer that has its media by other ways than RTP. The port
	// has no sockets then, and Local, ICE and Separate are not looked at: what would
	// go to the peer is handed to this function, one frame at a time and in their order,
	// from a goroutine of the plane's that it must not hold up. Data is good only
	// during the call. After Close it is not called any more, but a call that has
	// begun may still be under way. What comes from the peer is given to Plane.Feed.
	Frames func(Frame)
	// Call is for the log.
	Call string
}

// A Port is a stream's sockets: an even port for RTP and the next for RTCP (RFC
// 3550 section 11).
type Port struct {
	ID        PacketPort
	RTP, RTCP netip.AddrPort // bound; the address is Open.Local; not valid with ICE or Frames
	ICE       ICE            // what to tell the peer of us; zero without Open.ICE
}

// A Payload is a format and the number that its packets have in one direction
// on one leg.
type Payload struct {
	Format codec.Format
	Type   uint8 // 0 to 127
}

// A Setting is what the signalling says of one stream of one leg.
type Setting struct {
	// RTP and RTCP are where the peer wants its packets; not valid: nowhere,
	// yet. Of a port with Open.Frames only what follows from Send on is looked at, but
	// for Security.
	RTP, RTCP netip.AddrPort
	// Mux: RTP and RTCP come and go by the RTP port (RFC 5761).
	Mux bool
	// Learn is the one address other than that of RTP from which the peer's
	// packets may come all the same, from any port, because it may sit behind
	// a NAT: where its signalling came from. Not valid: none.
	Learn netip.Addr
	// ICE is what the peer has said of itself, on a port that was opened with
	// ICE; nil: nothing, yet. RTP, RTCP and Learn are not looked at then. Each
	// Set names all candidates of the run; those that are new are tried. Another
	// Ufrag or Pwd begins a new run, which Gathered tells our part of; media go on the
	// old way until there is a new one.
	ICE *ICE
	// Controlling: our side has begun the session, and chooses the way.
	Controlling bool
	// Send: the peer wants to hear. Receive: it may speak.
	Send, Receive bool
	// In are the payloads that the peer may send to us; Out those that it takes
	// from us. The preferred first.
	In, Out []Payload
	// Ptime is how much sound the peer would like in each packet (RFC 8866 section
	// 6.4); 0: DefaultPtime. It matters where packets are made by us.
	Ptime time.Duration
	// Security is nil for plain RTP.
	Security *Security
}

// DefaultPtime is how much sound a packet of our own making has (RFC 3551 section 4.2).
const DefaultPtime = 20 * time.Millisecond

// Security says how a stream is encrypted: by keys that were exchanged in the
// signalling, or by those that DTLS agrees on.
type Security struct {
	SDES *SDES
	DTLS *DTLS
}

// A Suite names how packets are sealed, by its name in RFC 4568 section 6.2 and
// RFC 7714 section 14.2: "AES_CM_128_HMAC_SHA1_80".
type Suite string

// The suites that we take, the preferred first.
const (
	SuiteGCM256 Suite = "AEAD_AES_256_GCM"
	SuiteGCM128 Suite = "AEAD_AES_128_GCM"
	SuiteCM80   Suite = "AES_CM_128_HMAC_SHA1_80"
	SuiteCM32   Suite = "AES_CM_128_HMAC_SHA1_32"
)

// Keys say where the keys of a stream are from.
type Keys string

// Where keys can be from.
const (
	KeysSDES Keys = "sdes" // the signalling (RFC 4568)
	KeysDTLS Keys = "dtls" // a handshake (RFC 5764)
)

// SDES are keys from the signalling (RFC 4568).
type SDES struct {
	Suite Suite
	// Send seals what we send, Receive opens what comes: master key and
	// master salt, one behind the other.
	Send, Receive []byte
}

// DTLS asks for a handshake on the RTP port (RFC 5764).
type DTLS struct {
	Client bool // we begin it
	// Local is the fingerprint that the peer was told of ours; the zero one
	// stands for the current one.
	Local Fingerprint
	// Peer are the fingerprints one of which the peer's certificate must have (RFC 8122).
	Peer []Fingerprint
}

// A Fingerprint is that of a certificate (RFC 8122 section 5).
type Fingerprint struct {
	Hash  string // "sha-256"
	Value string // "AB:CD:…"
}

// An Event tells what has happened to a port: Heard, Silent, Secured, Insecure,
// Digit or Lost; with ICE also Gathered, Connected or Failed.
type Event interface{ event() }

type (
	// Heard: the peer's packets come, for the first time or again.
	Heard struct{}
	// Silent: nothing good has come from the peer for the plane's dead time,
	// neither RTP nor RTCP, though it may speak and we know where it is.
	Silent struct{}
	// Secured: packets can be sealed and opened from now on.
	Secured struct{ Suite Suite }
	// Insecure: the handshake has failed for good; nothing will come or go.
	Insecure struct{ Err error }
	// Digit: the peer has pressed a key (RFC 4733), told once a key press,
	// at its end. Forwarded says that the joined port's peer has had the
	// packets.
	Digit struct {
		Digit     rune // 0-9 * # A-D, '!' for flash
		Duration  time.Duration
		Forwarded bool
	}
	// Lost: the plane has lost the port, by a fault of its own. Nothing comes
	// or goes by it any more, and nothing else is told of it.
	Lost struct{ Err error }
)

func (Heard) event()    {}
func (Silent) event()   {}
func (Secured) event()  {}
func (Insecure) event() {}
func (Digit) event()    {}
func (Lost) event()     {}

// Stats are the counts of one port.
type Stats struct {
	In, Out Flow
	// Dropped are packets that came and were thrown away, by why.
	Dropped map[Drop]uint64
	// Reported is what the peer says of what it gets from us (RFC 3550
	// section 6.4).
	Reported Report
	// Suite is "" for plain RTP, and Keys "" as long as there are none.
	Suite Suite
	Keys  Keys
	// Remote is where packets go now; not valid if nowhere.
	Remote netip.AddrPort
	// Learned: Remote is not what the signalling said.
	Learned bool
	// Renamed: what goes out is not all untouched, for a source has begun its
	// sequence anew, and had to be sealed as another.
	Renamed bool
	// Crossing is how what comes from the peer reaches the other side, or did last.
	Crossing Crossing
	// Concealed are packets of the peer's that were lost and stood in for.
	Concealed uint64
	// Pair is the way that ICE has chosen; zero without.
	Pair Pair
}

// A Flow is what went one way.
type Flow struct {
	Packets, Octets uint64 // of RTP, headers included
	Lost            uint64 // by the gaps in sequence numbers; of In
	Reordered       uint64 // of In
	Jitter          time.Duration
	First, Last     time.Time // zero if there was none
}

// A Report is what RTCP says.
type Report struct {
	Loss   float64 // of the last interval, 0 to 1
	Lost   int64   // in all
	Jitter time.Duration
	Trip   time.Duration // there and back; 0 if not known
	At     time.Time     // zero if there was none
}

// A Drop says why a packet was thrown away.
type Drop uint8

// Why packets are thrown away.
const (
	DropSource    Drop = iota // not from where the peer is
	DropMalformed             // no RTP or RTCP
	DropType                  // a payload type that was not agreed on
	DropRepeat                // seen before, or older than the window
	DropAuth                  // its seal is broken
	DropEarly                 // before keys were there
	DropNowhere               // nobody is joined, or does not want to hear
	DropSend                  // the system would not send it
	DropFull                  // more than can be carried at a time
	DropLate                  // it came when its time had passed
	DropCeiling               // more came than any stream has
	DropCount                 // how many there are
)

// String is the word for metrics.
func (d Drop) String() string {
	return [...]string{
		"source", "malformed", "type", "repeat", "auth", "early", "nowhere", "send", "full", "late", "ceiling", "unknown",
	}[min(d, DropCount)]
}

// A Crossing is how the sound of a port reaches the one it is joined to, the
// cheapest first.
type Crossing uint8

// The ways in which sound crosses.
const (
	CrossNone       Crossing = iota // not at all
	CrossUntouched                  // packets pass as they came
	CrossRepacked                   // encoded frames pass in other packets
	CrossTranscoded                 // it is decoded and encoded again
)

// String is the word for logs, records and metrics.
func (c Crossing) String() string {
	return [...]string{"none", "untouched", "repacked", "transcoded"}[min(c, CrossTranscoded)]
}
