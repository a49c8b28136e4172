package osc

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"gateway/adapters/osc/wire"
)

func TestAServerIsNamedWithItsDoor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, kind, server string }{
		{"osc.example.net:22242", "", "osc.example.net:22242"},
		{"udp:osc.example.net:22242", "", "osc.example.net:22242"},
		{"tcp:osc.example.net:80", "tcp", "osc.example.net:80"},
		{"slip:192.0.2.1:80", "slip", "192.0.2.1:80"},
		{"ws:[2001:db8::1]:80", "ws", "[2001:db8::1]:80"},
		{"wss:osc.example.net:443", "wss", "osc.example.net:443"},
		{"tcp:80", "", "tcp:80"}, // a host of that name
	} {
		if kind, server, err := parseJoin(tt.text); err != nil || kind != tt.kind || server != tt.server {
			t.Errorf("%s: %q %q, %v", tt.text, kind, server, err)
		}
	}
	for _, text := range []string{"", "host", ":1", "host:0", "host:http", "host:65536", "tcp:host", "sctp:host:1", "ws:host:1/path", "tcp::1"} {
		if kind, server, err := parseJoin(text); err == nil {
			t.Errorf("%q is taken as %q %q", text, kind, server)
		}
	}
}

// Members by each kind of connection play with one by UDP and with each other.
func TestAMemberPlaysByAConnection(t *testing.T) {
	t.Parallel()
	where, forClient := everyDoor(t)
	far, farTx := newApp(t), freePort(t)
	start(t, joinAs("far", where[0], farTx, far), true)
	for i, kind := range []string{"tcp", "slip", "ws", "wss"} {
		t.Run(kind, func(t *testing.T) {
			near, tx := newApp(t), freePort(t)
			c := NewConfig()
			joinAs(kind, where[i+1], tx, near)(c)
			c.Join = fmt.Sprintf("%s:%v", kind, where[i+1])
			_, h := startConfig(t, c, func(s *settings) {
				s.pace = quickPace()
				s.uplink.trust = forClient
			})
			if err := h.WaitState(true); err != nil {
				t.Fatal(err)
			}
			near.meets(at(tx), "far")
			far.meets(at(farTx), kind)
			near.send(at(tx), line(t, "/from "+kind))
			far.hear("/from " + kind)
			near.send(at(tx), line(t, "/oscrouter/private far /cue 5"))
			far.hear("/oscrouter/private " + kind + " /cue 5")
			far.send(at(farTx), line(t, "/from far"))
			near.hear("/from far")
			far.send(at(farTx), line(t, "/oscrouter/private "+kind+" /cue 6"))
		})
	}
}

// Whatever ends the connection, there is another one.
func TestAMemberConnectsAgain(t *testing.T) {
	t.Parallel()
	server, _ := start(t, func(c *Config) { c.Listen = []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0"} }, false)
	where := addrs(t, server)
	near, tx := newApp(t), freePort(t)
	_, h := start(t, func(c *Config) {
		joinAs("tim", where[1], tx, near)(c)
		c.Join = "tcp:" + where[1].String()
	}, true)
	if err := h.WaitState(true); err != nil {
		t.Fatal(err)
	}
	elsewhere := newApp(t)
	elsewhere.send(where[0], alive("tim", inside, "g")) // whose place it is now
	if err := h.WaitState(false); err == nil {
		t.Error("the end of a connection has no reason")
	}
	if err := h.WaitState(true); err != nil {
		t.Error(err)
	}
}

// What a server may not say by a connection, and what it refuses.
func TestAServerAtTheOtherEndOfAConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, tx := newApp(t), freePort(t)
	addr := netip.MustParseAddrPort(l.Addr().String())
	_, h := start(t, func(c *Config) {
		joinAs("tim", addr, tx, near)(c)
		c.Join = "tcp:" + addr.String()
	}, true)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	packet, err := wire.ReadFrame(in, wire.Prefixed, make([]byte, 0, maxFrame))
	if err != nil {
		t.Fatal(err)
	}
	if first, _ := wire.First(packet); string(first.Address) != wire.AddressUserAlive {
		t.Errorf("it begins with %s", first.Address)
	}
	say := func(packets ...[]byte) {
		t.Helper()
		for _, p := range packets {
			if _, err := conn.Write(wire.AppendFrame(nil, wire.Prefixed, p)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b wire.Builder
	b.UserInfo("eva", netip.MustParseAddrPort(inside), netip.MustParseAddrPort(home2), 0, []string{"g"})
	hash := wire.Hash("pw")
	say([]byte("not OSC!"), b.Packet(), make([]byte, 8000), line(t, wire.AddressUserStatus+" tim "+hash+" ok"),
		line(t, wire.AddressGroupStatus+" tim "+hash+" g "+wire.Hash("gpw")+` "wrong password"`), line(t, "/hello 1"))
	near.hear("/hello 1")
	near.meets(at(tx), "eva") // by the server, whatever it says of where eva is
	if err := h.WaitState(false); err == nil || !strings.Contains(err.Error(), "refuses the group") {
		t.Errorf("refused, it says %v", err)
	}
}
