package bridge

import (
	"context"
	"errors"
	"time"
)

// What becomes of a job in the end.

// taken ends a job that has arrived.
func (o *outbox) taken(ctx context.Context, j *job) {
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

// fail ends a job that won't arrive, and tells its sender if it must.
func (o *outbox) fail(ctx context.Context, j *job, err error) {
	o.log.Info("message not delivered", "from", j.m.From.Address, "to", j.m.To.Address, "err", err)
	if j.group != nil {
		if tell := j.group.failed(j.seq == 0, err); tell != nil {
			o.tell(ctx, j, tell)
		}
	}
	o.forget(j)
	o.release(j)
}

// tell sends the sender of j a Failed message. It is on disk before j is off
// it, so that a crash in between can't swallow the news.
func (o *outbox) tell(ctx context.Context, j *job, err error) {
	info := j.group.info
	m := Message{
		ID: newID(), Kind: Failed, Of: info.Ref, From: info.Dest, To: info.Origin,
		Subject: j.m.Subject, Bodies: j.m.Bodies, Thread: j.m.Thread,
		At: time.Now(), Hops: maxHops, Once: true, Cause: Internal,
	}
	var e *Error
	if errors.As(err, &e) {
		m.Cause, m.Reason = e.Cause, e.Reason
	}
	news := &job{m: m}
	if err := o.reserve([]*job{news}); err != nil {
		o.log.Error("sender not told of a failure", "to", m.To.Address, "err", err)
		return
	}
	if err := o.keep(ctx, news); err != nil {
		o.log.Error("sender not told of a failure", "to", m.To.Address, "err", err)
		o.release(news)
		return
	}
	o.post(ctx, news) // if it does not take it, the disk has it
}

// hold keeps a job that the next hop has taken until a bounce is unlikely.
func (o *outbox) hold(ctx context.Context, j *job) {
	now := time.Now()
	seq, err := o.append(ctx, record{Mark: &mark{Relayed: j.seq, At: now}})
	if err != nil {
		o.log.Error("a restart will repeat a message", "to", j.m.To.Address, "err", err)
	}
	j.mark = seq
	o.mu.Lock()
	o.custody[j.m.ID] = &held{job: j, until: now.Add(custodyTime)}
	bounce := o.early[j.m.ID]
	delete(o.early, j.m.ID)
	o.mu.Unlock()
	if bounce != nil {
		o.bounced(ctx, j.m.ID, bounce)
	}
}

// listen makes a bounce count that is quicker than the outcome of the attempt.
func (o *outbox) listen(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.early[id] = nil
}

func (o *outbox) unlisten(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.early, id)
}

// bounced takes a relayed message back: to try it again, or to tell its sender.
func (o *outbox) bounced(ctx context.Context, id string, err *Error) {
	o.mu.Lock()
	h := o.custody[id]
	delete(o.custody, id)
	_, early := o.early[id]
	if h == nil && early {
		o.early[id] = err
	}
	o.mu.Unlock()
	if h == nil && early {
		return
	}
	if h == nil {
		o.log.Debug("bounce of an unknown message", "id", id, "err", err)
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
	if !o.post(ctx, h.job) {
		o.release(h.job) // it is on disk, as one to be tried
	}
}

// runCustody lets go of relayed messages whose time has come, until ctx is done.
func (o *outbox) runCustody(ctx context.Context) {
	tick := time.NewTicker(custodyTime / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, j := range o.ripe(now) {
				o.taken(ctx, j)
			}
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
