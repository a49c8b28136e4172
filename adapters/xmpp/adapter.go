package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge"
)

// steady is how long a session must have lasted to start the pace over.
const steady = time.Minute

// Adapter is one external component of an XMPP server (XEP-0114).
type Adapter struct {
	domain  string // ours
	server  string // host:port
	secret  bridge.Secret
	local   map[string]bool // the domains that the server serves
	naming  bridge.Naming
	env     bridge.Env
	mark    marker
	metrics *metrics
	seldom  *seldom
	out     *queue
	dial    func(context.Context) (net.Conn, error)

	draining atomic.Bool

	mu  sync.Mutex // guards cur: Run sets it, SendMessage looks
	cur *session   // nil while there is no session
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
)

// New makes an adapter of a checked configuration. It opens nothing.
func New(cfg *Config, env bridge.Env) (*Adapter, error) {
	domain, err := foldDomain(cfg.Component)
	if err != nil {
		return nil, fmt.Errorf("component: %w", err)
	}
	m, err := newMetrics(env.Metrics)
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		domain: domain, server: cfg.Server, secret: cfg.Secret, local: map[string]bool{},
		naming: cfg.Naming(), env: env, mark: marker{env.Key}, metrics: m,
		seldom: &seldom{}, out: newQueue(),
	}
	for i, d := range cfg.Domains {
		folded, err := foldDomain(d)
		if err != nil {
			return nil, fmt.Errorf("domains[%d]: %w", i, err)
		}
		a.local[folded] = true
	}
	a.dial = func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", a.server)
	}
	return a, nil
}

// Run keeps a session with the server until ctx is done.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	var pace bridge.Backoff
	for {
		began := time.Now()
		err := a.serve(ctx, h)
		if ctx.Err() != nil {
			return nil
		}
		h.State(false, err)
		if time.Since(began) >= steady {
			pace.Reset()
		}
		again := time.NewTimer(pace.Next())
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
		}
	}
}

// Drain refuses messages from now on.
func (a *Adapter) Drain(context.Context) { a.draining.Store(true) }

// serve has one session, from connecting to its end, and says why it ended.
func (a *Adapter) serve(parent context.Context, h bridge.Handler) error {
	s, err := a.connect(parent)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var reading, others sync.WaitGroup
	reading.Go(func() { cancel(a.runReader(ctx, s, h)) })
	others.Go(func() { cancel(a.runWriter(ctx, parent, s)) })
	others.Go(func() { cancel(s.runKeepAlive(ctx)) })
	a.setCurrent(s)
	h.State(true, nil)

	<-ctx.Done()
	a.setCurrent(nil)
	close(s.gone)
	if parent.Err() == nil {
		a.metrics.reconnect()
		s.conn.Close()
	}
	// On our own way out the writer says the rest and closes the stream; the
	// server then closes its side.
	bound := time.AfterFunc(farewell, func() { s.conn.Close() })
	others.Wait()
	reading.Wait()
	bound.Stop()
	s.conn.Close()
	return context.Cause(ctx)
}

func (a *Adapter) setCurrent(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cur = s
}

func (a *Adapter) current() *session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cur
}

// guard calls f for one stanza. A panic ends with it.
func (a *Adapter) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.metrics.drop("panic")
			a.env.Log.Error("a stanza made us panic", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return f()
}

var errPanic = errors.New("panic")
