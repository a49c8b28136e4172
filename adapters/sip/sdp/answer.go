package sdp

import (
	"errors"
	"fmt"
	"slices"

	"gateway/bridge"
	"gateway/bridge/media"
)

// TakeOffer reads the peer's offer and says what it describes, in our names of
// the streams. MakeAnswer or Withdraw follows. Lines of kinds that we don't
// carry are not in the description, and those that are not encrypted as they
// must be have no formats in it; the answer refuses them.
func (x *Exchange) TakeOffer(s *Session) (bridge.Description, error) {
	if len(s.Lines) < len(x.slots) {
		return nil, fmt.Errorf("reading an offer: lines are missing: %w", ErrAnswer) // RFC 3264 section 8
	}
	x.begin(them)
	var d bridge.Description
	for i := range s.Lines {
		l := &s.Lines[i]
		if i == len(x.slots) {
			x.slots = append(x.slots, slot{})
		}
		p := &x.slots[i]
		if p.local.ICE != nil && p.theirs.HasICE() && l.Port != 0 && l.ICE.Ufrag != p.theirs.ICE.Ufrag {
			x.Withdraw()
			return nil, errRestart
		}
		x.adopt(p, l)
		if p.id != "" && (l.Port != 0 || p.said) {
			st := p.described()
			if x.lock(l) == noLock {
				st.Formats = nil
			}
			d = append(d, st)
		}
	}
	return d, nil
}

// adopt makes a slot that of a line of an offer. A line that has been refused
// may come again as another kind (RFC 3264 section 8.1).
func (x *Exchange) adopt(p *slot, l *Line) {
	kind, ok := kindOf(l.Kind)
	ok = ok && l.Proto.rtp()
	if p.id == "" || !ok || p.kind != kind {
		*p = slot{}
		if ok {
			p.id, p.kind = x.name(kind), kind
		}
	}
	p.theirs, p.proto, p.mid, p.offered = *l, l.Proto, l.MID, l.Payloads
	p.learn(l.Payloads)
}

// MakeAnswer answers the peer's offer with d, whose streams have the names of
// TakeOffer's. As long as no other offer is made, it may be called again and
// replaces what it said. It fails with ErrNothingFits or ErrInsecure if there is no
// stream left; then the offer stays open.
func (x *Exchange) MakeAnswer(d bridge.Description, at Locate) (*Session, []Agreed, error) {
	if x.offerer != them {
		return nil, nil, ErrState
	}
	var lines []Line
	var all []Agreed
	alive, wrong := live(x.saved) && !slices.ContainsFunc(x.slots, func(p slot) bool { return p.id != "" && p.theirs.Port != 0 }), ErrNothingFits
	for i := range x.slots {
		p := &x.slots[i]
		line, a, err := x.answer(p, d, at)
		if err != nil {
			line, a = p.refusal(), Agreed{ID: p.id, Over: true}
			p.ours, p.seal = bridge.Stream{ID: p.id, Kind: p.kind}, nil
			if !errors.Is(err, errRefused) {
				wrong = err
			}
		} else {
			alive, p.said = true, true
		}
		lines = append(lines, line)
		if p.id != "" {
			all = append(all, a)
		}
	}
	if !alive {
		return nil, nil, wrong
	}
	x.answered = true
	x.force = x.say(lines)
	return x.force, all, nil
}

// errRefused: the other side does not want this stream.
var errRefused = fmt.Errorf("a stream that is not wanted: %w", ErrNothingFits)

// answer is our line for one that was offered.
func (x *Exchange) answer(p *slot, d bridge.Description, at Locate) (Line, Agreed, error) {
	i := slices.IndexFunc(d, func(s bridge.Stream) bool { return s.ID == p.id })
	if p.id == "" || p.theirs.Port == 0 || i < 0 {
		return Line{}, Agreed{}, errRefused
	}
	in, out := choose(d[i], p.offered)
	if len(in) == 0 {
		return Line{}, Agreed{}, errRefused
	}
	local, err := at(p.id, p.theirs.Addr)
	if err != nil {
		return Line{}, Agreed{}, err
	}
	x.move(p, local)
	line := Line{
		Kind: p.kind.String(), Port: local.RTP.Port(), Proto: p.proto, Formats: tokens(in), Payloads: in, Addr: local.RTP.Addr(),
		Dir: d[i].Dir.Within(p.theirs.dir()), Mux: p.theirs.Mux, Packet: d[i].Packet, MID: p.mid,
	}
	if !line.Mux && local.RTCP != local.RTP.Port()+1 {
		line.RTCP.Port = local.RTCP
	}
	if local.ICE != nil {
		line.ICE = *local.ICE
	}
	if err := x.secureAnswer(p, &line); err != nil {
		return Line{}, Agreed{}, err
	}
	p.ours = d[i]
	return line, x.agreed(p, in, out), nil
}

// choose picks of what was offered what the other side has chosen, in its
// order; and telephone events, which each leg agrees on by itself. in is how
// the other side describes them, out how the peer does.
func choose(st bridge.Stream, offered []media.Payload) (in, out []media.Payload) {
	sound := false
	in, out = make([]media.Payload, 0, len(offered)), make([]media.Payload, 0, len(offered))
	add := func(f, g media.Payload) {
		if !slices.ContainsFunc(in, func(p media.Payload) bool { return p.Type == f.Type }) {
			in, out = append(in, f), append(out, g)
		}
	}
	for _, f := range st.Formats {
		if g, ok := match(offered, f); ok && fit(f) {
			sound = sound || !f.IsEvents() && !f.IsNoise()
			add(media.Payload{Format: f, Type: g.Type}, g)
		}
	}
	if !sound {
		return nil, nil
	}
	for _, g := range offered {
		if g.Format.IsEvents() && slices.ContainsFunc(in, func(p media.Payload) bool { return p.Format.Rate == g.Format.Rate }) {
			add(g, g)
		}
	}
	if slices.ContainsFunc(in, func(p media.Payload) bool { return p.Format.IsEvents() }) {
		return in, out
	}
	// RFC 4733 section 2.1 wants the clock of the sound, but there are those who
	// have events of 8000 Hz only.
	for _, g := range offered {
		if g.Format.IsEvents() {
			add(g, g)
		}
	}
	return in, out
}

// move takes note of where our end is. What was sealed at another end is
// sealed with other keys here.
func (x *Exchange) move(p *slot, local Local) {
	if p.local.RTP != local.RTP {
		p.keys, p.seal = nil, nil
	}
	p.local = local
}

// A lock is how the packets of a line are encrypted.
type lock uint8

const (
	noLock   lock = iota // not, though they must be
	openLock             // not at all
	sdesLock
	dtlsLock
)

// lock is how a line that is offered wants to be encrypted.
func (x *Exchange) lock(l *Line) lock {
	prints := len(strong(l.Fingerprints)) > 0 && l.Setup != HoldConn
	_, keyed := best(l.Crypto)
	switch {
	case prints && (l.Proto.dtls() || !l.Proto.secure() || !keyed):
		return dtlsLock
	case keyed && !l.Proto.dtls():
		return sdesLock
	case l.Proto.secure() || x.policy.demands():
		return noLock
	}
	return openLock
}

// secureAnswer answers an offer's keys in kind.
func (x *Exchange) secureAnswer(p *slot, line *Line) error {
	switch x.lock(&p.theirs) {
	case dtlsLock:
		p.handshake(line)
		return nil
	case sdesLock:
		return x.sealWith(p, line)
	case openLock:
		p.seal = nil
		return nil
	}
	return ErrInsecure
}

// sealWith answers keys from the description (RFC 4568 section 5.1.2).
func (x *Exchange) sealWith(p *slot, line *Line) error {
	theirs, _ := best(p.theirs.Crypto)
	if err := x.keyed(p); err != nil {
		return err
	}
	ours, _ := best(slices.DeleteFunc(slices.Clone(p.keys), func(c Crypto) bool { return c.Suite != theirs.Suite }))
	line.Crypto = []Crypto{{Tag: theirs.Tag, Suite: ours.Suite, Key: ours.Key}}
	p.seal = &media.Security{SDES: &media.SDES{Suite: ours.Suite, Send: ours.Key, Receive: theirs.Key}}
	return nil
}

// handshake answers an offer of DTLS (RFC 5763 section 5). Who has begun one
// before begins it again, as long as the offer allows it: it may be the same
// association that goes on (RFC 8842 section 5.3).
func (p *slot) handshake(line *Line) {
	client := true
	switch p.theirs.Setup {
	case Active, "":
		client = false // RFC 4145 section 4: who says nothing in an offer begins
	case ActPass:
		client = p.seal == nil || p.seal.DTLS == nil || p.seal.DTLS.Client
	}
	line.Setup = Passive
	if client {
		line.Setup = Active
	}
	line.Fingerprints = []media.Fingerprint{p.local.Fingerprint}
	p.seal = &media.Security{DTLS: &media.DTLS{Client: client, Local: p.local.Fingerprint, Peer: strong(p.theirs.Fingerprints)}}
}

// refusal is the line for one that is not taken (RFC 3264 section 6): the same,
// with port 0.
func (p *slot) refusal() Line {
	return Line{Kind: p.theirs.Kind, Proto: p.theirs.Proto, Formats: p.theirs.Formats, MID: p.theirs.MID}
}
