package xmpp

import (
	"strconv"
	"sync"
)

// A barrier asks the server for an answer behind what was sent so far. One
// question is out at a time and serves all that came before it; those who come
// while it is out share the next.
type barrier struct {
	// ask sends the question. It is called with mu held, so that questions
	// leave in their order, and must not block.
	ask func(id string)
	// prefix makes the ids of one session's questions known to it alone.
	prefix string

	mu   sync.Mutex // guards all below: senders join, the reader answers
	n    int
	out  *round // on its way; nil if none is
	next *round // goes out when that has come back; nil if nobody waits for it
}

type round struct {
	id   string
	back chan struct{} // closed when the answer has come
}

// join gives a channel that is closed when the server has handled everything
// that was queued before the call.
func (b *barrier) join() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil {
		b.out = b.round()
		b.ask(b.out.id)
		return b.out.back
	}
	if b.next == nil {
		b.next = b.round()
	}
	return b.next.back
}

// answered takes an IQ from ourselves and reports whether it was the question
// that is out.
func (b *barrier) answered(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil || b.out.id != id {
		return false
	}
	close(b.out.back)
	b.out, b.next = b.next, nil
	if b.out != nil {
		b.ask(b.out.id)
	}
	return true
}

func (b *barrier) round() *round {
	b.n++
	return &round{id: b.prefix + strconv.Itoa(b.n), back: make(chan struct{})}
}
