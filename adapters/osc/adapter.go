package osc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"gateway/bridge"
)

// An Adapter is one [osc.NAME] table at work.
type Adapter struct {
	set     *settings
	env     bridge.Env
	log     *slog.Logger
	metrics *metrics
	part    atomic.Pointer[part] // nil unless Run runs
}

// A part is what an adapter plays: a server, or a member.
type part struct {
	player
	chat   *chat
	calls  *calls
	roster *roster
}

// A player is a server or a member.
type player interface {
	// open binds everything, or nothing.
	open(ctx context.Context) error
	// serve starts everything; fail ends the Run.
	serve(ctx context.Context, fail context.CancelCauseFunc)
	// close ends everything and waits for it.
	close()
	// deliver sends a packet to a member, or to all. The error is a
	// *bridge.Error.
	deliver(to bridge.Name, packet []byte) error
	addrs() []netip.AddrPort
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
)

// New makes an adapter of a configuration that Check found nothing in.
func New(cfg *Config, env bridge.Env) (*Adapter, error) {
	set, err := newSettings(cfg)
	if err != nil {
		return nil, fmt.Errorf("osc %s: %w", env.Name, err)
	}
	m, err := newMetrics(env.Metrics)
	if err != nil {
		return nil, fmt.Errorf("osc %s: %w", env.Name, err)
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Adapter{set: set, env: env, log: log, metrics: m}, nil
}

// Run implements bridge.Adapter. It returns an error when a port can't be bound
// or fails for good.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	p := &part{roster: newRoster(a.set.naming, h)}
	reply := func(to bridge.Name, packet []byte) {
		if err := p.deliver(to, packet); err != nil {
			a.log.Debug("an answer to a text has not arrived", "to", to.Lead, "err", err)
		}
	}
	deliver := func(to bridge.Name, packet []byte) error { return p.deliver(to, packet) }
	p.calls = newCalls(a.set, a.log, h, p.roster, deliver)
	p.chat = newChat(a.set, a.log, a.metrics, h, p.calls, reply)
	if a.set.member {
		p.player = newMember(a, h, p.chat, p.roster)
	} else {
		p.player = newServer(a, h, p.chat, p.roster)
	}
	if err := p.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.part.Store(p)
	var all sync.WaitGroup
	all.Go(func() { p.chat.runLines(ctx) })
	all.Go(func() { p.calls.run(ctx) })
	p.serve(ctx, cancel)
	<-ctx.Done()
	a.part.Store(nil)
	p.calls.close()
	p.close()
	all.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// Drain implements bridge.Drainer: texts and calls that come from now on are
// refused.
// Members play on among themselves.
func (a *Adapter) Drain(context.Context) {
	if p := a.part.Load(); p != nil {
		p.chat.drain()
		p.calls.drain()
	}
}

// Addrs are where a server's doors are, in the order of the mapping file, or a
// member's port and those of its apps, while Run runs; nil before and after.
func (a *Adapter) Addrs() []netip.AddrPort {
	if p := a.part.Load(); p != nil {
		return p.addrs()
	}
	return nil
}

var errNotRunning = errors.New("the adapter is not running")

// SendMessage implements bridge.Messenger.
func (a *Adapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	p := a.part.Load()
	switch {
	case p == nil:
		return 0, &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: errNotRunning}
	case ctx.Err() != nil:
		return 0, &bridge.Error{Op: "send", Cause: bridge.Timeout, Retry: true, Err: ctx.Err()}
	case a.set.chat == "":
		return 0, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Reason: "no texts cross here"}
	}
	return p.chat.send(m, p.deliver)
}
