package xmpp

import (
	"context"
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
	size  int           // bytes of items
	room  chan struct{} // closed when size has come down; nil if nobody waits
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put adds p unless the queue is beyond limit bytes.
func (q *queue) put(p packet, limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.size > limit {
		return false
	}
	q.items = append(q.items, p)
	q.size += len(p.data)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
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
func (q *queue) take(b []byte, s *session) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.items) && len(b) < writeSize {
		p := q.items[n]
		q.items[n] = packet{}
		n++
		q.size -= len(p.data)
		if p.sess == nil || p.sess == s {
			b = append(b, p.data...)
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
