package sip

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/bridge"
	"gateway/bridge/media"

	"golang.org/x/time/rate"
)

// An engine is what lives from the beginning of one Run to its end.
type engine struct {
	set     *settings
	env     bridge.Env
	log     *slog.Logger
	h       bridge.Handler
	metrics *metrics
	agent   string        // our User-Agent
	marks   *bridge.Keyed // of identities that only we can have made

	crew    crew
	udp     []*udpSocket
	doors   []door
	bound   []listener // with the ports that they have
	conns   conns
	clients clients
	posted  *posted
	txs     transactions
	dialogs *dialog.Table
	streams streams
	paths   paths
	routes  routes
	legs    legs
	remote  bool // the Plane is
	// spawn starts a goroutine that ends with the Run; false: it has ended.
	spawn func(f func(ctx context.Context)) bool

	strangers strangers
	auth      authenticator
	registrar registrar
	peer      *peer   // nil: none
	lines     []*line // of the mapping file
	enrolled  enrolled
	status    status
	tastes    tastes
	typing    typists
	notices   notices
	draining  atomic.Bool

	badInput rate.Sometimes // bounds what bad input writes to the log
	stop     context.CancelFunc
}

func newEngine(a *Adapter, h bridge.Handler) *engine {
	e := &engine{
		set: a.set, env: a.env, log: a.env.Log, h: h, metrics: a.metrics,
		agent: "Gateway/" + fit(a.env.Version), badInput: rate.Sometimes{First: 10, Interval: time.Second},
		posted: newPosted(), marks: bridge.NewKeyed(a.env.Key),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	_, e.remote = a.env.Media.(media.Remote)
	e.conns.secure = a.set.forPeer()
	e.auth = authenticator{realm: a.set.realm, passwords: a.set.passwords, named: a.set.named, nonces: nonces{key: a.env.Key}}
	e.registrar.tell = func(name string) { h.Changed(bridge.Address{Adapter: a.env.Name, Name: name}) }
	e.status = status{handler: h, log: e.log, up: a.set.peer == nil}
	if a.set.peer != nil {
		e.peer = newPeer(a.set, net.DefaultResolver)
	}
	e.dialogs = e.newDialogs()
	for name, l := range a.set.lines {
		e.lines = append(e.lines, newLine(name, l))
	}
	return e
}

// fit makes a version fit for a User-Agent.
func fit(version string) string {
	out := []byte(version)
	for i, c := range out {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '-' && c != '+' {
			out[i] = '-'
		}
	}
	if len(out) == 0 || len(out) > 40 {
		return "0"
	}
	return string(out)
}

// open binds every listener, or none.
func (e *engine) open() error {
	for _, l := range e.set.listeners {
		addr, err := e.bind(l)
		if err != nil {
			e.closeListeners()
			return err
		}
		e.bound = append(e.bound, addr)
	}
	return nil
}

func (e *engine) bind(l listener) (listener, error) {
	v6only := false
	for _, other := range e.set.listeners {
		same := socketOf(other.network) == socketOf(l.network) && other.addr.Port() == l.addr.Port()
		v6only = v6only || l.addr.Port() != 0 && same && other.addr.Addr().Is4()
	}
	if l.network == networkUDP {
		s, err := openUDP(l, v6only)
		if err != nil {
			return l, err
		}
		e.udp = append(e.udp, s)
		return listener{network: networkUDP, addr: s.addr}, nil
	}
	t, err := net.Listen(family("tcp", l.addr.Addr(), v6only), l.addr.String())
	if err != nil {
		return l, fmt.Errorf("listen on %s %v: %w", l.network, l.addr, err)
	}
	e.doors = append(e.doors, door{t, l.network})
	return listener{network: l.network, addr: addrPort(t.Addr())}, nil
}

// begin gives the life of what runs besides the sockets: it ends before they are
// closed.
func (e *engine) begin(ctx context.Context) context.Context {
	ctx, e.stop = context.WithCancel(ctx)
	e.spawn = func(f func(ctx context.Context)) bool { return e.crew.start(func() { f(ctx) }) }
	return ctx
}

// serve starts everything, with what begin gave. fail ends the Run.
func (e *engine) serve(ctx context.Context, fail context.CancelCauseFunc) {
	for _, s := range e.udp {
		e.crew.start(func() {
			if err := s.run(func(f flow, data []byte) { e.receive(f, data) }); err != nil {
				fail(err)
			}
		})
	}
	for _, d := range e.doors {
		e.crew.start(func() { e.runAccept(ctx, d) })
	}
	e.crew.start(func() { e.runSweep(ctx) })
	e.crew.start(func() { e.runTyping(ctx) })
	e.crew.start(func() { e.posted.run(ctx) })
	if e.peer == nil {
		e.status.report()
	} else {
		e.crew.start(func() { e.runPeer(ctx) })
	}
	for _, l := range e.lines {
		e.crew.start(func() { e.runLine(ctx, l) })
	}
}

func (e *engine) runSweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			e.txs.purge(now)
			e.registrar.sweep(now)
			e.tastes.sweep(now)
			e.notices.sweep(now)
		}
	}
}

// close ends everything and waits for it.
func (e *engine) close() {
	e.dialogs.Close() // says goodbye where the sockets still can
	e.stop()
	e.closeListeners()
	e.conns.closeAll()
	e.crew.wait()
}

func (e *engine) closeListeners() {
	for _, s := range e.udp {
		_ = s.conn.Close() // nothing is lost with it
	}
	for _, d := range e.doors {
		_ = d.Close()
	}
}

// drain refuses what is new and unregisters the lines.
func (e *engine) drain(ctx context.Context) {
	e.draining.Store(true)
	var wg sync.WaitGroup
	for _, l := range append(e.enrolled.all(), e.lines...) {
		wg.Go(func() { e.unregister(ctx, l) })
	}
	wg.Wait()
}
