package osc

import (
	"strings"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/codec"

	"golang.org/x/time/rate"
)

// A leg is a member's, or a group's, side of a call. It has no port: what it can
// hear is there for the keys that come with it, which others find.
type leg struct {
	calls    *calls
	id       string
	tag      string      // what members know it by
	who      bridge.Name // who is told
	from, to string      // the parties as members know them
	dialled  bool        // by who

	mu    sync.Mutex // guards the rest, and has events come in order
	ev    bridge.Events
	keys  *rate.Limiter
	rang  bool
	taken time.Time // zero: it is not
	gone  time.Time // since when who is not there; zero: it is
	over  bool
}

var (
	_ bridge.Caller = (*Adapter)(nil)
	_ bridge.Leg    = (*leg)(nil)
)

func (c *calls) newLeg(who bridge.Name, from, to, tag string) *leg {
	return &leg{calls: c, id: newID(), tag: tag, who: who, from: from, to: to, keys: rate.NewLimiter(keyRate, keyBurst)}
}

// Dial implements bridge.Caller: a group, or a member, takes every call at once.
func (a *Adapter) Dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	p := a.part.Load()
	if p == nil {
		ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
		return bridge.NoLeg(newID())
	}
	return p.calls.dial(inv, ev)
}

func (c *calls) dial(inv bridge.Invite, ev bridge.Events) *leg {
	from, err1 := c.naming.Parse(inv.From.Name)
	to, err2 := c.naming.Parse(inv.To.Name)
	l := c.newLeg(to, shortName(from, to), shortName(to, to), "")
	l.tag, l.ev = l.id, ev
	display := oneLine(inv.From.Display, maxDisplay)
	if inv.Private {
		l.from, display = "anonymous", ""
	}
	switch cause := c.add(l); {
	case c.address == "":
		l.refuse(bridge.Unsupported, nil)
	case err1 != nil || err2 != nil:
		l.refuse(bridge.BadAddress, nil)
	case inv.Offer != nil && !hasSound(inv.Offer.Desc):
		l.refuse(bridge.NotAcceptable, nil)
	case cause != 0:
		l.refuse(cause, nil)
	default:
		l.take(inv.Offer, display)
	}
	return l
}

// refuse ends a leg that nobody has been told of.
func (l *leg) refuse(c bridge.Cause, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.calls.remove(l)
	l.ev.Post(bridge.Ended{Cause: c, Err: err})
}

// take takes a call, if there is somebody to tell of it.
func (l *leg) take(offer *bridge.Offer, display string) {
	if err := l.send(incomingPart, l.tag, l.from, l.to, display); err != nil {
		l.refuse(asError(err).Cause, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return // who was told has hung up at once
	}
	l.taken = l.calls.now()
	if offer != nil {
		l.ev.Post(bridge.Answered{Seq: offer.Seq, Desc: listening(offer.Desc)})
	} else {
		l.ev.Post(bridge.Offered{Offer: bridge.Offer{Seq: 1, Desc: offered()}})
	}
	l.ev.Post(bridge.Accepted{})
	l.tell(answeredPart, l.tag, l.from, l.to)
}

// begin gives a leg that was dialled its events. It may have been hung up already.
func (l *leg) begin(ev bridge.Events) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ev = ev
	if l.over {
		l.finish(bridge.Cancelled, "")
	}
}

// send tells the leg's member, or group, something: a string, an int32 or a float32
// each.
func (l *leg) send(part string, args ...any) error {
	p, err := wire.Compose(l.calls.address+"/"+part, args...)
	if err != nil {
		return &bridge.Error{Op: "tell of a call", Cause: bridge.Internal, Err: err}
	}
	return l.calls.deliver(l.who, p)
}

// tell is send where nothing depends on it.
func (l *leg) tell(part string, args ...any) {
	if err := l.send(part, args...); err != nil {
		l.calls.log.Debug("news of a call has not arrived", "leg", l.id, "err", err)
	}
}

// end ends the leg, and says so on both sides. reason is for people.
func (l *leg) end(c bridge.Cause, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	l.calls.remove(l)
	if l.ev != nil {
		l.finish(c, reason)
	}
}

// finish says on both sides that the leg has ended. For callers that hold mu.
func (l *leg) finish(c bridge.Cause, reason string) {
	if l.taken.IsZero() {
		l.tell(failedPart, l.tag, l.to, c.String(), reason)
	} else {
		l.tell(endedPart, l.tag, l.from, l.to, c.String(), float32(l.calls.now().Sub(l.taken).Seconds()))
	}
	l.ev.Post(bridge.Ended{Cause: c})
}

// hungUp ends the leg by a member's word.
func (l *leg) hungUp() {
	l.mu.Lock()
	cause := bridge.Normal
	if l.taken.IsZero() {
		cause = bridge.Cancelled
	}
	l.mu.Unlock()
	l.end(cause, "")
}

// press takes the keys that a member presses.
func (l *leg) press(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.taken.IsZero() || len(text) > maxKeys {
		return
	}
	for _, key := range strings.ToUpper(text) {
		if strings.ContainsRune(keys, key) && l.keys.AllowN(l.calls.now(), 1) {
			l.ev.Post(bridge.Digit{Digit: key, Duration: keyDuration})
		}
	}
}

// isDeserted notes whether the leg's member, or group, is there, and reports
// whether it has been gone for too long.
func (l *leg) isDeserted(there bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case there:
		l.gone = time.Time{}
	case l.gone.IsZero():
		l.gone = now
	}
	return !there && now.Sub(l.gone) >= deserted
}

// lives has f called unless the leg is over.
func (l *leg) lives(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		f()
	}
}

// ID implements bridge.Leg.
func (l *leg) ID() string { return l.id }

// Ring implements bridge.Leg. What can be heard early makes no difference here.
func (l *leg) Ring(bool) {
	l.lives(func() {
		if !l.rang && l.taken.IsZero() {
			l.tell(ringingPart, l.tag, l.from, l.to)
		}
		l.rang = true
	})
}

// Accept implements bridge.Leg.
func (l *leg) Accept() {
	l.lives(func() {
		if l.taken.IsZero() {
			l.taken = l.calls.now()
			l.tell(answeredPart, l.tag, l.from, l.to)
		}
	})
}

// Offer implements bridge.Leg: whatever sound is proposed will do.
func (l *leg) Offer(o bridge.Offer) {
	l.lives(func() { l.ev.Post(bridge.Answered{Seq: o.Seq, Desc: listening(o.Desc)}) })
}

// Answer implements bridge.Leg.
func (l *leg) Answer(uint32, bridge.Description) {}

// Refuse implements bridge.Leg.
func (l *leg) Refuse(uint32, bridge.Cause) {}

// Digit implements bridge.Leg.
func (l *leg) Digit(r rune, d time.Duration) {
	l.lives(func() { l.tell(dtmfPart, l.tag, string(r), int32(d.Milliseconds())) })
}

// Transfer implements bridge.Leg: nobody here can ask for one.
func (l *leg) Transfer(string, bridge.Cause) {}

// Hangup implements bridge.Leg.
func (l *leg) Hangup(c bridge.Cause) { l.end(c, "") }

// offered is what a call that a member dials offers: to hear what phones have.
func offered() bridge.Description {
	s := bridge.Stream{ID: "0", Kind: codec.Audio, Dir: bridge.ReceiveOnly}
	for _, f := range []codec.Format{
		{Name: "opus", Rate: 48000, Channels: 2}, {Name: "g722", Rate: 8000, Channels: 1}, {Name: "pcmu", Rate: 8000, Channels: 1},
		{Name: "pcma", Rate: 8000, Channels: 1}, {Name: codec.TelephoneEvent, Rate: 8000, Channels: 1, Params: "0-16"},
	} {
		f.Kind = codec.Audio
		s.Formats = append(s.Formats, f)
	}
	return bridge.Description{s}
}

// listening answers an offer: all sound is heard, nothing is sent.
func listening(offer bridge.Description) bridge.Description {
	answer := make(bridge.Description, len(offer))
	for i, s := range offer {
		answer[i] = bridge.Stream{ID: s.ID, Kind: s.Kind}
		if s.Kind != codec.Audio {
			continue
		}
		answer[i].Formats = s.Formats
		if s.Dir.Sends() {
			answer[i].Dir = bridge.ReceiveOnly
		}
	}
	return answer
}

func hasSound(d bridge.Description) bool {
	for _, s := range d {
		if s.Kind == codec.Audio && len(s.Formats) > 0 {
			return true
		}
	}
	return false
}
