package datagram

import (
	"errors"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// control sets what has to be set before a socket is bound.
func control(c syscall.RawConn, shared bool) error {
	var err error
	cerr := c.Control(func(fd uintptr) {
		if shared {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		}
	})
	return errors.Join(err, cerr)
}

// growBuffer asks for as large a buffer as is to be had. That it is refused is
// no reason not to serve.
func growBuffer(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, recvBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, recvBuffer)
		}
	})
}

// askForDestinations has each datagram say which of our addresses it was sent
// to (ip(7), IP_PKTINFO; ipv6(7), IPV6_RECVPKTINFO). Where that is refused, the
// system chooses what answers leave from.
func askForDestinations(c syscall.RawConn, six bool) {
	_ = c.Control(func(fd uintptr) {
		if six {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
			return
		}
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
}

// The calls below are made as RawSyscall: they never wait (MSG_DONTWAIT), and to
// tell the runtime that they might costs as much as they do.

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// A name is a struct sockaddr_in6, or a sockaddr_in at the same place: both begin
// with the family and the port.
type name unix.RawSockaddrInet6

func (n *name) four() *unix.RawSockaddrInet4 {
	return (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
}

// get gives the address. Which link one of IPv6 is on, it does not say.
func (n *name) get(six bool) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&n.Port)) // in the network's order
	number := uint16(port[0])<<8 | uint16(port[1])
	if six {
		return netip.AddrPortFrom(netip.AddrFrom16(n.Addr), number)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(n.four().Addr), number)
}

func (n *name) set(a netip.AddrPort) {
	*n = name{}
	if a.Addr().Is4() {
		n.Family, n.four().Addr = unix.AF_INET, a.Addr().As4()
	} else {
		n.Family, n.Addr = unix.AF_INET6, a.Addr().As16()
	}
	port := (*[2]byte)(unsafe.Pointer(&n.Port))
	port[0], port[1] = byte(a.Port()>>8), byte(a.Port())
}

func nameSize(six bool) uint32 {
	if six {
		return unix.SizeofSockaddrInet6
	}
	return unix.SizeofSockaddrInet4
}

// infoSpace is the room for one struct in6_pktinfo, or the smaller in_pktinfo,
// with its header.
var infoSpace = unix.CmsgSpace(unix.SizeofInet6Pktinfo)

// infoSize is how much of that a family takes.
func infoSize(six bool) int {
	if six {
		return unix.SizeofInet6Pktinfo
	}
	return unix.SizeofInet4Pktinfo
}

// A Reader reads from a socket. It belongs to one goroutine.
type Reader struct {
	s       *Socket
	hdrs    []mmsghdr
	iovs    []unix.Iovec
	names   []name
	infos   []byte
	bufs    [][]byte
	packets []Packet
	recv    func(fd uintptr) bool // made once: a closure for each Read would be garbage
	n       int
	errno   syscall.Errno
}

// NewReader reads up to n datagrams at once. Longer ones than size bytes are
// cut to one byte more than that.
func (s *Socket) NewReader(n, size int) *Reader {
	r := &Reader{
		s: s, hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]name, n),
		infos: make([]byte, n*infoSpace), bufs: make([][]byte, n), packets: make([]Packet, n),
	}
	all := make([]byte, n*(size+1))
	for i := range n {
		r.bufs[i] = all[i*(size+1) : (i+1)*(size+1)]
		r.iovs[i].Base = &r.bufs[i][0]
		r.iovs[i].SetLen(size + 1)
		h := &r.hdrs[i].hdr
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
	}
	r.recv = func(fd uintptr) bool {
		got, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.hdrs[0])), uintptr(len(r.hdrs)), unix.MSG_DONTWAIT, 0, 0)
		r.n, r.errno = int(got), errno
		return errno != unix.EAGAIN && errno != unix.EINTR
	}
	return r
}

// Read waits for datagrams and gives those that are there. The error is
// net.ErrClosed when the socket was closed; after any other, which the system
// may have reported for a datagram of before, reading can go on.
func (r *Reader) Read() ([]Packet, error) {
	for i := range r.hdrs {
		h := &r.hdrs[i].hdr
		h.Namelen = nameSize(r.s.six)
		if r.s.many {
			h.Control = &r.infos[i*infoSpace]
			h.SetControllen(infoSpace)
		}
	}
	if err := r.s.raw.Read(r.recv); err != nil {
		return nil, err
	}
	if r.errno != 0 {
		return nil, r.errno
	}
	for i := range r.n {
		p := &r.packets[i]
		p.Data = r.bufs[i][:min(int(r.hdrs[i].n), len(r.bufs[i]))]
		p.From = r.names[i].get(r.s.six)
		p.To = r.destination(i)
	}
	return r.packets[:r.n], nil
}

// destination is the local address of a datagram.
func (r *Reader) destination(i int) netip.Addr {
	if !r.s.many {
		return r.s.addr.Addr()
	}
	header := unix.CmsgLen(0)
	if int(r.hdrs[i].hdr.Controllen) < header+infoSize(r.s.six) {
		return netip.Addr{}
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&r.infos[i*infoSpace]))
	info := unsafe.Pointer(&r.infos[i*infoSpace+header])
	switch {
	case c.Level == unix.IPPROTO_IP && c.Type == unix.IP_PKTINFO && !r.s.six:
		return netip.AddrFrom4((*unix.Inet4Pktinfo)(info).Spec_dst)
	case c.Level == unix.IPPROTO_IPV6 && c.Type == unix.IPV6_PKTINFO && r.s.six:
		return netip.AddrFrom16((*unix.Inet6Pktinfo)(info).Addr)
	}
	return netip.Addr{}
}

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
		return errno != unix.EAGAIN && errno != unix.EINTR
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
