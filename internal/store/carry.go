package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"
)

// openFront puts a front before the stream, which is ready, and takes over what the
// last process left in it.
func (l *Log) openFront(ctx context.Context, dir, name string, log *slog.Logger) error {
	f, left, damaged, err := openFront(dir, name, !l.bundles)
	if err != nil {
		return err
	}
	for _, path := range damaged {
		setAside(path, log)
	}
	if err := f.openAIO(); err != nil {
		log.Debug("store writes its front through the page cache", "name", name, "err", err)
	}
	l.front, l.next = f, 1
	epoch := uint64(0)
	for _, x := range left {
		epoch = max(epoch, x.epoch)
		l.next = max(l.next, x.seq)
		switch x.kind {
		case frameRecord:
			l.fresh[x.seq] = &kept{seq: x.seq, data: slices.Clone(x.data)}
			l.next = max(l.next, x.seq+1)
		case frameGone:
			delete(l.fresh, x.seq)
		default:
		}
	}
	// A crash may have come when some were in the stream already.
	err = l.Stream.Replay(ctx, func(at uint64, data []byte) error {
		for _, x := range parseBundle(at, data) {
			l.next = max(l.next, x.seq+1)
			if !l.bundles {
				l.behind[x.seq] = at
			}
			delete(l.fresh, x.seq)
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.leaving = l.inOrder()
	if err := l.carry(ctx); err != nil {
		return err
	}
	return f.begin(epoch+leap(), l.next)
}

// leap is how far the uses of the files are from those before a start. What is left in a file of
// an earlier use is searched for what is damaged, and texts lie there as they were written: who
// could tell which use comes next could write one that is taken for records, in anybody's name.
func leap() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails, by its documentation
	return binary.LittleEndian.Uint64(b[:]) >> 20
}

// setAside keeps a copy of a damaged file of a front, for people.
func setAside(path string, log *slog.Logger) {
	where := path + ".broken-" + time.Now().UTC().Format("20060102T150405.000")
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(where, b, 0o600)
	}
	log.Error("store is damaged: a copy is set aside, and what can be read of it is kept", "path", where, "err", err)
}

// runFront syncs what has to be, and carries over what stays, until ctx is done.
func (l *Log) runFront(ctx context.Context) {
	tick := time.NewTicker(lag)
	defer tick.Stop()
	var told error
	for {
		tick.Stop()
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		tick.Reset(lag)
		for age, done := time.Duration(0), false; !done; {
			select {
			case <-ctx.Done():
				return
			case <-l.full:
				age = stay
			case <-tick.C:
				age += lag
			}
			if age < stay {
				// What has been told is being mended. Told again each time, it would have failed
				// again before the mender is done, on a machine that is slow, and so for ever.
				if err := l.front.settle(); err != nil && !errors.Is(err, told) {
					told = err
					l.store.link.fail(err)
				}
				l.front.prepare()
				continue
			}
			age, done = 0, l.move(ctx)
			if !done {
				l.front.prepare()
			}
		}
	}
}

// move makes the other file the front, and carries over what is in this one. It
// reports whether nothing is left to do.
func (l *Log) move(ctx context.Context) (idle bool) {
	f := l.front
	f.mu.Lock()
	f.quiet()
	if len(l.leaving) == 0 && f.err == nil && f.at > blockSize && l.unmoved == nil {
		l.leaving = l.inOrder()
		f.turn()
	}
	broken := f.err != nil
	if broken {
		l.leaving = l.inOrder()
	}
	epoch, next := f.epoch, l.next
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, carryTime)
	defer cancel()
	err := l.carry(ctx)
	if err == nil && broken {
		err = f.begin(epoch+2, next)
	} else if err == nil {
		err = f.free(next)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l.unmoved = err
	f.changed.Broadcast()
	idle = err == nil && len(l.fresh) == 0 && f.at == blockSize
	l.restless = !idle
	return idle
}

// carry puts into the stream what is leaving the front. What fails stays, and is
// tried again. Nobody else touches leaving meanwhile.
func (l *Log) carry(ctx context.Context) error {
	for {
		n, b := l.bundle()
		if n == 0 {
			return nil
		}
		at := uint64(0)
		if len(b) > 0 {
			var err error
			if at, err = l.Stream.Append(ctx, b); err != nil {
				return err
			}
		}
		if at = l.carried(n, at); at != 0 {
			if err := l.Stream.Delete(at); err != nil {
				return err
			}
		}
	}
}

// bundle gives the next record for the stream, and how many of those that leave are
// in it or need not be: they have been deleted.
func (l *Log) bundle() (n int, b []byte) {
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	for _, k := range l.leaving {
		if len(b) > 0 && (!l.bundles || len(b)+len(k.data) > bundleSize) {
			break
		}
		n++
		if !k.gone {
			b = frame{kind: frameRecord, seq: k.seq, data: k.data}.append(b)
		}
	}
	return n, b
}

// carried notes that the first n of those that leave are in the stream, at at, if any
// of them is. It gives that back if it is to be deleted there.
func (l *Log) carried(n int, at uint64) (gone uint64) {
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	if l.bundles {
		for _, k := range l.leaving[:n] {
			delete(l.fresh, k.seq)
		}
		at = 0
	}
	if at != 0 {
		k := l.leaving[n-1] // the only one that is not gone, or was not
		if k.gone {
			gone = at
		} else {
			l.behind[k.seq] = at
			delete(l.fresh, k.seq)
		}
	}
	l.leaving = l.leaving[n:]
	return gone
}
