package sip

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"gateway/bridge"
)

// do has the leg do something, now, in the caller's goroutine, and what others want of it
// meanwhile; if somebody is at it already, that one will. So what one message causes
// is done in the goroutine that has read it; but not if ports are another process's, which
// takes waiting. The caller holds no lock.
func (l *leg) do(f func()) {
	if l.box.put(f) && !(l.e.remote && l.e.crew.start(l.run)) {
		l.run()
	}
}

// later is do for somebody who can't wait.
func (l *leg) later(f func()) {
	if l.box.put(f) && !l.e.crew.start(l.run) {
		go l.run() // the Run ends, but waits for the leg
	}
}

// run does what is in the box.
func (l *leg) run() {
	for f := l.box.next(); f != nil; f = l.box.next() {
		l.perform(f)
	}
}

// perform does one thing. A fault of ours that the leg's peer has found ends the leg and
// nothing else.
func (l *leg) perform(f func()) {
	defer func() {
		if p := recover(); p != nil {
			l.logger().Error("panic in a leg", "err", p, "stack", string(debug.Stack()))
			l.end(bridge.Internal, "", fmt.Errorf("panic: %v", p))
		}
	}()
	if !l.over {
		f()
	}
}

// A box holds what is to be done, for one to do it at a time. The zero box is ready to
// use.
type box struct {
	mu     sync.Mutex // guards the rest: everybody puts
	things []func()
	done   int  // how many of things are done with
	busy   bool // somebody sees to it
	shut   bool
}

// maxDone is how many things that are done with stay in a box where there is always another.
const maxDone = 64

// put never blocks. True: the caller sees to the box from now on. Nothing is put into a
// box that is closed.
func (b *box) put(f func()) (yours bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return false
	}
	b.things = append(b.things, f)
	yours = !b.busy
	b.busy = true
	return yours
}

// next is what is to be done next; nil: nothing, and nobody sees to the box any more.
func (b *box) next() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.things) == 0 {
		b.busy = false
		return nil
	}
	f := b.things[b.done]
	b.things[b.done] = nil
	if b.done++; b.done == len(b.things) || b.done == maxDone {
		b.things, b.done = slices.Delete(b.things, 0, b.done), 0
	}
	return f
}

func (b *box) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut, b.things, b.done = true, nil, 0
}
