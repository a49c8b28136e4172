package xmpp

import (
	"context"
	"math"
	"slices"
	"sync"
)

const (
	queueHigh = 1 << 20 // bytes, above which whoever can wait does
	queueMax  = 4 << 20 // bytes, above which an answer is dropped
	writeSize = 64 << 10
)

// A packet is a whole stanza on its way out. With a session it goes out in that
// one or not at all.
type packet struct {
	data []byte
	sess *session
}

// queue holds what is to be written. It outlives sessions, so that an answer is
// not lost with the connection on which it was asked for.
type queue struct {
	wake chan struct{} // has room for one: something was put

	mu    sync.Mutex // guards all below: many put, one takes
	items []packet
	taken []packet      // what take gave last
	size  int           // bytes of items
	room  chan struct{} // closed when size has come down; nil if nobody waits
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put adds p unless the queue is beyond limit bytes.
func (q *queue) put(p packet, limit int) bool {
	ok := q.lay(p, limit)
	if ok {
		q.rouse()
	}
	return ok
}

// lay is put where somebody else has it written; unless it becomes so much that the reader
// waits for room, who may have to read before that.
func (q *queue) lay(p packet, limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.size > limit {
		return false
	}
	q.items = append(q.items, p)
	if q.size += len(p.data); q.size > queueHigh {
		q.rouse()
	}
	return true
}

// rouse has what is there written.
func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// wait returns when the queue is not too long, or with ctx.
func (q *queue) wait(ctx context.Context) error {
	for {
		q.mu.Lock()
		if q.size <= queueHigh {
			q.mu.Unlock()
			return nil
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take appends to b the packets for s, about writeSize bytes of them, and
// forgets those of sessions that have ended.
func (q *queue) take(b []byte, s *session) []byte { return q.takeUpTo(writeSize, b, s) }

// takeAll gives all that is for no session in particular.
func (q *queue) takeAll() []byte { return q.takeUpTo(math.MaxInt, nil, nil) }

func (q *queue) takeUpTo(size int, b []byte, s *session) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	clear(q.taken)
	q.taken = q.taken[:0]
	for n < len(q.items) && len(b) < size {
		p := q.items[n]
		q.items[n] = packet{}
		n++
		q.size -= len(p.data)
		if p.sess == nil || p.sess == s {
			b = append(b, p.data...)
			q.taken = append(q.taken, p)
		}
	}
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
	}
	if q.size <= queueHigh && q.room != nil {
		close(q.room)
		q.room = nil
	}
	return b
}

// back says that of what take gave last only n bytes could be written, and that
// the session is no more. What is for no session in particular goes out in the
// next.
func (q *queue) back(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var again []packet
	for _, p := range q.taken {
		if n -= len(p.data); n < 0 && p.sess == nil {
			again = append(again, p)
			q.size += len(p.data)
		}
	}
	q.taken = nil
	q.items = append(again, q.items...)
}

// rest is how many packets there are for no session in particular, when there
// is no session. It forgets the others.
func (q *queue) rest() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = slices.DeleteFunc(q.items, func(p packet) bool {
		if p.sess != nil {
			q.size -= len(p.data)
		}
		return p.sess != nil
	})
	return len(q.items)
}
