package datagram

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagrams of one size that go to one place, one after the other, go through the
// system as one, which the network's card or the last stage before it cuts again
// (udp(7), UDP_SEGMENT): each but the first costs a fraction of what it costs alone.
// On the network nothing shows it.
const (
	// mostJoined bounds a run: the system takes 64 since it can do this, and 64 KiB.
	mostJoined = 48
	// joinable is how long datagrams are that are joined: longer ones may not fit into
	// one packet of the network, for which the system refuses the whole run.
	joinable = 1200
)

// segmentSize is how much room the size of the pieces takes in a header.
var segmentSize = unix.CmsgSpace(2)

// sendSpace is how much room the control messages of a header that is sent take.
var sendSpace = infoSpace + segmentSize

// A run is the header that was added last, as long as more datagrams may join it.
type run struct {
	to    netip.AddrPort
	from  netip.Addr
	size  int // of its first datagram; 0: nothing joins
	count int
}

// join has the datagram that was added last go with the one before it, where that is
// possible; else a run of its own begins.
func (w *Writer) join(size int, to netip.AddrPort, from netip.Addr) bool {
	l := &w.last
	if l.count == 0 || size > l.size || l.count == mostJoined || to != l.to || from != l.from {
		*l = run{to: to, from: from, size: size, count: 1}
		if size > joinable || !w.s.joins.Load() {
			l.count = 0
		}
		return false
	}
	h := &w.hdrs[w.n-1].hdr
	if l.count == 1 {
		w.cut(w.n-1, l.size)
	}
	l.count++
	h.SetIovlen(l.count)
	if size < l.size {
		l.count = 0 // a shorter one is the last
	}
	return true
}

// cut has header i cut into datagrams of a size.
func (w *Writer) cut(i, size int) {
	h := &w.hdrs[i].hdr
	at := i*sendSpace + int(h.Controllen)
	c := (*unix.Cmsghdr)(unsafe.Pointer(&w.infos[at]))
	c.Level, c.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&w.infos[at+unix.CmsgLen(0)])) = uint16(size)
	h.Control = &w.infos[i*sendSpace]
	h.SetControllen(int(h.Controllen) + segmentSize)
}

// part sends the datagrams of header i one by one: the system has refused them as one,
// for a way with too small packets, or for a card that can't have checksums made
// (EIO), which then is not tried again.
func (w *Writer) part(i int) {
	if w.errno == unix.EIO {
		w.s.joins.Store(false)
	}
	h := &w.hdrs[i].hdr
	pieces := unsafe.Slice(h.Iov, int(h.Iovlen))
	h.SetControllen(int(h.Controllen) - segmentSize)
	h.SetIovlen(1)
	w.until = i + 1
	for k := range pieces {
		h.Iov = &pieces[k]
		if !w.try() {
			w.failed += len(pieces) - k
			return
		}
		if w.isGone(h) {
			h.SetControllen(0)
			w.try()
		}
		if w.errno != 0 {
			w.failed++
		}
	}
}

// canJoin asks the system whether it joins datagrams of a socket: one that does not
// know how would send them as one long one.
func canJoin(c syscall.RawConn) (can bool) {
	err := c.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		can = err == nil
	})
	return can && err == nil
}
