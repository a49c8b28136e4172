package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge"
)

// steady is how long a session must have lasted to start the pace over.
const steady = time.Minute

// Bounds on the tables of who does what.
const (
	maxRemembered = 10_000
	maxUnseen     = 2_000 // pairs of parties; of each there are maxUnseenEach texts
)

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
	fates   *fates
	states  *recent[bool]      // bare addresses: whether they have ever sent a chat state
	shown   *recent[bool]      // pairs of bare addresses: whether the second was told last that the first writes
	told    *recent[time.Time] // pairs of bare addresses: when encryption was explained
	unseen  *recent[[]string]  // pairs of bare addresses: see displayed.go
	taken   *recent[time.Time] // a client's address and an id: when we took that, see failed.go
	dial    func(context.Context) (net.Conn, error)
	route   func(peer netip.AddrPort) (netip.Addr, error) // see routeTo

	known   known
	calls   *calls
	able    *recent[ability] // by client, and by what XEP-0115 calls the same
	present *recent[bool]    // pairs of bare addresses: whether the first is shown to the second as being there

	draining atomic.Bool

	mu  sync.Mutex // guards cur: Run sets it, SendMessage looks
	cur *session   // nil while there is no session
}

var (
	_ bridge.Adapter   = (*Adapter)(nil)
	_ bridge.Messenger = (*Adapter)(nil)
	_ bridge.Starter   = (*Adapter)(nil)
	_ bridge.Drainer   = (*Adapter)(nil)
	_ bridge.Presencer = (*Adapter)(nil)
	_ bridge.Viewer    = (*Adapter)(nil)
	_ bridge.Caller    = (*Adapter)(nil)
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
		naming: cfg.Naming(), env: env, mark: newMarker(env.Key), metrics: m,
		seldom: &seldom{}, out: newQueue(), fates: &fates{}, states: newRecent[bool](maxRemembered), shown: newRecent[bool](maxRemembered),
		told:   newRecent[time.Time](maxRemembered),
		unseen: newRecent[[]string](maxUnseen),
		taken:  newRecent[time.Time](maxRemembered),
		route:  routeTo,
		calls:  newCalls(), able: newRecent[ability](maxAbilities), present: newRecent[bool](maxRemembered),
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

// Run keeps a session with the server until ctx is done, and then takes leave.
func (a *Adapter) Run(ctx context.Context, h bridge.Handler) error {
	last, end := outliving(ctx, farewell)
	defer end()
	a.calls.open()
	stop := context.AfterFunc(ctx, a.calls.close)
	defer stop()
	a.keepSession(ctx, last, h)
	a.calls.close()
	a.calls.wait()
	a.sayTheRest(last, h)
	return nil
}

// keepSession has one session after the other until ctx is done. The last one
// has until last is done to end.
func (a *Adapter) keepSession(ctx, last context.Context, h bridge.Handler) {
	var pace bridge.Backoff
	for {
		began := time.Now()
		err := a.serve(ctx, last, h)
		if ctx.Err() != nil {
			return
		}
		a.known.reset()
		h.Changed(bridge.Address{})
		h.State(false, err)
		if time.Since(began) >= steady {
			pace.Reset()
		}
		if !pace.Wait(ctx) {
			return
		}
	}
}

// Drain refuses messages from now on.
func (a *Adapter) Drain(context.Context) { a.draining.Store(true) }

// serve has one session, from connecting to its end, and says why it ended.
func (a *Adapter) serve(ctx, last context.Context, h bridge.Handler) error {
	s, err := a.connect(ctx)
	if ctx.Err() == nil || err == nil {
		a.metrics.tried(err)
	}
	if err != nil {
		return err
	}
	if b, ok := h.(bridge.Batcher); ok {
		s.barrier.batch = b.Batch
	}
	a.setCurrent(s)
	a.known.reset()
	h.State(true, nil)
	return a.attend(ctx, last, s, h)
}

// attend does what there is to do in a session, until it is lost or stay is
// done. Then we close our side of the stream, and read on until the server has
// closed its own, at most until last is done: what it had sent by then would be
// nobody's.
func (a *Adapter) attend(stay, last context.Context, s *session, h bridge.Handler) error {
	life, end := context.WithCancelCause(context.WithoutCancel(stay))
	defer end(nil)
	work, stop := context.WithCancel(life)
	defer stop()
	defer context.AfterFunc(stay, stop)()
	var all sync.WaitGroup
	all.Go(func() { end(a.runReader(work, s, h)) })
	all.Go(func() {
		if err := a.runWriter(life, work, s); err != nil {
			end(err)
		}
	})
	all.Go(func() {
		if err := s.runKeepAlive(work); err != nil {
			end(err)
		}
	})
	select {
	case <-life.Done():
	case <-stay.Done():
	}
	a.setCurrent(nil)
	close(s.gone)
	s.barrier.lose()
	if stay.Err() == nil {
		a.metrics.reconnect()
	} else {
		select {
		case <-life.Done():
		case <-last.Done():
		}
	}
	s.conn.Close()
	end(errFarewell)
	all.Wait()
	return context.Cause(life)
}

var errFarewell = errors.New("the server does not close the stream")

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
