package store

import (
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// A memory is a file of a front as memory of ours that the kernel shares: what is put there is in its
// cache at once, as if it had been written, and outlives the process.
type memory []byte

// mapFile gives the memory of a file that is size bytes long; nil where that is not to be had.
func mapFile(f *os.File, size int) memory {
	m, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	return m
}

// prepare sees to it that what is put between two offsets need not wait for the disk. It gives
// the end of what is prepared, 0 if nothing is. It may wait itself.
func (m memory) prepare(from, to int64) int64 {
	page := int64(os.Getpagesize())
	from, to = from/page*page, min(to/page*page, int64(len(m)))
	if from >= to || unix.Madvise(m[from:to], unix.MADV_POPULATE_WRITE) != nil {
		return 0
	}
	return to
}

// put copies b there. Where the file has become shorter, or the disk has no room for what it
// seemed to have, the kernel sends a signal; that is an error here.
func (m memory) put(b []byte, at int64) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	copy(m[at:], b)
	return nil
}

func (m memory) free() {
	if m != nil {
		_ = unix.Munmap(m) // it was mapped
	}
}
