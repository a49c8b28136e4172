package xmpp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
	"gateway/codec"
)

// request takes a request of a session that stands in an IQ (XEP-0166), and sees
// that it is answered.
func (a *Adapter) request(h bridge.Handler, st *stanza, from, to bridge.Name) {
	switch {
	case a.env.Media == nil:
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	case st.element == nil:
		a.reply(st, condition{"bad-request", "modify"}, "")
		return
	}
	j, err := jingle.ReadJingle(st.element)
	if err != nil || from.Tail == "" {
		a.reply(st, condition{"bad-request", "modify"}, "")
		return
	}
	k := keyOf(j.SID, to, from)
	if l := a.calls.of(k); l != nil {
		if l.box.full() {
			a.reply(st, condition{"resource-constraint", "wait"}, "")
			return
		}
		if l.box.put(func() { l.requested(st, from, j) }) {
			return
		}
	}
	switch {
	case j.Action != "session-initiate":
		a.refuseRequest(st, condition{"item-not-found", "cancel"}, "unknown-session")
	case a.calls.wasOver(k):
		a.result(st, nil)
		a.dismiss(from, to, j.SID, bridge.Timeout)
	default:
		a.begins(h, st, from, to, j)
	}
}

// refuseRequest answers a request of a session with an error that has a condition
// of XEP-0166 section 10 besides.
func (a *Adapter) refuseRequest(st *stanza, c condition, extra string) {
	a.metrics.stanzaError("out", c.name)
	a.answer(element("", "iq", stanzaAttrs("error", st.id, a.as(st.to), st.from),
		element("", "error", []xml.Attr{attr("type", c.kind)}, element(nsStanzas, c.name, nil), element(jingle.NSErrors, extra, nil))))
}

// dismiss ends a session that has no leg.
func (a *Adapter) dismiss(from, to bridge.Name, sid string, c bridge.Cause) {
	word, text := toReason(c)
	e := (&jingle.Jingle{Action: "session-terminate", SID: sid, Reason: jingle.Reason{Condition: word, Text: text}}).Element()
	to.Tail = ourResource
	a.answer(element("", "iq", stanzaAttrs("set", callPrefix+"end-"+sid, formatAddress(to), formatAddress(from)), e.TokenReader()))
}

// begins takes a call that begins with a session at once.
func (a *Adapter) begins(h bridge.Handler, st *stanza, from, to bridge.Name, j *jingle.Jingle) {
	switch {
	case to.Lead == "":
		a.reply(st, condition{"service-unavailable", "cancel"}, "")
		return
	case a.crossed(from, to, j.SID, false):
		a.refuseRequest(st, condition{"conflict", "cancel"}, "tie-break")
		return
	}
	a.result(st, nil)
	b := &branch{sid: j.SID, state: offered, peer: from}
	b.x.Plain = true // the map decides
	stream, plain, err := b.x.TakeOffer(j)
	if err != nil {
		a.dismiss(from, to, j.SID, causeOfOffer(err))
		return
	}
	stream.ID = "audio"
	inv := a.invite(from, to, j.SID, stream)
	inv.Plain = plain
	if err := a.handCall(h, inv, from, to, b); err != nil {
		a.dismiss(from, to, j.SID, err.Cause)
	}
}

// causeOfOffer is why an offer can't be taken.
func causeOfOffer(err error) bridge.Cause {
	switch {
	case errors.Is(err, jingle.ErrInsecure):
		return bridge.Insecure
	case errors.Is(err, jingle.ErrTransport), errors.Is(err, jingle.ErrNothingFits):
		return bridge.NotAcceptable
	}
	return bridge.Internal
}

// invite is what the bridge is told of a call that came.
func (a *Adapter) invite(from, to bridge.Name, sid string, st bridge.Stream) bridge.Invite {
	inv := bridge.Invite{ID: sid, Hops: maxHops, Offer: &bridge.Offer{Seq: 1, Desc: bridge.Description{st}}}
	inv.From.Name, inv.To.Name = a.naming.Text(from), a.naming.Text(bare(to))
	if len(sid) > 64 || strings.ContainsFunc(sid, func(r rune) bool { return r > '~' }) {
		sum := sha256.Sum256([]byte(sid))
		inv.ID = hex.EncodeToString(sum[:])
	}
	return inv
}

// handCall hands a call to the bridge; an error is why it does not take it.
func (a *Adapter) handCall(h bridge.Handler, inv bridge.Invite, from, to bridge.Name, b *branch) *bridge.Error {
	our := bare(to)
	our.Tail = ourResource
	err := h.Incoming(inv, func(ev bridge.Events) bridge.Leg {
		l := a.newLeg(inv, ev, our, from)
		l.branches, l.cur, l.begun = []*branch{b}, b, true
		l.seq, l.open = 1, inInvite
		named := a.calls.name(keyOf(b.sid, our, from), l)
		if !named || !a.calls.start(l, func() { l.begin(b) }) {
			a.calls.forget(l)
			ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
			return bridge.NoLeg("")
		}
		return l
	})
	if err == nil {
		return nil
	}
	wrong := new(bridge.Error)
	if !errors.As(err, &wrong) {
		wrong = &bridge.Error{Op: "take a call", Cause: bridge.Internal, Err: err}
	}
	return wrong
}

var errNotRunning = errors.New("the adapter is not running")

// begin is the first that the leg of a call does which came.
func (l *leg) begin(b *branch) {
	if !b.jmi {
		b.raw = b.x.Raw()
		l.openPort(b, !b.x.Muxed())
	}
}

// crossed reports whether a call of ours to the same party is under way that wins
// over one of that identity (XEP-0166 section 7.2.16, XEP-0353 section 5): the lower
// one does. Ours ends where it does not win, and the other side knows.
func (a *Adapter) crossed(from, to bridge.Name, sid string, jmi bool) bool {
	for _, l := range a.calls.between(to, from) {
		mine := a.calls.pending(l, jmi)
		switch {
		case mine == "":
		case mine < sid:
			return true
		default:
			l.do(func() { l.outrun(mine) })
		}
	}
	return false
}

// outrun: the session sid of ours has lost against one of its peer's.
func (l *leg) outrun(sid string) {
	for _, b := range l.branches {
		if b.sid == sid && !l.accepted {
			l.gone(b, why{cause: bridge.Busy, text: "a call has come from there"})
		}
	}
}

// initiate takes the session that we have said proceed for.
func (l *leg) initiate(st *stanza, b *branch, j *jingle.Jingle) {
	l.a.result(st, nil)
	l.due = nil
	b.state = offered
	theirs, _, err := b.x.TakeOffer(j)
	if err != nil {
		l.fail(b, why{cause: causeOfOffer(err), err: err})
		return
	}
	// What was chosen of our own offer, as far as the client has it. If it does not
	// have the first, the other side has to choose anew.
	both := common(*l.chosen, theirs)
	if len(both.Formats) > 0 && both.Formats[0].Same(first(*l.chosen)) {
		l.accept(b, both)
		if b.state == active && len(both.Formats) < len(l.chosen.Formats) {
			st := b.x.Agreed()
			l.propose(inTalk, st) // or the other side may change to what the client has not
		}
		return
	}
	theirs.ID = l.stream
	l.propose(inBegun, theirs)
}

// first is the sound that is preferred.
func first(st bridge.Stream) codec.Format {
	for _, f := range st.Formats {
		if !f.IsEvents() && !f.IsNoise() {
			return f
		}
	}
	return codec.Format{}
}

// common is st with what other has too, the sound first.
func common(st, other bridge.Stream) bridge.Stream {
	var sound, beside []codec.Format
	for _, f := range st.Formats {
		switch {
		case !slices.ContainsFunc(other.Formats, f.Same):
		case f.IsEvents() || f.IsNoise():
			beside = append(beside, f)
		default:
			sound = append(sound, f)
		}
	}
	st.Formats = append(sound, beside...)
	return st
}

// accept accepts the peer's session, with what the other side has chosen.
func (l *leg) accept(b *branch, st bridge.Stream) {
	if b.state != offered || !l.openPort(b, !b.x.Muxed()) {
		return
	}
	contents, err := b.x.Answer(st, l.local(b))
	if err != nil {
		l.fail(b, why{cause: causeOfOffer(err), err: err})
		return
	}
	b.state = active
	l.set(b) // before anything can come
	l.send(b, &jingle.Jingle{Action: "session-accept", Contents: contents, Bundle: b.x.Bundle(contents)}, func(r answer) {
		if r.refused != nil {
			l.gone(b, why{cause: bridge.NoMedia, err: errors.New("the client refuses our answer: " + r.refused.condition)})
		}
	})
}
