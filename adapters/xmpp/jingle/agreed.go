package jingle

import (
	"slices"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// Handshake reports whether the keys come by one (XEP-0320).
func (x *Exchange) Handshake() bool { return x.seal != nil && x.seal.DTLS != nil }

// Narrow keeps, of what was agreed on with the peer, what the other side of us can
// and wants by st. It returns whether there is anything; if not, nothing has
// changed.
func (x *Exchange) Narrow(st bridge.Stream) bool {
	in, _ := choose(st.Formats, x.allIn)
	if in == nil {
		return false
	}
	x.in, x.out, x.dir = in, nil, st.Dir
	for _, p := range in { // the peer has numbers of its own for them
		i := slices.IndexFunc(x.allIn, func(q media.Payload) bool { return q.Type == p.Type })
		x.out = append(x.out, x.allOut[i])
	}
	return true
}

// Wanted is the content of a description-info of ours: what we still take.
func (x *Exchange) Wanted() Content {
	return Content{
		Creator: x.creator, Name: x.name,
		Description: &Description{Media: "audio", Payloads: x.in, Mux: x.mux},
	}
}

// Narrowed reports whether there are sounds that the peer may send and that are not
// wanted any more.
func (x *Exchange) Narrowed() bool {
	for _, p := range x.allIn {
		if !p.Format.IsEvents() && !slices.ContainsFunc(x.in, func(q media.Payload) bool { return q.Type == p.Type }) {
			return true
		}
	}
	return false
}

// Turn says which way the other side of us wants to send and hear.
func (x *Exchange) Turn(d bridge.Dir) { x.dir = d }

// Turned takes which way the peer wants to send and hear.
func (x *Exchange) Turned(d bridge.Dir) { x.theirs = d }

// DirOf reads a content's senders, as the peer's way.
func (x *Exchange) DirOf(senders string) bridge.Dir { return x.dirOf(senders) }

// Setting is what the media plane is told; ok is false while there is nothing
// to tell.
func (x *Exchange) Setting() (s media.Setting, ok bool) {
	s = media.Setting{
		Mux: x.mux, Controlling: x.Ours, In: x.in, Out: x.out, Security: x.seal,
		Send:    x.theirs.Hears() && x.dir.Sends(),
		Receive: x.theirs.Sends() && x.dir.Hears(),
	}
	if x.raw { // from there, and from nowhere else: nothing is learned
		s.RTP, s.RTCP = x.remote.At(1), x.remote.At(2)
		return s, x.in != nil && s.RTP.IsValid()
	}
	s.ICE = &media.ICE{Ufrag: x.remote.Ufrag, Pwd: x.remote.Pwd, Candidates: x.remote.Candidates}
	return s, x.in != nil && x.remote.Ufrag != "" && x.remote.Pwd != ""
}

// Stream is what is used now of what the peer has agreed to.
func (x *Exchange) Stream() bridge.Stream { return x.stream(x.in, x.theirs.Within(x.dir)) }

// Agreed is all that the peer has agreed to.
func (x *Exchange) Agreed() bridge.Stream { return x.stream(x.allIn, x.theirs) }

func (x *Exchange) stream(of []media.Payload, d bridge.Dir) bridge.Stream {
	st := bridge.Stream{Kind: codec.Audio, Dir: d}
	for _, p := range of {
		st.Formats = append(st.Formats, p.Format)
	}
	return st
}

// Dir is the way that the other side of us sends and hears.
func (x *Exchange) Dir() bridge.Dir { return x.dir }

// Theirs is the way the peer sends and hears.
func (x *Exchange) Theirs() bridge.Dir { return x.theirs }

// Events reports whether the peer takes telephone events.
func (x *Exchange) Events() bool {
	return slices.ContainsFunc(x.out, func(p media.Payload) bool { return p.Format.IsEvents() })
}
