package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// eventParams are the events that we take: the digits, * # A-D, and flash (RFC
// 4733 section 3.2).
const eventParams = "0-16"

// MakeOffer offers d. TakeAnswer or Withdraw follows. Streams that were there
// and are not in d are over. It fails with ErrNothingFits if there would be none
// left.
func (x *Exchange) MakeOffer(d bridge.Description, at Locate) (*Session, error) {
	x.begin(us)
	for _, st := range d {
		if x.find(st.ID) == nil && len(st.Formats) > 0 && st.ID != "" && len(x.slots) < maxLines {
			x.slots = append(x.slots, slot{id: st.ID, kind: st.Kind, proto: x.policy.proto()})
		}
	}
	var lines []Line
	alive, wrong := false, ErrNothingFits
	for i := range x.slots {
		p := &x.slots[i]
		line, err := x.offer(p, d, at)
		if err != nil {
			line = p.over()
			p.ours, p.offered = bridge.Stream{ID: p.id, Kind: p.kind}, nil
			if !errors.Is(err, errRefused) {
				wrong = err
			}
		} else {
			alive, p.said = true, true
		}
		lines = append(lines, line)
	}
	if !alive {
		x.Withdraw()
		return nil, wrong
	}
	return x.say(lines), nil
}

// over is the line of a stream that is no more.
func (p *slot) over() Line {
	line := Line{Kind: p.kind.String(), Proto: p.proto, Formats: tokens(p.numbers), MID: p.mid}
	if p.id == "" {
		line.Kind, line.Formats = p.theirs.Kind, p.theirs.Formats
	}
	if len(line.Formats) == 0 {
		line.Formats = []string{"0"}
	}
	return line
}

// offer is our line for one stream.
func (x *Exchange) offer(p *slot, d bridge.Description, at Locate) (Line, error) {
	i := slices.IndexFunc(d, func(s bridge.Stream) bool { return s.ID == p.id })
	if p.id == "" || i < 0 {
		return Line{}, errRefused
	}
	all := withEvents(d[i])
	p.reserve(len(all))
	p.offered = make([]media.Payload, 0, min(len(all), maxFormats))
	for _, f := range all {
		if n, ok := p.number(f); ok && len(p.offered) < maxFormats {
			p.offered = append(p.offered, media.Payload{Format: f, Type: n})
		}
	}
	if !slices.ContainsFunc(p.offered, func(o media.Payload) bool { return !o.Format.IsEvents() && !o.Format.IsNoise() }) {
		return Line{}, errRefused
	}
	local, err := at(p.id, p.theirs.Addr)
	if err != nil {
		return Line{}, err
	}
	x.move(p, local)
	line := Line{
		Kind: p.kind.String(), Port: local.RTP.Port(), Proto: p.proto, Formats: tokens(p.offered), Payloads: p.offered,
		Addr: local.RTP.Addr(), Dir: d[i].Dir, Packet: d[i].Packet, MID: p.mid, Mux: p.theirs.Mux,
	}
	if local.RTCP != local.RTP.Port()+1 {
		line.RTCP.Port = local.RTCP
	}
	if local.ICE != nil {
		line.ICE = *local.ICE
	}
	p.ours = d[i]
	return line, x.secureOffer(p, &line)
}

// withEvents are the formats of a stream as we offer them: each once, and with
// telephone events for every clock there is, and for 8000 Hz, which some have
// only.
func withEvents(st bridge.Stream) []codec.Format {
	const clocks = 4 // of events, for most
	all := make([]codec.Format, 0, len(st.Formats)+clocks)
	add := func(f codec.Format) {
		if fit(f) && !slices.ContainsFunc(all, f.Same) {
			all = append(all, f)
		}
	}
	for _, f := range st.Formats {
		add(f)
	}
	if st.Kind != codec.Audio {
		return all
	}
	events := func(f *codec.Format) {
		if !f.IsNoise() && f.Rate <= 48000 {
			add(codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: f.Rate, Channels: 1, Params: eventParams})
		}
	}
	for i := range all { // what it adds is not looked at
		events(&all[i])
	}
	events(&codec.Format{Rate: 8000})
	return all
}

// secureOffer adds the keys that we offer: those that are in force, else by
// the policy.
func (x *Exchange) secureOffer(p *slot, line *Line) error {
	sdes := p.proto.secure() && !p.proto.dtls() || x.policy == Optional && !p.proto.secure()
	dtls := p.proto.dtls() || x.policy == Optional && !p.proto.secure()
	switch {
	case p.seal != nil && p.seal.SDES != nil:
		sdes, dtls = true, false
	case p.seal != nil && p.seal.DTLS != nil:
		sdes, dtls = false, true
	case p.theirs.Port != 0 && p.said:
		sdes, dtls = false, false // plain so far, by agreement
	}
	if sdes {
		if err := x.keyed(p); err != nil {
			return err
		}
		line.Crypto = p.keys
	}
	if dtls {
		line.Setup, line.Mux = ActPass, true
		line.Fingerprints = []media.Fingerprint{p.local.Fingerprint}
	}
	return nil
}

// TakeAnswer reads the answer to our offer and says what it describes, of what
// MakeOffer was given. Where a call has been forked there are several: each
// replaces the one before. Where one can't be taken, all stays as it was before
// it.
func (x *Exchange) TakeAnswer(s *Session) (bridge.Description, []Agreed, error) {
	if x.offerer != us {
		return nil, nil, ErrState
	}
	if len(s.Lines) < len(x.slots) {
		return nil, nil, fmt.Errorf("lines are missing: %w", ErrAnswer)
	}
	before := slices.Clone(x.slots)
	var d bridge.Description
	var all []Agreed
	alive, wrong := !slices.ContainsFunc(x.slots, func(p slot) bool { return p.offered != nil }), ErrNothingFits
	for i := range x.slots {
		p, l := &x.slots[i], &s.Lines[i]
		if p.id == "" {
			continue
		}
		st, a, err := x.accept(p, &x.last.Lines[i], l)
		if err != nil {
			st, a = bridge.Stream{ID: p.id, Kind: p.kind}, Agreed{ID: p.id, Over: true}
			p.theirs, p.seal = Line{Kind: l.Kind, Proto: p.proto}, nil
			if !errors.Is(err, errRefused) {
				wrong = err
			}
		} else {
			alive = true
		}
		d, all = append(d, st), append(all, a)
	}
	if !alive {
		x.slots = before
		return nil, nil, wrong
	}
	x.answered, x.force = true, x.last
	return d, all, nil
}

// TakeRepeat is TakeAnswer for what of ours is in force, said again as an offer
// without the Exchange (RFC 4028 section 7.4). All stays as it was if that can't be
// taken.
func (x *Exchange) TakeRepeat(s *Session) (bridge.Description, []Agreed, error) {
	open := x.offerer != nobody && !x.answered
	if x.force == nil || open || len(x.force.Lines) != len(x.slots) {
		return nil, nil, ErrState
	}
	by, was, last := x.offerer, slices.Clone(x.slots), x.last
	defer func() { x.last = last }() // it may have been refused, but its version was said
	x.offerer, x.last = us, x.force
	for i := range x.slots {
		x.slots[i].offered = x.force.Lines[i].Payloads
	}
	d, all, err := x.TakeAnswer(s)
	if err != nil {
		x.offerer, x.slots = by, was
	}
	return d, all, err
}

// accept reads the answer for one line.
func (x *Exchange) accept(p *slot, said, l *Line) (bridge.Stream, Agreed, error) {
	if l.Port == 0 || p.offered == nil || l.Kind != p.kind.String() {
		return bridge.Stream{}, Agreed{}, errRefused
	}
	if !l.Proto.rtp() || l.Proto.secure() != p.proto.secure() || l.Proto.dtls() != p.proto.dtls() {
		return bridge.Stream{}, Agreed{}, fmt.Errorf("%s was offered and %s is answered: %w", p.proto, l.Proto, ErrAnswer)
	}
	line := *l
	line.Payloads, line.Mux = p.understood(l), l.Mux && said.Mux
	n := len(line.Payloads)
	in, out := make([]media.Payload, 0, n), make([]media.Payload, 0, n)
	st := bridge.Stream{ID: p.id, Kind: p.kind, Dir: line.dir(), Packet: line.Packet, Formats: make([]codec.Format, 0, n)}
	for _, g := range line.Payloads {
		o, ok := match(p.offered, g.Format)
		if !ok || slices.ContainsFunc(in, func(q media.Payload) bool { return q.Type == o.Type }) {
			continue
		}
		in, out = append(in, o), append(out, g)
		if slices.ContainsFunc(p.ours.Formats, g.Format.Same) {
			st.Formats = append(st.Formats, g.Format)
		}
	}
	if !slices.ContainsFunc(st.Formats, func(f codec.Format) bool { return !f.IsEvents() && !f.IsNoise() }) {
		return st, Agreed{}, fmt.Errorf("no format that was offered: %w", ErrNothingFits)
	}
	if p.local.ICE != nil && !line.HasICE() {
		return st, Agreed{}, fmt.Errorf("ICE was offered and none is answered: %w", ErrAnswer)
	}
	seal, err := x.secured(said, &line)
	if err != nil {
		return st, Agreed{}, err
	}
	p.theirs, p.seal = line, seal
	p.learn(line.Payloads)
	return st, x.agreed(p, in, out), nil
}

// understood are the payloads of an answer. A number without a word of what it
// means is held to mean what we offered it as.
func (p *slot) understood(l *Line) []media.Payload {
	all := slices.Clone(l.Payloads)
	for _, text := range l.Formats {
		n, err := strconv.ParseUint(text, 10, 7)
		if err != nil || slices.ContainsFunc(all, func(q media.Payload) bool { return q.Type == uint8(n) }) {
			continue
		}
		if i := slices.IndexFunc(p.offered, func(q media.Payload) bool { return q.Type == uint8(n) }); i >= 0 {
			all = append(all, p.offered[i])
		}
	}
	return all
}

// secured reads what came back for our keys.
func (x *Exchange) secured(said, l *Line) (*media.Security, error) {
	if prints := strong(l.Fingerprints); len(said.Fingerprints) > 0 && len(prints) > 0 {
		client := l.Setup != Active // RFC 4145 section 4: who says nothing in an answer waits
		if l.Setup == ActPass || l.Setup == HoldConn {
			return nil, fmt.Errorf("setup:%s in an answer: %w", l.Setup, ErrAnswer)
		}
		return &media.Security{DTLS: &media.DTLS{Client: client, Local: said.Fingerprints[0], Peer: prints}}, nil
	}
	for _, theirs := range l.Crypto {
		for _, ours := range said.Crypto {
			if ours.Tag == theirs.Tag && ours.Suite == theirs.Suite {
				return &media.Security{SDES: &media.SDES{Suite: ours.Suite, Send: ours.Key, Receive: theirs.Key}}, nil
			}
		}
	}
	if said.Proto.secure() || x.policy.demands() {
		return nil, ErrInsecure
	}
	return nil, nil
}
