package wire

import (
	"errors"
	"slices"
	"sync"
)

// ErrSlow ends a connection whose peer does not take even what must not be lost.
var ErrSlow = errors.New("the peer takes nothing any more")

// A queue is what waits to be written. Putting never waits.
type queue struct {
	limits Limits
	wake   chan struct{} // something is there, or closing is set

	mu      sync.Mutex // guards what follows
	waiting []Message
	media   int
	bytes   int
	dropped uint64
	closing bool  // no more comes
	ended   error // why nothing can be written any more
}

func newQueue(l Limits) *queue { return &queue{limits: l, wake: make(chan struct{}, 1)} }

// put queues a message. When there are too many the oldest sound goes first: it
// is the latest already.
func (q *queue) put(m Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended != nil:
		return q.ended
	case q.closing:
		return errClosed
	}
	media := m.droppable()
	for media && q.media >= q.limits.QueueMedia || len(q.waiting) >= q.limits.Queue || q.bytes+len(m.Body) > q.limits.QueueBytes {
		if q.dropOldest() {
			continue
		}
		if media {
			q.dropped++
			return nil
		}
		q.ended = ErrSlow
		q.signal()
		return ErrSlow
	}
	if media {
		q.media++
	}
	q.waiting = append(q.waiting, m)
	q.bytes += len(m.Body)
	q.signal()
	return nil
}

func (q *queue) dropOldest() bool {
	if q.media == 0 {
		return false
	}
	i := slices.IndexFunc(q.waiting, Message.droppable)
	q.bytes -= len(q.waiting[i].Body)
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.media--
	q.dropped++
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take gives all that waits, in memory of which free is used again. done says
// that no more will come.
func (q *queue) take(free []Message) (all []Message, done bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all, q.waiting = q.waiting, free[:0]
	q.media, q.bytes = 0, 0
	return all, q.closing, q.ended
}

// end refuses what comes from now on, with err, and wakes the writer.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil {
		q.ended = err
	}
	q.signal()
}

// finish lets what waits be written and takes no more.
func (q *queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closing = true
	q.signal()
}
