package osc

import (
	"encoding/binary"
	"fmt"
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
	server, _ := start(t, func(c *Config) { c.Listen = []string{"tcp:127.0.0.1:0"} }, false)
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
	eva.send(line(t, "/note 60"))
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
