package datagram

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Writer gathers datagrams, and sends them together. It belongs to one
// goroutine.
type Writer struct {
	s      *Socket
	hdrs   []mmsghdr
	iovs   []unix.Iovec
	names  []name
	infos  []byte
	n      int // how many are gathered
	first  int // of those, the first that is not sent
	send   func(fd uintptr) bool
	got    int
	errno  syscall.Errno
	failed int
}

// NewWriter sends up to n datagrams at once.
func NewWriter(n int) *Writer {
	w := &Writer{
		hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]name, n),
		infos: make([]byte, n*infoSpace),
	}
	for i := range n {
		h := &w.hdrs[i].hdr
		h.Iov = &w.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&w.names[i]))
	}
	w.send = func(fd uintptr) bool {
		got, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.hdrs[w.first])), uintptr(w.n-w.first), unix.MSG_DONTWAIT, 0, 0)
		w.got, w.errno = int(got), errno
		return errno != unix.EAGAIN
	}
	return w
}

// Add sends data by s with the next Flush, or now if there is no more room; data
// must not change until then. It leaves from the address from, if that is not
// zero.
func (w *Writer) Add(s *Socket, data []byte, to netip.AddrPort, from netip.Addr) {
	if len(data) == 0 || to.Addr().Is4() == s.six {
		return
	}
	if w.s != s || w.n == len(w.hdrs) {
		w.Flush()
		w.s = s
	}
	i := w.n
	w.n++
	w.iovs[i].Base = &data[0]
	w.iovs[i].SetLen(len(data))
	w.names[i].set(to)
	h := &w.hdrs[i].hdr
	h.Namelen = nameSize(s.six)
	h.Control = nil
	h.SetControllen(0)
	if s.many && from.IsValid() && from.Is4() != s.six && !from.IsUnspecified() {
		w.leave(i, from)
	}
}

// leave has datagram i leave from an address of ours.
func (w *Writer) leave(i int, from netip.Addr) {
	c := (*unix.Cmsghdr)(unsafe.Pointer(&w.infos[i*infoSpace]))
	info := unsafe.Pointer(&w.infos[i*infoSpace+unix.CmsgLen(0)])
	six := !from.Is4()
	if six {
		c.Level, c.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		*(*unix.Inet6Pktinfo)(info) = unix.Inet6Pktinfo{Addr: from.As16()}
	} else {
		c.Level, c.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		*(*unix.Inet4Pktinfo)(info) = unix.Inet4Pktinfo{Spec_dst: from.As4()}
	}
	c.SetLen(unix.CmsgLen(infoSize(six)))
	h := &w.hdrs[i].hdr
	h.Control = &w.infos[i*infoSpace]
	h.SetControllen(unix.CmsgSpace(infoSize(six)))
}

// Flush sends what was added, and gives how many datagrams the system has
// refused since the last Flush: those are gone, as any may be.
func (w *Writer) Flush() (refused int) {
	for w.first < w.n {
		if err := w.s.raw.Write(w.send); err != nil { // closed
			w.failed += w.n - w.first
			break
		}
		if w.errno == 0 {
			w.first += w.got
			continue
		}
		// The error is the first one's alone.
		if h := &w.hdrs[w.first].hdr; w.errno == unix.EINVAL && h.Control != nil {
			h.Control = nil // the address may be gone from this host
			h.SetControllen(0)
			continue
		}
		w.failed++
		w.first++
	}
	for i := range w.n {
		w.iovs[i].Base = nil // what was sent may be collected
	}
	refused, w.n, w.first, w.failed = w.failed, 0, 0, 0
	return refused
}
