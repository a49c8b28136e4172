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

var _ Handler = (*handler)(nil)

func (h *handler) Message(m Message, done func(Outcome, error)) {
	m.From.Adapter, m.To.Adapter = h.name, h.name
	answer := func(o Outcome, err error) {
		h.b.metrics.in(h.name, o, err)
		done(o, err)
	}
	if err := h.b.deliver(h.lanes, m, answer); err != nil {
		answer(0, err)
	}
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
		return
	}
	h.b.log.Warn("adapter down", "adapter", h.name, "err", err)
}

// deliver sends m on its ways. The error, if any, is the answer; else the
// answer comes by done.
func (b *Bridge) deliver(ctx context.Context, m Message, done func(Outcome, error)) error {
	if err := b.admit(m); err != nil {
		return err
	}
	targets, err := b.router.Load().Route(m.From, m.To.Address)
	if err != nil {
		return err
	}
	m.At = time.Now()
	info := groupInfo{ID: newID(), Origin: m.From, Dest: m.To, Ref: m.Ref, Once: m.Once}
	g := newGroup(info, len(targets), done)
	jobs := make([]*job, len(targets))
	for i, t := range targets {
		c := m
		c.ID, c.From, c.To = newID(), t.From, t.To
		jobs[i] = &job{m: c, group: g}
	}
	if err := b.outbox.reserve(jobs); err != nil {
		return &Error{Op: "deliver", Cause: Constrained, Reason: "too many messages are waiting", Retry: true, Err: err}
	}
	for _, j := range jobs {
		if !b.outbox.post(ctx, j) {
			b.outbox.fail(ctx, j, errClosing)
		}
	}
	return nil
}

var errClosing = &Error{Op: "deliver", Cause: Overloaded, Reason: "the gateway is closing down", Retry: true}

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
	naming, ok := b.names[m.From.Adapter]
	if !ok {
		return &Error{Op: "deliver", Cause: NotFound}
	}
	sender, err := naming.Parse(m.From.Name)
	if err != nil {
		return &Error{Op: "deliver", Cause: Malformed, Reason: "the sender has no good name", Err: err}
	}
	sender.Tail = ""
	return b.throttle.admit(Address{m.From.Adapter, naming.Text(sender)})
}
