package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestAStrangerGetsNowhereWhateverTheMethod(t *testing.T) {
	t.Parallel()
	stranger, peer := newFakePeer(t, "127.0.0.1:0"), newFakePeer(t, "127.0.0.2:0")
	for _, row := range []struct {
		name   string
		b      *bench
		status int
	}{
		{"without accounts", run(t, func(c *Config) { c.Peer = "sip:" + peer.addr() }).up(), 403},
		{"with accounts", withAccounts(t, nil), 401},
	} {
		for _, method := range []string{"MESSAGE", "OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "INFO", "BYE", "FOO"} {
			q := query{method: method, uri: "sip:alice@gw.example.org", from: "sip:2001@gw.example.org"}
			res := stranger.ask(row.b.udp, q.text())
			if code(res) != row.status {
				t.Errorf("%s: %s: %s", row.name, method, res)
			}
			if row.status == 401 && (strings.Count(res, "WWW-Authenticate: Digest") != 2 || !strings.Contains(header(res, "WWW-Authenticate"), "SHA-256")) {
				t.Errorf("%s: %s", method, res)
			}
		}
		stranger.send(row.b.udp, query{method: "ACK", uri: "sip:alice@gw", from: "sip:bob@pbx"}.text())
		if res := stranger.ask(row.b.udp, query{method: "CANCEL", uri: "sip:alice@gw", from: "sip:bob@pbx"}.text()); code(res) != 403 {
			t.Errorf("CANCEL: %s", res)
		}
		select {
		case m := <-row.b.h.messages:
			t.Errorf("%s: the bridge got %+v", row.name, m)
		default:
		}
	}
}

func TestAPhoneRegistersAndIsWrittenTo(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	m := b.message("2001", "alice")
	r := next(t, b.send(m), "the outcome")
	if e := asError(r.err); e.Cause != bridge.Unavailable || !e.Retry {
		t.Fatalf("before it has registered: %v", r.err)
	}
	contact := "<sip:2001@192.168.1.9:5062>" // behind a NAT
	res := phone.asPhone(b.udp, registerQuery("2001", contact, "Expires: 300"), "2001", "secret1")
	if code(res) != 200 || header(res, "Contact") != contact+";expires=300" {
		t.Fatal(res)
	}
	if a := next(t, b.h.back, "the account to be back"); a.Name != "2001" {
		t.Error(a)
	}
	ch := b.send(m)
	out := phone.next()
	for _, want := range []string{
		"MESSAGE sip:2001@192.168.1.9:5062 SIP/2.0\r\n", "\r\nMax-Forwards: 69\r\n", "\r\nTo: <sip:2001@gw.example.org>\r\n",
		"\r\nFrom: \"Alice\" <sip:alice@gw.example.org>;tag=0123456789abcdefghijklmnop-",
		"\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Language: de\r\n", "\r\n\r\nGrüße",
	} {
		if !strings.Contains(out.text, want) {
			t.Errorf("no %q in\n%s", want, out.text)
		}
	}
	if strings.Contains(out.text, "Contact:") {
		t.Error("a MESSAGE has no Contact (RFC 3428)")
	}
	phone.send(out.from, response(out.text, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
		t.Error(r.err)
	}
	if res := phone.asPhone(b.udp, registerQuery("2001", "*", "Expires: 0"), "2001", "secret1"); code(res) != 200 || header(res, "Contact") != "" {
		t.Error(res)
	}
	if r := next(t, b.send(m), "the outcome"); r.err == nil {
		t.Error("sent to an account without contacts")
	}
}

func TestAPhoneIsWhoItHasProvedToBe(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	q := text1("hello")
	q.from = "sip:2001@gw.example.org"
	if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 200 {
		t.Error(res)
	}
	if m := next(t, b.h.messages, "a message"); m.From.Name != "2001" {
		t.Error(m.From)
	}
	q.from = "sip:2002@gw.example.org"
	if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 403 {
		t.Errorf("under another's name: %s", res)
	}
	if res := phone.asPhone(b.udp, q, "2002", "secret1"); code(res) != 401 {
		t.Errorf("wrong password: %s", res)
	}
	r := registerQuery("2001", "<sip:2001@127.0.0.1>")
	r.to = "sip:2002@gw.example.org"
	if res := phone.asPhone(b.udp, r, "2001", "secret1"); code(res) != 403 {
		t.Errorf("registering another: %s", res)
	}
}

func TestNoncesAreGoodOnceAndForOneSourceOnly(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	q := text1("x")
	q.from = "sip:2001@gw.example.org"
	challenge := phone.ask(b.udp, q.text())
	steps := []struct {
		name   string
		count  int
		status int
	}{{"first", 1, 200}, {"next", 2, 200}, {"replayed", 2, 401}, {"ahead", 9, 200}, {"late but new", 4, 200}, {"late again", 4, 401}}
	for _, s := range steps {
		res := phone.ask(b.udp, q.authorize(challenge, "2001", "secret1", s.count).text())
		if code(res) != s.status || s.status == 401 && !strings.Contains(header(res, "WWW-Authenticate"), "stale=true") {
			t.Errorf("%s: %s", s.name, res)
		}
	}
	other := newFakePeer(t, "127.0.0.2:0")
	if res := other.ask(b.udp, q.authorize(challenge, "2001", "secret1", 20).text()); code(res) != 401 {
		t.Errorf("from another source: %s", res)
	}
	// A client of RFC 2069 knows no counts: it may use a nonce once.
	old := strings.ReplaceAll(phone.ask(b.udp, q.text()), `, qop="auth"`, "")
	for i, want := range []int{200, 401} {
		if res := phone.ask(b.udp, q.authorize(old, "2001", "secret1", 0).text()); code(res) != want {
			t.Errorf("without qop, number %d: %s", i, res)
		}
	}
}

func TestStaleNonceIsRenewed(t *testing.T) {
	t.Parallel()
	n := nonces{key: []byte("key")}
	a, now := netip.MustParseAddr("192.0.2.1"), time.Now()
	nonce := n.make(a, now)
	for _, row := range []struct {
		name, nonce string
		now         time.Time
		good        bool
	}{
		{"fresh", nonce, now, true},
		{"forged", nonce[:20] + strings.Repeat("A", len(nonce)-20), now, false},
		{"another's", (&nonces{key: []byte("yek")}).make(a, now), now, false},
		{"none", "", now, false},
		{"almost old", nonce, now.Add(nonceLife - time.Millisecond), true},
		{"old", nonce, now.Add(nonceLife), false},
	} {
		if _, ok := n.good(row.nonce, a, row.now); ok != row.good {
			t.Errorf("%s: %v", row.name, ok)
		}
	}
}

func TestWhoGuessesPasswordsHasToWait(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	q := text1("x")
	q.from = "sip:2001@gw.example.org"
	challenge := phone.ask(b.udp, q.text())
	for i := range freeFailures {
		if res := phone.ask(b.udp, q.authorize(challenge, "2001", "wrong", i+1).text()); code(res) != 401 {
			t.Errorf("try %d: %s", i, res)
		}
	}
	if res := phone.ask(b.udp, q.authorize(challenge, "2001", "secret1", 50).text()); code(res) != 403 {
		t.Errorf("not made to wait: %s", res)
	}
	owner := newFakePeer(t, "127.0.0.2:0")
	if res := owner.asPhone(b.udp, q, "2001", "secret1"); code(res) != 200 {
		t.Errorf("the owner is locked out: %s", res)
	}
}

func TestRegistrationsHaveBounds(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	const c = "<sip:2001@127.0.0.1:5099>"
	for _, row := range []struct {
		name    string
		q       query
		status  int
		contact string
	}{
		{"too brief", registerQuery("2001", c+";expires=59"), 423, ""},
		{"for ever", registerQuery("2001", c+";expires=99999999999"), 200, c + ";expires=3600"},
		{"unsaid", registerQuery("2001", c), 200, c + ";expires=600"},
		{"no number", registerQuery("2001", c+";expires=x"), 400, ""},
		{"star with more", registerQuery("2001", "*", "Contact: "+c, "Expires: 0"), 400, ""},
		{"star for a while", registerQuery("2001", "*", "Expires: 60"), 400, ""},
		{"mail", registerQuery("2001", "<mailto:a@b>"), 400, ""},
		{"gone", registerQuery("2001", c, "Expires: 0"), 200, ""},
	} {
		row.q.callID = row.name
		res := phone.asPhone(b.udp, row.q, "2001", "secret1")
		if code(res) != row.status || header(res, "Contact") != row.contact || row.status == 423 && header(res, "Min-Expires") != "60" {
			t.Errorf("%s: %s", row.name, res)
		}
	}
	q := registerQuery("2001", c)
	q.cseq = 10
	if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 200 {
		t.Error(res)
	}
	q.cseq = 5
	if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 500 {
		t.Errorf("out of order: %s", res)
	}
	for i := range maxContacts + 2 {
		q := registerQuery("2001", fmt.Sprintf("<sip:2001@127.0.0.1:%d>", 6000+i))
		res := phone.asPhone(b.udp, q, "2001", "secret1")
		if n := strings.Count(res, "\r\nContact: "); code(res) != 200 || n > maxContacts {
			t.Errorf("%d contacts: %s", n, res)
		}
	}
}

func TestAContactNeverLeadsElsewhere(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone, victim := newFakePeer(t, "127.0.0.1:0"), newFakePeer(t, "127.0.0.3:0")
	if res := phone.asPhone(b.udp, registerQuery("2001", "<sip:2001@"+victim.addr()+">"), "2001", "secret1"); code(res) != 200 {
		t.Fatal(res)
	}
	ch := b.send(b.message("2001", "alice"))
	out := phone.next() // and not the victim
	phone.send(out.from, response(out.text, 480, "Away"))
	if e := asError(next(t, ch, "the outcome").err); e.Cause != bridge.Unavailable || e.Retry || e.Reason != "Away" {
		t.Error(e)
	}
}

func TestContactsVanishWithTheirConnection(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	s := dial(t, b.tcp)
	q := registerQuery("2001", "<sip:2001@10.1.1.1:5060;transport=tcp>")
	q.transport = "TCP"
	s.write(q.text())
	s.write(q.authorize(s.next(), "2001", "secret1", 1).text())
	if res := s.next(); code(res) != 200 {
		t.Fatal(res)
	}
	next(t, b.h.back, "the account to be back")
	big := b.message("2001", "alice")
	big.Bodies[0].Text = strings.Repeat("long ", 5000)
	ch := b.send(big)
	out := s.next()
	if !strings.HasSuffix(out, big.Bodies[0].Text) {
		t.Error("the text is not whole")
	}
	s.write(response(out, 202, "Accepted"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
	ch = b.send(b.message("2001", "alice"))
	s.next()
	_ = s.conn.Close()
	if e := asError(next(t, ch, "the outcome").err); !e.Retry {
		t.Error(e)
	}
	r := next(t, b.send(b.message("2001", "alice")), "the outcome")
	if e := asError(r.err); e.Cause != bridge.Unavailable || !e.Retry {
		t.Errorf("after the connection has ended: %v", r.err)
	}
}

func TestPhonesBesideThePeerProveWhoTheyAre(t *testing.T) {
	t.Parallel()
	b, _ := withPeer(t, func(c *Config) { c.Accounts = map[string]Account{"2001": {Password: "secret1"}} })
	phone := newFakePeer(t, "127.0.0.1:0") // the peer's host, another port
	if res := phone.asPhone(b.udp, registerQuery("2001", "<sip:2001@"+phone.addr()+">"), "2001", "secret1"); code(res) != 200 {
		t.Error(res)
	}
	q := text1("x")
	q.from = "sip:2001@gw.example.org"
	if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 200 {
		t.Error(res)
	}
	if m := next(t, b.h.messages, "a message"); m.From.Name != "2001" {
		t.Error(m.From)
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add(`Digest username="2001", realm="gw", nonce="x", uri="sip:gw", response="0", nc=00000001, qop=auth, cnonce="y"`)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := parseCredentials(s); err == nil {
			_ = usable(c)
			_ = (&authenticator{realm: c.Realm}).matches(c, "MESSAGE", "x")
		}
		if c := strongest([]string{s}); c != nil && c.Nonce == "" {
			t.Error("a challenge without a nonce")
		}
	})
}
