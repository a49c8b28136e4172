package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestABlankMessageIsJudgedLikeAnyOther(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for _, row := range []struct {
		name, body string
		err        error
		status     int
	}{
		{"to somebody", "", nil, 200},
		{"white space", " \r\n\t", nil, 200},
		{"to nobody", "", &bridge.Error{Cause: bridge.NotFound}, 404},
		{"to who is not for all", " ", &bridge.Error{Cause: bridge.Forbidden}, 403},
	} {
		b.h.answerWith(bridge.Taken, row.err)
		if res := p.ask(b.udp, text1(row.body).text()); code(res) != row.status {
			t.Errorf("%s: %s", row.name, res)
		}
		m := next(t, b.h.messages, "a message")
		if m.Kind != bridge.Composing || m.Active || len(m.Bodies) != 0 || m.From.Name != "bob" || m.To.Name != "alice" {
			t.Errorf("%s: %+v", row.name, m)
		}
	}
}

func TestBadInputHasALineWithItsSource(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Accounts = map[string]Account{"2001": {Password: "secret1"}} })
	stranger := newFakePeer(t, "127.0.0.14:0")
	with := func(f func(q *query)) query {
		q := text1("x")
		f(&q)
		return q
	}
	for _, row := range []struct {
		name   string
		from   *fakePeer
		q      query
		status int
	}{
		{"no UTF-8", p, with(func(q *query) { q.body = "\xff" }), 400},
		{"a picture", p, with(func(q *query) { q.lines[1] = "Content-Type: image/png" }), 415},
		{"no hops left", p, with(func(q *query) { q.lines[0] = "Max-Forwards: 0" }), 483},
		{"under an account's name", p, with(func(q *query) { q.from = "sip:2001@pbx" }), 403},
		{"a scheme", p, with(func(q *query) { q.uri = "mailto:alice@gw" }), 416},
		{"a stranger", stranger, with(func(*query) {}), 401},
		{"unreadable", p, with(func(q *query) { q.lines = append(q.lines, "f: <sip:x@y>;tag=2") }), 400},
	} {
		if res := row.from.ask(b.udp, row.q.text()); code(res) != row.status {
			t.Errorf("%s: %s", row.name, res)
		}
		if got := b.log.take(); strings.Count(got, "peer="+row.from.addr()) != 1 {
			t.Errorf("%s: logged %q", row.name, got)
		}
	}
	for name, q := range map[string]query{
		"a good one":                       with(func(*query) {}),
		"a method that is not for us":      {method: "SUBSCRIBE", uri: "sip:alice@gw", from: "sip:bob@pbx"},
		"an account without credentials":   registerQuery("2001", "<sip:2001@127.0.0.1>"),
		"what the bridge does not deliver": with(func(q *query) { q.body = "y" }),
	} {
		if strings.HasPrefix(name, "what") {
			b.h.answerWith(0, &bridge.Error{Cause: bridge.NotFound})
		}
		p.ask(b.udp, q.text())
		if got := b.log.take(); got != "" {
			t.Errorf("%s: logged %q", name, got)
		}
	}
}

func TestOurOwnMessageComeBackHasALine(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	_, tag, _ := strings.Cut(header(out.text, "From"), ";tag=")
	_, body, _ := strings.Cut(out.text, "\r\n\r\n")
	if res := p.ask(b.udp, strings.Replace(text1(body).text(), "tag=f1", "tag="+tag, 1)); code(res) != 482 {
		t.Error(res)
	}
	if got := b.log.take(); !strings.Contains(got, "peer="+p.addr()) || !strings.Contains(got, "status=482") {
		t.Errorf("logged %q", got)
	}
	p.send(out.from, response(out.text, 200, "OK"))
	next(t, ch, "the outcome")
}

func TestOtherStrangersAreToldApart(t *testing.T) {
	t.Parallel()
	peer, stranger := newFakePeer(t, "127.0.0.1:0"), newFakePeer(t, "127.0.0.15:0")
	b := run(t, func(c *Config) { c.Peer = "sip:" + peer.addr() }).up()
	if res := stranger.ask(b.udp, text1("x").text()); code(res) != 403 {
		t.Error(res)
	}
	if got := b.log.take(); !strings.Contains(got, "peer="+stranger.addr()) || !strings.Contains(got, "cause=stranger") {
		t.Errorf("logged %q", got)
	}
}

// What anybody sends in a phone's name does not keep it from answering the
// challenge that it has got.
func TestWhoRepeatsOurNonceIsThere(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	e := b.a.engine.Load()
	now := time.Now()
	phone, other := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8")
	at := func(a netip.Addr) flow { return flow{carrier: e.udp[0], remote: netip.AddrPortFrom(a, 5060)} }
	nonce := e.auth.nonces.make(phone, now)
	auth := func(nonce string) []byte {
		return []byte("REGISTER sip:gw SIP/2.0\r\nAuthorization: Digest cnonce=\"x\", realm=\"gw\",nonce=\"" + nonce + "\", uri=\"sip:gw\"\r\n\r\n")
	}
	for range strangerBurst {
		if !e.admits(at(phone), auth(""), now) || !e.admits(at(other), auth(""), now) {
			t.Fatal("less than a stranger may send")
		}
	}
	for _, row := range []struct {
		name string
		from netip.Addr
		data []byte
		want bool
	}{
		{"no nonce", phone, []byte("REGISTER sip:gw SIP/2.0\r\n\r\n"), false},
		{"cut short", phone, []byte(`nonce="` + nonce), false},
		{"another's", phone, auth((&nonces{key: []byte("x")}).make(phone, now)), false},
		{"for another source", other, auth(nonce), false},
		{"old", phone, auth(e.auth.nonces.make(phone, now.Add(-nonceLife))), false},
		{"hidden among many", phone, []byte(strings.Repeat(`nonce="`, maxNonces) + nonce + `"`), true},
		{"hidden among too many", phone, []byte(strings.Repeat(`nonce="`, maxNonces+1) + nonce + `"`), false},
		{"ours", phone, auth(nonce), true},
	} {
		if got := e.admits(at(row.from), row.data, now); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	n := 0
	for e.admits(at(phone), auth(nonce), now) {
		n++
	}
	if n >= strangerBurst {
		t.Errorf("%d more are read", n)
	}
}

func FuzzShownNonce(f *testing.F) {
	n := nonces{key: []byte("key")}
	a, now := netip.MustParseAddr("192.0.2.1"), time.UnixMilli(1_700_000_000_000)
	f.Add([]byte(`Digest nonce="` + n.make(a, now) + `"`))
	f.Add([]byte(`nonce="nonce="`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n.shown(data, netip.MustParseAddr("192.0.2.9"), now) {
			t.Error("a nonce that nobody has made for that source")
		}
	})
}

func TestContactsKeepTheirParameters(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	const gruu = ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	for _, params := range []string{";ob", gruu, ";transport=udp" + gruu + ";ob", ";gr"} {
		contact := "<sip:2001@" + phone.addr() + params + ">"
		res := phone.asPhone(b.udp, registerQuery("2001", contact), "2001", "secret1")
		if code(res) != 200 || !strings.Contains(res, "Contact: "+contact+";expires=600\r\n") {
			t.Errorf("%s: %s", params, res)
		}
		ch := b.send(b.message("2001", "alice"))
		out := phone.next()
		if !strings.HasPrefix(out.text, "MESSAGE "+strings.Trim(contact, "<>")+" SIP/2.0\r\n") {
			t.Errorf("%s: %s", params, out.text)
		}
		phone.send(out.from, response(out.text, 200, "OK"))
		next(t, ch, "the outcome")
		if res := phone.asPhone(b.udp, leaving(contact), "2001", "secret1"); code(res) != 200 || header(res, "Contact") != "" {
			t.Errorf("%s does not leave: %s", params, res)
		}
	}
}

// leaving is a REGISTER that takes a contact out again.
func leaving(contact string) query {
	q := registerQuery("2001", contact, "Expires: 0")
	q.cseq = 10
	return q
}
