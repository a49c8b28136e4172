//go:build linux && (amd64 || arm64)

package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An aio writes whole blocks past the page cache and syncs them, one write at a time, with nobody who
// waits in a system call for it (io_submit(2), O_DIRECT, decision 071).
type aio struct {
	context uintptr
	memory  []byte // what a file of the front should hold, at the same offsets
	files   [2]*os.File
	done    *os.File        // an eventfd: a write has ended
	raw     syscall.RawConn // of done
	control iocb
}

// An iocb is struct iocb of linux/aio_abi.h, on a machine whose numbers begin with their last byte.
type iocb struct {
	_       uint64
	_       uint32
	rwFlags uint32
	opcode  uint16
	_       int16
	file    uint32
	buf     uint64
	size    uint64
	offset  int64
	_       uint64
	flags   uint32
	eventfd uint32
}

// An ioEvent is struct io_event.
type ioEvent struct {
	data, obj uint64
	result    int64
	_         int64
}

const (
	iocbWrite   = 1 // IOCB_CMD_PWRITE
	iocbEventFD = 1 // IOCB_FLAG_RESFD
)

// newAIO opens the files once more, for that. It fails where the system or the file system can't.
func newAIO(names [2]string) (a *aio, err error) {
	a = &aio{}
	defer func() {
		if err != nil {
			a.close()
			a, err = nil, fmt.Errorf("write past the page cache: %w", err)
		}
	}()
	for i, name := range names {
		if a.files[i], err = os.OpenFile(name, os.O_RDWR|unix.O_DIRECT, 0o600); err != nil {
			return a, err
		}
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return a, os.NewSyscallError("eventfd2", err)
	}
	a.done = os.NewFile(uintptr(event), "eventfd")
	if a.raw, err = a.done.SyscallConn(); err != nil {
		return a, err
	}
	if a.memory, err = unix.Mmap(-1, 0, frontSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
		return a, os.NewSyscallError("mmap", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&a.context)), 0); errno != 0 {
		a.context = 0
		return a, os.NewSyscallError("io_setup", errno)
	}
	a.control = iocb{
		opcode: iocbWrite, rwFlags: unix.RWF_DSYNC | unix.RWF_NOWAIT, flags: iocbEventFD, eventfd: uint32(event),
	}
	return a, nil
}

// submit begins to write what memory has between two offsets, of whole blocks, into one of the files.
// It does not wait: what would have to is refused, here or by its result. n is 0, or minus an error's number.
func (a *aio) submit(file int, from, to int64) (n int64) {
	a.control.file = uint32(a.files[file].Fd())
	a.control.buf = uint64(uintptr(unsafe.Pointer(&a.memory[from])))
	a.control.size, a.control.offset = uint64(to-from), from
	list := &a.control
	_, _, errno := unix.RawSyscall(unix.SYS_IO_SUBMIT, a.context, 1, uintptr(unsafe.Pointer(&list)))
	return -int64(errno)
}

// result is how much the write that has ended has written, or minus an error's number; ok is false while
// none has ended.
func (a *aio) result() (n int64, ok bool) {
	var event ioEvent
	var now unix.Timespec // no time: it does not wait
	got, _, errno := unix.RawSyscall6(unix.SYS_IO_GETEVENTS, a.context, 0, 1, uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&now)), 0)
	return event.result, errno == 0 && got == 1
}

// await calls f whenever a write may have ended, and at the beginning, until f reports true.
func (a *aio) await(f func() bool) error {
	return a.raw.Read(func(uintptr) bool { return f() })
}

// rouse has await call once more.
func (a *aio) rouse() {
	_ = a.raw.Control(func(fd uintptr) {
		_, _ = unix.Write(int(fd), []byte{1, 7: 0})
	})
}

// isRefusal reports whether that is of a file, or a system, that can't write in this way at all.
func isRefusal(n int64) bool {
	return n == -int64(unix.EOPNOTSUPP) || n == -int64(unix.EINVAL) || n == -int64(unix.ENOSYS) || n == -int64(unix.EPERM)
}

// forgetPages has the kernel keep nothing of a file that is synced.
func forgetPages(f *os.File) {
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// close ends it; no write is under way. Once more, it does nothing: what it had may be another's by then.
func (a *aio) close() error {
	var errs []error
	if a.context != 0 {
		_, _, _ = unix.RawSyscall(unix.SYS_IO_DESTROY, a.context, 0, 0)
	}
	if a.memory != nil {
		errs = append(errs, unix.Munmap(a.memory))
	}
	for _, f := range []*os.File{a.files[0], a.files[1], a.done} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	*a = aio{}
	return errors.Join(errs...)
}
