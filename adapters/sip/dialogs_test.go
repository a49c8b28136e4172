package sip

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestAStrangerCantMeddleWithACall(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite(audio(4000, "0"))
	c := b.h.Call(0)
	c.Leg.Ring(false)
	ringing := u.expect("SIP/2.0 180")
	stranger := &farUA{fakePeer: newFakePeer(t, "127.0.0.2:0"), gw: u.gw}
	stranger.callID, stranger.from, stranger.target, stranger.branch, stranger.cseq = u.callID, u.from, u.target, u.branch, u.cseq
	stranger.to = u.to
	stranger.request("CANCEL", "") // with the branch of the INVITE, for it is known
	stranger.expect("SIP/2.0 403")
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	c.Leg.Accept()
	u.accepted("")
	stranger.to = header(ringing, "To")
	for i, method := range []string{"BYE", "INVITE", "UPDATE", "INFO", "REFER"} {
		stranger.cseq = 100 + i
		stranger.request(method, "")
		stranger.expect("SIP/2.0 403")
	}
	u.request("OPTIONS", "")
	u.expect("SIP/2.0 200")
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

// A phoneUA is a phone with an account.
type phoneUA struct {
	*farUA
	q query // its INVITE
}

// place places a call with credentials, and answers the challenge before.
func (p *phoneUA) place() {
	p.t.Helper()
	p.q = query{method: "INVITE", uri: "sip:alice@gw.example.org", from: "sip:2001@gw.example.org", callID: fmt.Sprintf("phone%d", fresh()),
		branch: fmt.Sprintf("z9hG4bKp%d", fresh()), body: audio(4000, "0"),
		lines: []string{"Content-Type: application/sdp", "Contact: <sip:2001@192.168.1.9:5070>", "Max-Forwards: 70"}}
	p.callID, p.cseq = p.q.callID, 1
	p.send(p.gw, p.q.text())
	challenge := p.expect("SIP/2.0 401")
	ack := p.q
	ack.method, ack.body, ack.lines = "ACK", "", nil
	p.send(p.gw, strings.Replace(ack.text(), "To: <sip:alice@gw.example.org>", "To: "+header(challenge, "To"), 1))
	p.q = p.q.authorize(challenge, "2001", "secret1", 1)
	p.q.branch = fmt.Sprintf("z9hG4bKp%d", fresh())
	p.send(p.gw, p.q.text())
	p.callID, p.from, p.target, p.cseq = p.q.callID, "<"+p.q.from+">;tag=f1", p.q.uri, p.q.cseq
}

func callsWithAccounts(t *testing.T) (*callBench, *phoneUA) {
	t.Helper()
	b := callsOn(t, func(c *Config) {
		c.Accounts = map[string]Account{"2001": {Password: "secret1"}, "2002": {Password: "secret2"}}
	})
	return b, &phoneUA{farUA: &farUA{fakePeer: newFakePeer(t, "127.0.0.1:0"), gw: b.a.Addrs()[0], tag: "f1"}}
}

func TestAPhoneShowsWhoItIsOnceACall(t *testing.T) {
	t.Parallel()
	b, p := callsWithAccounts(t)
	p.place()
	c := b.h.Call(0)
	if c.Invite.From.Name != "2001" {
		t.Error(c.Invite.From)
	}
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	c.Leg.Accept()
	p.accepted("")
	p.request("OPTIONS", "") // by the way that the INVITE came it is believed
	p.expect("SIP/2.0 200")
	// From elsewhere only if it shows who it is.
	moved := &farUA{fakePeer: newFakePeer(t, "127.0.0.3:0"), gw: p.gw, callID: p.callID, from: p.from, to: p.to, target: p.target, cseq: p.cseq}
	moved.request("OPTIONS", "")
	challenge := moved.expect("SIP/2.0 401")
	q := query{method: "OPTIONS", uri: "sip:alice@127.0.0.1", from: "sip:2001@gw.example.org", callID: p.callID, cseq: moved.cseq}
	other := q
	other.from = "sip:2002@gw.example.org"
	moved.cseq = moved.cseq + 1
	moved.within(other.authorize(challenge, "2002", "secret2", 1).text(), p.to) // somebody, but not who is in the call
	moved.expect("SIP/2.0 403")
	moved.request("OPTIONS", "")
	challenge = moved.expect("SIP/2.0 401")
	q.cseq = moved.cseq
	moved.cseq++
	moved.within(q.authorize(challenge, "2001", "secret1", 1).text(), p.to)
	moved.expect("SIP/2.0 200")
	c.Leg.Hangup(bridge.Normal)
	bye := p.expect("BYE sip:2001@192.168.1.9:5070 ") // whatever its address: it goes where the phone was met
	p.reply(bye, 200, "", "")
	ends(t, c, bridge.Normal)
}

// within sends a text within the dialog whose remote end is to.
func (u *farUA) within(text, to string) {
	head, rest, _ := strings.Cut(text, "\r\nTo: ")
	_, rest, _ = strings.Cut(rest, "\r\n")
	u.send(u.gw, head+"\r\nTo: "+to+"\r\n"+rest)
}

func TestACallForAnAccountGoesToThePhoneThatRegistered(t *testing.T) {
	t.Parallel()
	b, p := callsWithAccounts(t)
	if res := p.asPhone(p.gw, registerQuery("2001", "<sip:2001@192.168.1.9:5062>"), "2001", "secret1"); code(res) != 200 {
		t.Fatal(res)
	}
	c := b.dial(nil)
	inv := p.called()
	if !strings.HasPrefix(inv, "INVITE sip:2001@192.168.1.9:5062 SIP/2.0\r\n") || header(inv, "Contact") != "<sip:alice@"+p.gw.String()+">" {
		t.Error(inv)
	}
	p.reply(inv, 200, "f1", audio(4000, "0"), "Record-Route: <sip:192.0.2.1;lr>")
	ack := p.expect("ACK ")
	if header(ack, "Route") != "<sip:192.0.2.1;lr>" {
		t.Error("comes without its Route:", ack)
	}
	bridgetest.Await[bridge.Accepted](c)
	p.request("BYE", "")
	p.expect("SIP/2.0 200")
	ends(t, c, bridge.Normal)
}

func TestRequestsGoWhereThePeerSays(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	other := &farUA{fakePeer: newFakePeer(t, "127.0.0.5:0"), gw: u.gw}
	c := b.dial(nil)
	inv := u.called()
	res := response(inv, 200, "OK", "Contact: <sip:far@"+other.addr()+">", "Content-Type: application/sdp")
	body := audio(4000, "0")
	u.send(u.gw, strings.Replace(res, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), 1)+body)
	other.expect("ACK sip:far@" + other.addr())
	bridgetest.Await[bridge.Accepted](c)
	other.callID, other.from, other.to, other.target = u.callID, header(inv, "To")+";tag=there", u.to, u.target
	other.request("OPTIONS", "") // and it may speak for itself
	other.expect("SIP/2.0 200")
	other.request("BYE", "")
	other.expect("SIP/2.0 200")
	ends(t, c, bridge.Normal)
}

func TestALineAnswersTheChallengesOfItsCalls(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, "127.0.0.1:0")
	registered := make(chan string, 1)
	go func() {
		for pk := range p.got {
			if strings.HasPrefix(pk.text, "REGISTER ") {
				p.send(pk.from, response(pk.text, 200, "OK", "Expires: 300"))
				registered <- header(pk.text, "Contact")
				return
			}
		}
	}()
	b := callsOn(t, func(c *Config) {
		c.Peer = "sip:" + p.addr()
		c.Lines = map[string]Line{"alice": {Password: "secret"}}
	})
	contact := next(t, registered, "the REGISTER")
	u := &farUA{fakePeer: p, gw: b.a.Addrs()[0], tag: "far"}
	c := b.dial(nil)
	inv := u.called()
	if header(inv, "Contact") != contact {
		t.Errorf("Contact %s, registered %s", header(inv, "Contact"), contact)
	}
	u.reply(inv, 407, "x", "", `Proxy-Authenticate: Digest realm="pbx", nonce="n", qop="auth", algorithm=MD5`)
	u.expect("ACK ")
	inv = u.called()
	if !strings.Contains(header(inv, "Proxy-Authorization"), `username="alice"`) || header(inv, "CSeq") != "2 INVITE" {
		t.Error(inv)
	}
	u.reply(inv, 486, "x", "")
	u.expect("ACK ")
	ends(t, c, bridge.Busy)
	b.stop()
}

// long makes the INVITE of a call too long for a datagram.
func long(inv *bridge.Invite) {
	inv.From.Display = strings.Repeat("x", 120)
	inv.ID = strings.Repeat("i", 120)
}

func TestALongInviteGoesByTCPWhereThereIsTCP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		tcp  bool
	}{{"there is", true}, {"there is not", false}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newFakePeer(t, freePort(t))
			var l *tcpListener
			if row.tcp {
				l = listenTCP(t, p.addr())
			}
			b := callsOn(t, func(c *Config) {
				c.Peer = "sip:" + p.addr()
				c.Listen = append(c.Listen, "tcp:127.0.0.1:0")
			})
			c := b.dial(func(inv *bridge.Invite) {
				long(inv)
				for i := range 16 {
					f := pcmu
					f.Name = fmt.Sprintf("codec%d", i)
					inv.Offer.Desc[0].Formats = append(inv.Offer.Desc[0].Formats, f)
				}
			})
			var inv string
			if row.tcp {
				s := l.accept()
				inv = s.next()
				s.write(response(inv, 486, "Busy"))
				s.next() // ACK
			} else {
				inv = (&farUA{fakePeer: p}).expect("INVITE ")
				p.send(b.a.Addrs()[0], response(inv, 486, "Busy"))
			}
			if len(inv) <= maxUDP {
				t.Errorf("%d bytes", len(inv))
			}
			if tcp := strings.HasPrefix(header(inv, "Via"), "SIP/2.0/TCP "); tcp != row.tcp {
				t.Error(inv)
			}
			ends(t, c, bridge.Busy)
		})
	}
}

func TestACallOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	l := listenTCP(t, "127.0.0.1:0")
	answer := func(s *stream, text string) {
		_, _ = io.WriteString(s.conn, response(text, 200, "OK")) // the other side may have ended
	}
	answers := func(s *stream) {
		for {
			text, err := s.read()
			if err != nil {
				return
			}
			if strings.HasPrefix(text, "OPTIONS ") {
				answer(s, text)
				continue
			}
			t.Errorf("unexpected: %s", text)
		}
	}
	first := make(chan *stream, 1)
	go func() {
		s := l.accept()
		text, err := s.read()
		for err == nil && strings.HasPrefix(text, "OPTIONS ") {
			answer(s, text)
			if len(first) == 0 {
				first <- s
				return
			}
		}
	}()
	b := callsOn(t, func(c *Config) {
		c.Listen = []string{"tcp:127.0.0.1:0"}
		c.Peer = "sip:" + l.l.Addr().String() + ";transport=tcp"
	})
	s := next(t, first, "the connection")
	c := b.dial(nil)
	inv := s.next()
	body := audio(4000, "0")
	s.write(strings.Replace(response(inv, 200, "OK", "Contact: <sip:far@"+l.l.Addr().String()+";transport=tcp>", "Content-Type: application/sdp"),
		"Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), 1) + body)
	if ack := s.next(); !strings.HasPrefix(ack, "ACK ") {
		t.Error(ack)
	}
	bridgetest.Await[bridge.Accepted](c)
	conns := &b.a.engine.Load().conns
	old := conns.open("tcp", addrPort(l.l.Addr()))
	_ = s.conn.Close()
	for conns.open("tcp", addrPort(l.l.Addr())) == old {
		next(t, time.After(time.Millisecond), "the connection to be seen closed")
	}
	c.Leg.Hangup(bridge.Normal)
	// The watcher, who asks whether the peer is there, may be quicker, or be
	// beaten: then a connection is closed again.
	s = l.accept()
	for {
		text, err := s.read()
		if err != nil {
			s = l.accept()
			continue
		}
		answer(s, text)
		if strings.HasPrefix(text, "BYE ") {
			break
		}
	}
	var answering sync.WaitGroup
	answering.Go(func() { answers(s) })
	ends(t, c, bridge.Normal)
	b.stop()
	answering.Wait()
}

func TestCallsGoOnWhileDraining(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	b.a.Drain(t.Context())
	u.request("OPTIONS", "")
	u.expect("SIP/2.0 200")
	dialog := *u.fakePeer
	fresh := &farUA{fakePeer: &dialog, gw: u.gw, tag: "new"}
	fresh.invite(audio(4000, "0"))
	fresh.expect("SIP/2.0 503")
	u.request("BYE", "")
	u.expect("SIP/2.0 200")
	ends(t, c, bridge.Normal)
}

// Who is in a call by the peer's word may speak for itself, but not for others as
// the peer may.
func TestWhoIsOnlyInACallCantWriteInAnothersName(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	stranger := &farUA{fakePeer: newFakePeer(t, "127.0.0.2:0"), gw: u.gw}
	u.invite(audio(4000, "0"), "Record-Route: <sip:"+stranger.addr()+";lr>")
	c := b.h.Call(0)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	c.Leg.Accept()
	u.accepted("")
	stranger.callID, stranger.from, stranger.to, stranger.target, stranger.cseq = u.callID, u.from, u.to, "sip:alice@gw.example.org", 100
	stranger.request("OPTIONS", "")
	stranger.expect("SIP/2.0 200")
	stranger.request("MESSAGE", "hello", "Content-Type: text/plain", "P-Asserted-Identity: <sip:boss@pbx.example.org>")
	stranger.expect("SIP/2.0 403")
	c.Leg.Hangup(bridge.Normal)
	ends(t, c, bridge.Normal)
}

func TestAMessageWithinACallIsAMessage(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	talking(t, b, u, 0, "0")
	u.request("MESSAGE", "hello", "Content-Type: text/plain")
	u.expect("SIP/2.0 200")
	u.request("SUBSCRIBE", "")
	u.expect("SIP/2.0 489")
	u.request("INFO", "", "Require: frobnication")
	if res := u.expect("SIP/2.0 420"); header(res, "Unsupported") != "frobnication" {
		t.Error(res)
	}
}

func TestWhatBelongsToNoCallIsRefused(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	for method, status := range map[string]int{
		"BYE": 481, "UPDATE": 481, "PRACK": 481, "INFO": 481, "CANCEL": 481, "NOTIFY": 481, "INVITE": 481, "REFER": 481,
	} {
		text := query{method: method, uri: "sip:alice@gw.example.org", from: "sip:2001@pbx"}.text()
		if res := u.ask(u.gw, strings.Replace(text, "\r\nTo: <sip:alice@gw.example.org>", "\r\nTo: <sip:alice@gw.example.org>;tag=1", 1)); code(res) != status {
			t.Errorf("%s: %s", method, res)
		}
	}
	for _, row := range []struct {
		lines  []string
		status string
	}{
		{[]string{"Require: precondition"}, "420"},
		{[]string{"Replaces: 1;to-tag=2;from-tag=3"}, "481"},
		{[]string{"Content-Type: text/plain"}, "415"},
	} {
		u.invite("x", row.lines...)
		u.expect("SIP/2.0 " + row.status)
	}
	u.invite("x", "Max-Forwards: 0")
	u.expect("SIP/2.0 400") // twice: the first is the header's
	if n := b.a.engine.Load().dialogs.Len(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestOurOwnInviteComeBackIsALoop(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(nil)
	inv := u.called()
	u.cseq = 1
	u.send(u.gw, strings.Replace(inv, "\r\nVia: ", "\r\nVia: SIP/2.0/UDP "+u.addr()+";branch=z9hG4bKback;rport\r\nVia: ", 1))
	u.expect("SIP/2.0 482")
	u.reply(inv, 482, "x", "")
	ends(t, c, bridge.Looped)
}
