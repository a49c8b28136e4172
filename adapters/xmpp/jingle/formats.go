package jingle

import (
	"slices"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// Usual is what we offer for somebody whose own offer is not known yet: what
// every client of Jingle has one of.
func Usual(id string) bridge.Stream {
	sound := func(name string, rate, channels int, params string) codec.Format {
		return codec.Format{Kind: codec.Audio, Name: name, Rate: rate, Channels: channels, Params: params}
	}
	return bridge.Stream{ID: id, Kind: codec.Audio, Dir: bridge.SendReceive, Formats: []codec.Format{
		sound("opus", 48000, 2, "minptime=10;useinbandfec=1"), sound("g722", 8000, 1, ""), sound("pcmu", 8000, 1, ""), sound("pcma", 8000, 1, ""),
		sound(codec.TelephoneEvent, 48000, 1, "0-16"), sound(codec.TelephoneEvent, 8000, 1, "0-16"),
	}}
}

// withEvents are formats as we offer them: each once, and with telephone
// events for every clock there is.
func withEvents(formats []codec.Format) []codec.Format {
	var all []codec.Format
	add := func(f codec.Format) {
		if token(f.Name) && f.Rate > 0 && !f.IsBound() && f.Kind == codec.Audio && !slices.ContainsFunc(all, f.Same) {
			all = append(all, f)
		}
	}
	for _, f := range formats {
		if !f.IsEvents() {
			add(f)
		}
	}
	for _, f := range append(slices.Clone(all), codec.Format{Rate: 8000}) {
		if !f.IsNoise() && f.Rate <= 48000 {
			add(codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: f.Rate, Channels: 1})
		}
	}
	return all
}

// choose picks of what was offered what the other side has chosen, in its
// order, and telephone events, which each leg agrees on by itself: of the clocks
// that the sound has, else all. in is as the other side describes it, out as the
// peer does. Both are nil if no sound is left.
func choose(chosen []codec.Format, offered []media.Payload) (in, out []media.Payload) {
	add := func(f codec.Format, g media.Payload) {
		if !slices.ContainsFunc(in, func(p media.Payload) bool { return p.Type == g.Type }) {
			in, out = append(in, media.Payload{Format: f, Type: g.Type}), append(out, g)
		}
	}
	for _, f := range chosen {
		if g, ok := match(offered, f); ok && token(f.Name) {
			add(f, g)
		}
	}
	if !sounds(in) {
		return nil, nil
	}
	clocks := slices.Clone(in)
	some := slices.ContainsFunc(in, func(p media.Payload) bool { return p.Format.IsEvents() })
	for _, all := range []bool{false, true} {
		for _, g := range offered {
			same := slices.ContainsFunc(clocks, func(p media.Payload) bool { return !p.Format.IsEvents() && p.Format.Rate == g.Format.Rate })
			if g.Format.IsEvents() && (same || all && !some) {
				add(g.Format, g)
			}
		}
		some = some || slices.ContainsFunc(in, func(p media.Payload) bool { return p.Format.IsEvents() })
	}
	return in, out
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

// sounds reports whether one of all is worth something by itself.
func sounds(all []media.Payload) bool {
	return slices.ContainsFunc(all, func(p media.Payload) bool {
		return !p.Format.IsEvents() && !p.Format.IsNoise() && !p.Format.IsBound()
	})
}

// senders is what our way is called in a content.
func (x *Exchange) senders() string {
	send, hear := x.dir.Sends(), x.dir.Hears()
	if !x.Ours {
		send, hear = hear, send
	}
	switch bridge.Way(send, hear) {
	case bridge.SendReceive:
		return "both"
	case bridge.SendOnly:
		return "initiator"
	case bridge.ReceiveOnly:
		return "responder"
	default:
		return "none"
	}
}

// dirOf is the peer's way by a content's senders.
func (x *Exchange) dirOf(senders string) bridge.Dir {
	initiator := senders == "" || senders == "both" || senders == "initiator"
	responder := senders == "" || senders == "both" || senders == "responder"
	if x.Ours {
		return bridge.Way(responder, initiator)
	}
	return bridge.Way(initiator, responder)
}
