//go:build e2e

package peer

import (
	"net/netip"
	"testing"
	"time"
)

func TestUDPGoesThroughTheNATsOfAnInternet(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	n, err := NewInternet()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	nat := &NAT{Public: netip.MustParseAddr("198.51.100.7"), Kind: PortRestrictedCone, Hairpin: true}
	hosts := map[string]*NetHost{}
	for addr, at := range map[string]*NAT{"198.51.100.1": nil, "192.168.1.2": nat, "192.168.1.3": nat} {
		if hosts[addr], err = n.Host(ctx, addr, at); err != nil {
			t.Fatal(err)
		}
	}
	open := func(addr string) func(to string) string { // sends, and gives who was seen to have sent the next
		c, err := hosts[addr].ListenUDP(netip.AddrPortFrom(hosts[addr].Addr, 7000))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return func(to string) string {
			if to != "" {
				if _, err := c.WriteToUDPAddrPort([]byte("from "+addr), netip.MustParseAddrPort(to)); err != nil {
					t.Fatal(err)
				}
				return ""
			}
			if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				t.Fatal(err)
			}
			return from.String() + " " + string(b[:n])
		}
	}
	server, one, two := open("198.51.100.1"), open("192.168.1.2"), open("192.168.1.3")
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	one("198.51.100.1:7000")
	want(server(""), "198.51.100.7:40000 from 192.168.1.2")
	server("198.51.100.7:40000")
	want(one(""), "198.51.100.1:7000 from 198.51.100.1")
	two("192.168.1.2:7000")
	want(one(""), "192.168.1.3:7000 from 192.168.1.3")
	two("198.51.100.7:40000") // hairpin: one has not sent there, so it is lost
	two("198.51.100.1:7000")  // on the same cable behind it
	want(server(""), "198.51.100.7:40001 from 192.168.1.3")
	one("198.51.100.7:40001")
	want(two(""), "198.51.100.7:40000 from 192.168.1.2")
}
