package sip

import (
	"context"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestAFloodIsNotAnswered(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	spoofed := newFakePeer(t, "127.0.0.1:0")
	other := newFakePeer(t, "127.0.0.2:0")
	const n = 240 // which the smallest of receive buffers holds
	q := text1("x")
	for range n {
		spoofed.send(b.udp, q.text())
	}
	if res := other.ask(b.udp, q.text()); code(res) != 401 { // behind them all
		t.Errorf("somebody else is not answered: %s", res)
	}
	if got := b.count("gateway_sip_responses_total"); got > n/2 {
		t.Errorf("%v answers to %d strangers", got, n)
	}
}

func TestStrangersAreCountedWithinBounds(t *testing.T) {
	t.Parallel()
	var s strangers
	now := time.Now()
	allowed := 0
	for i := range 3 * maxStrangers {
		if s.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now) {
			allowed++
		}
	}
	if len(s.sources) != maxStrangers || allowed != maxStrangers+crowdBurst {
		t.Errorf("%d remembered, %d allowed", len(s.sources), allowed)
	}
	now = now.Add(time.Minute)
	if !s.allow(netip.MustParseAddr("192.0.2.1"), now) || len(s.sources) != 1 {
		t.Errorf("%d remembered after a minute", len(s.sources))
	}
	a, c := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for range strangerBurst {
		s.allow(a, now)
	}
	if s.allow(c, now) {
		t.Error("one machine with many addresses counts as many")
	}
	if !s.allow(a, now.Add(time.Second)) {
		t.Error("never again")
	}
}

func TestConnectionsHaveBounds(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	var held []*stream
	for range maxSourceConns {
		held = append(held, dial(t, b.tcp))
	}
	q := text1("x")
	q.transport = "TCP"
	for _, s := range held[:3] {
		s.write(q.text())
		if res := s.next(); code(res) != 401 {
			t.Error(res)
		}
	}
	s := dial(t, b.tcp)
	if _, err := s.read(); err == nil {
		t.Error("one more than allowed is served")
	}
	if n := b.count("gateway_sip_refused_total", "reason", "conns"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestAConnectionEndsWithWhatIsNoSIP(t *testing.T) {
	t.Parallel()
	b, _ := withPeer(t, nil)
	q := text1("x")
	q.transport = "TCP"
	for _, row := range []struct {
		name, in string
		status   int
	}{
		{"another protocol", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"no length", strings.Replace(q.text(), "Content-Length: 1\r\n", "", 1), 400},
		{"too long", strings.Replace(q.text(), "Content-Length: 1\r\n", "Content-Length: 999999\r\n", 1), 513},
		{"endless headers", "MESSAGE sip:x SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 10000), 0},
	} {
		s := dial(t, b.tcp)
		_, _ = io.WriteString(s.conn, row.in) // the other side may have closed before its end
		if row.status != 0 {
			if res := s.next(); code(res) != row.status {
				t.Errorf("%s: %s", row.name, res)
			}
		}
		if res, err := s.read(); err == nil {
			t.Errorf("%s: still open, says %s", row.name, res)
		}
	}
	s := dial(t, b.tcp)
	s.write("\r\n\r\n")
	if pong, err := s.in.ReadString('\n'); pong != "\r\n" || err != nil {
		t.Errorf("pong %q, %v", pong, err)
	}
	s.write(q.text())
	if res := s.next(); code(res) != 200 {
		t.Error(res)
	}
}

func TestATakenPortIsAnError(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, "127.0.0.1:0")
	c := NewConfig()
	c.Listen, c.Accounts = []string{"tcp:127.0.0.1:0", "udp:" + p.addr()}, map[string]Account{"1": {Password: "x"}}
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context(), newFakeBridge()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
	if _, err := a.SendMessage(t.Context(), bridge.Message{}); err == nil {
		t.Error("sent without running")
	}
}

func TestIPv6IsServedLikeIPv4(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, "[::1]:0")
	b := run(t, func(c *Config) {
		c.Listen, c.Peer = []string{"udp:[::1]:0", "tcp:[::1]:0"}, "sip:"+p.addr()
		c.Domain = ""
	}).up()
	if res := p.ask(b.udp, text1("x").text()); code(res) != 200 || !strings.Contains(header(res, "Via"), "received=::1") {
		t.Error(res)
	}
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	if !strings.HasPrefix(header(out.text, "Via"), "SIP/2.0/UDP [::1]:") || !strings.Contains(header(out.text, "From"), "<sip:alice@[::1]>") {
		t.Error(out.text)
	}
	p.send(out.from, response(out.text, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}

func TestOneSocketServesBothFamilies(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, func(c *Config) { c.Listen = []string{"udp:[::]:0", "tcp:[::]:0"} })
	p := newFakePeer(t, "127.0.0.1:0")
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), b.udp.Port())
	if res := p.asPhone(to, registerQuery("2001", "<sip:2001@"+p.addr()+">"), "2001", "secret1"); code(res) != 200 {
		t.Error(res)
	}
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	if !strings.HasPrefix(header(out.text, "Via"), "SIP/2.0/UDP 127.0.0.1:") { // the address that routes there
		t.Error(header(out.text, "Via"))
	}
	p.send(out.from, response(out.text, 200, "OK"))
	next(t, ch, "the outcome")
}

func TestTwoSocketsShareAPort(t *testing.T) {
	t.Parallel()
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	var port uint16
	for try := 1; ; try++ { // the system gives a port that is free for one of them
		four, err := openUDP(listener{"udp", netip.AddrPortFrom(any4, 0)}, false)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = four.conn.Close() }()
		port = four.addr.Port()
		six, err := openUDP(listener{"udp", netip.AddrPortFrom(any6, port)}, true)
		if err == nil {
			_ = six.conn.Close()
			break
		}
		if try == 20 {
			t.Fatal(err)
		}
	}
	if both, err := openUDP(listener{"udp", netip.AddrPortFrom(any6, port)}, false); err == nil {
		_ = both.conn.Close()
		t.Error("a taken port is taken again")
	}
}

func TestTortureDoesNoHarm(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip/testdata/torture/*/*.dat"))
	if len(files) < 40 {
		t.Fatalf("%d torture messages", len(files))
	}
	b, p := withPeer(t, nil)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p.send(b.udp, string(data))
		s := dial(t, b.tcp)
		_, _ = s.conn.Write(data)
		q := text1(filepath.Base(name))
		q.branch = "z9hG4bKafter" + filepath.Base(name)
		p.send(b.udp, q.text())
		for { // answers to the torture come before the one to the good message
			if got := p.next().text; strings.Contains(got, q.branch+";") {
				if code(got) != 200 {
					t.Errorf("after %s: %s", name, got)
				}
				break
			}
		}
		_ = s.conn.Close()
	}
	if n := b.count("gateway_sip_refused_total", "reason", "panic"); n != 0 {
		t.Errorf("%v panics", n)
	}
}

func TestAPanicEndsWithItsMessage(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	b.h.mu.Lock()
	b.h.answer = func(bridge.Message, func(bridge.Outcome, error)) { panic("a fault") }
	b.h.mu.Unlock()
	p.send(b.udp, text1("x").text())
	next(t, b.h.messages, "a message")
	b.h.answerWith(bridge.Taken, nil)
	if res := p.ask(b.udp, text1("y").text()); code(res) != 200 {
		t.Error(res)
	}
	if n := b.count("gateway_sip_refused_total", "reason", "panic"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestRunEndsWithEverythingItStarted(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Lines = map[string]Line{"7001": {Password: "pw"}} })
	p.next() // a REGISTER that nobody answers
	ch := b.send(b.message("2001", "alice"))
	dial(t, b.tcp)
	b.stop()
	if err := next(t, b.ended, "the end"); err != nil {
		t.Error(err)
	}
	b.ended <- nil // for the clean-up
	next(t, ch, "the outcome")
	if _, err := b.a.SendMessage(context.Background(), b.message("2001", "alice")); err == nil {
		t.Error("sent after the end")
	}
}
