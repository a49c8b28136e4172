package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stragglers is how long the last texts of a load may take.
	stragglers = 20 * time.Second
	// settle is for what a program still does for texts that have arrived.
	settle = 150 * time.Millisecond
)

// A load is texts that are sent in one direction, and what becomes of them.
type load struct {
	id      int
	n       int  // how many
	answers bool // the sender hears of each

	start   time.Time
	elapsed time.Duration  // from the first text to the end of the last
	sent    []atomic.Int64 // when, in nanoseconds since start
	took    []atomic.Int64 // from sending to arrival, in nanoseconds; 0: has not arrived
	tokens  chan struct{}  // nil, or how many may still be under way
	refused atomic.Int64

	mu       sync.Mutex // guards what follows
	missing  int        // texts that have not arrived
	awaited  int        // answers that have not come
	answered []bool
	done     chan struct{} // closed when both are zero
}

// newLoad makes one of n texts. window is how many may be under way at once,
// 0 for any number.
func newLoad(id, n, window int, answers bool) *load {
	l := &load{
		id: id, n: n, answers: answers, start: time.Now(),
		sent: make([]atomic.Int64, n), took: make([]atomic.Int64, n),
		missing: n, answered: make([]bool, n), done: make(chan struct{}),
	}
	if answers {
		l.awaited = n
	}
	if window > 0 {
		l.tokens = make(chan struct{}, window)
	}
	return l
}

// arrived notes the first arrival of a text at its recipient.
func (l *load) arrived(m mark, now time.Time) {
	if m.load != l.id || m.number >= l.n {
		return
	}
	took := max(int64(now.Sub(l.start))-l.sent[m.number].Load(), 1)
	if !l.took[m.number].CompareAndSwap(0, took) {
		return
	}
	if l.tokens != nil {
		<-l.tokens
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missing--
	l.checkDone()
}

// answer notes the final answer to a text.
func (l *load) answer(m mark, ok bool) {
	if m.load != l.id || m.number >= l.n || !l.answers {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered[m.number] {
		return
	}
	l.answered[m.number] = true
	if !ok {
		l.refused.Add(1)
	}
	l.awaited--
	l.checkDone()
}

// checkDone is for callers that hold mu.
func (l *load) checkDone() {
	if l.missing == 0 && l.awaited == 0 {
		close(l.done)
	}
}

// run sends all texts, rate a second or, if that is 0, as fast as the window
// lets them, and returns when all have arrived and settled.
func (l *load) run(ctx context.Context, rate int, send func(mark) error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	begin := time.Now()
	for i := range l.n {
		if rate > 0 {
			due := time.Duration(i) * time.Second / time.Duration(rate)
			if early := due - time.Since(begin); early > 0 {
				timer.Reset(early)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
		if l.tokens != nil {
			select {
			case l.tokens <- struct{}{}:
			case <-time.After(stragglers):
				return l.stuck()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		l.sent[i].Store(int64(time.Since(l.start)))
		if err := send(mark{l.id, i}); err != nil {
			return err
		}
	}
	select {
	case <-l.done:
	case <-time.After(stragglers):
		return l.stuck()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.elapsed = time.Since(begin)
	if n := l.refused.Load(); n > 0 {
		return fmt.Errorf("%d of %d texts were refused", n, l.n)
	}
	return pause(ctx, settle)
}

func (l *load) stuck() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Errorf("of %d texts %d have not arrived, %d have no answer and %d were refused", l.n, l.missing, l.awaited, l.refused.Load())
}

// times is how long each text took.
func (l *load) times() []time.Duration {
	all := make([]time.Duration, l.n)
	for i := range all {
		all[i] = time.Duration(l.took[i].Load())
	}
	return all
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
