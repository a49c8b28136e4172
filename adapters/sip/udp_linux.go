package sip

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime is not told of the system calls here, which never wait (decision 037).

// sendTo sends data, with control data unless there is none. It reports false where
// package net must do it.
func (s *udpSocket) sendTo(to netip.AddrPort, data, info []byte) (sent bool, err error) {
	if len(data) == 0 || to.Addr().Zone() != "" || s.addr.Addr().Is4() && !to.Addr().Is4() {
		return false, nil
	}
	var name [unix.SizeofSockaddrInet6]byte
	part := unix.Iovec{Base: &data[0]}
	part.SetLen(len(data))
	h := unix.Msghdr{Name: &name[0], Namelen: uint32(socketName(&name, to, s.addr.Addr().Is4())), Iov: &part}
	h.SetIovlen(1)
	if len(info) > 0 {
		h.Control = &info[0]
		h.SetControllen(len(info))
	}
	var errno syscall.Errno
	err = s.raw.Write(func(fd uintptr) bool {
		// The conversion to uintptr stands in the call, where it keeps alive what it points to.
		_, _, errno = syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return errno != unix.EAGAIN
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return true, fmt.Errorf("send by udp to %v: %w", to, err)
	}
	return true, nil
}

// read reads one datagram, with its control data, and says where it came from.
func (s *udpSocket) read(buf, info []byte) (n, infoLen int, from netip.AddrPort, err error) {
	var name [unix.SizeofSockaddrInet6]byte
	part := unix.Iovec{Base: &buf[0]}
	part.SetLen(len(buf))
	var errno syscall.Errno
	var h unix.Msghdr
	err = s.raw.Read(func(fd uintptr) bool {
		h = unix.Msghdr{Name: &name[0], Namelen: uint32(len(name)), Iov: &part}
		h.SetIovlen(1)
		if len(info) > 0 {
			h.Control = &info[0]
			h.SetControllen(len(info))
		}
		var got uintptr
		got, _, errno = syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT)
		n = int(got)
		return errno != unix.EAGAIN
	})
	switch {
	case err != nil:
		return 0, 0, from, err
	case errno != 0:
		return 0, 0, from, errno
	}
	return n, int(h.Controllen), nameOf(&name), nil
}

// nameOf is the inverse of socketName.
func nameOf(name *[unix.SizeofSockaddrInet6]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(name[2:])
	if binary.NativeEndian.Uint16(name[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	}
	a := netip.AddrFrom16([16]byte(name[8:24])).Unmap()
	if scope := binary.NativeEndian.Uint32(name[24:]); scope != 0 && a.Is6() {
		a = a.WithZone(zoneOf(int(scope)))
	}
	return netip.AddrPortFrom(a, port)
}

// zoneOf is what package net calls the interface of that number.
func zoneOf(scope int) string {
	if i, err := net.InterfaceByIndex(scope); err == nil {
		return i.Name
	}
	return strconv.Itoa(scope)
}

// socketName writes a struct sockaddr_in, or sockaddr_in6 for a socket that is not of
// IPv4, and gives its length: the family in the system's byte order, then port and address
// in the network's.
func socketName(name *[unix.SizeofSockaddrInet6]byte, to netip.AddrPort, four bool) int {
	binary.BigEndian.PutUint16(name[2:], to.Port())
	if four {
		binary.NativeEndian.PutUint16(name[:], unix.AF_INET)
		a := to.Addr().As4()
		copy(name[4:], a[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(name[:], unix.AF_INET6)
	a := to.Addr().As16() // IPv4 in IPv6, if it is that
	copy(name[8:], a[:])
	return len(name)
}
