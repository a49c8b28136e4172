package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A lane carries the messages of one sender to one recipient, one at a time
// and in order. Its goroutine owns the queue and every job in it.
//
//	        ┌────────── a job comes ──────────┐
//	        ▼                                 │
//	     trying ── taken, relayed, refused ─▶ idle ─▶ ends
//	      │  ▲
//	 try  │  │ back-off over, or the recipient is back
//	later ▼  │
//	     waiting   (everything in the queue is on disk)
type lane struct {
	o    *outbox
	pair lanePair

	light  *light // guarded by o.mu, as what follows; nil: the lane has its goroutine
	mail   []*job
	late   chan attempt  // of the attempt that was under way when the goroutine began
	lateOf *job          // whose that was
	mailC  chan struct{} // says that there is mail
	again  chan struct{} // says that a try may now go well

	// The rest is the goroutine's own.
	queue   []*job
	result  chan attempt // of the attempt under way; nil: none is
	waiting bool
	retry   *time.Timer // ends the waiting
	hurry   bool        // again came while an attempt was under way
	backoff Backoff
}

// An attempt is what came of one.
type attempt struct {
	outcome Outcome
	err     error
}

// give gives the lane what its goroutine needs. The lock is held.
func (l *lane) give(queue []*job) {
	l.light, l.queue = nil, queue
	l.mailC, l.again = make(chan struct{}, 1), make(chan struct{}, 1)
	delete(l.o.lights, l)
}

func (l *lane) wake() {
	select {
	case l.mailC <- struct{}{}:
	default:
	}
}

// run carries the lane's messages until there are none, or until the outbox is
// leaving or ctx is done: then what is left is on disk. Or until nothing is amiss any more:
// then it reports true, and the lane goes on without a goroutine.
func (l *lane) run(ctx context.Context) (light bool) {
	l.retry = time.NewTimer(time.Hour)
	defer l.retry.Stop()
	impatient := time.NewTimer(patience)
	defer impatient.Stop()
	for {
		mail, over := l.o.collect(l, len(l.queue) == 0 && l.result == nil)
		if over {
			return false
		}
		l.insert(mail)
		leaving := l.leaving(ctx)
		if l.waiting || leaving {
			l.dropTransient(ctx)
		}
		l.keepWhatMustBe(ctx, leaving)
		if leaving && l.result == nil {
			l.dropQueue()
			continue
		}
		l.holdBack()
		if l.result == nil && !l.waiting && len(l.queue) > 0 {
			if !leaving && l.o.lighten(l) {
				return true
			}
			l.try(ctx)
		}
		l.rest(ctx, impatient, leaving)
	}
}

// rest waits for the next thing to happen to the lane.
func (l *lane) rest(ctx context.Context, impatient *time.Timer, leaving bool) {
	if d, ok := l.untilImpatient(); ok {
		impatient.Reset(d)
	}
	leave, done := (<-chan struct{})(l.o.leaving), ctx.Done()
	if leaving {
		leave, done = nil, nil // known already
	}
	select {
	case <-l.mailC:
	case r := <-l.result:
		l.result = nil
		l.finish(ctx, r)
	case <-l.again:
		l.hurry = l.result != nil
		l.waiting = false
		l.backoff.Reset()
		if len(l.queue) > 0 {
			l.queue[0].after = time.Time{}
		}
	case <-l.retry.C:
		l.waiting = false
	case <-impatient.C:
	case <-leave:
	case <-done:
	}
}

// holdBack lets the lane wait if the first message has bounced just now.
func (l *lane) holdBack() {
	if l.result != nil || l.waiting || len(l.queue) == 0 {
		return
	}
	if d := time.Until(l.queue[0].after); d > 0 {
		l.waiting = true
		l.retry.Reset(d)
	}
}

// insert puts new jobs behind the old ones, and one that bounced back where
// it was: in the order of the disk, with what is not there yet at the end.
func (l *lane) insert(mail []*job) {
	for _, j := range mail {
		if j.m.Kind == Composing {
			l.dropOlder()
		}
		at, first := len(l.queue), 0
		if l.result != nil {
			first = 1 // the first is being tried
		}
		for j.seq != 0 && at > first && (l.queue[at-1].seq == 0 || l.queue[at-1].seq > j.seq) {
			at--
		}
		l.queue = slices.Insert(l.queue, at, j)
	}
}

func (l *lane) leaving(ctx context.Context) bool {
	select {
	case <-l.o.leaving:
		return true
	default:
		return ctx.Err() != nil
	}
}

// keepWhatMustBe puts on disk what nobody else has a copy of, what has to wait,
// and what its sender has waited for long enough; and before each all that
// came before it, for the disk's order is the order after a restart.
func (l *lane) keepWhatMustBe(ctx context.Context, leaving bool) {
	now := time.Now()
	last := -1
	for i, j := range l.queue {
		if j.seq == 0 && !j.transient() && (j.m.Once || l.waiting || leaving || now.Sub(j.m.At) >= patience) {
			last = i
		}
	}
	for i := 0; i <= last; i++ {
		j := l.queue[i]
		if j.seq != 0 || j.transient() {
			continue
		}
		if err := l.keep(ctx, j); err != nil && !(i == 0 && l.result != nil) {
			l.fail(ctx, i, err)
			i--
			last--
		}
	}
}

// dropTransient lets go of what is worth nothing later.
func (l *lane) dropTransient(ctx context.Context) {
	for i := len(l.queue) - 1; i >= 0; i-- {
		if l.queue[i].transient() && !(i == 0 && l.result != nil) {
			l.fail(ctx, i, errLate)
		}
	}
}

// dropOlder makes way for a newer Composing: only the last one counts.
func (l *lane) dropOlder() {
	for i := len(l.queue) - 1; i >= 0; i-- {
		if l.queue[i].m.Kind == Composing && !(i == 0 && l.result != nil) {
			l.o.release(l.queue[i])
			l.queue = slices.Delete(l.queue, i, i+1)
		}
	}
}

var errLate = &Error{Op: "deliver", Cause: Timeout, Reason: "too late to matter"}

// keep puts one job on disk and lets its sender know.
func (l *lane) keep(ctx context.Context, j *job) error {
	if err := l.o.keep(ctx, j); err != nil {
		return &Error{Op: "keep message", Cause: Constrained, Reason: "no room to keep the message", Retry: true, Err: err}
	}
	if j.group != nil {
		j.group.stored()
	}
	return nil
}

// untilImpatient is how long the first sender that still waits will go on to.
func (l *lane) untilImpatient() (time.Duration, bool) {
	for _, j := range l.queue {
		if j.seq == 0 && !j.transient() {
			return max(patience-time.Since(j.m.At), 100*time.Millisecond), true
		}
	}
	return 0, false
}

// try starts an attempt for the first job, unless it has expired.
func (l *lane) try(ctx context.Context) {
	j := l.queue[0]
	if d := j.deadline(l.o.expire()); !d.IsZero() && !time.Now().Before(d) {
		l.fail(ctx, 0, &Error{Op: "deliver", Cause: Timeout, Reason: "not delivered in time"})
		l.wake()
		return
	}
	if j.verdict != nil {
		l.fail(ctx, 0, j.verdict)
		l.wake()
		return
	}
	result := make(chan attempt, 1)
	l.result = result
	l.hurry = false
	m := j.m
	m.Try = j.tries
	j.tries = max(j.tries, 0) + 1
	l.o.listen(m.ID)
	l.o.wg.Add(1)
	go func() {
		defer l.o.wg.Done()
		ctx, cancel := context.WithTimeout(ctx, maxAttempt)
		defer cancel()
		outcome, err := l.o.send(ctx, m)
		l.o.fault.at(FaultSent)
		result <- attempt{outcome, err}
	}()
}

// finish does what the outcome of the attempt for the first job asks for.
func (l *lane) finish(ctx context.Context, r attempt) {
	j := l.queue[0]
	if errors.Is(r.err, errNotStarted) {
		_ = l.o.unlisten(j.m.ID) // it has not been sent
		j.tries, j.slow = 0, true
		return
	}
	var bounce *Error
	if r.err != nil || r.outcome != Relayed || j.transient() {
		bounce = l.o.unlisten(j.m.ID)
	}
	l.o.metrics.out(j.m, r)
	var e *Error
	switch {
	case r.err == nil && r.outcome == Relayed && !j.transient():
		l.backoff.Reset()
		l.relayed(ctx, j)
	case r.err == nil:
		l.backoff.Reset()
		l.queue = l.queue[1:]
		l.o.taken(ctx, j, r.outcome)
		if bounce != nil {
			l.o.bouncedLate(ctx, j.m.ID, bounce)
		}
	case ctx.Err() != nil:
		// Shutting down: what it was is not known, so it stays.
	case errors.As(r.err, &e) && !e.Retry:
		l.fail(ctx, 0, e)
	default:
		l.later(ctx, j, r.err)
	}
}

// relayed keeps the first job for the case that it bounces.
func (l *lane) relayed(ctx context.Context, j *job) {
	if j.seq == 0 {
		if err := l.keep(ctx, j); err != nil {
			l.o.log.Error("a bounce can't be tried again", "to", j.m.To.Address, "err", err)
			bounce := l.o.unlisten(j.m.ID)
			l.queue = l.queue[1:]
			l.o.taken(ctx, j, Taken)
			if bounce != nil {
				l.o.bouncedLate(ctx, j.m.ID, bounce)
			}
			return
		}
	}
	l.queue = l.queue[1:]
	l.o.hold(ctx, j)
}

// later keeps the first job and lets the lane wait.
func (l *lane) later(ctx context.Context, j *job, err error) {
	if j.transient() {
		l.fail(ctx, 0, err)
		return
	}
	if j.seq == 0 {
		if kerr := l.keep(ctx, j); kerr != nil {
			l.fail(ctx, 0, kerr)
			return
		}
	}
	if l.hurry {
		l.hurry = false
		return
	}
	d := l.backoff.Next()
	var e *Error
	if errors.As(err, &e) {
		d = max(d, min(e.After, backoffLast))
	}
	if end := j.deadline(l.o.expire()); !end.IsZero() {
		d = min(d, max(time.Until(end), 0))
	}
	l.waiting = true
	l.retry.Reset(d)
	l.o.log.Debug("message waits", "to", j.m.To.Address, "for", d, "err", err)
}

// fail ends the i-th job.
func (l *lane) fail(ctx context.Context, i int, err error) {
	j := l.queue[i]
	l.queue = slices.Delete(l.queue, i, i+1)
	l.o.fail(ctx, j, err)
}

// dropQueue lets go of what is on disk: the next start finds it there.
func (l *lane) dropQueue() {
	for _, j := range l.queue {
		l.o.release(j)
	}
	l.queue = nil
}
