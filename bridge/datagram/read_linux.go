package datagram

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
	used    int // how many of hdrs the system may have written to
	errno   syscall.Errno
}

// NewReader reads up to n datagrams at once. Longer ones than size bytes are
// cut to one byte more than that.
func (s *Socket) NewReader(n, size int) *Reader {
	r := &Reader{
		s: s, hdrs: make([]mmsghdr, n), iovs: make([]unix.Iovec, n), names: make([]name, n),
		infos: make([]byte, n*infoSpace), bufs: make([][]byte, n), packets: make([]Packet, n),
		used: n,
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
		if r.used = r.n; errno != 0 {
			r.used = len(r.hdrs)
		}
		return errno != unix.EAGAIN
	}
	return r
}

// Read waits for datagrams and gives those that are there. The error is
// net.ErrClosed when the socket was closed; after any other, which the system
// may have reported for a datagram of before, reading can go on.
func (r *Reader) Read() ([]Packet, error) {
	r.prepare()
	if err := r.s.raw.Read(r.recv); err != nil {
		return nil, err
	}
	if r.errno != 0 {
		return nil, r.errno
	}
	return r.filled(), nil
}

// turn is how many full batches are read before others may run, and before we look
// whether the socket is closed.
const turn = 8

// Serve does what Run does, with one system call less for each time that something
// comes: a batch that is not full has emptied the socket, and whatever comes after it
// wakes us. All that is one Read of the runtime's, so that Close waits until receive
// has returned: receive must not call it, and who calls it must hold nothing that
// receive waits for.
func (r *Reader) Serve(receive func([]Packet)) error {
	failed := 0
	read := func(fd uintptr) bool {
		for range turn {
			r.prepare()
			if !r.recv(fd) {
				return false
			}
			if r.errno != 0 {
				return true
			}
			failed = 0
			receive(r.filled())
			if r.n < len(r.hdrs) {
				return false
			}
		}
		return true
	}
	for {
		err := r.s.raw.Read(read)
		if err == nil && r.errno == 0 {
			runtime.Gosched()
			continue
		}
		if err == nil {
			err = r.errno
		}
		if failed++; failed == patience || errors.Is(err, net.ErrClosed) {
			return r.end(err)
		}
	}
}

// prepare makes room for a batch again where the last one was.
func (r *Reader) prepare() {
	for i := range r.used {
		h := &r.hdrs[i].hdr
		h.Namelen = nameSize(r.s.six)
		if r.s.many {
			h.Control = &r.infos[i*infoSpace]
			h.SetControllen(infoSpace)
		}
	}
	r.used = 0
}

// filled is the batch that was read.
func (r *Reader) filled() []Packet {
	for i := range r.n {
		p := &r.packets[i]
		p.Data = r.bufs[i][:min(int(r.hdrs[i].n), len(r.bufs[i]))]
		p.From = r.names[i].get(r.s.six)
		p.To = r.destination(i)
	}
	return r.packets[:r.n]
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
