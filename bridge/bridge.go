package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a Bridge is made of.
type Options struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Router   *Router
	Limits   Limits
	Outbox   Log
	Ledger   Log                // what was handed on, for repeats and receipts
	Key      []byte             // 32 bytes that outlive a restart
	Adapters map[string]Adapter // by their names in the mapping file
	Names    map[string]Namer   // of the same adapters
	Drain    time.Duration      // how long Drain waits for what is under way
	Node     string             // the gateway's name, for records
	Media    media.Plane        // what joins the legs of calls; needed if an adapter is a Caller
	Dead     time.Duration      // how long a call may be silent on both sides; 0 stands for a minute
	Records  io.Writer          // gets a line of JSON, by one Write, for each call that ends or is refused (of those a few a second); nil: none
	Fault    func(point string) // called at each of FaultPoints; nil but in tests
}

// A Bridge joins adapters: it starts them, and routes and delivers what they
// bring.
type Bridge struct {
	log      *slog.Logger
	metrics  *metrics
	adapters map[string]Adapter
	names    map[string]Naming
	outbox   *outbox
	watches  *watches
	calls    *calls
	router   atomic.Pointer[Router]
	throttle *throttle
	key      *Keyed
	health   *health
	drainFor time.Duration

	drainOnce sync.Once
	drain     chan struct{} // closed by Drain
}

// New makes a Bridge. It refuses adapters that maps use for what they can't do.
func New(o Options) (*Bridge, error) {
	b := &Bridge{
		log: o.Log, adapters: o.Adapters, drainFor: o.Drain,
		names:    make(map[string]Naming, len(o.Names)),
		throttle: newThrottle(o.Limits),
		health:   newHealth(slices.Sorted(maps.Keys(o.Adapters))),
		drain:    make(chan struct{}), key: NewKeyed(o.Key),
	}
	for name, n := range o.Names {
		b.names[name] = n.Naming()
	}
	callers := make(map[string]Caller)
	for name, a := range o.Adapters {
		if _, ok := a.(Messenger); !ok {
			return nil, fmt.Errorf("adapter %s can't carry messages", name)
		}
		if c, ok := a.(Caller); ok {
			callers[name] = c
		}
	}
	if len(callers) > 0 && o.Media == nil {
		return nil, errors.New("there is nothing to carry the media of calls")
	}
	b.router.Store(o.Router)
	b.metrics = newMetrics(o.Adapters)
	b.outbox = newOutbox(o.Log, o.Outbox, newLedger(o.Log, o.Ledger, b.bare), b.metrics, b.send, b.throttle.expire)
	b.outbox.fault = o.Fault
	b.outbox.start = b.start
	route := func(from Party, to Address) ([]Target, error) { return b.router.Load().Route(from, to) }
	b.watches = newWatches(o.Log, o.Outbox, route, b.bare, o.Adapters)
	b.metrics.watch(b.outbox, b.health)
	b.calls = newCalls(o, callers, b)
	for _, c := range append(b.calls.metrics.all(), b.metrics) {
		if err := o.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return b, nil
}

// Run serves until ctx is done (it ends at once), until Drain has been called
// and done (it ends in good order), or until an adapter fails for good, whose
// error it returns. All that it started has ended when it returns.
func (b *Bridge) Run(ctx context.Context) error {
	lanes, cutLanes := context.WithCancel(context.WithoutCancel(ctx))
	defer cutLanes()
	if err := b.outbox.ledger.restore(lanes); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	n, err := b.outbox.restore(lanes, b.watches.restore, b.calls.caps.restore)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	if n > 0 {
		b.log.Info("messages waiting", "count", n)
	}
	wire, cutWire := context.WithCancel(context.WithoutCancel(ctx))
	defer cutWire()
	failed := make(chan error, len(b.adapters))
	var wg sync.WaitGroup
	for name, a := range b.adapters {
		wg.Go(func() {
			if err := a.Run(wire, &handler{b, name, lanes}); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		})
	}
	wg.Go(func() { b.outbox.runCustody(lanes) })
	wg.Go(func() { b.calls.caps.run(lanes) })
	watching, leave := context.WithCancel(lanes)
	defer leave()
	left := make(chan struct{})
	wg.Go(func() {
		defer close(left)
		b.watches.run(watching)
	})
	select {
	case <-ctx.Done():
	case <-b.drain:
		b.announceDrain(ctx, &wg)
	case err = <-failed:
		b.Drain()
	}
	leave()
	<-left // what is shown last has yet to go out
	b.finish(ctx, cutLanes, err != nil)
	cutLanes()
	cutWire()
	wg.Wait()
	return err
}

// Drain makes Run end in good order. It returns at once.
func (b *Bridge) Drain() { b.drainOnce.Do(func() { close(b.drain) }) }

// announceDrain lets the adapters take leave of their networks, for as long as
// that is worth waiting for.
func (b *Bridge) announceDrain(ctx context.Context, wg *sync.WaitGroup) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	said := make(chan struct{}, len(b.adapters))
	n := 0
	for _, a := range b.adapters {
		if d, ok := a.(Drainer); ok {
			n++
			wg.Go(func() {
				d.Drain(ctx)
				said <- struct{}{}
			})
		}
	}
	for ; n > 0; n-- {
		select {
		case <-said:
		case <-ctx.Done():
			return
		}
	}
}

// finish gets everything onto the disk, and waits for attempts and calls under
// way if there is time.
func (b *Bridge) finish(ctx context.Context, cutLanes context.CancelFunc, now bool) {
	d := b.drainFor
	if now {
		d = 0
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { b.calls.leave(ctx) })
	b.outbox.leave(ctx, cutLanes)
	wg.Wait()
}

// Reload makes other maps and limits count from now on.
func (b *Bridge) Reload(r *Router, l Limits) {
	b.router.Store(r)
	b.throttle.set(l)
	b.watches.reload()
}

// Health says of each adapter whether it reaches its network.
func (b *Bridge) Health() []Health { return b.health.list() }

// start hands a message to the adapter of its recipient, if nobody need wait for that.
func (b *Bridge) start(m Message, done func(Outcome, error)) bool {
	s, ok := b.adapters[m.To.Adapter].(Starter)
	return ok && s.StartMessage(m, done)
}

// send hands a message to the adapter of its recipient.
func (b *Bridge) send(ctx context.Context, m Message) (Outcome, error) {
	a, ok := b.adapters[m.To.Adapter].(Messenger)
	if !ok {
		return 0, &Error{Op: "deliver", Cause: NotFound, Reason: "its network is not served any more",
			Err: errors.New("no such adapter")}
	}
	return a.SendMessage(ctx, m)
}
