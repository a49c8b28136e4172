package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestWhatThePeerSaysIsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for _, row := range []struct {
		status int
		lines  []string
		cause  bridge.Cause // 0: taken
		o      bridge.Outcome
		retry  bool
		after  time.Duration
	}{
		{status: 200, o: bridge.Taken}, {status: 202, o: bridge.Relayed}, {status: 299, o: bridge.Taken},
		{status: 302, cause: bridge.Moved, lines: []string{"Contact: <sip:evil@192.0.2.66>"}},
		{status: 401, cause: bridge.Unauthorized, lines: []string{`WWW-Authenticate: Digest realm="x", nonce="y"`}},
		{status: 403, cause: bridge.Forbidden}, {status: 404, cause: bridge.NotFound},
		{status: 407, cause: bridge.Unauthorized}, {status: 408, cause: bridge.Timeout, retry: true},
		{status: 480, cause: bridge.Unavailable}, {status: 486, cause: bridge.Busy},
		{status: 500, cause: bridge.Internal, retry: true}, {status: 502, cause: bridge.NoRoute, retry: true},
		{status: 503, cause: bridge.Overloaded, retry: true, after: time.Minute, lines: []string{"Retry-After: 60 (soon);duration=5"}},
		{status: 504, cause: bridge.GatewayTimeout, retry: true}, {status: 513, cause: bridge.TooLarge},
		{status: 603, cause: bridge.Declined}, {status: 604, cause: bridge.NotFound}, {status: 699, cause: bridge.Unavailable},
	} {
		for way, send := range map[string]func(bridge.Message) <-chan result{"sent": b.send, "started": b.start} {
			ch := send(b.message("2001", "alice"))
			out := p.next()
			p.send(out.from, response(out.text, 100, "Trying"))
			p.send(out.from, response(out.text, row.status, "Because\x1b", row.lines...))
			// A control character in a response makes it no response at all.
			p.send(out.from, response(out.text, row.status, "Because", row.lines...))
			r := next(t, ch, "the outcome")
			var e *bridge.Error
			switch {
			case row.cause == 0 && (r.err != nil || r.o != row.o):
				t.Errorf("%s, %d: %v", way, row.status, r.err)
			case row.cause != 0 && (!errors.As(r.err, &e) || e.Cause != row.cause || e.Retry != row.retry || e.After != row.after || e.Reason != "Because"):
				t.Errorf("%s, %d: %+v", way, row.status, r.err)
			}
		}
	}
}

func TestASignalIsAPlainTextWhoseFateIsNoNews(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	m := b.message("2001", "alice")
	m.Kind, m.Bodies = bridge.Signal, []bridge.Body{{Text: "/fader/1 0.5"}}
	ch := b.send(m)
	out := p.next()
	p.send(out.from, response(out.text, 202, "Accepted"))
	if r := next(t, ch, "the outcome"); r.err != nil || r.o != bridge.Taken {
		t.Errorf("%v, %v", r.o, r.err)
	}
	if header(out.text, "Content-Type") != "text/plain" && !strings.HasPrefix(header(out.text, "Content-Type"), "text/plain;") || !strings.HasSuffix(out.text, "/fader/1 0.5") {
		t.Error(out.text)
	}
}

func TestASecondTryIsKnownAsSuch(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	var seen []string
	for i := range 2 {
		m := b.message("2001", "alice")
		m.At = m.At.Add(time.Duration(i) * time.Hour) // it was lost in a crash, and its writer has sent it again
		ch := b.send(m)
		out := p.next()
		seen = append(seen, strings.Join([]string{header(out.text, "Call-ID"), header(out.text, "CSeq"), header(out.text, "From")}, "|"))
		if !strings.Contains(header(out.text, "Via"), ";rport") {
			t.Error(header(out.text, "Via"))
		}
		p.send(out.from, response(out.text, 200, "OK"))
		next(t, ch, "the outcome")
	}
	if seen[0] != seen[1] {
		t.Errorf("%s\n%s", seen[0], seen[1])
	}
}

func TestThreadsCrossInCallIDs(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	m := b.message("2001", "alice")
	m.Thread, m.Subject, m.Sent = "ein Faden", []bridge.Body{{Text: "Wozu\r\nX: y"}}, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ch := b.send(m)
	out := p.next()
	p.send(out.from, response(out.text, 200, "OK"))
	next(t, ch, "the outcome")
	if header(out.text, "Subject") != "Wozu X: y" || header(out.text, "Date") != "Sun, 22 Nov 2026 10:00:00 GMT" || header(out.text, "X") != "" {
		t.Error(out.text)
	}
	q := text1("back")
	q.callID = header(out.text, "Call-ID")
	if res := p.ask(b.udp, q.text()); code(res) != 200 {
		t.Fatal(res)
	}
	if got := next(t, b.h.messages, "a message").Thread; got != m.Thread {
		t.Errorf("thread %q", got)
	}
}

func TestAFailureIsToldInWords(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	m := b.message("2001", "alice")
	m.Kind, m.Cause = bridge.Failed, bridge.NotFound
	m.Bodies[0].Text = strings.Repeat("ü", 150)
	ch := b.send(m)
	out := p.next()
	p.send(out.from, response(out.text, 200, "OK"))
	next(t, ch, "the outcome")
	if want := "\r\n\r\nNot delivered: not found. Your message: " + strings.Repeat("ü", 100); !strings.HasSuffix(out.text, want) {
		t.Error(out.text)
	}
}

func TestWhatCannotBeSentIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	for _, row := range []struct {
		name  string
		m     bridge.Message
		cause bridge.Cause
	}{
		{"no peer", b.message("3000", "alice"), bridge.NotFound},
		{"no hops", func() bridge.Message { m := b.message("2001", "alice"); m.Hops = 0; return m }(), bridge.Looped},
		{"no name", b.message("", "alice"), bridge.BadAddress},
	} {
		var e *bridge.Error
		if r := next(t, b.send(row.m), "the outcome"); !errors.As(r.err, &e) || e.Cause != row.cause || e.Retry {
			t.Errorf("%s: %v", row.name, r.err)
		}
	}
}

func TestALongMessageGoesByTCPOrNotAtAll(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, freePort(t))
	b := run(t, func(c *Config) { c.Peer = "sip:" + p.addr() }).up()
	m := b.message("2001", "alice")
	m.Bodies[0].Text = strings.Repeat("long ", 400)
	var e *bridge.Error
	if r := next(t, b.send(m), "the outcome"); !errors.As(r.err, &e) || e.Cause != bridge.Policy || e.Retry {
		t.Errorf("without TCP: %v", r.err)
	}
	l := listenTCP(t, p.addr())
	ch := b.send(m)
	s := l.accept()
	out := s.next()
	if !strings.HasPrefix(header(out, "Via"), "SIP/2.0/TCP 127.0.0.1:"+fmt.Sprint(b.tcp.Port())) {
		t.Error(header(out, "Via"))
	}
	s.write(response(out, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}

// freePort is an address whose port nobody has by TCP either, nor will.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", bridgetest.OwnHost()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestALongMessageWaitsForAPeerThatIsAway(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, freePort(t))
	b := run(t, func(c *Config) { c.Peer = "sip:" + p.addr() }).up()
	at := p.addr()
	_ = p.conn.Close()
	deaf, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	m := b.message("2001", "alice")
	m.Bodies[0].Text = strings.Repeat("long ", 400)
	ctx, cancel := context.WithCancel(t.Context())
	ch := make(chan result, 1)
	go func() {
		o, err := b.a.SendMessage(ctx, m)
		ch <- result{o, err}
	}()
	// It may have no TCP, or be away: that is asked by UDP.
	buf := make([]byte, 100)
	if n, _, err := deaf.ReadFrom(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "OPTIONS ") {
		t.Errorf("%s, %v", buf[:n], err)
	}
	cancel() // patience has run out
	if e := asError(next(t, ch, "the outcome").err); e.Cause != bridge.Unavailable || !e.Retry {
		t.Errorf("not known yet to be away: %v", e)
	}
	_ = deaf.Close()
	b.a.engine.Load().peer.setUp(false)
	if e := asError(next(t, b.send(m), "the outcome").err); e.Cause != bridge.Unavailable || !e.Retry {
		t.Errorf("known to be away: %v", e)
	}
	l := listenTCP(t, at)
	again := b.send(m)
	s := l.accept()
	s.write(response(s.next(), 200, "OK"))
	if r := next(t, again, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}

func TestALongMessageTriesEveryAddressOfThePeer(t *testing.T) {
	t.Parallel()
	one, two := newFakePeer(t, freePort(t)), newFakePeer(t, freePort(t))
	b := run(t, func(c *Config) { c.Peer = "sip:" + one.addr() }).up()
	b.peerAt(one.addr(), two.addr())
	l := listenTCP(t, two.addr())
	m := b.message("2001", "alice")
	m.Bodies[0].Text = strings.Repeat("long ", 400)
	ch := b.send(m)
	s := l.accept()
	s.write(response(s.next(), 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}

func TestARepeatThatIsKnownHasArrived(t *testing.T) {
	t.Parallel()
	peered, p := withPeer(t, nil)
	accounts := withAccounts(t, nil)
	phone := registered(t, accounts)
	for _, row := range []struct {
		name  string
		b     *bench
		to    *fakePeer
		try   int
		o     bridge.Outcome // 0: refused
		wants bridge.Want
	}{
		{name: "the first, by the peer", b: peered, to: p},
		{name: "a repeat, by the peer", b: peered, to: p, try: 1, o: bridge.Taken},
		{name: "after a restart, by the peer", b: peered, to: p, try: -1, o: bridge.Taken},
		{name: "the first, by a phone", b: accounts, to: phone},
		{name: "a repeat, by a phone", b: accounts, to: phone, try: 7, o: bridge.Arrived},
		{name: "a repeat that asks, by a phone", b: accounts, to: phone, try: 1, o: bridge.Arrived, wants: bridge.Want{Delivered: true}},
	} {
		m := row.b.message("2001", "alice")
		m.Try, m.Want = row.try, row.wants
		ch := row.b.send(m)
		row.to.answerNext(482)
		r := next(t, ch, "the outcome")
		if e := asError(r.err); r.o != row.o || row.o == 0 && (e.Cause != bridge.Looped || e.Retry) {
			t.Errorf("%s: %v, %v", row.name, r.o, r.err)
		}
	}
}

func TestACopyByAnotherAddressOfThePeerIsARepeat(t *testing.T) {
	t.Parallel()
	one, two := listenTCP(t, bridgetest.OwnHost()+":0"), listenTCP(t, bridgetest.OwnHost()+":0")
	b := run(t, func(c *Config) { c.Peer = "sip:" + one.l.Addr().String() + ";transport=tcp" })
	first := one.accept()
	first.write(response(first.next(), 200, "OK"))
	b.up()
	b.peerAt(one.l.Addr().String(), two.l.Addr().String())
	ch := b.send(b.message("2001", "alice"))
	if out := first.next(); !strings.HasPrefix(out, "MESSAGE ") {
		t.Error(out)
	}
	_ = first.conn.Close() // it was taken, and the answer gets lost
	second := two.accept()
	second.write(response(second.next(), 482, "Merged"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.o, r.err)
	}
}

// peerAt gives the peer several addresses.
func (b *bench) peerAt(addrs ...string) {
	p := b.a.engine.Load().peer
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addrs = nil
	for _, a := range addrs {
		p.addrs = append(p.addrs, netip.MustParseAddrPort(a))
	}
}

func TestChallengesAreAnsweredForLinesOnly(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Lines = map[string]Line{"7001": {User: "seven", Password: "pw"}} })
	reg := p.next()
	p.send(reg.from, response(reg.text, 200, "OK", "Contact: "+header(reg.text, "Contact")+";expires=3600"))
	challenge := []string{
		`Proxy-Authenticate: Digest realm="x", nonce="n1", algorithm=MD5, qop="auth,auth-int"`,
		`Proxy-Authenticate: Digest realm="x", nonce="n2", algorithm=SHA-256, qop="auth"`,
	}
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	p.send(out.from, response(out.text, 407, "Who?", challenge...))
	var e *bridge.Error
	if r := next(t, ch, "the outcome"); !errors.As(r.err, &e) || e.Cause != bridge.Unauthorized {
		t.Errorf("alice is no line: %v", r.err)
	}
	ch = b.send(b.message("2001", "7001"))
	out = p.next()
	p.send(out.from, response(out.text, 407, "Who?", challenge...))
	again := p.next()
	auth := header(again.text, "Proxy-Authorization")
	if !strings.Contains(auth, `username="seven"`) || !strings.Contains(auth, `nonce="n2"`) || strings.Contains(again.text, "pw") {
		t.Error(auth)
	}
	if header(again.text, "Call-ID") != header(out.text, "Call-ID") || header(again.text, "CSeq") == header(out.text, "CSeq") {
		t.Error(again.text)
	}
	p.send(again.from, response(again.text, 407, "Wrong", challenge...))
	if r := next(t, ch, "the outcome"); r.err == nil {
		t.Error("a challenge was answered for ever")
	}
}

func TestAProxyGetsWhatIsForThePeer(t *testing.T) {
	t.Parallel()
	proxy := newFakePeer(t, "127.0.0.1:0")
	b := run(t, func(c *Config) { c.Peer, c.Proxy = "sip:pbx.invalid", "sip:"+proxy.addr()+";lr" }).up()
	ch := b.send(b.message("2001", "alice"))
	out := proxy.next()
	if !strings.HasPrefix(out.text, "MESSAGE sip:2001@pbx.invalid SIP/2.0\r\n") || header(out.text, "Route") != "<sip:"+proxy.addr()+";lr>" {
		t.Error(out.text)
	}
	proxy.send(out.from, response(out.text, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}
