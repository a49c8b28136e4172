package relay

import (
	"sync"
	"sync/atomic"

	"gateway/bridge/media"
)

// maxPending bounds the events of one Listener that wait to be told: a peer that
// presses keys faster than anybody can hear is not remembered for ever.
const maxPending = 64

// A Listener is told the events of one port.
type Listener struct {
	events  func(media.Event)
	pending atomic.Int32
	closed  atomic.Bool
}

// Listen makes a Listener that is told by calls of events.
func Listen(events func(media.Event)) *Listener { return &Listener{events: events} }

// Close has nothing more told. A call that has begun may still be under way.
func (l *Listener) Close() { l.closed.Store(true) }

// A Teller tells events, from the one goroutine that Run is.
type Teller struct {
	mu    sync.Mutex // guards queue
	queue []told
	wake  chan struct{} // holds one
}

type told struct {
	to *Listener
	ev media.Event
}

// NewTeller is a Teller that tells when Run is called.
func NewTeller() *Teller { return &Teller{wake: make(chan struct{}, 1)} }

// Post has ev told to l. It does not block.
func (t *Teller) Post(l *Listener, ev media.Event) {
	if l.pending.Add(1) > maxPending {
		l.pending.Add(-1)
		return
	}
	t.mu.Lock()
	t.queue = append(t.queue, told{l, ev})
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run tells what is posted until done is closed.
func (t *Teller) Run(done <-chan struct{}) {
	var batch []told
	for {
		t.mu.Lock()
		batch, t.queue = t.queue, batch[:0]
		t.mu.Unlock()
		for i, e := range batch {
			e.to.pending.Add(-1)
			if !e.to.closed.Load() {
				e.to.events(e.ev)
			}
			batch[i] = told{}
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-done:
			return
		case <-t.wake:
		}
	}
}
