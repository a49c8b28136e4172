package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gateway/bridge"
)

const (
	// stay is how long a record may stay in the front.
	stay = time.Second
	// carryTime bounds one try at carrying records over.
	carryTime = 30 * time.Second
	// bundleSize is about how much goes into one record of a stream that takes bundles.
	bundleSize = 256 << 10
)

// A Log is a stream, with a front before it if it is the embedded one. Its methods may
// be called from any goroutine.
type Log struct {
	*Stream
	front   *front // nil: records go to the stream at once
	bundles bool   // many records become one of the stream; they can't be deleted there

	wake chan struct{} // tells runFront that something is in the front
	full chan struct{} // tells it that there is no room

	// What follows is guarded by front.mu.
	next     uint64
	fresh    map[uint64]*kept  // what is only in the front
	leaving  []*kept           // of those, what is being carried over, in order
	behind   map[uint64]uint64 // where in the stream the others are
	unmoved  error             // why the last try to carry records over failed
	restless bool              // runFront knows that there is something
}

// A kept record is one in the front.
type kept struct {
	seq  uint64
	data []byte
	gone bool
}

var _ bridge.Log = (*Log)(nil)

func newLog(s *Stream, bundles bool) *Log {
	return &Log{
		Stream: s, bundles: bundles, wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		fresh: map[uint64]*kept{}, behind: map[uint64]uint64{},
	}
}

// inOrder is what is only in the front.
func (l *Log) inOrder() []*kept {
	return slices.SortedFunc(maps.Values(l.fresh), func(a, b *kept) int { return cmp.Compare(a.seq, b.seq) })
}

// Append implements bridge.Log. It fails when ctx is done, when there is no
// room, and when the store does not work: the embedded one at once, the
// operator's when it has not come back within five seconds. Of a log that takes
// bundles a record is written when Append returns, and synced within 100 ms: a process may
// die then, but not the machine.
func (l *Log) Append(ctx context.Context, data []byte) (uint64, error) {
	if l.front == nil {
		return l.Stream.Append(ctx, data)
	}
	seq, err := l.append(ctx, data)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", l.config.Name, err)
	}
	return seq, nil
}

func (l *Log) append(ctx context.Context, data []byte) (uint64, error) {
	if _, _, _, cause := l.store.link.state(); cause != nil {
		l.store.link.stir()
		return 0, fmt.Errorf("%w: %w", errDown, cause)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	f := l.front
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.unmoved != nil {
		l.hurry()
		return 0, l.unmoved
	}
	if len(data) > frontMost {
		return l.appendLong(ctx, data)
	}
	if err := l.makeRoom(len(data)); err != nil {
		return 0, err
	}
	seq := l.next
	l.next++
	l.fresh[seq] = &kept{seq: seq, data: data}
	l.rouse()
	if err := f.put(frame{kind: frameRecord, seq: seq, data: data}, f.syncs); err != nil {
		l.disown(seq)
		l.store.link.fail(err)
		return 0, fmt.Errorf("%w: %w", errDown, err)
	}
	return seq, nil
}

// appendLong appends to the stream, behind all that has come before. The lock is
// held but while it waits.
func (l *Log) appendLong(ctx context.Context, data []byte) (uint64, error) {
	f := l.front
	seq := l.next
	l.next++
	if err := l.awaitCarried(seq); err != nil {
		return 0, err
	}
	f.mu.Unlock()
	at, err := l.Stream.Append(ctx, frame{kind: frameRecord, seq: seq, data: data}.append(nil))
	f.mu.Lock()
	if err == nil && !l.bundles {
		l.behind[seq] = at
	}
	return seq, err
}

// makeRoom waits until a frame with so much data fits. The lock is held but while it
// waits.
func (l *Log) makeRoom(data int) error {
	f := l.front
	for !f.room(data) && f.err == nil {
		if l.unmoved != nil {
			return l.unmoved
		}
		l.hurry()
		f.changed.Wait()
	}
	return f.err
}

// rouse tells runFront that there is something. The lock is held.
func (l *Log) rouse() {
	if !l.restless {
		l.restless = true
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// awaitCarried waits until no record before seq is only in the front. The lock is held
// but while it waits.
func (l *Log) awaitCarried(seq uint64) error {
	for len(l.fresh) > 0 && slices.Min(slices.Collect(maps.Keys(l.fresh))) < seq {
		if l.unmoved != nil {
			return l.unmoved
		}
		l.hurry()
		l.front.changed.Wait()
	}
	return nil
}

// hurry has runFront carry over now. The lock is held.
func (l *Log) hurry() {
	l.rouse()
	select {
	case l.full <- struct{}{}:
	default:
	}
}

// retry carries over once more what could not be.
func (l *Log) retry() {
	if l.front == nil {
		return
	}
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	if l.unmoved != nil || l.front.err != nil {
		l.hurry()
	}
}

// Delete implements bridge.Log. While the store does not work it notes what is
// to be deleted, and that is done when it works again.
func (l *Log) Delete(seq uint64) error {
	if l.front == nil {
		return l.Stream.Delete(seq)
	}
	f := l.front
	f.mu.Lock()
	k := l.fresh[seq]
	if k == nil {
		at := l.behind[seq]
		delete(l.behind, seq)
		f.mu.Unlock()
		if at == 0 {
			return nil
		}
		return l.Stream.Delete(at)
	}
	defer f.mu.Unlock()
	k.gone = true
	delete(l.fresh, seq)
	l.rouse()
	if l.makeRoom(0) == nil {
		_ = f.put(frame{kind: frameGone, seq: seq}, false) // without it, it is gone when the file is free
	}
	return nil
}

// Replay implements bridge.Log.
func (l *Log) Replay(ctx context.Context, f func(seq uint64, data []byte) error) error {
	if l.front == nil {
		return l.Stream.Replay(ctx, f)
	}
	l.front.mu.Lock()
	fresh := l.inOrder()
	l.front.mu.Unlock()
	twice := map[uint64]bool{}
	for _, k := range fresh {
		twice[k.seq] = true // one that is carried over meanwhile
	}
	err := l.Stream.Replay(ctx, func(at uint64, data []byte) error {
		for _, x := range parseBundle(at, data) {
			if twice[x.seq] {
				continue
			}
			if err := f(x.seq, x.data); err != nil {
				return err
			}
		}
		return nil
	})
	for _, k := range fresh {
		if err != nil {
			break
		}
		err = f(k.seq, k.data)
	}
	return err
}
