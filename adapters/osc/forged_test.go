package osc

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
)

// TestNobodyHidesWhatTheServerSaysInABundle: by a connection everything comes from the server, so
// what only it says must be its own.
func TestNobodyHidesWhatTheServerSaysInABundle(t *testing.T) {
	t.Parallel()
	server, _ := start(t, func(c *Config) { c.Listen = []string{"tcp:127.0.0.1:0", "udp:127.0.0.1:0"} }, false)
	where := addrs(t, server)
	tim, eva := dialStream(t, where[0], wire.Prefixed), dialStream(t, where[0], wire.Prefixed)
	tim.send(line(t, "/oscrouter/register tim pw g gpw"))
	tim.hear("/oscrouter/register/tim/g")
	eva.send(line(t, "/oscrouter/register eva pw g gpw"))
	eva.hear("/oscrouter/register/eva/g")
	for _, forged := range []string{"/groupclient/peer bob direct 192.0.2.1 1.5", "/oscrouter/userlist bob"} {
		p := append([]byte("#bundle\x00"), 0, 0, 0, 0, 0, 0, 0, 1)
		for _, one := range [][]byte{line(t, "/first 1"), line(t, forged)} {
			p = append(binary.BigEndian.AppendUint32(p, uint32(len(one))), one...)
		}
		eva.send(p)
	}
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	port := portOf(t, udp, where[1], "tim")
	for _, text := range []string{"/groupclient/ping bo", "/groupclient/peer bob direct 192.0.2.1 1.5", "/note 60"} {
		if _, err := udp.WriteToUDPAddrPort(line(t, text), port); err != nil {
			t.Fatal(err)
		}
	}
	for late := time.After(patience); ; {
		select {
		case got := <-tim.heard:
			if strings.Contains(got, "bob") {
				t.Errorf("heard %s", got)
			}
			if strings.HasPrefix(got, "/note") {
				return
			}
		case <-late:
			t.Fatal("nothing is heard")
		}
	}
}

// portOf has somebody called bo enter the group by UDP, and gives the port at which a member who
// came by a connection is met.
func portOf(t *testing.T, c *net.UDPConn, server netip.AddrPort, name string) netip.AddrPort {
	t.Helper()
	buf := make([]byte, wire.MaxPacket)
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if _, err := c.WriteToUDPAddrPort(alive("bo", c.LocalAddr().String(), "g"), server); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		for n, _, err := c.ReadFromUDPAddrPort(buf); err == nil; n, _, err = c.ReadFromUDPAddrPort(buf) {
			var at netip.AddrPort
			wire.Each(buf[:n], func(m wire.Message) {
				var info wire.UserInfo
				if string(m.Address) == wire.AddressUserInfo && info.Read(m) && string(info.User) == name && info.Public.Port() != 0 {
					at = info.Public
				}
			})
			if at.IsValid() {
				return at
			}
		}
	}
	t.Fatalf("no port of %s is told", name)
	return netip.AddrPort{}
}

func TestANetworkOfIPv6IsOneSource(t *testing.T) {
	t.Parallel()
	c := conns{limit: 10 * maxFrom}
	in := 0
	for i := range 5 * maxFrom {
		if c.enter(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))) {
			in++
		}
	}
	if in != maxFrom || !c.enter(netip.MustParseAddr("2001:db8:0:1::1")) || !c.enter(netip.MustParseAddr("192.0.2.1")) {
		t.Errorf("%d of one network, and others not", in)
	}
	for range in {
		c.leave(netip.MustParseAddr("2001:db8::1"))
	}
	if c.in != 2 || len(c.from) != 2 {
		t.Errorf("%d are left, of %d", c.in, len(c.from))
	}
}
