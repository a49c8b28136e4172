package bridge

import (
	"context"
	"log/slog"
	"time"
)

const (
	// keepAfter is how long what is counted waits to be written together: what a
	// crash may lose.
	keepAfter = time.Second
	// keepWithin is how long the disk may take, and when one that has failed is tried again.
	keepWithin = 10 * time.Second
)

// A capRecord is what the disk has of a capUse: the counts of both windows, the step
// that At is in first.
type capRecord struct {
	Key     string    `json:"key"`
	At      time.Time `json:"at"`
	Begun   []int     `json:"begun,omitempty"`
	Minutes []int     `json:"minutes,omitempty"`
}

// restore takes a record from the disk, before run runs. A later one of the same
// map counts instead of an earlier one.
func (l *capLedger) restore(seq uint64, r capRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := newCapUse()
	// Whole steps have passed, or fewer: nothing is forgotten too early, also where the
	// clock was set back.
	now, past := time.Since(l.start), max(0, time.Since(r.At))
	u.begun.put(now, past, r.Begun)
	u.minutes.put(now, past, r.Minutes)
	if old := l.uses[r.Key]; old != nil {
		l.stale = append(l.stale, old.seq)
	}
	u.seq = seq
	l.uses[r.Key] = u
	if u.begun.sum(now)+u.minutes.sum(now) == 0 {
		l.touch(r.Key) // to be forgotten
	}
}

// touch notes that what is on disk of a map is not true any more. l.mu is held.
func (l *capLedger) touch(key string) {
	l.changed[key] = struct{}{}
	select {
	case l.stirred <- struct{}{}:
	default:
	}
}

// run writes what changes, until ctx is done, and what is left then.
func (l *capLedger) run(ctx context.Context) {
	var wait <-chan time.Time // nil: nothing is to be written
	failed := error(nil)
	for {
		select {
		case <-ctx.Done():
			_ = l.save(ctx) // it has been told, or is the last
			return
		case <-l.stirred:
			if wait == nil {
				wait = time.After(keepAfter)
			}
		case <-wait:
			wait = nil
			err := l.save(ctx)
			if err != nil {
				wait = time.After(keepWithin)
			}
			if err != nil && failed == nil {
				l.log.Error("what caps have counted is not on disk", slog.Any("err", err))
			}
			failed = err
		}
	}
}

// save writes what has changed.
func (l *capLedger) save(ctx context.Context) (failed error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	for _, w := range l.take() {
		seq, err := w.write(ctx, l.disk)
		l.mu.Lock()
		if err != nil {
			failed = err
			l.changed[w.record.Key] = struct{}{}
		} else {
			l.written(w, seq)
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	stale := l.stale
	l.stale = nil
	l.mu.Unlock()
	for _, seq := range stale {
		if err := l.disk.Delete(seq); err != nil {
			l.log.Error("outbox record stays on disk", "seq", seq, "err", err)
		}
	}
	return failed
}

// A capWriting is a record that is to be written, or only forgotten.
type capWriting struct {
	record capRecord
	use    *capUse
	empty  bool
}

// take is what is to be written.
func (l *capLedger) take() []capWriting {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []capWriting
	now := time.Since(l.start)
	for key := range l.changed {
		u := l.uses[key]
		r := capRecord{Key: key, At: time.Now(), Begun: u.begun.list(now), Minutes: u.minutes.list(now)}
		list = append(list, capWriting{r, u, len(r.Begun)+len(r.Minutes) == 0})
	}
	clear(l.changed)
	return list
}

func (w capWriting) write(ctx context.Context, disk Log) (uint64, error) {
	if w.empty {
		return 0, nil
	}
	b, err := record{Caps: &w.record}.encode()
	if err != nil {
		return 0, err
	}
	return disk.Append(ctx, b)
}

// written notes that a record has taken the place of the one before. l.mu is held.
func (l *capLedger) written(w capWriting, seq uint64) {
	if w.use.seq != 0 {
		l.stale = append(l.stale, w.use.seq)
	}
	w.use.seq = seq
	if w.empty && w.use.calls == 0 {
		if _, again := l.changed[w.record.Key]; !again {
			delete(l.uses, w.record.Key)
		}
	}
}

// list is what a window has counted, this step first, without the nothing at its end.
func (w *window) list(now time.Duration) []int {
	w.move(now)
	n := int64(len(w.counts))
	list := make([]int, 0, n)
	for back := range n {
		list = append(list, w.counts[(w.last-back)%n])
	}
	for len(list) > 0 && list[len(list)-1] == 0 {
		list = list[:len(list)-1]
	}
	return list
}

// put counts what list had so long ago.
func (w *window) put(now, past time.Duration, list []int) {
	w.move(now)
	n := int64(len(w.counts))
	ago := int64(past / w.step)
	for i, count := range list {
		if back := ago + int64(i); count > 0 && back < n {
			w.counts[(w.last-back)%n] = min(count, mostCap)
		}
	}
}
