package sip

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNamesOfSockets(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		addr   string
		four   bool
		length int
	}{
		{"192.0.2.7:5060", true, unix.SizeofSockaddrInet4},
		{"192.0.2.7:5061", false, unix.SizeofSockaddrInet6}, // IPv4 by a socket of both
		{"[2001:db8::7]:65535", false, unix.SizeofSockaddrInet6},
	} {
		var name [unix.SizeofSockaddrInet6]byte
		if n := socketName(&name, netip.MustParseAddrPort(row.addr), row.four); n != row.length {
			t.Errorf("%s has %d bytes, want %d", row.addr, n, row.length)
		}
		if got := nameOf(&name); got.String() != row.addr {
			t.Errorf("%s came back as %v", row.addr, got)
		}
	}
	name := [unix.SizeofSockaddrInet6]byte{}
	socketName(&name, netip.MustParseAddrPort("[fe80::1]:5060"), false)
	name[24], name[27] = 1, 1 // either byte order: no interface has such a number
	if got := nameOf(&name); got.Addr().Zone() == "" || got.Port() != 5060 {
		t.Errorf("a link-local address is %v", got)
	}
}
