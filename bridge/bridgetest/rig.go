package bridgetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"gateway/bridge"
)

// A Rig is an adapter and the far side of its network, which the test plays.
// Ours is how a party elsewhere is called in that network; Theirs lives there.
type Rig struct {
	Adapter bridge.Adapter
	Ours    string // names in text form
	Theirs  string

	// Say sends a text from Theirs to Ours and waits for the fate of it, as
	// far as the network tells one: 0 if it was accepted, else the cause that
	// the far side reads out of the refusal.
	Say func(t *testing.T, text string) bridge.Cause
	// Hear waits for the next text that Theirs gets, and from whom.
	Hear func(t *testing.T) (from, text string)
	// Refuse makes the far side refuse the next message to Theirs.
	Refuse func(c bridge.Cause)
	// Cut makes the network go away, Mend brings it back.
	Cut, Mend func(t *testing.T)
	// Calls is there if the adapter is a Caller.
	Calls *CallRig
	// Lossy lists the causes that come out as another one on this network's
	// wire, and as which.
	Lossy map[bridge.Cause]bridge.Cause
}

// running is a Rig whose adapter runs.
type running struct {
	*Rig
	t       *testing.T
	h       *Handler
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // of Run; to be read after ended
	stopped bool
}

func start(t *testing.T, rig *Rig) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Rig: rig, t: t, h: NewHandler(t), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = rig.Adapter.Run(ctx, r.h)
	}()
	t.Cleanup(r.stop)
	r.h.WaitState(true)
	return r
}

// stop ends the adapter and checks that it went well.
func (r *running) stop() {
	if r.stopped {
		return
	}
	r.stopped = true
	r.cancel()
	select {
	case <-r.ended:
		if r.err != nil {
			r.t.Errorf("Run: %v", r.err)
		}
	case <-time.After(patience):
		r.t.Errorf("Run still runs %v after its context ended", patience)
	}
}

// message is a text for Theirs.
func (r *running) message(id, text string) bridge.Message {
	return bridge.Message{
		ID: id, From: bridge.Party{Address: bridge.Address{Name: r.Ours}}, To: bridge.Party{Address: bridge.Address{Name: r.Theirs}},
		Bodies: []bridge.Body{{Text: text}}, At: time.Now(), Hops: 10,
	}
}

// send hands a message to the adapter, within the test's patience, and as the bridge does:
// to one that needs nobody to wait it starts it, if that takes it.
func (r *running) send(m bridge.Message) (bridge.Outcome, error) {
	r.t.Helper()
	messenger, ok := r.Adapter.(bridge.Messenger)
	if !ok {
		r.t.Fatal("the adapter is no Messenger")
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	type result struct {
		outcome bridge.Outcome
		err     error
	}
	back := make(chan result, 1)
	if s, ok := r.Adapter.(bridge.Starter); ok && s.StartMessage(m, func(o bridge.Outcome, err error) { back <- result{o, err} }) {
		select {
		case got := <-back:
			return got.outcome, got.err
		case <-ctx.Done():
			r.t.Fatalf("nothing was heard of a message that was started: %v", ctx.Err())
		}
	}
	return messenger.SendMessage(ctx, m)
}

// asError wants err to be what adapters may return.
func asError(t *testing.T, err error) *bridge.Error {
	t.Helper()
	var e *bridge.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *bridge.Error", err)
	}
	if e.Op == "" || e.Cause == 0 {
		t.Errorf("incomplete error: %#v", e)
	}
	return e
}
