package relay

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockets are plain descriptors of the system.
type sockets struct{}

func (sockets) open(local netip.AddrPort, scope uint32) (int32, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := bind(fd, local, scope); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return int32(fd), nil
}

func bind(fd int, local netip.AddrPort, scope uint32) error {
	if local.Addr().Is6() { // both families may have a port of the same number
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	var raw rawAddress
	n := raw.put(local, scope)
	if _, _, errno := syscall.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&raw[0])), uintptr(n)); errno != 0 {
		return os.NewSyscallError("bind", errno)
	}
	return nil
}

// close closes a socket. Nothing of UDP makes that wait (decision 037).
func (sockets) close(handle int32) {
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(handle), 0, 0)
}

func (sockets) sendTo(handle int32, b []byte, to netip.AddrPort) {
	var raw rawAddress
	n := raw.put(to, 0)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(handle), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&raw[0])), uintptr(n))
}

func (sockets) deepen(handle int32) {
	_ = unix.SetsockoptInt(int(handle), unix.SOL_SOCKET, unix.SO_RCVBUF, deep)
	_ = unix.SetsockoptInt(int(handle), unix.SOL_SOCKET, unix.SO_SNDBUF, deep)
}

func (sockets) poller() (poller, error) {
	p, err := newEpoll()
	if err != nil {
		return nil, fmt.Errorf("media sockets: %w", err)
	}
	return p, nil
}

// newNetwork is what this system does best.
func newNetwork() network { return sockets{} }

// A rawAddress is room for a struct sockaddr_in or sockaddr_in6: the family in
// the system's byte order, then port and address in the network's.
type rawAddress [unix.SizeofSockaddrInet6]byte

// put writes to, and the interface if it is link-local, and returns its length.
func (r *rawAddress) put(to netip.AddrPort, scope uint32) int {
	binary.BigEndian.PutUint16(r[2:], to.Port())
	if to.Addr().Is4() {
		binary.NativeEndian.PutUint16(r[:], unix.AF_INET)
		a := to.Addr().As4()
		copy(r[4:], a[:])
		clear(r[8:unix.SizeofSockaddrInet4])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(r[:], unix.AF_INET6)
	clear(r[4:8]) // the flow label
	a := to.Addr().As16()
	copy(r[8:], a[:])
	if !to.Addr().IsLinkLocalUnicast() {
		scope = 0
	}
	binary.NativeEndian.PutUint32(r[24:], scope)
	return len(r)
}

// source is the address that the system has written.
func (r *rawAddress) source() netip.AddrPort {
	port := binary.BigEndian.Uint16(r[2:])
	if binary.NativeEndian.Uint16(r[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(r[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(r[8:24])), port)
}
