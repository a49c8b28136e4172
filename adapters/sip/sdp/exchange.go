package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// Errors of an exchange. What a peer is refused for is one of them.
var (
	// ErrNothingFits: not one stream is left that both sides can have.
	ErrNothingFits = errors.New("no stream that both sides can have")
	// ErrInsecure: what would be left is not encrypted as it must be.
	ErrInsecure = errors.New("no stream encrypted as it must be")
	// ErrAnswer: what came is no answer to what was offered.
	ErrAnswer = errors.New("not an answer to the offer")
	// ErrState: there is no offer to answer, or to take an answer to.
	ErrState = errors.New("no offer is open")
)

// Local is our end of a stream.
type Local struct {
	RTP         netip.AddrPort // as the peer is told
	RTCP        uint16         // port
	Fingerprint media.Fingerprint
	ICE         *media.ICE // nil: none. RTP is a candidate then
}

// A Locate gives our end of a stream. remote is where the peer wants to have
// it, not valid if that is not known yet. Of a stream whose sockets are open it
// gives the same each time. An error leaves the stream out.
type Locate func(id string, remote netip.Addr) (Local, error)

// Agreed is what an offer and its answer mean for one stream. Setting.Learn is
// left to the caller.
type Agreed struct {
	ID string
	// Over: there is no such stream, or no longer.
	Over    bool
	Setting media.Setting
}

// An Exchange keeps one side of the offers and answers of one leg. The zero
// Exchange is of no use: New makes one. Its owner is one goroutine.
type Exchange struct {
	policy Policy
	newKey func(media.Suite) ([]byte, error)

	origin Origin
	last   *Session // as we said last; its Origin is origin
	force  *Session // of what we have said: what has been agreed on last
	slots  []slot

	first    party  // who has made the first offer: that side chooses the way of ICE
	offerer  party  // of the last offer
	answered bool   // it has been, and may be again
	saved    []slot // as before it
	before   *Session
}

// party says whose an offer is.
type party uint8

const (
	nobody party = iota
	us
	them
)

// A slot is what is known of one line. It is copied as a value: what its slices
// and pointers lead to does not change.
type slot struct {
	id    string // "" for a line of a kind that we don't carry
	kind  codec.Kind
	proto Proto
	mid   string
	// numbers are all payload types that mean something on this line, for as
	// long as it lives (RFC 3264 section 8.3.2).
	numbers []media.Payload
	local   Local
	ours    bridge.Stream // what we have described last
	offered []media.Payload
	theirs  Line     // what the peer has described last
	keys    []Crypto // ours, one for each suite
	// seal is what is in force.
	seal *media.Security
	said bool // the line has been offered by us or answered by either side with a port
}

// New makes the Exchange of one leg. id is the session's own number: random, or
// a time. newKey makes the keys of an offer or answer.
func New(id uint64, p Policy, newKey func(media.Suite) ([]byte, error)) *Exchange {
	return &Exchange{policy: p, newKey: newKey, origin: Origin{ID: id & (1<<62 - 1)}}
}

// Withdraw forgets the last offer, if it has not been answered: all is as it
// was before.
func (x *Exchange) Withdraw() {
	if x.offerer != nobody && !x.answered {
		x.slots, x.offerer, x.saved = x.saved, nobody, nil
	}
}

// Undo forgets the last offer, if it has only been answered by an answer of ours that
// was too late: all is as it was before.
func (x *Exchange) Undo() {
	if x.offerer == them {
		x.slots, x.force, x.offerer, x.saved = x.saved, x.before, nobody, nil
	}
}

// begin opens an offer.
func (x *Exchange) begin(by party) {
	x.Withdraw()
	x.before = x.force
	if x.first == nobody {
		x.first = by
	}
	x.offerer, x.answered, x.saved = by, false, slices.Clone(x.slots)
}

// say makes a description of ours. Its version grows if it says anything new
// (RFC 3264 section 8).
func (x *Exchange) say(lines []Line) *Session {
	s := &Session{Origin: x.origin, Lines: lines}
	for i := range lines {
		if lines[i].Port != 0 {
			s.Origin.Addr = lines[i].Addr
			break
		}
	}
	if !s.Origin.Addr.IsValid() && x.last != nil {
		s.Origin.Addr = x.last.Origin.Addr
	}
	if x.last == nil || s.Origin.Addr != x.last.Origin.Addr || !reflect.DeepEqual(x.last.Lines, lines) {
		s.Origin.Version++
	}
	x.origin, x.last = s.Origin, s
	return s
}

// find is the slot of a stream, nil if there is none.
func (x *Exchange) find(id string) *slot {
	for i := range x.slots {
		if id != "" && x.slots[i].id == id {
			return &x.slots[i]
		}
	}
	return nil
}

// name is an ID for a new stream of the peer's.
func (x *Exchange) name(kind codec.Kind) string {
	for n := 1; ; n++ {
		id := kind.String()
		if n > 1 {
			id += strconv.Itoa(n)
		}
		if x.find(id) == nil {
			return id
		}
	}
}

// reserve makes room for n more numbers, which nobody else has: other slots may have those
// that there are.
func (s *slot) reserve(n int) {
	s.numbers = append(make([]media.Payload, 0, len(s.numbers)+n), s.numbers...)
}

// number is the payload type of f on this line: the one that it has, or a new
// one. There is room for that (reserve).
func (s *slot) number(f codec.Format) (uint8, bool) {
	if p, ok := match(s.numbers, f); ok {
		return p.Type, true
	}
	free := func(t uint8) bool {
		return !slices.ContainsFunc(s.numbers, func(p media.Payload) bool { return p.Type == t })
	}
	take := func(t uint8) (uint8, bool) {
		s.numbers = append(s.numbers, media.Payload{Format: f, Type: t})
		return t, true
	}
	if t, ok := codec.StaticType(f); ok && free(t) { // Assign would say the same
		return take(t)
	}
	for _, t := range codec.Assign([]codec.Format{f}) {
		if free(t) {
			return take(t)
		}
	}
	for t := uint8(96); t < 128; t++ { // those that mean what a description says
		if free(t) {
			return take(t)
		}
	}
	return 0, false
}

// learn keeps what the peer's numbers mean.
func (s *slot) learn(all []media.Payload) {
	s.reserve(len(all))
	for _, p := range all {
		if !slices.ContainsFunc(s.numbers, func(q media.Payload) bool { return q.Type == p.Type }) {
			s.numbers = append(s.numbers, p)
		}
	}
}

// described is a peer's line as a stream of the bridge's.
func (s *slot) described() bridge.Stream {
	st := bridge.Stream{ID: s.id, Kind: s.kind, Dir: s.theirs.dir(), Packet: s.theirs.Packet}
	if s.theirs.Port == 0 {
		return st
	}
	st.Formats = slices.Grow(st.Formats, len(s.theirs.Payloads)) // nil for none
	for _, p := range s.theirs.Payloads {
		st.Formats = append(st.Formats, p.Format)
	}
	return st
}

// agreed is what the line means now: in are the payloads that may come, out
// those that may go.
func (x *Exchange) agreed(s *slot, in, out []media.Payload) Agreed {
	theirs := s.theirs.dir()
	l := &s.theirs
	set := media.Setting{
		RTP: l.rtpAddr(), RTCP: l.rtcpAddr(), Mux: l.Mux, In: in, Out: out, Ptime: l.Packet, Security: s.seal,
		Send:    theirs.Hears() && s.ours.Dir.Sends(),
		Receive: theirs.Sends() && s.ours.Dir.Hears(),
	}
	if s.seal != nil && s.seal.DTLS != nil && !l.Mux {
		set.RTCP = netip.AddrPort{} // it would need a handshake of its own (RFC 5764 section 3)
	}
	if s.local.ICE != nil {
		ice := l.ICE
		ice.Complete = true // nothing comes later here
		set.ICE, set.Controlling = &ice, x.first == us
	}
	return Agreed{ID: s.id, Setting: set}
}

// live reports whether one of the lines is a stream.
func live(all []slot) bool {
	return slices.ContainsFunc(all, func(p slot) bool { return p.said })
}

// match finds f among all.
func match(all []media.Payload, f codec.Format) (media.Payload, bool) {
	for _, p := range all {
		if p.Format.Same(f) {
			return p, true
		}
	}
	return media.Payload{}, false
}

// fit reports whether f can be written: what comes from other networks is not
// trusted to.
func fit(f codec.Format) bool {
	if !token(f.Name) || f.Rate < 1 || f.Rate > maxRate || f.Channels < 0 || f.Channels > maxChannels || len(f.Params) > maxParams {
		return false
	}
	for i := 0; i < len(f.Params); i++ {
		if f.Params[i] < ' ' || f.Params[i] == 0x7f {
			return false
		}
	}
	return true
}

// keyed makes our keys for a line, once.
func (x *Exchange) keyed(s *slot) error {
	if s.keys != nil {
		return nil
	}
	var keys []Crypto
	for i, suite := range suites() {
		key, err := x.newKey(suite)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		keys = append(keys, Crypto{Tag: uint32(i + 1), Suite: suite, Key: key})
	}
	s.keys = keys
	return nil
}
