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
		l.transcodes()
		if !l.ready {
			l.ready = true
			l.post(bridge.MediaReady{Stream: s.ID, Port: l.sound.port})
		}
		return
	}
}

// transcodes tells the bridge whether sound is transcoded that was agreed on to pass as
// it is: Flash says Speex whatever was agreed on, and a server elsewhere hears AAC. Who
// holds keeps its place among the calls that are transcoded.
func (l *leg) transcodes() {
	l.mouth, l.ear = l.mouth || l.want.Sends(), l.ear || l.want.Hears()
	made := l.sound.transcodes(l.mouth, l.ear)
	if l.over || made == l.made {
		return
	}
	l.made = made
	l.post(bridge.Transcodes{On: made})
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
