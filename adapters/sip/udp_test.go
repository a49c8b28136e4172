package sip

import (
	"net/netip"
	"strings"
	"testing"

	"gateway/bridge"
)

func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		listen string
		from   string
		ours   []string
	}{
		{"udp:[::]:0", "127.0.0.1:0", []string{"127.0.0.1", "127.0.0.7", "127.0.0.8"}},
		{"udp:[::]:0", "[::1]:0", []string{"::1"}},
		{"udp:0.0.0.0:0", "127.0.0.1:0", []string{"127.0.0.1", "127.0.0.7"}},
		{"udp:127.0.0.7:0", "127.0.0.1:0", []string{"127.0.0.7"}},
		{"udp:[::1]:0", "[::1]:0", []string{"::1"}},
	} {
		b := withAccounts(t, func(c *Config) { c.Listen[0], c.Domain = row.listen, "" })
		for _, ours := range row.ours {
			name := row.listen + ", asked at " + ours
			phone := newFakePeer(t, row.from)
			at := netip.AddrPortFrom(netip.MustParseAddr(ours), b.udp.Port())
			for _, q := range []query{text1("x"), registerQuery("2001", "*", "Expires: 0")} {
				q.from = "sip:2001@gw.example.org"
				phone.send(at, q.text())
				challenge := phone.next()
				if code(challenge.text) != 401 || plainAddr(challenge.from) != at {
					t.Errorf("%s: a stranger is answered from %v: %s", name, challenge.from, challenge.text)
				}
				phone.send(at, q.authorize(challenge.text, "2001", "secret1", 1).text())
				if res := phone.next(); code(res.text) != 200 || plainAddr(res.from) != at {
					t.Errorf("%s: an account is answered from %v: %s", name, res.from, res.text)
				}
			}
			q := registerQuery("2001", "<sip:2001@"+phone.addr()+">")
			phone.send(at, q.text())
			phone.send(at, q.authorize(phone.next().text, "2001", "secret1", 1).text())
			phone.next()
			ch := b.send(b.message("2001", "alice"))
			out := phone.next()
			host, _, err := b.a.engine.Load().sentBy(flow{carrier: udpAddress{&udpSocket{addr: at}, at.Addr()}, remote: out.from})
			if err != nil {
				t.Fatal(err)
			}
			if plainAddr(out.from) != at || !strings.Contains(header(out.text, "Via"), " "+at.String()+";") || !strings.Contains(header(out.text, "From"), "@"+host+">") {
				t.Errorf("%s: written to from %v: %s", name, out.from, out.text)
			}
			phone.send(out.from, response(out.text, 200, "OK"))
			if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
				t.Errorf("%s: %v", name, r.err)
			}
			if res := phone.asPhone(at, registerQuery("2001", "*", "Expires: 0"), "2001", "secret1"); code(res) != 200 {
				t.Errorf("%s: %s", name, res)
			}
		}
	}
}

// plainAddr is an address as it is written.
func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func TestAnAddressThatHasGoneDoesNotSilenceUs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ listen, to, gone string }{
		{"[::]:0", "127.0.0.1:0", "198.51.100.7"},
		{"[::]:0", "[::1]:0", "2001:db8::7"},
		{"0.0.0.0:0", "127.0.0.1:0", "198.51.100.7"},
	} {
		s, err := openUDP(listener{"udp", netip.MustParseAddrPort(row.listen)}, false)
		if err != nil {
			t.Fatal(err)
		}
		p := newFakePeer(t, row.to)
		a := udpAddress{udpSocket: s, at: netip.MustParseAddr(row.gone)}
		if err := a.send(netip.MustParseAddrPort(p.addr()), []byte("x")); err != nil {
			t.Errorf("%s: %v", row.gone, err)
		}
		if got := p.next(); got.text != "x" {
			t.Errorf("%s: %q", row.gone, got.text)
		}
		_ = s.conn.Close()
	}
}

func TestFlowsDifferByOurAddress(t *testing.T) {
	t.Parallel()
	s, err := openUDP(listener{"udp", netip.MustParseAddrPort("[::]:0")}, false)
	if err != nil {
		t.Fatal(err)
	}
	flows := make(chan flow, 10)
	ended := make(chan error, 1)
	go func() { ended <- s.run(func(f flow, _ []byte) { flows <- f }) }()
	p := newFakePeer(t, "127.0.0.1:0")
	seen := map[flow]int{}
	for _, to := range []string{"127.0.0.7", "127.0.0.7", "127.0.0.8"} {
		p.send(netip.AddrPortFrom(netip.MustParseAddr(to), s.addr.Port()), "x")
		f := next(t, flows, "a datagram")
		seen[f]++
		if got := f.local().Addr().String(); got != to {
			t.Errorf("sent to %s, came to %s", to, got)
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d flows", len(seen))
	}
	_ = s.conn.Close()
	if err := next(t, ended, "the end"); err != nil {
		t.Error(err)
	}
}
