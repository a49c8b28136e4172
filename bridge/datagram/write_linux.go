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
	iovs   []unix.Iovec // one for each datagram, in order: those of a header follow each other
	names  []name
	infos  []byte
	last   run
	n      int // how many headers are gathered
	used   int // how many datagrams that are
	first  int // of the headers, the first that is not sent
	until  int // and where those end that the next call sends
	send   func(fd uintptr) bool
	got    int
	errno  syscall.Errno
	failed int
}

// NewWriter sends up to n datagrams at once.
func NewWriter(n int) *Writer {
	w := &Writer{
		hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]name, n),
		infos: make([]byte, n*sendSpace),
	}
	for i := range n {
		w.hdrs[i].hdr.Name = (*byte)(unsafe.Pointer(&w.names[i]))
	}
	w.send = func(fd uintptr) bool {
		if h := &w.hdrs[w.first].hdr; w.until-w.first == 1 && h.Iovlen == 1 && h.Controllen == 0 {
			w.got, w.errno = 1, sendto(fd, h)
			return w.errno != unix.EAGAIN
		}
		got, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.hdrs[w.first])), uintptr(w.until-w.first), unix.MSG_DONTWAIT, 0, 0)
		w.got, w.errno = int(got), errno
		return errno != unix.EAGAIN
	}
	return w
}

// sendto sends what h says, as one datagram, which costs less than to have the system
// copy the header first.
func sendto(fd uintptr, h *unix.Msghdr) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(h.Iov.Base)), uintptr(h.Iov.Len), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(h.Name)), uintptr(h.Namelen))
	return errno
}

// Add sends data by s with the next Flush, or now if there is no more room; data
// must not change until then. It leaves from the address from, if that is not
// zero. What goes one after the other to one place costs least.
func (w *Writer) Add(s *Socket, data []byte, to netip.AddrPort, from netip.Addr) {
	if len(data) == 0 || to.Addr().Is4() == s.six {
		return
	}
	if w.s != s || w.used == len(w.iovs) {
		w.Flush()
		w.s = s
	}
	w.iovs[w.used].Base = &data[0]
	w.iovs[w.used].SetLen(len(data))
	w.used++
	if w.join(len(data), to, from) {
		return
	}
	i := w.n
	w.n++
	w.names[i].set(to)
	h := &w.hdrs[i].hdr
	h.Namelen = nameSize(s.six)
	h.Iov = &w.iovs[w.used-1]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	if s.many && from.IsValid() && from.Is4() != s.six && !from.IsUnspecified() {
		w.leave(i, from)
	}
}

// leave has header i leave from an address of ours.
func (w *Writer) leave(i int, from netip.Addr) {
	c := (*unix.Cmsghdr)(unsafe.Pointer(&w.infos[i*sendSpace]))
	info := unsafe.Pointer(&w.infos[i*sendSpace+unix.CmsgLen(0)])
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
	h.Control = &w.infos[i*sendSpace]
	h.SetControllen(unix.CmsgSpace(infoSize(six)))
}

// Flush sends what was added, and gives how many datagrams the system has
// refused since the last Flush: those are gone, as any may be.
func (w *Writer) Flush() (refused int) {
	for w.first < w.n {
		w.until = w.n
		if !w.try() {
			break // closed
		}
		switch h := &w.hdrs[w.first].hdr; {
		case w.errno == 0:
			w.first += w.got
		case h.Iovlen > 1: // the error is the first one's alone
			w.part(w.first)
			w.first++
		case w.isGone(h):
			h.SetControllen(0)
		default:
			w.failed++
			w.first++
		}
	}
	for i := w.first; i < w.n; i++ {
		w.failed += int(w.hdrs[i].hdr.Iovlen)
	}
	for i := range w.used {
		w.iovs[i].Base = nil // what was sent may be collected
	}
	refused = w.failed
	w.n, w.used, w.first, w.failed, w.last = 0, 0, 0, 0, run{}
	return refused
}

// try has the system send headers from the first on. It reports false when the socket
// is closed.
func (w *Writer) try() bool { return w.s.raw.Write(w.send) == nil }

// isGone reports whether what the system has refused may leave from an address that is
// gone from this host: for which it says EINVAL, or as Linux 6.18 does,
// ENETUNREACH.
func (w *Writer) isGone(h *unix.Msghdr) bool {
	return h.Controllen > 0 && (w.errno == unix.EINVAL || w.errno == unix.ENETUNREACH)
}
