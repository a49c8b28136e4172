package xmpp

import (
	"encoding/xml"
	"errors"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// A branch is one session, or what may become one.
type branch struct {
	sid   string
	jmi   bool        // by message, at first
	peer  bridge.Name // with its resource; without while nobody has taken the call
	state state
	x     jingle.Exchange

	port   media.Port
	opened bool
	ready  bool // the bridge was told of the port
	told   media.ICE
	raw    bool // without ICE
	moves  int  // how often it has named another address then
	// way and sealed: the peer is reached, and the handshake done.
	way, sealed bool
	// taken is what the peer's session-accept says.
	taken *bridge.Stream
}

// A state is where a branch stands.
type state uint8

const (
	waiting state = iota // there is no session yet
	sent                 // we have begun one
	offered              // the peer has begun one
	active               // it was accepted
	ended
)

// String is the word for logs.
func (s state) String() string {
	return [...]string{"waiting", "sent", "offered", "active", "ended"}[s]
}

var (
	errNoSession = errors.New("the session was not begun in time")
	errAway      = errors.New("the client is not there any more")
	errNoWay     = errors.New("no way to the client was found")
)

// openPort opens a branch's port in the plane; false if that was the end of the
// leg. separate: RTCP may need a way of its own.
func (l *leg) openPort(b *branch, separate bool) bool {
	if b.opened {
		return true
	}
	o := media.Open{ICE: true, Separate: separate, Call: l.inv.Call}
	if b.raw {
		local, err := l.a.ownAddr(b.x.At(1))
		if err == nil {
			err = l.a.believe(local, b.x.At(2))
		}
		if err != nil {
			l.end(bridge.NotAcceptable, "", err)
			return false
		}
		o = media.Open{Local: local, Call: l.inv.Call}
	}
	p, err := l.a.env.Media.Open(o, func(ev media.Event) {
		l.do(func() { l.sounded(b, ev) })
	})
	if err != nil {
		c := bridge.Internal
		if errors.Is(err, media.ErrNoPorts) {
			c = bridge.Constrained
		}
		l.end(c, "", err)
		return false
	}
	b.port, b.opened, b.told = p, true, p.ICE
	if !l.out {
		l.announce(b)
	}
	return true
}

// announce tells the bridge of a branch's port.
func (l *leg) announce(b *branch) {
	if b.opened && !b.ready {
		b.ready = true
		l.post(bridge.MediaReady{Stream: l.stream, Port: b.port.ID})
	}
}

// set puts what is agreed on into force.
func (l *leg) set(b *branch) {
	if s, ok := b.x.Setting(); ok && b.opened && b.state == active {
		l.a.env.Media.Set(b.port.ID, s)
	}
}

// local is our end of a branch, as its peer is told.
func (l *leg) local(b *branch) jingle.Local {
	return jingle.Local{ICE: b.told, RTP: b.port.RTP, RTCP: b.port.RTCP, Fingerprint: l.a.env.Media.Fingerprint(), NewKey: transport.NewKey}
}

// stop ends a branch for c, and tells its peer.
func (l *leg) stop(b *branch, c bridge.Cause) {
	if b.state == ended {
		return
	}
	was := b.state
	b.state = ended
	word, text := toReason(c)
	if c == bridge.Unavailable && l.rung && !l.out {
		word, text = toReason(bridge.Timeout) // it has rung, so somebody is there
	}
	why := jingle.Reason{Condition: word, Text: text}
	switch {
	case was != waiting:
		l.send(b, &jingle.Jingle{Action: "session-terminate", Reason: why}, nil)
		if b.jmi {
			l.message(b.peer, jingle.Message{Kind: "finish", ID: b.sid, Reason: why})
		}
	case l.out:
		l.message(bare(l.peer), jingle.Message{Kind: "retract", ID: b.sid, Reason: why})
	case l.accepted: // we have said proceed
		l.message(b.peer, jingle.Message{Kind: "finish", ID: b.sid, Reason: why})
	default:
		l.message(b.peer, jingle.Message{Kind: "reject", ID: b.sid, Reason: why})
	}
	l.release(b)
}

// release gives a branch's port back.
func (l *leg) release(b *branch) {
	if !b.opened {
		return
	}
	b.opened = false
	stats := l.a.env.Media.Close(b.port.ID)
	if b.ready {
		b.ready = false
		l.post(bridge.MediaLost{Stream: l.stream, Stats: stats, Port: b.port.ID})
	}
}

// gone takes note that a branch has come to nothing, and that its peer knows.
func (l *leg) gone(b *branch, r why) {
	if b.state == ended {
		return
	}
	b.state = ended
	l.release(b)
	l.lost(b, r)
}

// fail ends a branch for a fault on our side of it.
func (l *leg) fail(b *branch, r why) {
	if b.state == ended {
		return
	}
	l.stop(b, r.cause)
	l.lost(b, r)
}

// lost is what follows from the end of a branch.
func (l *leg) lost(b *branch, r why) {
	if !l.out || l.accepted || b == l.cur {
		l.end(r.cause, r.text, r.err)
		return
	}
	if rankOf(r.cause) > rankOf(l.best.cause) {
		l.best = r
	}
	if l.begun && !l.hopes(l.best.cause) {
		l.end(l.best.cause, l.best.text, l.best.err)
	}
}

// hopes reports whether somebody may still take the call after a refusal for c.
// A person's no holds for all clients; a client that is busy speaks for
// those that we don't see, which may be asleep.
func (l *leg) hopes(c bridge.Cause) bool {
	if c == bridge.Declined {
		return false
	}
	for _, b := range l.branches {
		if b.state != ended && (!b.jmi || l.listened || c != bridge.Busy) {
			return true
		}
	}
	return false
}

// checkIn asks a client whether it is still there (XEP-0166 section 6.8): it is said
// to be away, or nothing is heard of it.
func (l *leg) checkIn(client bridge.Name) {
	for _, b := range l.branches {
		if b.peer != client || b.state != sent && b.state != active && b.state != offered {
			continue
		}
		l.send(b, &jingle.Jingle{Action: "session-info"}, func(r answer) {
			if r.refused == nil {
				return
			}
			switch r.refused.condition {
			case "service-unavailable", "recipient-unavailable", "item-not-found", "remote-server-not-found":
				l.gone(b, why{cause: l.wayless(), err: errAway})
			}
		})
	}
}

// rankOf says which of several refusals is told: what a person has done says
// more than what has not come about.
func rankOf(c bridge.Cause) int {
	switch c {
	case 0:
		return 0
	case bridge.Unavailable, bridge.Timeout, bridge.Unsupported, bridge.Internal:
		return 1
	case bridge.Busy, bridge.BusyEverywhere:
		return 3
	case bridge.Declined:
		return 4
	default:
		return 2
	}
}

// request sends a request of a session that its peer may well refuse without
// harm, unless it says that there is no such session.
func (l *leg) request(b *branch, j *jingle.Jingle, then func(answer)) {
	if then == nil {
		then = func(r answer) {
			if r.refused != nil && b.state != ended && (r.refused.extra == "unknown-session" || r.refused.condition == "item-not-found" ||
				r.refused.condition == "service-unavailable" && j.Action != "session-info") {
				l.gone(b, why{cause: l.lostFor(), err: errors.New("the client has no such session")})
			}
		}
	}
	l.send(b, j, then)
}

// lostFor is the cause of a session that its peer has lost.
func (l *leg) lostFor() bridge.Cause {
	if l.accepted {
		return bridge.Normal
	}
	return bridge.Unavailable
}

// send sends a request of a session. then, if not nil, hears the answer.
func (l *leg) send(b *branch, j *jingle.Jingle, then func(answer)) {
	j.SID = b.sid
	from, to := formatAddress(l.our), formatAddress(b.peer)
	switch j.Action {
	case "session-initiate":
		j.Initiator = from
	case "session-accept":
		j.Responder = from
	}
	id := l.a.calls.expect(l, b.peer, func(r answer) {
		if then != nil && !l.over {
			then(r)
		}
	})
	e := j.Element()
	l.a.answer(element("", "iq", stanzaAttrs("set", id, from, to), e.TokenReader()))
}

// message sends one of XEP-0353. It is to be kept where somebody may come back
// who should know.
func (l *leg) message(to bridge.Name, m jingle.Message) {
	e := m.Element()
	in := []xml.TokenReader{e.TokenReader(), element(nsHints, "store", nil)}
	if m.Kind == "propose" {
		in = append(in, l.nick()...)
		in = append(in, element(nsReceipts, "request", nil))
	}
	id := callPrefix + m.Kind + "-" + m.ID
	l.a.answer(element("", "message", stanzaAttrs("chat", id, formatAddress(l.our), formatAddress(to)), in...))
}

// nick is what the caller is called for people (XEP-0172), if it is called anything.
func (l *leg) nick() []xml.TokenReader {
	if nick := oneLine(l.inv.From.Display, maxReason); nick != "" {
		return []xml.TokenReader{element(nsNick, "nick", nil, chars(nick))}
	}
	return nil
}

// sounded takes an event of the plane's.
func (l *leg) sounded(b *branch, ev media.Event) {
	if b.state == ended {
		return
	}
	switch ev := ev.(type) {
	case media.Gathered:
		l.gathered(b, ev.ICE)
	case media.Connected:
		b.way = true
		l.log.Debug("a way was found", "local", ev.Pair.Local.Address, "remote", ev.Pair.Remote.Address)
		l.up(b)
	case media.Secured:
		b.sealed = true
		l.log.Debug("media is encrypted", "suite", ev.Suite)
		l.up(b)
	case media.Failed:
		l.fail(b, why{cause: l.wayless(), err: errors.Join(errNoWay, ev.Err)})
	case media.Insecure:
		l.fail(b, why{cause: bridge.Insecure, err: ev.Err})
	case media.Lost:
		l.fail(b, why{cause: bridge.Internal, err: ev.Err})
	case media.Heard:
		if b.ready {
			l.post(bridge.Heard{Stream: l.stream})
		}
	case media.Silent:
		if b.ready {
			l.post(bridge.Silent{Stream: l.stream})
			l.checkIn(b.peer) // of somebody without ICE nothing else says that it has gone
		}
	case media.Digit:
		if b.ready && !ev.Forwarded {
			l.post(bridge.Digit{Digit: ev.Digit, Duration: ev.Duration})
		}
	}
}

// wayless is the cause where no way to a client is left.
func (l *leg) wayless() bridge.Cause {
	if l.out && !l.accepted {
		return bridge.Unavailable
	}
	return bridge.NoMedia
}

// gathered trickles candidates that were found later (XEP-0176 section 5.8), or
// answers a new run of ICE (section 6).
func (l *leg) gathered(b *branch, ice media.ICE) {
	fresh, again := ice, ice.Ufrag != b.told.Ufrag
	if !again {
		b.told.Candidates = append(b.told.Candidates[:len(b.told.Candidates):len(b.told.Candidates)], ice.Candidates...)
		b.told.Complete = ice.Complete
		fresh.Pwd = b.told.Pwd
	} else {
		b.told = ice
	}
	if b.state == waiting || b.state == offered || len(fresh.Candidates) == 0 && !again {
		return // it is in what begins or accepts the session
	}
	l.request(b, &jingle.Jingle{Action: "transport-info", Contents: []jingle.Content{b.x.More(fresh)}}, nil)
}
