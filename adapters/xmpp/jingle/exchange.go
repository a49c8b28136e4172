package jingle

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// Errors of an exchange. What a peer is refused for is one of them.
var (
	// ErrNothingFits: no stream of sound that both sides can have.
	ErrNothingFits = errors.New("no stream that both sides can have")
	// ErrTransport: nothing is said of how the peer is reached, or too little.
	ErrTransport = errors.New("no transport that both sides can have")
	// ErrInsecure: the stream is not encrypted as it must be.
	ErrInsecure = errors.New("not encrypted as it must be")
)

// Locks are the ways of encryption that an offer of ours has.
type Locks struct {
	// SDES: keys in the description, for those that don't know DTLS, beside the
	// handshake.
	SDES bool
	// Plain: no encryption is fine. Nothing else is offered then.
	Plain bool
	// Raw: no ICE either (XEP-0177). It takes Plain.
	Raw bool
}

// Local is our end of a stream.
type Local struct {
	ICE         media.ICE
	RTP, RTCP   netip.AddrPort // in place of ICE
	Fingerprint media.Fingerprint
	NewKey      func(media.Suite) ([]byte, error)
}

// An Exchange keeps what has been offered and answered for the one stream of
// sound of a session. Its owner is one goroutine.
type Exchange struct {
	// Ours: we have begun the session, and are its initiator.
	Ours bool
	// Plain: sound that is not encrypted is taken.
	Plain bool

	name    string // of the content
	creator string
	bundle  []string  // contents of an offer that share a transport
	still   []Content // other contents of an offer, which we take without sending or hearing
	offered []media.Payload
	// all is what was agreed on, as we describe it and as the peer does; in and
	// out are what is used of that. nil: nothing yet.
	allIn, allOut, in, out []media.Payload
	dir                    bridge.Dir // ours
	theirs                 bridge.Dir // as the peer sees it
	mux, raw               bool
	keys                   []Crypto
	print                  media.Fingerprint
	remote                 Transport
	seal                   *media.Security
	desc                   *Description // the peer's
}

// contentName is that of a stream which we offer.
const contentName = "audio"

// Name is that of the content; Creator who made it.
func (x *Exchange) Name() (name, creator string) { return x.name, x.creator }

// Settled reports whether an offer has been answered.
func (x *Exchange) Settled() bool { return x.in != nil }

// Offer is the content of a session-initiate of ours, for the stream st.
func (x *Exchange) Offer(st bridge.Stream, l Local, locks Locks) (Content, error) {
	x.Ours, x.name, x.creator, x.dir, x.print = true, contentName, "initiator", st.Dir, l.Fingerprint
	formats := withEvents(st.Formats)
	x.offered = nil
	for i, t := range codec.Assign(formats) {
		x.offered = append(x.offered, media.Payload{Format: formats[i], Type: t})
	}
	if !sounds(x.offered) {
		return Content{}, ErrNothingFits
	}
	d := &Description{Media: "audio", Payloads: x.offered, Packet: st.Packet, Mux: !locks.Raw}
	x.mux, x.raw, x.Plain = !locks.Raw, locks.Raw, locks.Plain
	t := x.transport(l)
	if !locks.Plain {
		t.Prints, t.Setup = []media.Fingerprint{l.Fingerprint}, "actpass"
	}
	if locks.SDES && !locks.Plain {
		if err := x.makeKeys(l.NewKey); err != nil {
			return Content{}, err
		}
		d.Crypto = x.keys
	}
	return Content{Creator: x.creator, Name: x.name, Senders: x.senders(), Description: d, Transport: t}, nil
}

// transport is our end as the peer is told of it.
func (x *Exchange) transport(l Local) *Transport {
	if x.raw {
		return rawTransport(l, x.mux)
	}
	return transportOf(l.ICE)
}

func transportOf(i media.ICE) *Transport {
	return &Transport{Ufrag: i.Ufrag, Pwd: i.Pwd, Candidates: i.Candidates}
}

// More is the content of a transport-info of ours.
func (x *Exchange) More(i media.ICE) Content {
	return Content{Creator: x.creator, Name: x.name, Transport: transportOf(i)}
}

func (x *Exchange) makeKeys(newKey func(media.Suite) ([]byte, error)) error {
	x.keys = nil
	for i, s := range suites() {
		key, err := newKey(s)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		x.keys = append(x.keys, Crypto{Tag: string(rune('1' + i)), Suite: s, Key: key})
	}
	return nil
}

// TakeAnswer reads a session-accept, and says what it takes of the stream that
// was offered.
func (x *Exchange) TakeAnswer(all []Content) (bridge.Stream, error) {
	i := slices.IndexFunc(all, func(c Content) bool { return c.Name == x.name })
	if i < 0 || all[i].Description == nil || all[i].Description.Media != "audio" {
		return bridge.Stream{}, fmt.Errorf("the content is missing: %w", ErrNothingFits)
	}
	c := &all[i]
	if err := x.reach(c.Transport); err != nil {
		return bridge.Stream{}, err
	}
	x.theirs, x.mux, x.desc = x.dirOf(c.Senders), c.Description.Mux, c.Description
	x.in, x.out = nil, nil
	st := bridge.Stream{Kind: codec.Audio, Dir: x.theirs, Packet: c.Description.Packet}
	for _, g := range c.Description.Payloads {
		o, ok := match(x.offered, g.Format)
		if !ok || slices.ContainsFunc(x.in, func(q media.Payload) bool { return q.Type == o.Type }) {
			continue
		}
		x.in, x.out = append(x.in, o), append(x.out, g)
		st.Formats = append(st.Formats, g.Format)
	}
	if !sounds(x.in) {
		return st, fmt.Errorf("no format that was offered: %w", ErrNothingFits)
	}
	x.allIn, x.allOut = x.in, x.out
	return st, x.unlock(c)
}

// reach takes what the peer says of how it is reached. What came before, by
// transport-info, is kept.
func (x *Exchange) reach(t *Transport) error {
	if t == nil || t.Raw != x.raw {
		return ErrTransport
	}
	x.remote.merge(t)
	if x.raw && !x.remote.At(1).IsValid() || !x.raw && (x.remote.Ufrag == "" || x.remote.Pwd == "") {
		return ErrTransport
	}
	x.remote.Prints, x.remote.Setup = t.Prints, t.Setup
	return nil
}

// Reach takes a transport-info; false if there is nothing new in it.
func (x *Exchange) Reach(all []Content) bool {
	news := false
	for i := range all {
		if x.reached(&all[i]) {
			news = x.remote.merge(all[i].Transport) || news
		}
	}
	return news
}

// reached reports whether c says how the peer is reached for the one stream.
func (x *Exchange) reached(c *Content) bool {
	return c.Transport != nil && c.Transport.Raw == x.raw && (c.Name == x.name || x.name == "")
}

// unlock reads what came back for our keys.
func (x *Exchange) unlock(c *Content) error {
	x.seal = nil
	if len(c.Transport.Prints) > 0 && !x.Plain {
		// Who answers "actpass", which is forbidden, waits for us: so the libraries
		// do that say it.
		x.seal = &media.Security{DTLS: &media.DTLS{Client: c.Transport.Setup != "active", Local: x.print, Peer: c.Transport.Prints}}
		return nil
	}
	for _, theirs := range c.Description.Crypto {
		for _, ours := range x.keys {
			if ours.Tag == theirs.Tag && ours.Suite == theirs.Suite {
				x.seal = &media.Security{SDES: &media.SDES{Suite: ours.Suite, Send: ours.Key, Receive: theirs.Key}}
				return nil
			}
		}
	}
	if !x.Plain {
		return ErrInsecure
	}
	return nil
}

// TakeOffer reads a session-initiate, and says what the peer can send and hear.
// plain: it is not encrypted, or not reached by ICE; that is an error unless
// Exchange.Plain.
func (x *Exchange) TakeOffer(j *Jingle) (st bridge.Stream, plain bool, err error) {
	i := slices.IndexFunc(j.Contents, func(c Content) bool { return c.Description != nil && c.Description.Media == "audio" })
	if i < 0 {
		return st, false, fmt.Errorf("no sound: %w", ErrNothingFits)
	}
	c := &j.Contents[i]
	x.name, x.creator, x.desc, x.bundle = c.Name, c.Creator, c.Description, j.Bundle
	for _, o := range j.Contents {
		if o.Name != c.Name && o.Description != nil && slices.Contains(j.Bundle, o.Name) && slices.Contains(j.Bundle, c.Name) {
			x.still = append(x.still, o)
		}
	}
	x.offered, x.mux, x.theirs = c.Description.Payloads, c.Description.Mux, x.dirOf(c.Senders)
	st = bridge.Stream{Kind: codec.Audio, Dir: x.theirs, Packet: c.Description.Packet}
	for _, p := range x.offered {
		if !p.Format.IsBound() {
			st.Formats = append(st.Formats, p.Format)
		}
	}
	if !sounds(x.offered) {
		return st, false, ErrNothingFits
	}
	x.raw = c.Transport != nil && c.Transport.Raw
	if err := x.reach(c.Transport); err != nil {
		return st, false, err
	}
	open := len(x.remote.Prints) == 0 && len(x.desc.Crypto) == 0
	plain = open || x.raw
	if open && x.desc.Required || plain && !x.Plain {
		err = ErrInsecure
	}
	return st, plain, err
}

// Muxed reports whether the peer takes RTCP by the port of RTP.
func (x *Exchange) Muxed() bool { return x.mux }

// Answer is what a session-accept says, for st: what the other side has chosen of
// what TakeOffer said.
func (x *Exchange) Answer(st bridge.Stream, l Local) ([]Content, error) {
	in, out := choose(st.Formats, x.offered)
	if in == nil {
		return nil, ErrNothingFits
	}
	x.dir = st.Dir.Within(x.theirs)
	t := x.transport(l)
	d := &Description{Media: "audio", Payloads: in, Packet: st.Packet, Mux: x.mux}
	if err := x.lock(t, d, l); err != nil {
		return nil, err
	}
	x.in, x.out, x.allIn, x.allOut = in, out, in, out
	all := []Content{{Creator: x.creator, Name: x.name, Senders: x.senders(), Description: d, Transport: t}}
	for _, o := range x.still {
		all = append(all, Content{
			Creator: o.Creator, Name: o.Name, Senders: "none", Transport: t,
			Description: &Description{Media: o.Description.Media, Payloads: o.Description.Payloads, Mux: o.Description.Mux},
		})
	}
	return all, nil
}

// Bundle are the contents that share a transport in an answer of all.
func (x *Exchange) Bundle(all []Content) []string {
	var names []string
	for _, c := range all {
		if slices.Contains(x.bundle, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// lock answers the keys of an offer in kind: DTLS where it is there.
func (x *Exchange) lock(t *Transport, d *Description, l Local) error {
	if len(x.remote.Prints) > 0 {
		x.print = l.Fingerprint
		client := x.remote.Setup != "active"
		t.Prints, t.Setup = []media.Fingerprint{l.Fingerprint}, "passive"
		if client {
			t.Setup = "active"
		}
		x.seal = &media.Security{DTLS: &media.DTLS{Client: client, Local: l.Fingerprint, Peer: x.remote.Prints}}
		return nil
	}
	for _, s := range suites() {
		i := slices.IndexFunc(x.desc.Crypto, func(c Crypto) bool { return c.Suite == s })
		if i < 0 {
			continue
		}
		if x.keys == nil {
			if err := x.makeKeys(l.NewKey); err != nil {
				return err
			}
		}
		theirs := x.desc.Crypto[i]
		ours := x.keys[slices.IndexFunc(x.keys, func(c Crypto) bool { return c.Suite == s })]
		d.Crypto, d.Required = []Crypto{{Tag: theirs.Tag, Suite: s, Key: ours.Key}}, x.desc.Required
		x.seal = &media.Security{SDES: &media.SDES{Suite: s, Send: ours.Key, Receive: theirs.Key}}
		return nil
	}
	if !x.Plain {
		return ErrInsecure
	}
	x.seal = nil
	return nil
}
