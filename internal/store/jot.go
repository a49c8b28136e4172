package store

import "fmt"

// What need only outlive the process is put into memory that the kernel shares, without a system call:
// of such a call the runtime would be told, and its monitor woken (decision 061). Where that might
// wait it is written, as everything else is.

// How much is prepared at a time: at least, and at most.
const (
	leastReady = 16 << 10
	mostReady  = 256 << 10
)

// jot puts what nobody has begun to write into the file's memory. It reports false, and has
// done nothing, where that might wait. The lock is held, and nobody writes.
func (f *front) jot() bool {
	if f.err != nil || f.need || len(f.buf) == 0 || f.at > f.ready {
		return false
	}
	if err := f.memories[f.current].put(f.buf, f.at-int64(len(f.buf))); err != nil {
		f.err = fmt.Errorf("write %s: %w", f.files[f.current].Name(), err)
	} else {
		f.buf, f.written, f.dirty = f.buf[:0], f.added, true
	}
	f.changed.Broadcast()
	return true
}

// prepare makes room for jot, for about twice of what has been added since it did so last. Only
// runFront calls it. It waits for the disk.
func (f *front) prepare() {
	f.mu.Lock()
	current, from, memory := f.current, f.at, f.memories[f.current]
	if memory == nil || f.err != nil || f.ready-from > leastReady/2 {
		f.mu.Unlock()
		return
	}
	most := min(max(2*(f.added-f.counted), leastReady), mostReady)
	f.counted = f.added
	f.mu.Unlock()
	to := memory.prepare(from, from+most)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == current && f.err == nil {
		f.ready = to
	}
}

// mapFiles has the files as memory, which are whole by now, if what is written to them need not
// be synced at once.
func (f *front) mapFiles() {
	if f.syncs {
		return
	}
	for i, file := range f.files {
		if f.memories[i] == nil {
			f.memories[i] = mapFile(file, frontSize)
		}
	}
}

// unmapFiles ends that. Nobody jots any more.
func (f *front) unmapFiles() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready = 0
	for i := range f.memories {
		f.memories[i].free()
		f.memories[i] = nil
	}
}
