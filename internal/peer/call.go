package peer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A CallPhone is a phone of whatever make that has a call: it says a tone of
// its own and records what it hears.
type CallPhone interface {
	// Dial calls an address ("sip:..."). What comes of it are events.
	Dial(ctx context.Context, to string) error
	// Answer takes the call that is coming in.
	Answer(ctx context.Context) error
	// Hangup ends, refuses or takes back the call.
	Hangup(ctx context.Context) error
	Hold(ctx context.Context) error
	Resume(ctx context.Context) error
	// Press presses keys (0-9 * #), one after the other.
	Press(ctx context.Context, keys string) error
	// Transfer has the other side call an address instead (RFC 3515).
	Transfer(ctx context.Context, to string) error
	// WaitCall gives the next event of a kind, and passes over those before.
	WaitCall(ctx context.Context, kind CallKind) (CallEvent, error)
	// Keys are those that it heard pressed so far.
	Keys() string
	// Heard is what it has recorded in its last call so far.
	Heard() (Sound, error)
	// Number is the user in its address.
	Number() string
}

// A CallKind says what has happened to a call.
type CallKind string

// What happens to calls.
const (
	CallIncoming CallKind = "incoming"
	CallRinging  CallKind = "ringing" // at the other side
	CallEarly    CallKind = "early"   // sound before the answer
	CallTalking  CallKind = "talking"
	CallHeld     CallKind = "held"
	CallEnded    CallKind = "ended"
)

// A CallEvent is one as the phone told it.
type CallEvent struct {
	Kind CallKind
	Text string // who is calling, or why the call has ended
}

// callEvents collects a phone's events.
type callEvents struct {
	mu    sync.Mutex // guards what follows
	all   []CallEvent
	keys  string
	taken int           // how many WaitCall has passed over
	grown chan struct{} // closed at the next event; nil while nobody waits
}

func (c *callEvents) add(kind CallKind, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, CallEvent{kind, text})
	c.wake()
}

func (c *callEvents) press(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys += key
	c.wake()
}

// wake wakes who waits; mu is held.
func (c *callEvents) wake() {
	if c.grown != nil {
		close(c.grown)
		c.grown = nil
	}
}

// Keys are those that the phone heard pressed so far.
func (c *callEvents) Keys() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys
}

// WaitCall gives the next event of a kind, and passes over those before.
func (c *callEvents) WaitCall(ctx context.Context, kind CallKind) (CallEvent, error) {
	return c.WaitCallAny(ctx, kind)
}

// WaitCallAny is WaitCall for several kinds.
func (c *callEvents) WaitCallAny(ctx context.Context, kinds ...CallKind) (CallEvent, error) {
	for {
		e, grown, ok := c.next(kinds)
		if ok {
			return e, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			c.mu.Lock()
			all := c.all
			c.mu.Unlock()
			return CallEvent{}, fmt.Errorf("wait for a call to be %s, had %q: %w", kinds, all, context.Cause(ctx))
		}
	}
}

func (c *callEvents) next(kinds []CallKind) (CallEvent, <-chan struct{}, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := c.taken; i < len(c.all); i++ {
		if slices.Contains(kinds, c.all[i].Kind) {
			c.taken = i + 1
			return c.all[i], nil, true
		}
	}
	if c.grown == nil {
		c.grown = make(chan struct{})
	}
	return CallEvent{}, c.grown, false
}

// WaitKeys waits until a phone has heard the keys, and nothing else since its
// start.
func WaitKeys(ctx context.Context, p CallPhone, keys string) error {
	if err := Poll(ctx, func(context.Context) bool { return p.Keys() == keys }); err != nil {
		return fmt.Errorf("%s heard the keys %q, want %q: %w", p.Number(), p.Keys(), keys, err)
	}
	return nil
}

// toneShare is the least part of a sound's energy that a tone must have to be
// the sound.
const toneShare = 0.8

// WaitTone waits until a phone has heard a tone of hz for d at the end of what it
// heard.
func WaitTone(ctx context.Context, p CallPhone, hz float64, d time.Duration) error {
	return waitTone(ctx, p.Number(), p.Heard, hz, d)
}

func waitTone(ctx context.Context, who string, hears func() (Sound, error), hz float64, d time.Duration) error {
	var last error
	var heard Sound
	err := Poll(ctx, func(context.Context) bool {
		heard, last = hears()
		return last == nil && heard.Tail(d+2*toneWindow).Lasts(hz, toneShare) >= d
	})
	if err != nil {
		return fmt.Errorf("%s waits for %v of %v Hz, heard %v of it in %v: %w",
			who, d, hz, heard.Lasts(hz, toneShare), heard.Long(), errors.Join(err, last))
	}
	return nil
}
