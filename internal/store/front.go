package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A front is two files of fixed size that take turns: what is appended goes to
// one of them first, at the cost of a write and a sync. Most records of a log are
// deleted within milliseconds, and never come further. What lives longer is carried over
// into the stream, all of a file at once; then the other file is the front.
//
// Whoever appends writes: the first one for all who have come by the time its
// write begins.
type front struct {
	files [2]*os.File
	syncs bool // a record is on disk when put returns; else within lag

	kicked chan struct{} // tells runKeeper that somebody waits

	mu      sync.Mutex // guards what follows: everybody appends
	changed *sync.Cond
	current int    // the file that is written to
	epoch   uint64 // of that file
	at      int64  // where the next frame goes
	buf     []byte // frames that nobody has begun to write, which end at at
	added   int64  // bytes ever put in buf
	written int64  // of those, what is written, and synced if it had to be
	need    bool   // buf has a frame that must be synced
	busy    bool   // somebody writes
	dirty   bool   // something is written that is not synced
	waiters []waiter
	held    int   // batches that are being gathered
	err     error // of the last write: nothing goes in until the files are begun anew

	aio     *aio // nil: there is none
	flies   bool // it may be used: somebody waits for what becomes of it
	flying  bool // it writes; then busy is true too
	flight  flight
	plainly bool // the next write is not for it

	memories [2]memory // of the files, for jot; nil: there is none
	ready    int64     // up to here, what is put into the current one's need not wait
	counted  int64     // of added, when it was made ready
}

const (
	frontSize = 1 << 20 // bytes of each file
	// blockSize is what is written at once past the page cache, or a multiple of it. The first frame of a
	// file is as long.
	blockSize = 4 << 10
	// frontMost is how long a record may be; longer ones go to the stream at once.
	frontMost = 64 << 10
	// lag is when what need not be synced at once is, at the latest.
	lag = 100 * time.Millisecond
)

var errFrontFull = errors.New("the file before the stream is full")

// openFront opens the two files in dir, which it makes if need be, and gives
// what is in them, the older first. damaged are the names of those that are.
func openFront(dir, name string, syncs bool) (f *front, left []frame, damaged []string, err error) {
	f = &front{syncs: syncs, at: blockSize, kicked: make(chan struct{}, 1)}
	f.changed = sync.NewCond(&f.mu)
	defer func() {
		if err != nil {
			f.close()
			f, err = nil, fmt.Errorf("open %s: %w", name, err)
		}
	}()
	var found [2][]frame
	for i := range f.files {
		path := filepath.Join(dir, fmt.Sprintf("%s.%d", name, i))
		if f.files[i], err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return f, nil, nil, err
		}
		var bad bool
		if found[i], bad, err = readFront(f.files[i]); err != nil {
			return f, nil, nil, err
		}
		if bad {
			damaged = append(damaged, path)
		}
	}
	if len(found[0]) > 0 && len(found[1]) > 0 && found[0][0].epoch > found[1][0].epoch {
		found[0], found[1] = found[1], found[0]
	}
	return f, append(found[0], found[1]...), damaged, nil
}

// readFront reads a file. An empty one is new.
func readFront(file *os.File) ([]frame, bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return nil, false, err
	}
	b := make([]byte, min(info.Size(), frontSize))
	if _, err := file.ReadAt(b, 0); err != nil {
		return nil, false, err
	}
	all, bad := parseFront(b)
	return all, bad, nil
}

// begin makes both files empty: the next record is next, and no use of a file
// before had a higher number than epoch.
func (f *front) begin(epoch, next uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, file := range f.files {
		b := make([]byte, frontSize)
		copy(b, beginning(epoch+uint64(i)+1, next))
		if _, err := file.WriteAt(b, 0); err != nil {
			return fmt.Errorf("write %s: %w", file.Name(), err)
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("write %s: %w", file.Name(), err)
		}
		f.forget(file)
	}
	f.current, f.epoch, f.at, f.buf, f.err = 0, epoch+1, blockSize, nil, nil
	f.written, f.dirty, f.ready = f.added, false, 0
	f.mapFiles()
	return nil
}

// beginning is the first block of a file.
func beginning(epoch, next uint64) []byte {
	return frame{kind: frameBegin, epoch: epoch, seq: next, data: make([]byte, blockSize-frameHeader)}.append(nil)
}

// room says whether a frame with so much data fits. The lock is held.
func (f *front) room(data int) bool { return f.at+int64(frameHeader+data) <= frontSize }

// put adds a frame. It returns when it is written and, with must, synced. The lock is
// held, but not while it waits.
func (f *front) put(x frame, must bool) error {
	if f.err != nil {
		return f.err
	}
	if !f.room(len(x.data)) {
		return errFrontFull
	}
	f.add(x, must)
	mine := f.added
	for f.written < mine && f.err == nil {
		if f.busy {
			f.changed.Wait()
			continue
		}
		f.write()
	}
	f.remind()
	return f.err
}

// add adds a frame to what is to be written; there is room. The lock is held.
func (f *front) add(x frame, must bool) {
	x.epoch = f.epoch
	f.buf = x.append(f.buf)
	f.at += int64(x.size())
	f.added += int64(x.size())
	f.need = f.need || must
}

// write writes what has come together, or begins to. The lock is held but for the time of writing.
func (f *front) write() {
	if f.launch() {
		return
	}
	f.plainly = false
	f.draw()
	// A flight syncs its own blocks only: what stands before them must be on disk by then.
	file, buf, to, must := f.files[f.current], f.buf, f.added, f.need || f.aio != nil
	at := f.at - int64(len(buf))
	f.busy, f.buf, f.need = true, nil, false
	f.mu.Unlock()
	_, err := file.WriteAt(buf, at)
	if err == nil && must {
		if err = syncData(file); err == nil {
			f.forget(file)
		}
	}
	f.mu.Lock()
	f.busy = false
	if f.dirty = !must; err != nil {
		f.err = fmt.Errorf("write %s: %w", file.Name(), err)
	} else {
		f.written = to
	}
	if cap(f.buf) == 0 && cap(buf) <= frontMost {
		f.buf = buf[:0]
	}
	f.changed.Broadcast()
}

// settle syncs what is only written.
func (f *front) settle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quiet()
	if !f.dirty || f.err != nil {
		return f.err
	}
	file := f.files[f.current]
	f.dirty = false // what is written from now on is so anew: nobody waits for this
	f.ready = 0     // what is synced must be made ready anew
	f.mu.Unlock()
	err := syncData(file)
	f.mu.Lock()
	if err != nil {
		f.dirty, f.err = true, fmt.Errorf("sync %s: %w", file.Name(), err)
		f.changed.Broadcast()
	}
	return f.err
}

// quiet waits until all is written. The lock is held.
func (f *front) quiet() {
	for f.busy || len(f.buf) > 0 {
		if f.busy {
			f.changed.Wait()
		} else {
			f.write()
		}
	}
	f.remind()
}

// turn makes the other file, which must be free, the front. The lock is held, and
// nobody writes.
func (f *front) turn() {
	f.current, f.epoch, f.at, f.ready = 1-f.current, f.epoch+1, blockSize, 0
	f.changed.Broadcast()
}

// free makes the file that is not the front empty: its next use is the next one.
func (f *front) free(next uint64) error {
	f.mu.Lock()
	file, epoch := f.files[1-f.current], f.epoch+1
	f.mu.Unlock()
	if _, err := file.WriteAt(beginning(epoch, next), 0); err != nil {
		return fmt.Errorf("write %s: %w", file.Name(), err)
	}
	if err := syncData(file); err != nil {
		return fmt.Errorf("sync %s: %w", file.Name(), err)
	}
	f.forget(file)
	return nil
}

func (f *front) close() {
	f.unmapFiles()
	if f.aio != nil {
		_ = f.aio.close() // all is written
		f.aio = nil
	}
	for _, file := range f.files {
		if file != nil {
			_ = file.Close() // all is written
		}
	}
}
