package rtmp

import (
	"slices"

	"gateway/bridge"
	"gateway/codec"
)

// streamID is what the stream of sound is called on the leg.
func (l *leg) streamID() string {
	for _, s := range l.streams {
		if len(s.Formats) > 0 {
			return s.ID
		}
	}
	return firstStream
}

const firstStream = "0"

// offering is what this side proposes first.
func (l *leg) offering() bridge.Description {
	return bridge.Description{{ID: firstStream, Kind: codec.Audio, Dir: l.want, Formats: l.sound.taste.offering()}}
}

// answerTo is what this side says to an offer; false if nothing of it will do.
func (l *leg) answerTo(offer bridge.Description) (bridge.Description, bool) {
	answer := make(bridge.Description, len(offer))
	found := false
	for i, s := range offer {
		answer[i] = bridge.Stream{ID: s.ID, Kind: s.Kind}
		if found || s.Kind != codec.Audio {
			continue
		}
		formats := l.sound.taste.answering(s.Formats)
		if len(formats) == 0 {
			continue
		}
		found = true
		answer[i].Formats, answer[i].Dir = formats, l.want.Within(s.Dir)
	}
	return answer, found
}

// offered takes the bridge's proposal, and answers at once.
func (l *leg) offered(o bridge.Offer) {
	if l.open {
		l.post(bridge.Refused{Seq: o.Seq, Cause: bridge.Conflict})
		return
	}
	d, ok := l.answerTo(o.Desc)
	if !ok {
		l.post(bridge.Refused{Seq: o.Seq, Cause: bridge.NotAcceptable})
		return
	}
	l.streams = d
	l.agree(d)
	l.post(bridge.Answered{Seq: o.Seq, Desc: d})
	l.hears(o.Desc)
}

// answered takes what the bridge says to an offer of ours.
func (l *leg) answered(seq uint32, d bridge.Description) {
	if !l.open && l.taken || seq != l.seq && l.taken {
		return
	}
	l.open, l.late = false, false
	l.streams = d
	if !slices.ContainsFunc(d, func(s bridge.Stream) bool { return len(s.Formats) > 0 }) {
		l.end(bridge.NotAcceptable, "", nil)
		return
	}
	l.agree(d)
	l.hears(d)
	l.propose()
}

// agree puts into force what has been agreed on.
func (l *leg) agree(d bridge.Description) {
	for _, s := range d {
		if len(s.Formats) == 0 {
			continue
		}
		l.sound.agree(s.Formats, s.Packet)
		if !l.ready {
			l.ready = true
			l.post(bridge.MediaReady{Stream: s.ID, Port: l.sound.port})
		}
		return
	}
}

// hears tells this side when the other begins to hold, or goes on: d is the
// other's word.
func (l *leg) hears(d bridge.Description) {
	for _, s := range d {
		if len(s.Formats) == 0 {
			continue
		}
		// Who does not send to us all that we want to hear, holds.
		held := l.want.Hears() && !s.Dir.Sends() || l.want.Sends() && !s.Dir.Hears()
		if held != l.held && l.taken {
			l.held = held
			l.far.held(held)
		}
		return
	}
}

// A taste is which formats a client has, the preferred first: what it sends, and
// what it can hear.
type taste struct {
	send, hear []codec.Format
	// strict: that is its own word, and counts more than what the other side
	// prefers.
	strict bool
}

// The formats that RTMP carries and phones have too, so that nothing is lost on
// the way.
var (
	speexWide   = codec.Format{Kind: codec.Audio, Name: "speex", Rate: 16000, Channels: 1}
	speexNarrow = codec.Format{Kind: codec.Audio, Name: "speex", Rate: 8000, Channels: 1}
	pcmu        = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	pcma        = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
	opus        = codec.Format{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}
	g722        = codec.Format{Kind: codec.Audio, Name: "g722", Rate: 8000, Channels: 1}
	events      = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1, Params: "0-16"}
)

// carried are the formats of phones that can be made of, and into, any of RTMP's.
func carried() []codec.Format { return []codec.Format{opus, g722, speexWide, pcmu, pcma, speexNarrow} }

// offering are the formats to propose: the client's own. What it sends decides, if
// phones don't have it, for all that comes and goes is converted then.
func (t taste) offering() []codec.Format {
	list := slices.Clone(t.send)
	if len(list) == 0 || slices.ContainsFunc(carried(), list[0].Same) {
		for _, f := range t.hear {
			if !(taste{send: list}).native(f) {
				list = append(list, f)
			}
		}
	} else if list[0].Name == nameMP3 { // into which nothing can be brought
		list = append(list, t.heardAs(nil))
	}
	return append(list, events)
}

// rank is where a format stands in the client's preference; behind all of them if
// it is none of its own.
func (t taste) rank(f codec.Format) int {
	if i := slices.IndexFunc(t.send, f.Same); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(t.hear, f.Same); i >= 0 {
		return len(t.send) + i
	}
	return len(t.send) + len(t.hear)
}

// native reports whether f is a client's own.
func (t taste) native(f codec.Format) bool { return t.rank(f) < len(t.send)+len(t.hear) }

// answering is what is taken of an offer: the client's own, or, if there is none of
// these, what can be brought to and from them.
func (t taste) answering(offer []codec.Format) []codec.Format {
	var own, others, beside []codec.Format
	for _, f := range offer {
		switch {
		case f.IsEvents():
			beside = append(beside, f)
		case t.native(f):
			own = append(own, f)
		case slices.ContainsFunc(carried(), f.Same):
			others = append(others, f)
		}
	}
	if t.strict {
		slices.SortStableFunc(own, func(a, b codec.Format) int { return t.rank(a) - t.rank(b) })
	}
	switch {
	case len(own) > 0:
		return append(own, beside...)
	case len(others) > 0:
		return append(others, beside...)
	}
	return nil
}

// heardAs is the format in which a client hears what comes in one of formats.
func (t taste) heardAs(formats []codec.Format) codec.Format {
	for _, f := range formats {
		if slices.ContainsFunc(t.hear, f.Same) {
			return f
		}
	}
	if len(t.hear) > 0 {
		return t.hear[0]
	}
	return pcmu
}
