//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"gateway/internal/peer"
)

// strangerHost is nobody the gateway knows.
const strangerHost = 99

var methods = []string{
	"MESSAGE", "OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "INFO", "BYE", "UPDATE", "PRACK", "NONSENSE", "CANCEL",
}

func TestStrangersOfEveryMethodAreTurnedAway(t *testing.T) {
	for name, row := range map[string]struct {
		tables func(w *world) string
		code   int
	}{
		"who could register": {func(w *world) string { return w.sipTable(accounts) }, 401},
		"who could not":      {func(w *world) string { return w.sipTable(w.trunk()) }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.prosody()
			_, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
			w.must(err)
			g := w.gateway(w.gatewayTable(), row.tables(w), w.xmppTable(), maps)
			chat := w.chat(alice)
			for _, method := range methods {
				request := w.message("1001", "7001", "from a stranger by "+method)
				request.Method = method
				m, err := w.wire(strangerHost).Do(w.ctx, request)
				w.must(err)
				want := row.code
				if method == "CANCEL" { // nobody can be asked for credentials by it
					want = 403
				}
				if m.Code() != want {
					t.Errorf("%s: %s, want %d", method, m.Start, want)
				}
			}
			wantNoAnswerToACK(t, w)
			w.must(chat.Say(alice, "alice@example.org", "self", "the end"))
			_, err = chat.WaitText(w.ctx, alice, "the end")
			w.must(err)
			for _, e := range chat.Texts(alice) {
				if e.Body() != "the end" {
					t.Errorf("alice got %q", e.Body())
				}
			}
			if v := w.metric(g, `gateway_messages_total{adapter="pbx",direction="in"`); v != "" {
				t.Errorf("the bridge was given messages: %s", v)
			}
		})
	}
}

// wantNoAnswerToACK sends an ACK, and behind it what is answered.
func wantNoAnswerToACK(t *testing.T, w *world) {
	t.Helper()
	s := w.wire(strangerHost)
	w.must(s.Send(fmt.Sprintf("ACK sip:7001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKack;rport\r\nFrom: <sip:1001@%s>;tag=a\r\n"+
		"To: <sip:7001@%s>\r\nCall-ID: ack\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		gatewayDomain, s.Local(), gatewayDomain, gatewayDomain)))
	w.must(s.Send(fmt.Sprintf("OPTIONS sip:7001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKopt;rport\r\nFrom: <sip:1001@%s>;tag=a\r\n"+
		"To: <sip:7001@%s>\r\nCall-ID: opt\r\nCSeq: 2 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		gatewayDomain, s.Local(), gatewayDomain, gatewayDomain)))
	m, err := s.Receive(w.ctx)
	w.must(err)
	if m.Method() != "OPTIONS" {
		t.Errorf("the ACK is answered with %s", m.Start)
	}
}

func TestNobodyWritesUnderAnAccountsName(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	pbx, err := peer.NewWire(w.At(peer.SIPHost, peer.SIPPort), w.At(peer.GatewayHost, peer.SIPPort))
	w.must(err)
	defer pbx.Close()
	w.gatewayAlone(w.gatewayTable(), w.sipTable(w.trunk(), accounts), w.xmppTable(), phoneMaps)
	chat := w.chat(alice)

	s := w.wire(peer.PhoneHost)
	m, err := s.DoAs(w.ctx, w.message("2002", "alice", "spoofed"), "2001", "pw-2001", "SHA-256")
	w.must(err)
	if m.Code() != 403 {
		t.Errorf("an account as another: %s, want 403", m.Start)
	}

	m, err = pbx.Do(w.ctx, w.message("2001", "alice", "spoofed"))
	w.must(err)
	if m.Code() != 403 {
		t.Errorf("the peer as an account: %s, want 403", m.Start)
	}

	request := w.message("2999", "alice", "spoofed")
	request.Headers = append(request.Headers, "P-Asserted-Identity: <sip:2001@"+gatewayDomain+">")
	m, err = pbx.Do(w.ctx, request)
	w.must(err)
	if m.Code() != 403 {
		t.Errorf("the peer with an account's P-Asserted-Identity: %s, want 403", m.Start)
	}

	m, err = pbx.Do(w.ctx, w.message("2999", "alice", "honest"))
	w.must(err)
	if m.Code() != 200 {
		t.Errorf("the peer as itself: %s, want 200", m.Start)
	}
	_, err = chat.WaitText(w.ctx, alice, "honest")
	w.must(err)
	for _, e := range chat.Texts(alice) {
		if e.Body() == "spoofed" {
			t.Errorf("alice got %+v", e)
		}
	}
}

func TestPeersPhoneWithholdsItsNumberAndIsRefused(t *testing.T) {
	w := newTrunkWorld(t)
	request := w.message("anonymous", "7001", "who am I")
	request.From = `"Anonymous" <sip:anonymous@anonymous.invalid>`
	m, err := w.wire(peer.SIPHost).Do(w.ctx, request)
	w.must(err)
	if m.Code() != 403 {
		t.Errorf("answer %s, want 403: no map names pbx:anonymous", m.Start)
	}
}
