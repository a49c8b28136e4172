package bridge

import (
	"context"
	"time"
)

// A replay puts what the disk has back on its way after a restart.
type replay struct {
	o       *outbox
	watch   func(seq uint64, w watchRecord)
	caps    func(seq uint64, c capRecord)
	groups  map[string]*group
	jobs    []*job
	settled map[string][]uint64 // marks by the group they speak of
	relayed map[uint64]mark     // by the record they speak of
	marks   map[uint64]uint64   // the numbers of those
}

// restore reads the disk and starts the lanes. It returns how many messages
// it found. watch and caps take what is none.
func (o *outbox) restore(
	ctx context.Context, watch func(seq uint64, w watchRecord), caps func(seq uint64, c capRecord),
) (int, error) {
	r := &replay{
		o: o, watch: watch, caps: caps, groups: map[string]*group{}, settled: map[string][]uint64{},
		relayed: map[uint64]mark{}, marks: map[uint64]uint64{},
	}
	if err := o.disk.Replay(ctx, r.read); err != nil {
		return 0, err
	}
	r.settle()
	for _, j := range r.jobs {
		if j.group != nil {
			o.ledger.expect(j.group, []*job{j})
		}
		r.start(ctx, j)
	}
	for _, seq := range r.marks { // left over from a crash between two deletions
		r.drop(seq)
	}
	return len(r.jobs), nil
}

// read takes one record. One that can't be read is told and left behind.
func (r *replay) read(seq uint64, data []byte) error {
	rec, err := decodeRecord(data)
	if err == nil && rec.Watch != nil {
		r.watch(seq, *rec.Watch)
		return nil
	}
	if err == nil && rec.Caps != nil {
		r.caps(seq, *rec.Caps)
		return nil
	}
	if err != nil || rec.Message == nil && rec.Mark == nil {
		r.o.log.Error("outbox record dropped: it can't be read", "seq", seq, "err", err)
		r.drop(seq)
		return nil
	}
	switch m := rec.Mark; {
	case m == nil:
		if now := time.Now(); rec.Message.At.After(now) {
			rec.Message.At = now // the clock was set back: it must expire all the same
		}
		r.jobs = append(r.jobs, &job{m: *rec.Message, seq: seq, tries: -1, group: r.group(rec.Group)})
	case m.Settled != "":
		r.settled[m.Settled] = append(r.settled[m.Settled], seq)
	default:
		r.relayed[m.Relayed] = *m
		r.marks[m.Relayed] = seq
	}
	return nil
}

// group finds or makes the group of a copy, and counts it there.
func (r *replay) group(info *groupInfo) *group {
	if info == nil {
		return nil
	}
	g := r.groups[info.ID]
	if g == nil {
		g = restoredGroup(*info)
		r.groups[info.ID] = g
		r.o.ledger.known(g)
	}
	g.live++
	return g
}

// settle tells groups that one copy has arrived, and drops what spoke of
// groups that have no copies any more.
func (r *replay) settle() {
	for id, seqs := range r.settled {
		if g := r.groups[id]; g != nil {
			g.settled, g.mark = true, seqs[0]
			seqs = seqs[1:]
		}
		for _, seq := range seqs {
			r.drop(seq)
		}
	}
}

// start puts one job into its lane, or into custody if it was relayed.
func (r *replay) start(ctx context.Context, j *job) {
	o := r.o
	o.mu.Lock()
	o.jobs++
	o.bytes += j.m.size()
	o.stored[j.seq] = waiting{j.m.To.Adapter, j.m.At}
	m, relayed := r.relayed[j.seq]
	if relayed {
		delete(o.stored, j.seq)
		j.mark = r.marks[j.seq]
		delete(r.marks, j.seq)
		// A clock set back must not keep it for ever.
		until := m.At.Add(custodyTime)
		if last := time.Now().Add(custodyTime); until.After(last) {
			until = last
		}
		o.custody[j.m.ID] = &held{job: j, until: until}
	}
	o.mu.Unlock()
	switch outcome := o.ledger.outcome(j.m.ID); {
	case relayed:
	case outcome != 0: // a crash came before it was off the disk
		o.taken(ctx, j, outcome)
	default:
		o.post(ctx, j)
	}
}

func (r *replay) drop(seq uint64) {
	if err := r.o.disk.Delete(seq); err != nil {
		r.o.log.Error("outbox record stays on disk", "seq", seq, "err", err)
	}
}
