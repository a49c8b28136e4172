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

// A datagramCall is the memory of one system call, which the kernel reads and writes. f makes the
// call: a method value that is made once.
type datagramCall struct {
	name  [unix.SizeofSockaddrInet6]byte
	part  unix.Iovec
	head  unix.Msghdr
	got   uintptr
	errno syscall.Errno
	f     func(fd uintptr) bool
}

// set says where the data is.
func (c *datagramCall) set(nameLen int, data, info []byte) {
	c.part.Base = &data[0]
	c.part.SetLen(len(data))
	c.head = unix.Msghdr{Name: &c.name[0], Namelen: uint32(nameLen), Iov: &c.part}
	c.head.SetIovlen(1)
	if len(info) > 0 {
		c.head.Control = &info[0]
		c.head.SetControllen(len(info))
	}
}

// The conversions to uintptr stand in the calls, where they keep alive what they point to.

func (c *datagramCall) send(fd uintptr) bool {
	_, _, c.errno = syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&c.head)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return c.errno != unix.EAGAIN
}

func (c *datagramCall) receive(fd uintptr) bool {
	c.got, _, c.errno = syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&c.head)), unix.MSG_DONTWAIT)
	return c.errno != unix.EAGAIN
}

// sendTo sends data, with control data unless there is none. It reports false where
// package net must do it.
func (s *udpSocket) sendTo(to netip.AddrPort, data, info []byte) (sent bool, err error) {
	if len(data) == 0 || to.Addr().Zone() != "" || s.addr.Addr().Is4() && !to.Addr().Is4() {
		return false, nil
	}
	c, ok := s.calls.Get().(*datagramCall)
	if !ok {
		c = new(datagramCall)
		c.f = c.send
	}
	c.set(socketName(&c.name, to, s.addr.Addr().Is4()), data, info)
	if err = s.raw.Write(c.f); err == nil && c.errno != 0 {
		err = c.errno
	}
	c.part, c.head = unix.Iovec{}, unix.Msghdr{} // what it has sent need not be kept
	s.calls.Put(c)
	if err != nil {
		return true, fmt.Errorf("send by udp to %v: %w", to, err)
	}
	return true, nil
}

// read reads one datagram, with its control data, and says where it came from. Only
// run calls it.
func (s *udpSocket) read(buf, info []byte) (n, infoLen int, from netip.AddrPort, err error) {
	c := &s.reading
	if c.f == nil {
		c.f = c.receive
	}
	c.set(len(c.name), buf, info)
	switch err := s.raw.Read(c.f); {
	case err != nil:
		return 0, 0, from, err
	case c.errno != 0:
		return 0, 0, from, c.errno
	}
	return int(c.got), int(c.head.Controllen), nameOf(&c.name), nil
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
