package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A lane begins without a goroutine. While nothing is amiss, whoever has news for it
// takes it one step on and goes: the adapter that brings a message puts it on the disk's
// list or hands it to the recipient's adapter, the disk hands on what it has kept, and the
// recipient's adapter writes down that it has arrived, and answers.
//
//	a job comes ─▶ on its way to disk ─▶ under way ─▶ written down ─▶ the next, or the end
//	 (if Once)           │                   │
//	                     └─ anything else ───┴──▶ the lane gets its goroutine
//
// Whatever is not that (a refusal, a retry, a receipt, a second home, three seconds,
// the end) is the goroutine's, and so is the lane from then on.
//
// All of a light is guarded by outbox.mu.
type light struct {
	jobs    []*job   // in their order; the first is under way, or the next to be
	trying  bool     // the first is with the recipient's adapter
	keeping int      // how many are on their way to disk
	writing bool     // that one has arrived is being written down
	leave   bool     // it gets its goroutine when neither keeps anybody busy
	hurry   bool     // the recipient has come back while the first was under way
	result  *attempt // of the first, for the goroutine
}

// errNotStarted is of an attempt that there was none, for a goroutine that waits for it.
var errNotStarted = errors.New("the adapter must be asked to wait")

// lightTime is how long a lane can do without a goroutine; lightTick how often that
// is looked at. Together they are less than a sender's patience.
const (
	lightTime = patience - 2*lightTick
	lightTick = 500 * time.Millisecond
)

// isLight reports whether a job can begin without a goroutine.
func (o *outbox) isLight(j *job) bool {
	return o.start != nil && j.m.Kind == Text && j.group != nil && j.group.info.Copies == 1 &&
		!j.slow && j.tries == 0 && j.verdict == nil && j.after.IsZero()
}

// postLight puts a job into a lane that has no goroutine. It reports false where the
// lane must have one. The lock is held; what it leaves to be done is drive's and keepLight's.
func (l *lane) postLight(j *job) bool {
	if l.light.leave || j.seq != 0 || !l.o.isLight(j) {
		return false
	}
	if j.m.Once && slices.ContainsFunc(l.light.jobs, func(before *job) bool { return !before.m.Once }) {
		return false // what came before it goes to disk before it
	}
	l.light.jobs = append(l.light.jobs, j)
	if j.m.Once {
		l.light.keeping++
	}
	return true
}

// keepLight puts a job on the disk's list.
func (o *outbox) keepLight(ctx context.Context, l *lane, j *job) {
	b, err := recordOf(j).encode()
	if err == nil {
		k, ok := o.disk.(Keeper)
		if ok && k.Keep(b, func(seq uint64, err error) { o.keptLight(ctx, l, j, seq, err) }) {
			return
		}
	}
	o.mu.Lock()
	l.light.keeping--
	l.light.leave = true
	o.settleLight(ctx, l)
	o.mu.Unlock()
}

// keptLight hears that a job is on disk, or not.
func (o *outbox) keptLight(ctx context.Context, l *lane, j *job, seq uint64, err error) {
	o.mu.Lock()
	if err == nil {
		j.seq = seq
		o.stored[seq] = waiting{j.m.To.Adapter, j.m.At}
	} else {
		l.light.leave = true // the goroutine tries once more, and says what is wrong
	}
	l.light.keeping--
	o.settleLight(ctx, l)
	o.mu.Unlock()
	if err == nil {
		o.fault.at(FaultKept)
		j.group.stored()
	}
	o.drive(ctx, l)
}

// drive hands the first job of a lane without a goroutine to its recipient's adapter,
// if it is its turn. A lane that has none ends.
func (o *outbox) drive(ctx context.Context, l *lane) {
	o.mu.Lock()
	t := l.light
	if t == nil || t.leave || t.trying || t.writing {
		o.mu.Unlock()
		return
	}
	if len(t.jobs) == 0 {
		delete(o.lanes, l.pair)
		delete(o.lights, l)
		l.light = nil
		o.mu.Unlock()
		o.wg.Done()
		return
	}
	j := t.jobs[0]
	if j.m.Once && j.seq == 0 {
		o.mu.Unlock()
		return // the disk comes first
	}
	if o.closed {
		t.leave = true
		o.settleLight(ctx, l)
		o.mu.Unlock()
		return
	}
	t.trying, t.hurry, j.tries = true, false, 1
	o.early[j.m.ID] = nil
	o.mu.Unlock()
	if d := j.deadline(o.expire()); d.IsZero() || time.Now().Before(d) {
		if o.start(j.m, func(outcome Outcome, err error) { o.attempted(ctx, l, j, attempt{outcome, err}) }) {
			return
		}
	}
	o.notStarted(ctx, l, t, j)
}

// notStarted gives a lane its goroutine, for the first job needs it; or lets the goroutine
// know, if the lane has it by now.
func (o *outbox) notStarted(ctx context.Context, l *lane, t *light, j *job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.light != t {
		l.hear(j, attempt{err: errNotStarted})
		return
	}
	delete(o.early, j.m.ID)
	t.trying, t.leave, j.tries, j.slow = false, true, 0, true
	o.settleLight(ctx, l)
}

// attempted hears what came of the first job of a lane that had no goroutine when it
// was handed on.
func (o *outbox) attempted(ctx context.Context, l *lane, j *job, r attempt) {
	o.fault.at(FaultSent)
	o.mu.Lock()
	t := l.light
	if t == nil || !t.trying || t.jobs[0] != j {
		l.hear(j, r)
		o.mu.Unlock()
		return
	}
	bounce, receipt := o.early[j.m.ID], r.outcome == Arrived || j.m.Hop
	if r.err != nil || r.outcome == Relayed || bounce != nil || receipt && j.group.info.Want.Delivered {
		t.trying, t.leave, t.result = false, true, &r
		o.settleLight(ctx, l)
		o.mu.Unlock()
		return
	}
	t.trying, t.writing = false, true
	o.mu.Unlock()
	if o.ledger.handedSoon(j, r.outcome, func() { o.arrivedLight(ctx, l, j, r) }) {
		return
	}
	o.mu.Lock()
	t.writing, t.leave, t.result = false, true, &r
	o.settleLight(ctx, l)
	o.mu.Unlock()
}

// arrivedLight is called when it is written down that the first job has arrived.
func (o *outbox) arrivedLight(ctx context.Context, l *lane, j *job, r attempt) {
	o.fault.at(FaultHanded)
	o.metrics.out(j.m, r)
	j.group.taken(j.seq == 0)
	o.forgetSoon(j)
	o.release(j)
	o.mu.Lock()
	t := l.light
	bounce := o.early[j.m.ID]
	delete(o.early, j.m.ID)
	t.jobs = t.jobs[1:]
	t.writing = false
	o.settleLight(ctx, l)
	o.mu.Unlock()
	if bounce != nil {
		o.aside(func() { o.bouncedLate(ctx, j.m.ID, bounce) })
	}
	o.drive(ctx, l)
}

// forgetSoon is forget for what the ledger says has arrived, should a crash bring
// it back. Nobody waits.
func (o *outbox) forgetSoon(j *job) {
	seq := j.seq
	o.mu.Lock()
	delete(o.stored, seq)
	o.mu.Unlock()
	j.seq = 0
	if k, ok := o.disk.(Keeper); seq != 0 && !(ok && k.Drop(seq)) {
		o.aside(func() {
			if err := o.disk.Delete(seq); err != nil {
				o.log.Error("outbox record stays on disk", "seq", seq, "err", err)
			}
		})
	}
	o.fault.at(FaultForgotten)
}

// hear lets the lane's goroutine know what came of an attempt that was under way before it
// began, if it still waits for that. The lock is held.
func (l *lane) hear(j *job, r attempt) {
	if l.lateOf != j {
		return // its time was up, and the lane has gone on
	}
	select {
	case l.late <- r:
	default: // too late
	}
}

// settleLight gives a lane its goroutine if it is time for that. The lock is held.
func (o *outbox) settleLight(ctx context.Context, l *lane) {
	t := l.light
	if t == nil || !t.leave || t.keeping > 0 || t.writing {
		return
	}
	l.give(t.jobs)
	l.hurry = t.hurry
	cancel := func() {}
	switch {
	case t.result != nil:
		l.result = make(chan attempt, 1)
		l.result <- *t.result
	case t.trying:
		l.result, cancel = o.awaitLate(ctx, l)
	}
	go func() {
		defer cancel()
		if l.run(ctx) {
			o.drive(ctx, l)
		} else {
			o.wg.Done()
		}
	}()
}

// lighten takes a lane's goroutine away, if nothing is amiss with it any more.
func (o *outbox) lighten(l *lane) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	amiss := func(j *job) bool {
		return !o.isLight(j) || j.seq == 0 && (j.m.Once || time.Since(j.m.At) > lightTime)
	}
	if o.closed || len(l.mail) > 0 || slices.ContainsFunc(l.queue, amiss) {
		return false
	}
	l.light, l.queue = &light{jobs: l.queue}, nil
	o.lights[l] = true
	o.watch()
	return true
}

// awaitLate gives where the goroutine will hear of an attempt that was under way before it
// began; as of any, not for longer than that may take, nor than ctx. The lock is held.
func (o *outbox) awaitLate(ctx context.Context, l *lane) (result chan attempt, cancel func()) {
	late := make(chan attempt, 1)
	l.late, l.lateOf = late, l.queue[0]
	ctx, end := context.WithTimeout(ctx, maxAttempt)
	stop := context.AfterFunc(ctx, func() {
		select {
		case late <- attempt{err: &Error{Op: "deliver", Cause: Timeout, Retry: true, Err: ctx.Err()}}:
		default: // it came in time
		}
	})
	return late, func() {
		stop()
		end()
	}
}

// watchLights gives goroutines to the lanes whose senders have waited for a while; to all
// of them if must. It reports whether there are others.
func (o *outbox) watchLights(ctx context.Context, must bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for l := range o.lights {
		if t := l.light; must || len(t.jobs) > 0 && time.Since(t.jobs[0].m.At) > lightTime {
			t.leave = true
			o.settleLight(ctx, l)
		}
	}
	o.watched = len(o.lights) > 0
	return o.watched
}
