package bridge

import (
	"context"
	"time"
)

// Bounds on what a message may be.
const (
	maxText = 64 << 10 // bytes of all its texts
	maxHops = 70       // as a message starts out
)

// A handler is the bridge as one adapter sees it.
type handler struct {
	b     *Bridge
	name  string          // of the adapter
	lanes context.Context // what lanes live in: longer than any request
}

var (
	_ Handler = (*handler)(nil)
	_ Batcher = (*handler)(nil)
)

// MayTranscode implements Handler.
func (h *handler) MayTranscode(legs ...string) bool { return h.b.calls.mayTranscodeAll(h.name, legs) }

func (h *handler) Message(m Message, done func(Outcome, error)) {
	m.From.Adapter, m.To.Adapter = h.name, h.name
	answer := func(o Outcome, err error) {
		h.b.metrics.in(h.name, o, err)
		h.b.outbox.fault.at(FaultAnswered)
		done(o, err)
	}
	if err := h.b.deliver(h.lanes, m, answer); err != nil {
		answer(0, err)
	}
}

func (h *handler) Batch(f func()) {
	if d, ok := h.b.outbox.ledger.disk.(Batcher); ok {
		d.Batch(f)
		return
	}
	f()
}

func (h *handler) Incoming(inv Invite, open func(Events) Leg) error {
	inv.From.Adapter, inv.To.Adapter = h.name, h.name
	err := h.b.incoming(inv, open)
	if err != nil {
		h.b.calls.refused(inv, err)
	}
	return err
}

func (h *handler) Bounced(id string, err *Error) { h.b.outbox.bounced(h.lanes, id, err) }

func (h *handler) Reachable(a Address) {
	a.Adapter = h.name
	h.b.outbox.retry(a)
}

func (h *handler) State(up bool, err error) {
	if !h.b.health.set(h.name, up, err) {
		return
	}
	if up {
		if err == nil {
			h.b.log.Info("adapter up", "adapter", h.name)
		} else {
			h.b.log.Warn("adapter up, with a fault", "adapter", h.name, "err", err)
		}
		h.b.outbox.retry(Address{Adapter: h.name})
		h.b.watches.up(h.name)
		return
	}
	h.b.watches.change(Address{Adapter: h.name})
	h.b.log.Warn("adapter down", "adapter", h.name, "err", err)
}

func (h *handler) Changed(a Address) {
	a.Adapter = h.name
	h.b.watches.change(a)
}

func (h *handler) Watch(w Watch, done func(error)) {
	w.By.Adapter, w.To.Adapter = h.name, h.name
	if w.On { // who wants less costs nothing
		if err := h.b.spend(w.By); err != nil {
			done(err)
			return
		}
	}
	h.b.watches.ask(w, done)
}

// deliver sends m on its ways. The error, if any, is the answer; else the
// answer comes by done.
func (b *Bridge) deliver(ctx context.Context, m Message, done func(Outcome, error)) error {
	if m.Kind == Delivered || m.Kind == Displayed {
		// It writes to disk, which no adapter shall wait for.
		b.outbox.aside(func() {
			b.outbox.receipt(ctx, m.Of, m.Kind, &m.From.Address)
			done(Taken, nil)
		})
		return nil
	}
	if err := b.admit(m); err != nil {
		return err
	}
	targets, err := b.router.Load().Route(m.From, m.To.Address)
	if err != nil {
		return err
	}
	m.At = time.Now()
	// Only what leads somewhere counts: who writes into the void shall not use
	// up what others may send.
	if m.Kind != Composing {
		if err := b.spend(m.From.Address); err != nil {
			return err
		}
	}
	if m.Kind == Composing || m.Kind == Signal {
		b.signal(ctx, m, targets)
		done(Taken, nil)
		return nil
	}
	return b.fanOut(ctx, m, targets, done)
}

// signal sends something that is worth nothing later.
func (b *Bridge) signal(ctx context.Context, m Message, targets []Target) {
	for _, t := range targets {
		j := &job{m: m}
		j.m.ID, j.m.From, j.m.To = newID(), t.From, t.To
		if b.outbox.reserve([]*job{j}) == nil && !b.outbox.post(ctx, j) {
			b.outbox.release(j)
		}
	}
}

// fanOut sends a copy to each home. A repeat of what was taken already only
// gets the answer once more.
func (b *Bridge) fanOut(ctx context.Context, m Message, targets []Target, done func(Outcome, error)) error {
	info := groupInfo{ID: repeatID(b.key, m), Origin: m.From, Dest: m.To, Ref: m.Ref, Want: m.Want, Copies: len(targets)}
	known := info.ID != ""
	if !known {
		info.ID = newID()
	}
	g := newGroup(info, len(targets), done)
	if known {
		if first := b.outbox.ledger.repeat(g); first != nil {
			first.also(done)
			return nil
		}
	}
	jobs := make([]*job, len(targets))
	for i, t := range targets {
		c := m
		c.ID, c.From, c.To, c.Hop = copyID(b.key, info.ID, t.To.Address), t.From, t.To, t.Hop
		jobs[i] = &job{m: c, group: g}
	}
	if err := b.outbox.reserve(jobs); err != nil {
		g.refuse(&Error{Op: "deliver", Cause: Constrained, Reason: "too many messages are waiting", Retry: true, Err: err})
		return nil
	}
	b.outbox.fault.at(FaultTakenIn)
	b.outbox.ledger.expect(g, jobs)
	for _, j := range jobs {
		if !b.outbox.post(ctx, j) {
			b.outbox.fail(ctx, j, errClosing)
		}
	}
	return nil
}

var errClosing = &Error{Op: "deliver", Cause: Overloaded, Reason: "the gateway is closing down", Retry: true}

// incoming lets a call in unless no more are.
func (b *Bridge) incoming(inv Invite, open func(Events) Leg) error {
	select {
	case <-b.drain:
		return errCallsEnd
	default:
		return b.calls.incoming(inv, open)
	}
}

// admit refuses what is beyond our bounds.
func (b *Bridge) admit(m Message) error {
	select {
	case <-b.drain:
		return errClosing
	default:
	}
	switch {
	case m.Hops <= 0:
		return &Error{Op: "deliver", Cause: Looped, Reason: "too many hops"}
	case m.size() > maxText:
		return &Error{Op: "deliver", Cause: TooLarge, Reason: "the message is too long"}
	}
	return nil
}

// spend takes one message of what a sender may send.
func (b *Bridge) spend(from Address) error {
	sender, err := b.bare(from)
	if err != nil {
		return err
	}
	return b.throttle.admit(sender)
}

// bare is the address of the party that a is one device of.
func (b *Bridge) bare(a Address) (Address, error) {
	naming, ok := b.names[a.Adapter]
	if !ok {
		return a, &Error{Op: "deliver", Cause: NotFound}
	}
	name, err := naming.Parse(a.Name)
	if err != nil {
		return a, &Error{Op: "deliver", Cause: Malformed, Reason: "the sender has no good name", Err: err}
	}
	name.Tail = ""
	return Address{a.Adapter, naming.Text(name)}, nil
}
