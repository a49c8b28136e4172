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
