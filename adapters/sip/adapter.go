package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"gateway/bridge"
)

// An Adapter is one [sip.NAME] table at work.
type Adapter struct {
	set     *settings
	env     bridge.Env
	metrics *metrics
	engine  atomic.Pointer[engine] // nil unless Run runs
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Starter   = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
	_ bridge.Presencer = (*Adapter)(nil)
)

// New makes an adapter of a configuration that Check found nothing in.
func New(cfg *Config, env bridge.Env) (*Adapter, error) {
	set, err := newSettings(cfg, env)
	if err != nil {
		return nil, fmt.Errorf("sip %s: %w", env.Name, err)
	}
	m, err := newMetrics(env.Metrics)
	if err != nil {
		return nil, fmt.Errorf("sip %s: %w", env.Name, err)
	}
	return &Adapter{set: set, env: env, metrics: m}, nil
}

// sweepEvery is how often what has expired is forgotten, where nothing else
// asks for it.
const sweepEvery = 30 * time.Second

// Run implements bridge.Adapter. It returns an error when a listener can't be
// bound or fails for good.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	e := newEngine(a, h)
	if err := e.open(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	within := e.begin(ctx)
	a.engine.Store(e)
	e.serve(within, cancel)
	<-ctx.Done()
	a.engine.Store(nil)
	e.close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// Drain implements bridge.Drainer: what comes from now on is refused, and the
// lines are unregistered.
func (a *Adapter) Drain(ctx context.Context) {
	if e := a.engine.Load(); e != nil {
		e.drain(ctx)
	}
}

// Addrs are the addresses of the listeners, in the order of the mapping file,
// while Run runs; nil before and after. They tell which port the system has
// chosen for 0.
func (a *Adapter) Addrs() []netip.AddrPort {
	e := a.engine.Load()
	if e == nil {
		return nil
	}
	var all []netip.AddrPort
	for _, l := range e.bound {
		all = append(all, l.addr)
	}
	return all
}

var errNotRunning = errors.New("the adapter is not running")

// StartMessage implements bridge.Starter.
func (a *Adapter) StartMessage(m bridge.Message, done func(bridge.Outcome, error)) bool {
	e := a.engine.Load()
	return e != nil && e.startMessage(m, done)
}

// SendMessage implements bridge.Messenger.
func (a *Adapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	e := a.engine.Load()
	if e == nil {
		return 0, &bridge.Error{Op: "send a message", Cause: bridge.Unavailable, Retry: true, Err: errNotRunning}
	}
	return e.sendMessage(ctx, m)
}
