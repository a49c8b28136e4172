package child

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime is not told of the system calls here, which never wait (decision 037): while it
// knows of one its monitor looks every 20 us, and there are some twenty of them in a call.

// A pipe is one end of a pipe that does not block.
type pipe struct{ raw syscall.RawConn }

// pipeOf is what f is read or written by; nil where it is no file.
func pipeOf(f any) *pipe {
	if c, ok := f.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return &pipe{raw}
		}
	}
	return nil
}

// readable is what f, which does not block, is read by.
func readable(f io.Reader) io.Reader {
	if p := pipeOf(f); p != nil {
		return p
	}
	return f
}

// writable is what f, which does not block, is written by.
func writable(f io.Writer) io.Writer {
	if p := pipeOf(f); p != nil {
		return p
	}
	return f
}

// unblocked is f so that reading and writing it need no thread. f is not used any more.
func unblocked(f *os.File) (*os.File, error) {
	if err := unix.SetNonblock(int(f.Fd()), true); err != nil {
		return nil, fmt.Errorf("set %s non-blocking: %w", f.Name(), err)
	}
	return os.NewFile(f.Fd(), f.Name()), nil
}

// The conversions to uintptr stand in the calls, where they keep alive what they point to.

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var got uintptr
	var errno syscall.Errno
	err = p.raw.Read(func(fd uintptr) bool {
		for errno = unix.EINTR; errno == unix.EINTR; {
			got, _, errno = syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		}
		return errno != unix.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, fmt.Errorf("read: %w", errno)
	case got == 0:
		return 0, io.EOF
	}
	return int(got), nil
}

// Write implements io.Writer.
func (p *pipe) Write(b []byte) (n int, err error) {
	for n < len(b) {
		var put uintptr
		var errno syscall.Errno
		err = p.raw.Write(func(fd uintptr) bool {
			for errno = unix.EINTR; errno == unix.EINTR; {
				put, _, errno = syscall.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b[n])), uintptr(len(b)-n))
			}
			return errno != unix.EAGAIN
		})
		switch {
		case err != nil:
			return n, err
		case errno != 0:
			return n, fmt.Errorf("write: %w", errno)
		}
		n += int(put)
	}
	return n, nil
}
