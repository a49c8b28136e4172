// Package bridgetest has the fakes that stand for the bridge and for an
// adapter, and the conformance suite that every adapter passes.
package bridgetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"gateway/bridge"
)

// patience bounds every wait of a test: it is the difference between a failure
// and a hang, not a measure of speed.
const patience = time.Minute

// A Handler stands for the bridge: it notes what an adapter says and answers
// as it was told to.
type Handler struct {
	t testing.TB

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	answer  func(bridge.Message) (bridge.Outcome, error)

	take      func(bridge.Invite) error // nil: nobody can be called
	calls     []*Call
	crowded   bool
	messages  []bridge.Message
	bounces   map[string]*bridge.Error
	reachable []bridge.Address
	changes   []bridge.Address
	watches   []bridge.Watch
	enroll    func(bridge.Enrolment) error // nil: nobody can
	left      []bridge.Enrolment
	told      []func(error) // by enrolments
	up        bool
	reports   int
	downErr   error
}

var _ bridge.Handler = (*Handler)(nil)

// NewHandler makes a Handler that takes every message.
func NewHandler(t testing.TB) *Handler {
	return &Handler{t: t, changed: make(chan struct{}), bounces: map[string]*bridge.Error{}}
}

// Answer decides, from now on, what becomes of messages; nil takes them.
func (h *Handler) Answer(f func(bridge.Message) (bridge.Outcome, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

// Message implements bridge.Handler. The answer comes from another goroutine,
// as the bridge's does.
func (h *Handler) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	h.mu.Lock()
	h.messages = append(h.messages, m)
	answer := h.answer
	h.notify()
	h.mu.Unlock()
	if answer == nil {
		answer = func(bridge.Message) (bridge.Outcome, error) { return bridge.Taken, nil }
	}
	go func() {
		done(answer(m))
	}()
}

// Changed implements bridge.Handler.
func (h *Handler) Changed(a bridge.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, a)
	h.notify()
}

// Watch implements bridge.Handler: it takes it.
func (h *Handler) Watch(w bridge.Watch, done func(error)) {
	h.mu.Lock()
	h.watches = append(h.watches, w)
	h.notify()
	h.mu.Unlock()
	go done(nil)
}

// Bounced implements bridge.Handler.
func (h *Handler) Bounced(id string, err *bridge.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bounces[id] = err
	h.notify()
}

// Reachable implements bridge.Handler.
func (h *Handler) Reachable(a bridge.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reachable = append(h.reachable, a)
	h.notify()
}

// State implements bridge.Handler.
func (h *Handler) State(up bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up, h.downErr = up, err
	h.reports++
	h.notify()
}

// notify wakes who waits. For callers that hold mu.
func (h *Handler) notify() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// wait returns when ok, which is called with mu held, does so; else the test
// fails with what.
func (h *Handler) wait(what string, ok func() bool) {
	h.t.Helper()
	timeout := time.After(patience)
	for {
		h.mu.Lock()
		done, changed := ok(), h.changed
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			h.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// Messages waits for n messages and gives them in the order of their coming.
func (h *Handler) Messages(n int) []bridge.Message {
	h.t.Helper()
	var got []bridge.Message
	h.wait("messages from the adapter", func() bool {
		got = append(got[:0], h.messages...)
		return len(got) >= n
	})
	return got
}

// Bounce waits for the bounce of the message with that ID.
func (h *Handler) Bounce(id string) *bridge.Error {
	h.t.Helper()
	var err *bridge.Error
	h.wait("a bounce", func() bool { err = h.bounces[id]; return err != nil })
	return err
}

// WaitReachable waits until the adapter has said that a is back.
func (h *Handler) WaitReachable(a bridge.Address) {
	h.t.Helper()
	h.wait("that "+a.String()+" is reachable", func() bool {
		for _, r := range h.reachable {
			if r.Name == a.Name {
				return true
			}
		}
		return false
	})
}

// WaitChanged waits until the adapter has said that the presence of a party, by
// name, may be another, once more than it was waited for already.
func (h *Handler) WaitChanged(name string) {
	h.t.Helper()
	h.wait("that "+name+" has changed", func() bool {
		i := slices.IndexFunc(h.changes, func(a bridge.Address) bool { return a.Name == name })
		if i >= 0 {
			h.changes = slices.Delete(h.changes, i, i+1)
		}
		return i >= 0
	})
}

// Watches waits for n watches and gives them in the order of their coming.
func (h *Handler) Watches(n int) []bridge.Watch {
	h.t.Helper()
	var got []bridge.Watch
	h.wait("watches from the adapter", func() bool {
		got = append(got[:0], h.watches...)
		return len(got) >= n
	})
	return got
}

// WaitState waits until the adapter is up, or down, and gives the error it
// gave with that.
func (h *Handler) WaitState(up bool) error {
	h.t.Helper()
	what := "that the adapter is down"
	if up {
		what = "that the adapter is up"
	}
	var err error
	h.wait(what, func() bool { err = h.downErr; return h.reports > 0 && h.up == up })
	return err
}
