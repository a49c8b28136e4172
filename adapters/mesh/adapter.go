package mesh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// An Adapter is one [mesh.NAME] table at work.
type Adapter struct {
	set     *settings
	env     bridge.Env
	log     *slog.Logger
	metrics *metrics
	recent  *recent
	part    atomic.Pointer[part] // nil unless Run runs
}

// A part is what an adapter plays: a server, or a client.
type part struct {
	player
	texts  *texts
	files  *files
	roster *roster
	takers map[byte]taker // of values of type CC, by their first byte
}

// A player is a server or a client.
type player interface {
	carrier
	// open binds everything, or nothing.
	open(ctx context.Context) error
	// serve starts everything; fail ends the Run.
	serve(ctx context.Context, fail context.CancelCauseFunc)
	// close ends everything and waits for it.
	close()
	addrs() []netip.AddrPort
	snapshot() Snapshot
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
	_ bridge.Presencer = (*Adapter)(nil)
)

// New makes an adapter of a configuration that Check found nothing in.
func New(cfg *Config, env bridge.Env) (*Adapter, error) {
	set, err := newSettings(cfg, env)
	if err != nil {
		return nil, fmt.Errorf("mesh %s: %w", env.Name, err)
	}
	m, err := newMetrics(env.Metrics)
	if err != nil {
		return nil, fmt.Errorf("mesh %s: %w", env.Name, err)
	}
	log := env.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &Adapter{set: set, env: env, log: log, metrics: m}
	a.recent = newRecent(a.Snapshot)
	if env.Metrics != nil {
		if err := env.Metrics.Register(newCollector(a.recent.snapshot)); err != nil {
			return nil, fmt.Errorf("mesh %s: register metrics: %w", env.Name, err)
		}
	}
	return a, nil
}

// Run implements bridge.Adapter. It returns an error when a port can't be bound
// or fails for good.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	p := &part{roster: newRoster()}
	if a.set.client {
		p.player = newNode(a, h, p)
	} else {
		p.player = newServer(a, h, p)
	}
	p.texts = newTexts(a.set, a.log, h, p.player)
	p.files = newFiles(a, h, p.player)
	p.takers = map[byte]taker{wire.OpText: p.texts.take, wire.OpBulk: p.files.take}
	if err := p.files.prepare(); err != nil {
		return err
	}
	if err := p.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.part.Store(p)
	p.serve(ctx, cancel)
	p.files.serve(ctx)
	<-ctx.Done()
	a.part.Store(nil)
	p.files.close()
	p.close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// dispatch gives values to their takers, and tells the bridge who has come and gone.
func (p *part) dispatch(m *mail, h bridge.Handler, naming bridge.Naming, guard func(func())) {
	for _, n := range m.news {
		for _, name := range []string{n.who.Name, n.who.UUID.String()} {
			if name == "" {
				continue
			}
			a := bridge.Address{Name: naming.Text(bridge.Name{Main: name})}
			h.Changed(a)
			if n.there {
				h.Reachable(a)
			}
		}
	}
	for _, v := range m.heard {
		if take := p.takers[v.value[0]]; take != nil {
			guard(func() { take(v.from, v.meta, v.value) })
		}
	}
	clear(m.news)
	clear(m.heard)
	m.news, m.heard, m.bytes = m.news[:0], m.heard[:0], m.bytes[:0]
}

// Drain implements bridge.Drainer: texts that come from now on are refused.
func (a *Adapter) Drain(context.Context) {
	if p := a.part.Load(); p != nil {
		p.texts.drain()
	}
}

// Addrs are where our sockets are, in the order of the mapping file, while Run
// runs; nil before and after.
func (a *Adapter) Addrs() []netip.AddrPort {
	if p := a.part.Load(); p != nil {
		return p.addrs()
	}
	return nil
}

// Snapshot is who is in the mesh now, and how they reach each other; the zero
// Snapshot unless Run runs.
func (a *Adapter) Snapshot() Snapshot {
	if p := a.part.Load(); p != nil {
		s := p.snapshot()
		s.Transfers = p.files.mover.States()
		return s
	}
	return Snapshot{}
}

// PresenceOf implements bridge.Presencer: a peer is there from joining to leaving.
// Of who is behind another, nothing is known.
func (a *Adapter) PresenceOf(who bridge.Address) bridge.Presence {
	p := a.part.Load()
	n, err := a.set.naming.Parse(who.Name)
	if p == nil || err != nil || n.Lead != "" || !p.roster.has(n.Main) {
		return bridge.Presence{}
	}
	return bridge.Presence{State: bridge.Available}
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
	}
	return p.texts.send(ctx, m)
}
