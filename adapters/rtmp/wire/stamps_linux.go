package wire

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamps read a socket, and know when the last bytes of what was read had come (socket(7), SO_TIMESTAMPNS).
type stamps struct {
	raw  syscall.RawConn
	came time.Time // by the clock of the day; zero: nobody said
	try  func(fd uintptr) bool
	oob  [64]byte // room for the one control message that is asked for
	iov  unix.Iovec
	msg  unix.Msghdr

	// These are one Read's.
	n     int
	errno syscall.Errno
}

// newStamps is nil where the system does not say when something came.
func newStamps(nc net.Conn) *stamps {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }); err != nil || refused != nil {
		return nil
	}
	s := &stamps{raw: raw}
	s.try = s.receive
	return s
}

// receive reads what there is, which the socket's not blocking lets a raw call do; false: nothing, and the runtime shall wait for more.
func (s *stamps) receive(fd uintptr) bool {
	for {
		s.msg = unix.Msghdr{Iov: &s.iov, Control: &s.oob[0]}
		s.msg.SetIovlen(1)
		s.msg.SetControllen(len(s.oob))
		n, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&s.msg)), 0)
		switch s.n, s.errno = int(n), errno; errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			return true
		}
	}
}

// Read implements io.Reader, as a net.TCPConn does.
func (s *stamps) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.came, s.iov.Base = time.Time{}, &p[0]
	s.iov.SetLen(len(p))
	err := s.raw.Read(s.try)
	s.iov.Base = nil
	switch {
	case err != nil:
		return 0, err
	case s.errno != 0:
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: s.errno}
	case s.n == 0:
		return 0, io.EOF
	}
	s.came = stampIn(s.oob[:s.msg.Controllen])
	return s.n, nil
}

// stampIn is the time in a read's control messages; zero if there is none.
func stampIn(oob []byte) time.Time {
	for len(oob) >= unix.SizeofCmsghdr {
		head, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return time.Time{}
		}
		if head.Level == unix.SOL_SOCKET && head.Type == unix.SCM_TIMESTAMPNS && len(data) >= stampSize {
			return stampOf(data)
		}
		oob = rest
	}
	return time.Time{}
}

// stampSize is that of a struct timespec: two words.
const stampSize = 2 * strconv.IntSize / 8

func stampOf(data []byte) time.Time {
	order := binary.NativeEndian
	if stampSize == 8 {
		return time.Unix(int64(int32(order.Uint32(data))), int64(order.Uint32(data[4:])))
	}
	return time.Unix(int64(order.Uint64(data)), int64(order.Uint64(data[8:])))
}
