package wire

import (
	"fmt"
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime is not told of the system calls here, which never wait (decision 037).

// A source reads a connection.
type source struct{ raw syscall.RawConn }

// sourceOf is what c is read by.
func sourceOf(c net.Conn) io.Reader {
	if t, ok := c.(*net.TCPConn); ok {
		if raw, err := t.SyscallConn(); err == nil {
			return source{raw}
		}
	}
	return c
}

// Read implements io.Reader.
func (s source) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	var got uintptr
	var errno syscall.Errno
	err = s.raw.Read(func(fd uintptr) bool {
		// The conversion to uintptr stands in the call, where it keeps alive what it points to.
		got, _, errno = syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
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

// WriteNow writes what the system takes of p without waiting: n may be less than len(p),
// and err nil. Where that can't be told, it takes nothing.
func (c *Conn) WriteNow(p []byte) (n int, err error) {
	if c.raw == nil || len(p) == 0 {
		return 0, nil
	}
	var got uintptr
	var errno syscall.Errno
	err = c.raw.Control(func(fd uintptr) {
		got, _, errno = syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	})
	switch {
	case err != nil:
		return 0, err
	case errno == unix.EAGAIN:
		return 0, nil
	case errno != 0:
		return 0, fmt.Errorf("write: %w", errno)
	}
	return int(got), nil
}
