package bridgetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gateway/bridge"
)

// A Call is a leg of an adapter's in the hands of a test, which stands for the
// bridge: it commands the Leg and hears what the leg says.
type Call struct {
	t testing.TB
	// Invite is that of an incoming call.
	Invite bridge.Invite
	// Leg is to be set by who dials.
	Leg bridge.Leg

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	events  []bridge.Event
	read    int // how many of them Await has gone past
}

var _ bridge.Events = (*Call)(nil)

// NewCall makes a Call that no leg says anything to yet. It is the Events for a
// Dial.
func NewCall(t testing.TB) *Call { return &Call{t: t, changed: make(chan struct{})} }

// Post implements bridge.Events. It fails the test if the leg goes on after its
// end.
func (c *Call) Post(ev bridge.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.events); n > 0 {
		if _, over := c.events[n-1].(bridge.Ended); over {
			c.t.Errorf("the leg says %T%+v after its end", ev, ev)
			return
		}
	}
	c.events = append(c.events, ev)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Events gives all that the leg has said so far.
func (c *Call) Events() []bridge.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

// Await waits for the next event of one type and gives it; what came before it
// is gone past. The test fails if the leg ends instead, or nothing comes.
func Await[E bridge.Event](c *Call) E {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		ev, ok, changed := c.next(func(ev bridge.Event) bool { _, is := ev.(E); return is })
		if is, fits := ev.(E); ok && fits {
			return is
		}
		if ok {
			c.t.Fatalf("want %T, but the leg has ended: %+v", *new(E), ev)
		}
		select {
		case <-changed:
		case <-timeout:
			c.t.Fatalf("no %T within %v, only %s", *new(E), patience, c)
		}
	}
}

// next looks for an event that is wanted, or an Ended.
func (c *Call) next(want func(bridge.Event) bool) (ev bridge.Event, ok bool, changed chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.read < len(c.events) {
		ev = c.events[c.read]
		c.read++
		_, over := ev.(bridge.Ended)
		if over {
			c.read-- // it may be asked for again
		}
		if want(ev) || over {
			return ev, true, nil
		}
	}
	return nil, false, c.changed
}

// String lists what the leg has said.
func (c *Call) String() string {
	var types []string
	for _, ev := range c.Events() {
		types = append(types, fmt.Sprintf("%T", ev))
	}
	return fmt.Sprint(types)
}

// TakeCalls has the handler take calls from now on, or refuse those of which f
// gives an error. f may be nil.
func (h *Handler) TakeCalls(f func(bridge.Invite) error) {
	if f == nil {
		f = func(bridge.Invite) error { return nil }
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.take = f
}

// Crowd has no room for calls that would be transcoded from now on, or again.
func (h *Handler) Crowd(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.crowded = on
}

// MayTranscode implements bridge.Handler.
func (h *Handler) MayTranscode(...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.crowded
}

// Incoming implements bridge.Handler. Until TakeCalls, nobody can be called.
func (h *Handler) Incoming(inv bridge.Invite, open func(bridge.Events) bridge.Leg) error {
	h.mu.Lock()
	take := h.take
	h.mu.Unlock()
	if take == nil {
		return &bridge.Error{Op: "call", Cause: bridge.NotFound}
	}
	if err := take(inv); err != nil {
		return err
	}
	c := NewCall(h.t)
	c.Invite = inv
	c.Leg = open(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
	h.notify()
	return nil
}

// Call waits for the n-th call, from 0, that the adapter brings.
func (h *Handler) Call(n int) *Call {
	h.t.Helper()
	var c *Call
	h.wait("a call from the adapter", func() bool {
		if len(h.calls) > n {
			c = h.calls[n]
		}
		return c != nil
	})
	return c
}
