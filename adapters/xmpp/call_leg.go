package xmpp

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// A leg is one party's side of a call: a call that it has begun, by message
// (XEP-0353) or by a session at once, or one that was begun with it, with each
// of its clients. One goroutine owns it; what others want of it waits in its box.
//
//	       propose ──▶ ringing ──▶ proceed ─┐
//	                                        ▼
//	branch: waiting ────────────────────▶ sent, or offered ──▶ active ──▶ ended
//	       (by message)                     ▲    session-initiate   session-accept
//	session at once ────────────────────────┘
//
// A call that came has one branch. Of several that went, the first that is taken
// becomes the leg's, and the others are told so.
type leg struct {
	a      *Adapter
	id     string
	inv    bridge.Invite
	events bridge.Events
	log    *slog.Logger
	box    *box

	// Guarded by calls.mu: how many requests are under way, and the identities
	// under which nobody has taken the call yet.
	asks              int
	byMessage, atOnce string

	out bool
	// our is who we are in this call; peer is who it is with, of a call of
	// ours mostly without a resource.
	our, peer bridge.Name

	branches []*branch
	cur      *branch // that counts; nil: none yet
	begun    bool    // all that there is to try is being tried
	accepted bool    // the call is taken: the bridge has said so, or was told
	claimed  bool
	rung     bool
	listened bool // there are clients that hear of calls by message
	shown    bool // our presence was shown for this call only
	over     bool
	best     why // of the branches that have come to nothing

	stream string // its name in the bridge's words
	chosen *bridge.Stream
	seq    uint32 // of the last offer that the bridge was told of
	open   openness

	timer *time.Timer
	due   func()
}

// openness says what the bridge's answer to our last offer is for.
type openness uint8

const (
	closed   openness = iota // there is none open
	inInvite                 // the call itself: the answer is kept until it is taken
	inBegun                  // a session that was begun by message with what had not been chosen
	inTalk                   // a change of what is sent or heard
	inTaken                  // what was offered to us has no answer yet, for the call was made without an offer
)

// A why says why a call, or a branch of it, has come to nothing.
type why struct {
	cause bridge.Cause
	text  string
	err   error
}

var (
	_ bridge.Leg      = (*leg)(nil)
	_ bridge.Prompter = (*leg)(nil)
)

func (a *Adapter) newLeg(inv bridge.Invite, ev bridge.Events, our, peer bridge.Name) *leg {
	l := &leg{a: a, id: rand.Text(), inv: inv, events: ev, box: newBox(), our: our, peer: peer, stream: "audio"}
	l.log = a.env.Log.With("call", cmp.Or(inv.Call, inv.ID), "leg", l.id)
	return l
}

// run owns the leg until its end. A fault of ours that its peer has found ends
// the leg and nothing else.
func (l *leg) run(begin func()) {
	l.timer = time.NewTimer(time.Hour)
	defer l.timer.Stop()
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic in a leg", "err", p, "stack", string(debug.Stack()))
			l.end(bridge.Internal, "", fmt.Errorf("panic: %v", p))
		}
	}()
	begin()
	for !l.over {
		select {
		case <-l.box.wake:
			for _, f := range l.box.take() {
				f() // also after the end: who asks is answered
			}
		case <-l.timer.C:
			if due := l.due; due != nil {
				l.due = nil
				due()
			}
		}
	}
}

// after has f called in a while, unless something else is by then.
func (l *leg) after(d time.Duration, f func()) {
	l.due = f
	l.timer.Reset(d)
}

// end is the end. It closes what is open and tells the bridge.
func (l *leg) end(c bridge.Cause, text string, err error) {
	if l.over {
		return
	}
	l.over = true
	for _, b := range l.branches {
		l.stop(b, c)
	}
	if l.shown {
		l.a.says("unavailable", "", l.our, bare(l.peer))
	}
	l.a.calls.forget(l)
	for _, f := range l.box.close() {
		f() // requests are answered
	}
	l.post(bridge.Ended{Cause: c, Reason: text, Err: err})
}

// hangup is the command: the call is over for the bridge.
func (l *leg) hangup(c bridge.Cause) { l.end(c, "", nil) }

func (l *leg) post(ev bridge.Event) { l.events.Post(ev) }

// ID implements bridge.Leg.
func (l *leg) ID() string { return l.id }

// Ring implements bridge.Leg.
func (l *leg) Ring(bool) { l.do(l.ring) }

// Prompt implements bridge.Prompter.
func (l *leg) Prompt() { l.do(l.take) }

// Accept implements bridge.Leg.
func (l *leg) Accept() { l.do(l.take) }

// Offer implements bridge.Leg.
func (l *leg) Offer(o bridge.Offer) { l.do(func() { l.offer(o) }) }

// Answer implements bridge.Leg.
func (l *leg) Answer(seq uint32, d bridge.Description) { l.do(func() { l.answer(seq, d) }) }

// Refuse implements bridge.Leg.
func (l *leg) Refuse(seq uint32, c bridge.Cause) { l.do(func() { l.refuse(seq, c) }) }

// Digit implements bridge.Leg.
func (l *leg) Digit(r rune, d time.Duration) { l.do(func() { l.press(r, d) }) }

// Transfer implements bridge.Leg. There are no transfers in Jingle that clients
// know (XEP-0251), so nobody has asked for one.
func (l *leg) Transfer(string, bridge.Cause) {}

// Hangup implements bridge.Leg.
func (l *leg) Hangup(c bridge.Cause) { l.do(func() { l.hangup(c) }) }

// do has the leg do something, unless it is over by then.
func (l *leg) do(f func()) {
	l.box.put(func() {
		if !l.over {
			f()
		}
	})
}

// press is the command: a key.
func (l *leg) press(r rune, d time.Duration) {
	if b := l.cur; b != nil && b.opened && b.x.Events() {
		l.a.env.Media.Digit(b.port.ID, r, d)
	}
}

// ring is the command: the other side rings.
func (l *leg) ring() {
	if l.out || l.accepted || l.rung || l.cur == nil {
		return
	}
	l.rung = true
	b := l.cur
	if b.jmi {
		l.message(b.peer, jingle.Message{Kind: "ringing", ID: b.sid})
		return
	}
	l.request(b, &jingle.Jingle{Action: "session-info", Info: "ringing"}, nil)
}

// take is the command: the other side has taken the call, or what it says
// before that is to be heard as if it had.
func (l *leg) take() {
	b := l.cur
	if l.out || l.accepted || b == nil {
		return
	}
	if l.chosen == nil {
		l.hangup(bridge.NotAcceptable)
		return
	}
	l.accepted, l.open = true, closed
	if b.jmi {
		if l.openPort(b, false) {
			l.message(b.peer, jingle.Message{Kind: "proceed", ID: b.sid})
			l.after(beginTime, func() { l.end(bridge.Timeout, "", errNoSession) })
		}
		return
	}
	l.accept(b, *l.chosen)
}
