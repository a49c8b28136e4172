package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestWhatThePeerSaysIsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for _, row := range []struct {
		status int
		lines  []string
		cause  bridge.Cause // 0: taken
		retry  bool
		after  time.Duration
	}{
		{status: 200}, {status: 202}, {status: 299},
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
		ch := b.send(b.message("2001", "alice"))
		out := p.next()
		p.send(out.from, response(out.text, 100, "Trying"))
		p.send(out.from, response(out.text, row.status, "Because\x1b", row.lines...))
		// A control character in a response makes it no response at all.
		p.send(out.from, response(out.text, row.status, "Because", row.lines...))
		r := next(t, ch, "the outcome")
		var e *bridge.Error
		switch {
		case row.cause == 0 && (r.err != nil || r.o != bridge.Taken):
			t.Errorf("%d: %v", row.status, r.err)
		case row.cause != 0 && (!errors.As(r.err, &e) || e.Cause != row.cause || e.Retry != row.retry || e.After != row.after || e.Reason != "Because"):
			t.Errorf("%d: %+v", row.status, r.err)
		}
	}
}

func TestASecondTryIsKnownAsSuch(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	var seen []string
	for range 2 {
		ch := b.send(b.message("2001", "alice"))
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
	p := newFakePeer(t, "127.0.0.9:0")
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
