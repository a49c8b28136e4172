package xmpp

import (
	"crypto/rand"
	"errors"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
	"gateway/codec"
)

// Dial implements bridge.Caller.
func (a *Adapter) Dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	our, err1 := a.naming.Parse(inv.From.Name)
	peer, err2 := a.naming.Parse(inv.To.Name)
	our = bare(our)
	our.Tail = ourResource
	l := a.newLeg(inv, ev, our, peer)
	l.out = true
	err := errors.Join(err1, err2)
	begin := func() {
		switch {
		case err != nil || our.Main != a.domain || peer.Main == a.domain:
			l.end(bridge.BadAddress, "", err)
		case inv.Hops < 1:
			l.end(bridge.Looped, "", nil)
		case inv.Replaces != "":
			l.end(bridge.NotFound, "", nil)
		case a.env.Media == nil:
			l.end(bridge.Unsupported, "", nil)
		default:
			l.dial()
		}
	}
	if !a.calls.start(l, begin) {
		ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
		return bridge.NoLeg("")
	}
	return l
}

// dial finds out what the party's clients can, and then calls.
func (l *leg) dial() {
	if _, ok := l.wanted(); !ok {
		l.end(bridge.NotAcceptable, "", jingle.ErrNothingFits)
		return
	}
	l.stream, _ = l.streamID()
	l.introduce()
	devices := l.a.known.devices(bare(l.peer))
	if l.peer.Tail != "" {
		devices = []bridge.Name{l.peer}
	}
	l.a.abilities(l, devices, l.call)
}

// introduce shows our presence to somebody who does not see it, so that a client
// knows what we can, and who we are (XEP-0353 section 3.1).
func (l *leg) introduce() {
	if on, _ := l.a.present.get(formatAddress(bare(l.our)), formatAddress(bare(l.peer))); on {
		return
	}
	l.shown = true
	l.a.answer(element("", "presence", stanzaAttrs("", "", formatAddress(l.our), formatAddress(bare(l.peer))),
		append(l.nick(), l.a.capsElement())...))
}

// wanted is the stream that we offer.
func (l *leg) wanted() (bridge.Stream, bool) {
	if l.inv.Offer == nil {
		return jingle.Usual("audio"), true
	}
	return soundOf(l.inv.Offer.Desc)
}

// soundOf is the first stream of sound of d that is not refused.
func soundOf(d bridge.Description) (bridge.Stream, bool) {
	for _, st := range d {
		if st.Kind == codec.Audio && len(st.Formats) > 0 {
			return st, true
		}
	}
	return bridge.Stream{}, false
}

func (l *leg) streamID() (string, bool) {
	st, ok := l.wanted()
	return st.ID, ok
}

// call calls all that there is to call: by message whoever is there, and the
// clients that don't know such messages by a session at once.
func (l *leg) call(found []ability) {
	direct := 0
	for _, d := range found {
		l.listened = l.listened || d.jmi
		if d.direct() && (l.inv.Plain || !d.raw) {
			direct++
			b := &branch{sid: rand.Text(), peer: d.who}
			l.branches = append(l.branches, b)
			l.a.calls.name(keyOf(b.sid, l.our, l.peer), l)
			if l.initiateTo(b, d); l.over {
				return
			}
		}
	}
	if l.peer.Tail == "" || direct == 0 {
		b := &branch{sid: rand.Text(), jmi: true, peer: l.peer}
		l.branches = append(l.branches, b)
		l.a.calls.name(keyOf(b.sid, l.our, l.peer), l)
		if !l.openPort(b, false) {
			return
		}
		l.a.calls.pend(l, b.sid, true)
		l.message(l.peer, jingle.Message{Kind: "propose", ID: b.sid, Media: []string{"audio"}})
	}
	l.begun = true
	if !l.hopes(l.best.cause) {
		l.end(l.best.cause, l.best.text, l.best.err)
	}
}

// initiateTo begins a session with one client.
func (l *leg) initiateTo(b *branch, d ability) {
	plain := l.inv.Plain && d.known && !d.dtls
	b.raw = plain && d.raw
	if !l.openPort(b, l.inv.Plain && !d.dtls) {
		return
	}
	st, _ := l.wanted()
	content, err := b.x.Offer(st, l.local(b), jingle.Locks{SDES: d.known && !d.dtls, Plain: plain, Raw: b.raw})
	if err != nil {
		l.fail(b, why{cause: causeOfOffer(err), err: err})
		return
	}
	b.state = sent
	if !b.jmi {
		l.a.calls.pend(l, b.sid, false)
	}
	begin := &jingle.Jingle{
		Action: "session-initiate", Contents: []jingle.Content{content}, Bundle: []string{content.Name},
		Nick: oneLine(l.inv.From.Display, maxReason),
	}
	l.send(b, begin, func(r answer) {
		if r.refused == nil || b.state != sent {
			return
		}
		c, _ := fromCondition(r.refused.condition)
		if r.refused.extra == "tie-break" {
			c = bridge.Busy
		}
		l.gone(b, why{cause: c, text: r.refused.text, err: errors.New("the client refuses a session: " + oneLine(r.refused.condition, 60))})
	})
}

// claim: this branch has the call. What else is tried is over.
func (l *leg) claim(b *branch) {
	l.cur, l.claimed = b, true
	l.a.calls.pend(l, "", true)
	l.a.calls.pend(l, "", false)
	for _, other := range l.branches {
		if other != b {
			l.stop(other, bridge.Elsewhere)
		}
	}
	l.post(bridge.Claimed{})
}

// answered takes a session-accept.
func (l *leg) answered(st *stanza, b *branch, j *jingle.Jingle) {
	l.a.result(st, nil)
	if err := l.moved(b, j.Contents); err != nil {
		l.fail(b, why{cause: bridge.NotAcceptable, err: err})
		return
	}
	taken, err := b.x.TakeAnswer(j.Contents)
	if err != nil {
		l.fail(b, why{cause: causeOfOffer(err), err: err})
		return
	}
	taken.ID = l.stream
	b.taken, b.state = &taken, active
	b.way = b.way || b.raw // it is where it says
	if !l.claimed {
		l.claim(b)
	}
	want, _ := l.wanted()
	b.x.Turn(want.Dir)
	l.set(b)
	l.up(b)
}

// up tells the bridge that the call is taken, as soon as the client can be heard.
func (l *leg) up(b *branch) {
	// A handshake needs a way. Keys from the session are there before one is.
	ready := b.way
	if b.x.Handshake() {
		ready = b.sealed
	}
	if !l.out || l.accepted || b != l.cur || b.taken == nil || !ready {
		return
	}
	l.accepted = true
	l.announce(b)
	if l.inv.Offer == nil {
		l.seq, l.open = 1, inTaken
		l.post(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: bridge.Description{*b.taken}}})
	} else {
		l.post(bridge.Answered{Seq: l.inv.Offer.Seq, Desc: l.described(l.inv.Offer.Desc, *b.taken)})
	}
	l.post(bridge.Accepted{})
}

// described is st among the streams of d, of which there are no others.
func (l *leg) described(d bridge.Description, st bridge.Stream) bridge.Description {
	all := make(bridge.Description, 0, len(d))
	for _, o := range d {
		if o.ID == l.stream {
			st.ID = o.ID
			all = append(all, st)
			continue
		}
		all = append(all, bridge.Stream{ID: o.ID, Kind: o.Kind})
	}
	return all
}
