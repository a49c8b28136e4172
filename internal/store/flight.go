package store

import (
	"context"
	"os"
	"time"
)

// A front whose records must be synced writes them past the page cache, without anybody who waits in
// a system call meanwhile (decision 071). Whatever can't be written so, or has failed, is written as before:
// through the cache, with a sync behind it.

// A flight is one such write.
type flight struct {
	buf  []byte // the frames in it
	must bool
	size int64 // bytes of the blocks that they are in
	upto int64 // of front.added
}

// openAIO makes that possible, if it is. It is used while runAIO runs.
func (f *front) openAIO() (err error) {
	if f.syncs {
		f.aio, err = newAIO([2]string{f.files[0].Name(), f.files[1].Name()})
	}
	return err
}

// forget has the kernel keep nothing of a file that is synced: what it keeps, is not written past it without waiting.
func (f *front) forget(file *os.File) {
	if f.aio != nil {
		forgetPages(file)
	}
}

// draw notes what is to be written, for the blocks that are written as a whole. The lock is held, and
// nobody writes.
func (f *front) draw() {
	if f.aio != nil {
		copy(f.aio.memory[f.at-int64(len(f.buf)):], f.buf)
	}
}

// launch begins to write what has come together. It reports false, and has done nothing, where that must
// be done in another way. The lock is held, and nobody writes.
func (f *front) launch() bool {
	if !f.flies || f.plainly || f.err != nil || len(f.buf) == 0 {
		return false
	}
	f.draw()
	from := (f.at - int64(len(f.buf))) / blockSize * blockSize
	to := (f.at + blockSize - 1) / blockSize * blockSize
	clear(f.aio.memory[f.at:to])
	if n := f.aio.submit(f.current, from, to); n < 0 {
		f.plainly, f.flies = true, !isRefusal(n)
		return false
	}
	spare := f.flight.buf
	f.flight = flight{buf: f.buf, must: f.need, size: to - from, upto: f.added}
	f.busy, f.flying, f.need, f.buf = true, true, false, spare[:0]
	return true
}

// land takes note of a flight that has ended, if one has, and goes on with what has come meanwhile.
func (f *front) land() {
	if n, ok := f.aio.result(); ok {
		f.landed(n)
	}
}

// landed takes note of what the flight has written, or minus an error's number.
func (f *front) landed(n int64) {
	f.mu.Lock()
	f.busy, f.flying = false, false
	if n == f.flight.size {
		f.written = f.flight.upto
	} else {
		f.buf, f.need = append(f.flight.buf, f.buf...), f.need || f.flight.must
		f.plainly, f.flies = true, f.flies && !isRefusal(n)
		f.flight.buf = nil
	}
	if cap(f.flight.buf) > frontMost {
		f.flight.buf = nil
	}
	heard, err := f.heard(), f.err
	if len(f.waiters) > 0 && !f.launch() {
		f.remind()
	}
	f.changed.Broadcast()
	f.mu.Unlock()
	tell(heard, err)
}

// runAIO waits for flights to end, until ctx is done and none is under way.
func (f *front) runAIO(ctx context.Context) {
	if f.aio == nil {
		return
	}
	f.mu.Lock()
	f.flies = true
	f.mu.Unlock()
	roused := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(roused)
		f.aio.rouse()
	})
	defer func() {
		if !stop() {
			<-roused
		}
	}()
	over := func() bool {
		f.land()
		return ctx.Err() != nil && f.ground()
	}
	if f.aio.await(over) == nil {
		return
	}
	for !f.ground() { // nobody says when it ends
		pause(context.WithoutCancel(ctx), time.Millisecond)
		f.land()
	}
}

// ground ends flying. It reports whether nothing flies any more.
func (f *front) ground() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flies = false
	return !f.flying
}
