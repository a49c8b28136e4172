package bridge

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"gateway/bridge/media"
)

// calls knows every call that is under way.
type calls struct {
	log     *slog.Logger
	node    string
	plane   media.Plane
	dead    time.Duration
	callers map[string]Caller
	// reentrant are the adapters that may be called back at once.
	reentrant map[string]bool
	router    func() *Router
	bare      func(Address) (Address, error)
	limits    *throttle
	caps      *capLedger
	metrics   *callMetrics
	records   io.Writer // nil: none
	// refusals bounds what is told of calls that were refused; untold counts what
	// was not since the last that was.
	refusals *rate.Limiter
	untold   atomic.Uint64

	transcoded atomic.Int32 // calls

	wg sync.WaitGroup

	mu     sync.Mutex // guards what follows: adapters bring calls, calls end
	closed bool
	cut    bool                // calls that there are are to end at once
	all    map[*call]struct{}  // that have not been done with
	live   map[*call]Address   // and who called
	sender map[Address]int     // how many of live are whose
	trips  map[trip]*call      // who goes where
	legs   map[legKey]*mailbox // whose legs are in which call
	// writing counts the records of refused calls that are being written.
	writing int
}

// A trip is one call's way through us: the same again, while it is under way, is
// a loop. To another name it may pass, as a call that is forwarded does.
type trip struct {
	id string
	to Address
}

var (
	errCallsEnd  = &Error{Op: "call", Cause: Overloaded, Reason: "the gateway is closing down", Retry: true}
	errManyHops  = &Error{Op: "call", Cause: Looped, Reason: "too many hops"}
	errCameBack  = &Error{Op: "call", Cause: Looped, Reason: "this call is under way here already"}
	errNoCaller  = &Error{Op: "call", Cause: Unsupported, Reason: "no calls can be made there"}
	errNoFormats = &Error{Op: "call", Cause: NotAcceptable, Reason: "nothing that is offered is taken there"}
	errPlain     = &Error{Op: "call", Cause: Insecure, Reason: "calls must be encrypted"}
	errNoPlace   = &Error{Op: "call", Cause: NotFound, Reason: "there is no such call to take the place in"}
)

func newCalls(o Options, callers map[string]Caller, b *Bridge) *calls {
	reentrant := map[string]bool{}
	for name, a := range o.Adapters {
		_, reentrant[name] = a.(Reentrant)
	}
	t := &calls{
		log: o.Log, node: o.Node, plane: o.Media, dead: o.Dead, callers: callers, reentrant: reentrant, router: b.router.Load, bare: b.bare,
		limits: b.throttle, caps: newCapLedger(o.Log, o.Outbox), records: o.Records, refusals: limiter(refusalsTold, time.Second),
		all: map[*call]struct{}{}, live: map[*call]Address{}, sender: map[Address]int{}, trips: map[trip]*call{}, legs: map[legKey]*mailbox{},
	}
	ports := func() int { return 0 }
	if o.Media != nil {
		ports = o.Media.Count
	}
	t.metrics = newCallMetrics(t.count, ports, func() int { return int(t.transcoded.Load()) })
	return t
}

// incoming takes the call of an adapter's party, or says why not.
func (t *calls) incoming(inv Invite, open func(Events) Leg) error {
	if inv.Hops <= 0 {
		return errManyHops
	}
	sender, err := t.bare(inv.From.Address)
	if err != nil {
		return err
	}
	targets, terms, err := t.router().RouteCall(inv.From.Address, inv.From, inv.To.Address)
	if err != nil {
		return err
	}
	if inv.Plain && !terms.Plain {
		return errPlain
	}
	if inv.Offer != nil && !terms.passes(inv.Offer.Desc) &&
		!(t.mayTranscode() && terms.extend(inv.Offer.Desc).live()) {
		return errNoFormats
	}
	c := &call{id: newID(), table: t, inv: inv, box: newMailbox(), m: newMachine(sender, t.dead)}
	c.m.legs[0].private = inv.Private
	first := Event(joins{terms: terms, offer: inv.Offer})
	if inv.Replaces != "" {
		c.joins, err = t.joining(inv, targets)
	} else if targets, err = t.callable(targets); err == nil {
		first = began{targets: targets, terms: terms, offer: inv.Offer}
	}
	if err == nil {
		err = t.admit(c, sender, first)
	}
	if err != nil {
		return err
	}
	c.box.serve = c.serve
	c.begin(open)
	c.run(first, t.reentrant[inv.From.Adapter])
	return nil
}

// begin makes the caller's leg.
func (c *call) begin(open func(Events) Leg) {
	begun := false
	defer func() {
		if !begun { // open has panicked: that is its adapter's to bear
			c.table.done(c)
		}
	}()
	conn := &connection{box: newLegBox(c.box, c.table.reentrant[c.inv.From.Adapter]), record: newLegRecord("in", c.inv.From, c.inv.To.Address)}
	c.record = newRecord(c.table.node, c.id, c.inv)
	c.record.Legs = append(c.record.Legs, conn.record)
	c.conns = []*connection{conn}
	conn.leg = open(conn.box)
	c.table.know(conn, c.box)
	begun = true
}

// joining finds the call in which the caller wants a place. Whom it meets there
// must be one of those it may call.
func (t *calls) joining(inv Invite, targets []Target) (*joining, error) {
	key := legKey{inv.From.Adapter, inv.Replaces}
	if t.whose(key) == nil {
		return nil, errNoPlace
	}
	var may []Address
	for _, target := range targets {
		if a, err := t.bare(target.To.Address); err == nil {
			may = append(may, a)
		}
	}
	return &joining{key: key, only: func(a Address) bool {
		a, err := t.bare(a)
		return err == nil && slices.Contains(may, a)
	}}, nil
}

// callable leaves out the homes where no calls can be made.
func (t *calls) callable(targets []Target) ([]Target, error) {
	targets = slices.DeleteFunc(targets, func(x Target) bool { return t.callers[x.To.Adapter] == nil })
	if len(targets) == 0 {
		return nil, errNoCaller
	}
	return targets, nil
}

// admit counts a call in, and pays for the homes that it tries first; or says
// that it is one too many. Then it has cost nothing.
func (t *calls) admit(c *call, sender Address, first Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	way := trip{c.inv.ID, c.inv.To.Address}
	switch {
	case t.closed:
		return errCallsEnd
	case c.inv.ID != "" && t.trips[way] != nil:
		return errCameBack
	}
	pay := func() error { return nil }
	if began, ok := first.(began); ok {
		pay = func() error { return c.pay(began.terms) }
	}
	if err := t.limits.admitCall(len(t.live), t.sender[sender], pay); err != nil {
		return err
	}
	t.all[c] = struct{}{}
	c.cut.Store(t.cut)
	t.live[c] = sender
	t.sender[sender]++
	if c.inv.ID != "" {
		t.trips[way] = c
	}
	t.wg.Add(1)
	return nil
}

// know notes whose a leg is.
func (t *calls) know(conn *connection, box *mailbox) {
	if conn.key == (legKey{}) {
		conn.record.ID = conn.leg.ID()
		conn.key = legKey{conn.record.Adapter, conn.record.ID}
		t.metrics.leg(conn.record, 1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.legs[conn.key] = box
}

// forget notes that a leg is no more.
func (t *calls) forget(conn *connection) {
	t.metrics.leg(conn.record, -1)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.legs, conn.key)
}

// whose gives the mailbox of the call that has a leg; nil if none has.
func (t *calls) whose(key legKey) *mailbox {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.legs[key]
}

// retire takes a call that ends out of what limits count.
func (t *calls) retire(c *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sender, ok := t.live[c]
	if !ok {
		return
	}
	delete(t.live, c)
	if t.sender[sender]--; t.sender[sender] == 0 {
		delete(t.sender, sender)
	}
	if way := (trip{c.inv.ID, c.inv.To.Address}); t.trips[way] == c {
		delete(t.trips, way)
	}
}

// done takes leave of a call.
func (t *calls) done(c *call) {
	t.retire(c)
	c.unpay()
	c.converts(false)
	t.mu.Lock()
	delete(t.all, c)
	t.mu.Unlock()
	t.wg.Done()
}

// count is how many calls are under way.
func (t *calls) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live)
}

// mayTranscode reports whether there is room for one more call that is transcoded.
func (t *calls) mayTranscode() bool { return t.limits.mayTranscode(int(t.transcoded.Load())) }

// mayTranscodeAll is mayTranscode for the calls of these legs, where they are not transcoded yet.
func (t *calls) mayTranscodeAll(adapter string, legs []string) bool {
	var more []*mailbox // of calls: two legs may be of the same one
	t.mu.Lock()
	for _, leg := range legs {
		if box := t.legs[legKey{adapter, leg}]; box != nil && !box.transcodes.Load() && !slices.Contains(more, box) {
			more = append(more, box)
		}
	}
	t.mu.Unlock()
	return len(more) == 0 || t.limits.mayTranscode(int(t.transcoded.Load())+len(more)-1)
}

// leave lets no more calls in, and waits for those under way until ctx is
// done; then it ends them.
func (t *calls) leave(ctx context.Context) {
	stop := context.AfterFunc(ctx, t.endAll)
	defer stop()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.wg.Wait()
}

// endAll ends all calls at once.
func (t *calls) endAll() {
	t.mu.Lock()
	t.cut = true
	all := slices.Collect(maps.Keys(t.all))
	t.mu.Unlock()
	for _, c := range all {
		c.cut.Store(true)
		c.box.ring(false)
	}
}
