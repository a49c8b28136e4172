package bridgetest

import (
	"context"
	"sync"

	"gateway/bridge"
)

// An Adapter stands for an adapter and its whole network: parties without
// parts in their names, who say what the test tells them to.
type Adapter struct {
	mu      sync.Mutex // guards what follows
	handler bridge.Handler
	ready   chan struct{}
	up      bool
	refuse  []bridge.Cause
	outcome bridge.Outcome
	held    chan struct{} // while it is open, nothing is taken
	heard   chan bridge.Message
}

var (
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Adapter   = (*Adapter)(nil)
)

// NewAdapter makes an Adapter whose network is there.
func NewAdapter() *Adapter {
	return &Adapter{ready: make(chan struct{}), up: true, outcome: bridge.Taken, heard: make(chan bridge.Message, 1000)}
}

// Run implements bridge.Adapter.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	a.mu.Lock()
	a.handler = h
	close(a.ready)
	a.report()
	a.mu.Unlock()
	<-ctx.Done()
	return nil
}

var errCut = &bridge.Error{Op: "send", Cause: bridge.Unavailable, Reason: "no network", Retry: true}

// report is for callers that hold mu.
func (a *Adapter) report() {
	if a.up {
		a.handler.State(true, nil)
		return
	}
	a.handler.State(false, errCut)
}

// SendMessage implements bridge.Messenger.
func (a *Adapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	a.mu.Lock()
	held := a.held
	a.mu.Unlock()
	if held != nil {
		<-held
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return 0, &bridge.Error{Op: "send", Cause: bridge.Timeout, Retry: true, Err: ctx.Err()}
	case !a.up:
		return 0, errCut
	case len(a.refuse) > 0:
		c := a.refuse[0]
		a.refuse = a.refuse[1:]
		return 0, &bridge.Error{Op: "send", Cause: c, Reason: "refused", Retry: c == bridge.Internal}
	default:
		a.heard <- m
		return a.outcome, nil
	}
}

// Say brings a text to the bridge and waits for the answer.
func (a *Adapter) Say(ctx context.Context, from, to, ref, text string) (bridge.Outcome, error) {
	return a.Bring(ctx, bridge.Message{
		Ref: ref, From: bridge.Party{Address: bridge.Address{Name: from}}, To: bridge.Party{Address: bridge.Address{Name: to}},
		Bodies: []bridge.Body{{Text: text}},
	})
}

// Bring brings a message of any kind to the bridge and waits for the answer.
func (a *Adapter) Bring(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	type answer struct {
		outcome bridge.Outcome
		err     error
	}
	select {
	case <-a.ready:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	answers := make(chan answer, 1)
	m.Hops = 10
	a.handler.Message(m, func(o bridge.Outcome, err error) { answers <- answer{o, err} })
	select {
	case got := <-answers:
		return got.outcome, got.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Heard gives the messages that the network's parties got, in order.
func (a *Adapter) Heard() <-chan bridge.Message { return a.heard }

// SetOutcome says how far messages come from now on.
func (a *Adapter) SetOutcome(o bridge.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcome = o
}

// Hold makes the network take its time, until LetGo.
func (a *Adapter) Hold() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = make(chan struct{})
}

// LetGo ends Hold.
func (a *Adapter) LetGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.held)
	a.held = nil
}

// Bounce takes back what the network had taken.
func (a *Adapter) Bounce(id string, c bridge.Cause) {
	a.handler.Bounced(id, &bridge.Error{Op: "bounce", Cause: c, Reason: "bounced"})
}

// Refuse makes the network refuse the next message.
func (a *Adapter) Refuse(c bridge.Cause) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse = append(a.refuse, c)
}

// SetUp makes the network go away or come back.
func (a *Adapter) SetUp(up bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up = up
	if a.handler != nil {
		a.report()
	}
}

// Names is the Namer of an Adapter: names of one part, taken byte for byte.
type Names struct{}

// Naming implements bridge.Namer.
func (Names) Naming() bridge.Naming { return bridge.Naming{} }

// CheckName implements bridge.Namer.
func (Names) CheckName(bridge.Role, bridge.Pattern) string { return "" }

// Own implements bridge.Namer.
func (Names) Own() []string { return nil }
