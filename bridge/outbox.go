package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// The outbox's own bounds.
const (
	patience    = 3 * time.Second // how long a sender waits before its message goes to disk
	maxAttempt  = 40 * time.Second
	maxJobs     = 100_000
	maxBytes    = 256 << 20 // of message texts
	custodyTime = 5 * time.Minute
)

var errFull = errors.New("the outbox is full")

// lanePair names a lane: the sender as its recipient sees it, and the
// recipient. Between two such, order is kept.
type lanePair struct{ from, to Address }

// An outbox delivers messages: directly if it can be, from disk if it can't.
// There is a lane for each pair of parties that has something under way.
type outbox struct {
	log     *slog.Logger
	disk    Log
	ledger  *ledger
	metrics *metrics
	send    func(context.Context, Message) (Outcome, error)
	// start is Starter.StartMessage of a message's recipient; nil: nobody can.
	start func(Message, func(Outcome, error)) bool
	// expire is asked at every try, so that a reload counts at once.
	expire func() time.Duration
	fault  faults
	// leaving is closed when no new attempts shall be made.
	leaving chan struct{}

	rouse chan struct{}  // tells runCustody that there are lanes without goroutines
	wg    sync.WaitGroup // the lanes

	mu      sync.Mutex // guards what follows: lanes come and go
	closed  bool
	asides  []func() // to be run one after the other
	lanes   map[lanePair]*lane
	lights  map[*lane]bool    // those without a goroutine
	watched bool              // runCustody looks at them
	custody map[string]*held  // by Message.ID
	early   map[string]*Error // bounces of what is being handed on, by Message.ID; nil if there is none yet
	jobs    int
	bytes   int
	stored  map[uint64]waiting // what is on disk, for the gauges
}

// waiting is what the gauges say of a record.
type waiting struct {
	adapter string
	at      time.Time
}

// held is a message that the next hop has, kept for the case that it bounces.
type held struct {
	job   *job
	until time.Time
}

func newOutbox(log *slog.Logger, disk Log, past *ledger, m *metrics, send func(context.Context, Message) (Outcome, error), expire func() time.Duration) *outbox {
	return &outbox{
		log: log, disk: disk, ledger: past, metrics: m, send: send, expire: expire,
		leaving: make(chan struct{}), rouse: make(chan struct{}, 1), lights: make(map[*lane]bool),
		lanes:   make(map[lanePair]*lane),
		custody: make(map[string]*held),
		early:   make(map[string]*Error),
		stored:  make(map[uint64]waiting),
	}
}

func (m Message) size() int {
	n := len(m.Thread) + len(m.Reason)
	for _, b := range m.Subject {
		n += len(b.Text)
	}
	for _, b := range m.Bodies {
		n += len(b.Text)
	}
	return n
}

// reserve makes room for the copies of a message, all or none.
func (o *outbox) reserve(jobs []*job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	bytes := 0
	for _, j := range jobs {
		bytes += j.m.size()
	}
	if o.jobs+len(jobs) > maxJobs || o.bytes+bytes > maxBytes {
		return errFull
	}
	o.jobs += len(jobs)
	o.bytes += bytes
	return nil
}

// release gives back what reserve took for a job that is over.
func (o *outbox) release(j *job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs--
	o.bytes -= j.m.size()
}

// post puts a job into its lane, which it starts if need be. It reports false,
// and has done nothing, when the outbox is closed.
func (o *outbox) post(ctx context.Context, j *job) bool {
	pair := lanePair{j.m.From.Address, j.m.To.Address}
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return false
	}
	l := o.lanes[pair]
	if l == nil {
		l = o.newLane(pair)
	}
	switch {
	case l.light == nil:
		l.mail = append(l.mail, j)
		l.wake()
	case !l.postLight(j):
		l.mail = append(l.mail, j)
		l.light.leave = true
		o.settleLight(ctx, l)
	case j.m.Once:
		o.mu.Unlock()
		o.keepLight(ctx, l, j)
		return true
	default:
		o.mu.Unlock()
		o.drive(ctx, l)
		return true
	}
	o.mu.Unlock()
	return true
}

// newLane begins a lane, without a goroutine. The lock is held.
func (o *outbox) newLane(pair lanePair) *lane {
	l := &lane{o: o, pair: pair, light: &light{}}
	o.lanes[pair], o.lights[l] = l, true
	o.wg.Add(1)
	o.watch()
	return l
}

// watch has runCustody look at the lanes without goroutines. The lock is held.
func (o *outbox) watch() {
	if !o.watched {
		o.watched = true
		select {
		case o.rouse <- struct{}{}:
		default:
		}
	}
}

// leave stops new attempts and waits for those under way, at most until ctx is
// done; from then on it cuts them short. When it returns, all is on disk.
func (o *outbox) leave(ctx context.Context, cut context.CancelFunc) {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	close(o.leaving)
	stop := context.AfterFunc(ctx, cut)
	defer stop()
	o.wg.Wait()
}

// aside runs f beside the lanes, behind what was given to it before; the end
// waits for it. When there is to be no more of it, f runs at once.
func (o *outbox) aside(f func()) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		f()
		return
	}
	o.asides = append(o.asides, f)
	if len(o.asides) == 1 {
		o.wg.Add(1)
		go func() {
			defer o.wg.Done()
			o.runAsides()
		}()
	}
	o.mu.Unlock()
}

// runAsides works until there is nothing left. What it works on stays in the
// list, so that nobody starts a second one.
func (o *outbox) runAsides() {
	for {
		o.mu.Lock()
		f := o.asides[0]
		o.mu.Unlock()
		f()
		o.mu.Lock()
		o.asides = o.asides[1:]
		done := len(o.asides) == 0
		o.mu.Unlock()
		if done {
			return
		}
	}
}

// collect takes a lane's mail, or ends the lane when there is none and the
// lane has nothing left to do.
func (o *outbox) collect(l *lane, idle bool) (mail []*job, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mail, l.mail = l.mail, nil
	if len(mail) == 0 && idle {
		delete(o.lanes, l.pair)
		return nil, true
	}
	return mail, false
}

// retry makes lanes try at once: those to a, or all to a's adapter if it has
// no name.
func (o *outbox) retry(a Address) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for pair, l := range o.lanes {
		if pair.to == a || a.Name == "" && pair.to.Adapter == a.Adapter {
			if l.light != nil {
				l.light.hurry = true
				continue
			}
			select {
			case l.again <- struct{}{}:
			default:
			}
		}
	}
}

// keep puts a job on disk.
func (o *outbox) keep(ctx context.Context, j *job) error {
	seq, err := o.append(ctx, recordOf(j))
	if err != nil {
		return err
	}
	j.seq = seq
	o.mu.Lock()
	o.stored[seq] = waiting{j.m.To.Adapter, j.m.At}
	o.mu.Unlock()
	o.fault.at(FaultKept)
	return nil
}

// recordOf is what goes to disk of a job.
func recordOf(j *job) record {
	r := record{Message: &j.m}
	if j.group != nil {
		info := j.group.snapshot()
		r.Group = &info
	}
	return r
}

// append writes one record. It outlives ctx by a while: what is being shut
// down must still get to disk.
func (o *outbox) append(ctx context.Context, r record) (uint64, error) {
	b, err := r.encode()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return o.disk.Append(ctx, b)
}

// forget takes a job and the marks that only it needed off the disk.
func (o *outbox) forget(j *job) {
	seqs := []uint64{j.seq, j.mark}
	if j.group != nil {
		seqs = append(seqs, j.group.spentMark())
	}
	for _, seq := range seqs {
		if seq == 0 {
			continue
		}
		if err := o.disk.Delete(seq); err != nil {
			o.log.Error("outbox record stays on disk", "seq", seq, "err", err)
		}
	}
	o.mu.Lock()
	delete(o.stored, j.seq)
	o.mu.Unlock()
	j.seq, j.mark = 0, 0
	o.fault.at(FaultForgotten)
}
