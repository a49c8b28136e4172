package rtmp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"gateway/bridge"
)

// Bounds on calls and texts.
const (
	maxHops     = 70
	sizeOfID    = 13 // characters of 5 bits
	keyDuration = 100 * time.Millisecond
	keys        = "0123456789*#ABCD!"
	maxKeys     = 32 // in one command
)

// An Adapter is one [rtmp.NAME] table at work.
type Adapter struct {
	set     *settings
	env     bridge.Env
	log     *slog.Logger
	metrics *metrics
	house   atomic.Pointer[house] // nil unless Run runs
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Caller    = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
	_ bridge.Presencer = (*Adapter)(nil)
)

// New makes an adapter of a configuration that Check found nothing in.
func New(cfg *Config, env bridge.Env) (*Adapter, error) {
	set, err := newSettings(cfg)
	if err != nil {
		return nil, fmt.Errorf("rtmp %s: %w", env.Name, err)
	}
	m, err := newMetrics(env.Metrics)
	if err != nil {
		return nil, fmt.Errorf("rtmp %s: %w", env.Name, err)
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Adapter{set: set, env: env, log: log, metrics: m}, nil
}

// newID is an identity of letters and digits.
func newID() string { return rand.Text()[:sizeOfID] }

// Run implements bridge.Adapter. It returns an error when a port can't be bound
// or fails for good.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	house := newHouse(a, h, ctx.Done())
	if err := house.open(ctx); err != nil {
		return err
	}
	a.house.Store(house)
	house.serve(ctx, cancel)
	h.State(true, nil)
	<-ctx.Done()
	a.house.Store(nil)
	house.close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// Drain implements bridge.Drainer: who comes from now on is refused, and so are
// new calls and texts.
func (a *Adapter) Drain(context.Context) {
	if h := a.house.Load(); h != nil {
		h.draws.Store(true)
	}
}

// Addrs are where the doors are, in the order of the mapping file, while Run
// runs; nil before and after.
func (a *Adapter) Addrs() []netip.AddrPort {
	if h := a.house.Load(); h != nil {
		return h.addrs()
	}
	return nil
}

var errNotRunning = errors.New("the adapter is not running")

// SendMessage implements bridge.Messenger.
func (a *Adapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	h := a.house.Load()
	if h == nil {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Retry: true, Err: errNotRunning}
	}
	return h.sendMessage(ctx, m)
}

// Dial implements bridge.Caller: it rings an account's clients, or calls a stream
// elsewhere.
func (a *Adapter) Dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	h := a.house.Load()
	if h == nil {
		ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
		return bridge.NoLeg(newID())
	}
	return h.dial(inv, ev)
}

// PresenceOf implements bridge.Presencer: who is connected is there, and occupied
// where every connection has a call.
func (a *Adapter) PresenceOf(who bridge.Address) bridge.Presence {
	h := a.house.Load()
	name, err := a.set.naming.Parse(who.Name)
	if h == nil || err != nil {
		return bridge.Presence{}
	}
	return bridge.Presence{State: h.hub.presence(name.Main)}
}
