package bridge

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// What becomes of a job in the end.

// taken ends a job that the next hop has, and gives its writer the receipt if
// that is as much as to say that it was delivered.
func (o *outbox) taken(ctx context.Context, j *job, outcome Outcome) {
	if outcome == Arrived || outcome == Taken && j.m.Hop {
		o.receipt(ctx, j.m.ID, Delivered, nil) // first: a crash may repeat the message, never forget this
	}
	if j.group != nil && outcome != Relayed { // that is written down when it is relayed
		o.ledger.handed(ctx, j, outcome)
		o.fault.at(FaultHanded)
	}
	if j.group != nil && j.group.taken(j.seq == 0) {
		r := record{Mark: &mark{Settled: j.group.info.ID, At: time.Now()}}
		seq, err := o.append(ctx, r)
		if err != nil {
			o.log.Error("copies may report a failure of what has arrived", "err", err)
		}
		j.group.marked(seq)
	}
	o.forget(j)
	o.release(j)
}

// fail ends a job that won't arrive, and tells its sender if it must. If that
// can't be done now, the job stays until it can.
func (o *outbox) fail(ctx context.Context, j *job, err error) {
	tell := j.verdict
	if tell == nil {
		level := slog.LevelInfo
		if j.transient() {
			level = slog.LevelDebug
		}
		o.log.Log(ctx, level, "message not delivered", "from", j.m.From.Address, "to", j.m.To.Address, "err", err)
		if j.group != nil {
			tell = j.group.failed(j.seq == 0, err)
		}
	}
	if tell != nil && !o.tell(ctx, j, tell) {
		j.verdict, j.after = tell, time.Now().Add(j.bounces.Next())
		if !o.post(ctx, j) {
			o.release(j) // it is on disk, and fails again after the next start
		}
		return
	}
	o.forget(j)
	o.release(j)
}

// tell sends the sender of j a Failed message, once. It is on disk before j is
// off it, so that a crash in between can't swallow the news. It reports whether
// nothing is left to be told.
func (o *outbox) tell(ctx context.Context, j *job, err error) bool {
	if !o.ledger.claimFailed(j.group.info) {
		return true
	}
	m := news(Failed, j.group.info)
	m.Subject, m.Bodies, m.Thread, m.Cause = j.m.Subject, j.m.Bodies, j.m.Thread, Internal
	var e *Error
	if errors.As(err, &e) {
		m.Cause, m.Reason = e.Cause, e.Reason
	}
	return o.bring(ctx, m, j.group.info.ID)
}

// receipt tells the writer of a copy that it was delivered or displayed, once.
func (o *outbox) receipt(ctx context.Context, id string, kind Kind, from *Address) {
	if info, ok := o.ledger.claim(id, kind, from); ok {
		o.bring(ctx, news(kind, info), info.ID)
	}
}

// news is a message about a message, for its writer.
func news(kind Kind, info groupInfo) Message {
	return Message{
		ID: newID(), Kind: kind, Of: info.Ref, From: info.Dest, To: info.Origin, Want: info.Want,
		At: time.Now(), Hops: maxHops, Once: true,
	}
}

// bring puts news about a group on its way, and then writes down that it did:
// the other way round, a crash in between would swallow it. News always finds
// room, for there is only so much to be told of what has found room. It
// reports whether the news is safe.
func (o *outbox) bring(ctx context.Context, m Message, group string) bool {
	j := &job{m: m}
	o.mu.Lock()
	o.jobs++
	o.bytes += m.size()
	o.mu.Unlock()
	if err := o.keep(ctx, j); err != nil {
		o.release(j)
		o.ledger.disclaim(group, m.Kind)
		o.log.Error("writer not told yet", "kind", m.Kind, "to", m.To.Address, "err", err)
		return false
	}
	o.ledger.wroteNews(ctx, group, m.Kind)
	if !o.post(ctx, j) {
		o.release(j) // the disk has it
	}
	return true
}

// hold keeps a job that the next hop has taken until a bounce is unlikely.
func (o *outbox) hold(ctx context.Context, j *job) {
	now := time.Now()
	seq, err := o.append(ctx, record{Mark: &mark{Relayed: j.seq, At: now}})
	if err != nil {
		o.log.Error("a restart will repeat a message", "to", j.m.To.Address, "err", err)
	}
	j.mark = seq
	if j.group != nil { // after the mark: a crash in between must not repeat it
		o.ledger.handed(ctx, j, 0)
		o.fault.at(FaultHanded)
	}
	o.mu.Lock()
	delete(o.stored, j.seq) // it waits for nothing any more
	o.custody[j.m.ID] = &held{job: j, until: now.Add(custodyTime)}
	bounce := o.early[j.m.ID]
	delete(o.early, j.m.ID)
	o.mu.Unlock()
	if bounce != nil {
		o.takeBack(ctx, j.m.ID, bounce)
	}
}

// listen makes a bounce count that is quicker than the outcome of the attempt.
func (o *outbox) listen(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.early[id] = nil
}

// unlisten ends that, and gives the bounce if one came.
func (o *outbox) unlisten(id string) *Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	bounce := o.early[id]
	delete(o.early, id)
	return bounce
}

// bounced takes a relayed message back: to try it again, or to tell its sender.
// Only what is still being handed on is noted at once; the rest writes to disk,
// which no adapter shall wait for.
func (o *outbox) bounced(ctx context.Context, id string, err *Error) {
	o.mu.Lock()
	_, early := o.early[id]
	if early {
		o.early[id] = err
	}
	o.mu.Unlock()
	if !early {
		o.aside(func() { o.takeBack(ctx, id, err) })
	}
}

func (o *outbox) takeBack(ctx context.Context, id string, err *Error) {
	o.mu.Lock()
	h := o.custody[id]
	delete(o.custody, id)
	o.mu.Unlock()
	if h == nil {
		o.bouncedLate(ctx, id, err)
		return
	}
	if !err.Retry {
		o.fail(ctx, h.job, err)
		return
	}
	if derr := o.disk.Delete(h.job.mark); derr != nil {
		o.log.Error("outbox mark stays on disk", "seq", h.job.mark, "err", derr)
	}
	h.job.mark = 0
	h.job.after = time.Now().Add(h.job.bounces.Next())
	o.mu.Lock()
	o.stored[h.job.seq] = waiting{h.job.m.To.Adapter, h.job.m.At}
	o.mu.Unlock()
	if !o.post(ctx, h.job) {
		o.release(h.job) // it is on disk, as one to be tried
	}
}

// bouncedLate is for what has been refused after all when we had let go of it.
// It can't be tried again, but its writer must know.
func (o *outbox) bouncedLate(ctx context.Context, id string, err *Error) {
	info, ok := o.ledger.claim(id, Failed, nil)
	if !ok || info.Copies > 1 { // another copy may have arrived
		o.log.Debug("bounce of a message that is over", "id", id, "err", err)
		return
	}
	m := news(Failed, info)
	m.Cause, m.Reason = err.Cause, err.Reason
	o.bring(ctx, m, info.ID)
}

// runCustody lets go of relayed messages whose time has come, and sees to the lanes that
// have no goroutine, until ctx is done.
func (o *outbox) runCustody(ctx context.Context) {
	tick := time.NewTicker(custodyTime / 10)
	defer tick.Stop()
	lights := time.NewTicker(lightTick)
	defer lights.Stop()
	lights.Stop() // there are none yet
	leaving := o.leaving
	for {
		select {
		case <-ctx.Done():
			o.watchLights(ctx, true)
			return
		case <-leaving:
			o.watchLights(ctx, true)
			leaving = nil
		case <-o.rouse:
			lights.Reset(lightTick)
		case <-lights.C:
			if !o.watchLights(ctx, false) {
				lights.Stop()
			}
		case now := <-tick.C:
			for _, j := range o.ripe(now) {
				o.taken(ctx, j, Relayed)
			}
			o.ledger.sweep(now)
		}
	}
}

func (o *outbox) ripe(now time.Time) []*job {
	o.mu.Lock()
	defer o.mu.Unlock()
	var jobs []*job
	for id, h := range o.custody {
		if now.After(h.until) {
			delete(o.custody, id)
			jobs = append(jobs, h.job)
		}
	}
	return jobs
}
