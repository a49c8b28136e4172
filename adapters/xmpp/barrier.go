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
	// flush has questions written. It is called behind ask, without mu.
	flush func()
	// batch calls f, which calls many who waited.
	batch func(f func())
	// prefix makes the ids of one session's questions known to it alone.
	prefix string

	mu   sync.Mutex // guards all below: senders join, the reader answers
	lost bool       // no answer comes any more
	n    int
	out  *round // on its way; nil if none is
	next *round // goes out when that has come back; nil if nobody waits for it
}

type round struct {
	id   string
	back chan struct{} // closed when the answer has come
	told []func(lost bool)
}

// join gives a channel that is closed when the server has handled everything
// that was queued before the call.
func (b *barrier) join() <-chan struct{} {
	b.mu.Lock()
	r, asked := b.board()
	b.mu.Unlock()
	if asked {
		b.flush()
	}
	return r.back
}

// then is join for who does not wait: f is called when the server has handled
// everything that was queued before, or when the session is lost.
func (b *barrier) then(f func(lost bool)) {
	b.mu.Lock()
	if b.lost {
		b.mu.Unlock()
		f(true)
		return
	}
	r, asked := b.board()
	r.told = append(r.told, f)
	b.mu.Unlock()
	if asked {
		b.flush()
	}
}

// board gives the round that serves who comes now, and whether its question was asked just
// now. The lock is held.
func (b *barrier) board() (r *round, asked bool) {
	if b.out == nil {
		b.out = b.round()
		b.ask(b.out.id)
		return b.out, true
	}
	if b.next == nil {
		b.next = b.round()
	}
	return b.next, false
}

// lose tells all that the session is lost.
func (b *barrier) lose() {
	b.mu.Lock()
	b.lost = true
	var told []func(lost bool)
	for _, r := range []*round{b.out, b.next} {
		if r != nil {
			told = append(told, r.told...)
			r.told = nil
		}
	}
	b.mu.Unlock()
	for _, f := range told {
		f(true)
	}
}

// answered takes an IQ from ourselves and reports whether it was the question
// that is out.
func (b *barrier) answered(id string) bool {
	b.mu.Lock()
	if b.out == nil || b.out.id != id {
		b.mu.Unlock()
		return false
	}
	back := b.out
	told := back.told
	back.told = nil
	close(back.back)
	b.out, b.next = b.next, nil
	again := b.out != nil
	if again {
		b.ask(b.out.id)
	}
	b.mu.Unlock()
	if again {
		b.flush()
	}
	b.batch(func() {
		for _, f := range told {
			f(false)
		}
	})
	return true
}

func (b *barrier) round() *round {
	b.n++
	return &round{id: b.prefix + strconv.Itoa(b.n), back: make(chan struct{})}
}
