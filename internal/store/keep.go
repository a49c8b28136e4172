package store

import (
	"context"
	"fmt"

	"gateway/bridge"
)

// What goes into a front without waiting.

var (
	_ bridge.Keeper  = (*Log)(nil)
	_ bridge.Batcher = (*Log)(nil)
)

// A waiter hears that so many bytes are written, and synced if they had to be.
type waiter struct {
	upto int64 // of front.added
	done func(error)
}

// Keep implements bridge.Keeper. Of a log that takes bundles a record is written when
// done hears of it, and synced within 100 ms, as with Append.
func (l *Log) Keep(data []byte, done func(seq uint64, err error)) bool {
	if l.front == nil || len(data) > frontMost {
		return false
	}
	if _, _, _, cause := l.store.link.state(); cause != nil {
		return false
	}
	f := l.front
	f.mu.Lock()
	if l.unmoved != nil || f.err != nil || !f.room(len(data)) {
		f.mu.Unlock()
		return false
	}
	seq := l.next
	l.next++
	l.fresh[seq] = &kept{seq: seq, data: data}
	l.rouse()
	f.add(frame{kind: frameRecord, seq: seq, data: data}, f.syncs)
	f.waiters = append(f.waiters, waiter{f.added, func(err error) {
		if err != nil {
			l.forsake(seq, err)
			done(0, fmt.Errorf("append to %s: %w: %w", l.config.Name, errDown, err))
			return
		}
		done(seq, nil)
	}})
	if f.held > 0 {
		f.mu.Unlock()
		return true
	}
	f.mu.Unlock()
	f.oblige()
	return true
}

// oblige writes what Keep has taken, where that makes nobody wait; else it has runKeeper do it.
func (f *front) oblige() {
	f.mu.Lock()
	if len(f.waiters) == 0 {
		f.mu.Unlock()
		return
	}
	if f.flying || !f.busy && f.launch() {
		f.mu.Unlock()
		return // land goes on with it
	}
	if f.syncs || f.busy || f.err == nil && len(f.buf) == 0 {
		f.kick()
		f.mu.Unlock()
		return
	}
	if f.err == nil && !f.jot() {
		f.write()
	}
	heard, err := f.heard(), f.err
	f.remind()
	f.mu.Unlock()
	tell(heard, err)
}

// Batch implements bridge.Batcher: what Keep takes within f is written when it returns.
func (l *Log) Batch(f func()) {
	if l.front == nil {
		f()
		return
	}
	l.front.mu.Lock()
	l.front.held++
	l.front.mu.Unlock()
	defer func() {
		l.front.mu.Lock()
		l.front.held--
		l.front.mu.Unlock()
		l.front.oblige()
	}()
	f()
}

// forsake forgets a record that could not be written.
func (l *Log) forsake(seq uint64, err error) {
	l.front.mu.Lock()
	l.disown(seq)
	l.front.mu.Unlock()
	l.store.link.fail(err)
}

// disown sees to it that a record which is said not to be on disk is not there, though it
// may be on its way into the stream, or have come there, since it could not be written. The
// lock is held.
func (l *Log) disown(seq uint64) {
	if k := l.fresh[seq]; k != nil {
		k.gone = true
		delete(l.fresh, seq)
	}
	if at := l.behind[seq]; at != 0 {
		delete(l.behind, seq)
		l.later(at, nil)
	}
}

// Drop implements bridge.Keeper.
func (l *Log) Drop(seq uint64) bool {
	if l.front == nil {
		return false
	}
	f := l.front
	f.mu.Lock()
	defer f.mu.Unlock()
	k := l.fresh[seq]
	if k == nil {
		_, behind := l.behind[seq]
		return !behind
	}
	k.gone = true
	delete(l.fresh, seq)
	l.rouse()
	if f.err == nil && f.room(0) {
		f.add(frame{kind: frameGone, seq: seq}, false)
	}
	return true
}

// runKeeper writes what Keep has taken, all that has come at once, until ctx is done.
func (f *front) runKeeper(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.kicked:
		}
		f.mu.Lock()
		for len(f.waiters) > 0 {
			switch {
			case f.busy:
				f.changed.Wait()
			case f.err == nil && len(f.buf) > 0:
				f.write()
			}
			heard, err := f.heard(), f.err
			f.mu.Unlock()
			tell(heard, err)
			f.mu.Lock()
		}
		f.mu.Unlock()
	}
}

// heard gives the waiters that know now what has become of theirs: all of them if the
// front does not work. The lock is held.
func (f *front) heard() []waiter {
	n := len(f.waiters)
	if f.err == nil {
		for n = 0; n < len(f.waiters) && f.waiters[n].upto <= f.written; n++ {
		}
	}
	all := f.waiters[:n:n]
	f.waiters = f.waiters[n:]
	return all
}

func tell(all []waiter, err error) {
	for _, w := range all {
		w.done(err)
	}
}

// remind has runKeeper look if somebody waits. The lock is held.
func (f *front) remind() {
	if len(f.waiters) > 0 {
		f.kick()
	}
}

// kick has runKeeper look.
func (f *front) kick() {
	select {
	case f.kicked <- struct{}{}:
	default:
	}
}
