package rtmp

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
)

// A far is the network's side of a leg: the phone of a client, a line by URL, or
// a stream elsewhere. Its methods are called by the leg's goroutine, and wait for
// nothing.
type far interface {
	// dial begins what the bridge has dialled.
	dial(l *leg)
	// ring: the other side rings; early: it can be heard already.
	ring(early bool)
	// accepted: the other side has taken the call, which is now up.
	accepted()
	// held: the other side does not want to hear, or not to be heard, or does again.
	held(on bool)
	// pressed: the other side has pressed a key.
	pressed(r rune)
	// transferred says what came of a transfer; 0: it is done.
	transferred(c bridge.Cause)
	// ended is the last: why there is no call any more.
	ended(c bridge.Cause, reason string)
}

// A leg is the side of a call that is here. One goroutine owns it; what others
// want of it waits in its box. Sound takes the short way, by its sound.
type leg struct {
	house *house
	id    string
	inv   bridge.Invite
	far   far
	box   *box
	log   *slog.Logger
	sound *sound
	ev    bridge.Events

	out   bool // the bridge has dialled it
	taken bool
	over  bool

	streams bridge.Description // of the call, as they are known on this leg
	seq     uint32             // of our last offer
	open    bool               // it has no answer yet
	late    bool               // the bridge dialled without an offer: what we said is our first
	want    bridge.Dir         // which way this side goes
	said    bridge.Dir         // which way we have said so last
	held    bool               // the other side holds
	ready   bool               // the bridge knows the port
	made    bool               // the bridge knows that sound is transcoded, whatever was agreed on
	mouth   bool               // this side has wanted to be heard
	ear     bool               // this side has wanted to hear
}

var _ bridge.Leg = (*leg)(nil)

// newLeg makes a leg whose goroutine start starts. It goes the ways of want.
func (h *house) newLeg(inv bridge.Invite, f far, want bridge.Dir, taste taste) *leg {
	l := &leg{house: h, id: newID(), inv: inv, far: f, box: newBox(), want: want, said: want}
	if l.inv.ID == "" {
		l.inv.ID = l.id
	}
	l.log = h.log.With("call", callOf(inv), "leg", l.id)
	l.sound = newSound(h, taste, func() { l.box.put(l.transcodes) })
	return l
}

// dialledBy makes it one that the bridge has dialled, before anybody else knows it.
func (l *leg) dialledBy(ev bridge.Events) *leg {
	l.out, l.ev = true, ev
	return l
}

func callOf(inv bridge.Invite) string {
	if inv.Call != "" {
		return inv.Call
	}
	return inv.ID
}

// start has the leg run; false: the adapter is about to end.
func (l *leg) start(begin func()) bool {
	return l.house.crew.start(func() { l.run(begin) })
}

// run owns the leg until its end. A fault of ours that one peer has found ends
// the leg and nothing else.
func (l *leg) run(begin func()) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic in a leg", "err", p, "stack", string(debug.Stack()))
			l.end(bridge.Internal, "", fmt.Errorf("panic: %v", p))
		}
	}()
	begin()
	stopped := l.house.stopped
	for !l.over {
		select {
		case <-l.box.wake:
		case <-stopped:
			l.end(bridge.Unavailable, "", errNotRunning)
		}
		for _, f := range l.box.take() {
			if l.over {
				break
			}
			f()
		}
	}
}

// dialled is the beginning of a leg that the bridge has dialled.
func (l *leg) dialled() {
	if l.inv.Offer != nil {
		if _, ok := l.answerTo(l.inv.Offer.Desc); !ok {
			l.end(bridge.NotAcceptable, "", nil)
			return
		}
	}
	if err := l.sound.open(l.inv.Call, l.heard); err != nil {
		cause := bridge.Internal
		if errors.Is(err, media.ErrNoPorts) {
			cause = bridge.Constrained
		}
		l.end(cause, "", err)
		return
	}
	l.far.dial(l)
}

// take tells the bridge that this side has taken the call.
func (l *leg) take() {
	if l.over || l.taken || !l.out {
		return
	}
	l.taken = true
	l.house.metrics.call(directionIn)
	if l.inv.Offer == nil {
		l.seq, l.late, l.open = 1, true, true
		l.said = l.want
		l.streams = l.offering()
		l.post(bridge.Offered{Offer: bridge.Offer{Seq: l.seq, Desc: l.streams}}, bridge.Accepted{})
		return
	}
	d, _ := l.answerTo(l.inv.Offer.Desc)
	l.streams = d
	l.agree(d)
	l.post(bridge.Answered{Seq: l.inv.Offer.Seq, Desc: d}, bridge.Accepted{})
}

// rings tells the bridge that somebody is being told of the call.
func (l *leg) rings() { l.post(bridge.Ringing{}) }

// press tells the bridge of a key.
func (l *leg) press(r rune) {
	if l.taken {
		l.post(bridge.Digit{Digit: r, Duration: keyDuration})
	}
}

// turn has this side go the ways of want from now on.
func (l *leg) turn(want bridge.Dir) {
	l.want = want
	l.transcodes()
	l.propose()
}

// propose offers the ways that this side wants to go, if the other side does not
// know and may be told.
func (l *leg) propose() {
	if l.over || !l.taken || l.open || l.want == l.said {
		return
	}
	l.seq++
	l.open, l.said = true, l.want
	d := make(bridge.Description, len(l.streams))
	for i, s := range l.streams {
		d[i] = s
		if len(s.Formats) > 0 {
			d[i].Formats, d[i].Dir = l.sound.taste.offering(), l.want
		}
	}
	l.post(bridge.Offered{Offer: bridge.Offer{Seq: l.seq, Desc: d}})
}

// end is the end.
func (l *leg) end(c bridge.Cause, reason string, err error) {
	if l.over {
		return
	}
	l.over = true
	l.box.close()
	port, stats := l.sound.close()
	if l.ready {
		l.post(bridge.MediaLost{Stream: l.streamID(), Stats: stats, Port: port})
	}
	l.far.ended(c, reason)
	l.post(bridge.Ended{Cause: c, Reason: reason, Err: err})
}

// quit ends the leg from this side.
func (l *leg) quit(c bridge.Cause) { l.end(c, "", nil) }

func (l *leg) post(all ...bridge.Event) {
	for _, ev := range all {
		l.ev.Post(ev)
	}
}

// heard is where the Plane tells its events.
func (l *leg) heard(ev media.Event) {
	l.box.put(func() {
		switch ev := ev.(type) {
		case media.Heard:
			l.post(bridge.Heard{Stream: l.streamID()})
		case media.Silent:
			if l.want.Sends() {
				l.post(bridge.Silent{Stream: l.streamID()})
			}
		case media.Digit:
			if !ev.Forwarded {
				l.post(bridge.Digit{Digit: ev.Digit, Duration: ev.Duration})
			}
		case media.Lost:
			l.log.Error("media port lost", "err", ev.Err)
			l.end(bridge.Internal, "", ev.Err)
		}
	})
}

// ID implements bridge.Leg.
func (l *leg) ID() string { return l.id }

// Ring implements bridge.Leg.
func (l *leg) Ring(early bool) {
	l.box.put(func() {
		if !l.out && !l.taken {
			l.far.ring(early)
		}
	})
}

// Accept implements bridge.Leg.
func (l *leg) Accept() {
	l.box.put(func() {
		if l.out || l.taken {
			return
		}
		if !l.ready {
			l.end(bridge.NotAcceptable, "", nil)
			return
		}
		l.taken = true
		l.house.metrics.call(directionOut)
		l.far.accepted()
		l.propose()
	})
}

// Offer implements bridge.Leg.
func (l *leg) Offer(o bridge.Offer) { l.box.put(func() { l.offered(o) }) }

// Answer implements bridge.Leg.
func (l *leg) Answer(seq uint32, d bridge.Description) { l.box.put(func() { l.answered(seq, d) }) }

// Refuse implements bridge.Leg: all stays as it was.
func (l *leg) Refuse(seq uint32, c bridge.Cause) {
	l.box.put(func() {
		switch {
		case !l.open || seq != l.seq:
		case l.late:
			l.end(c, "", nil)
		default:
			l.open = false // want is told again with the next change
		}
	})
}

// Digit implements bridge.Leg.
func (l *leg) Digit(r rune, _ time.Duration) {
	l.box.put(func() {
		if l.taken {
			l.far.pressed(r)
		}
	})
}

// Transfer implements bridge.Leg.
func (l *leg) Transfer(_ string, c bridge.Cause) { l.box.put(func() { l.far.transferred(c) }) }

// Hangup implements bridge.Leg.
func (l *leg) Hangup(c bridge.Cause) { l.box.put(func() { l.end(c, "", nil) }) }
