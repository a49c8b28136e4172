package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// browserSDP is a description as browsers make them, with what one says of who begins the
// handshake.
func browserSDP(setup string) string {
	return strings.Join([]string{
		"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 0.0.0.0",
		"a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdefghijkl", "a=candidate:1 1 udp 5 127.0.0.1 50000 typ host",
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), "a=setup:" + setup, "a=mid:0", "a=rtcp-mux", "a=sendrecv",
	}, "\r\n") + "\r\n"
}

// described gives a message a session description.
func described(text, sdp string) string {
	return strings.Replace(text, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n", len(sdp)), 1) + sdp
}

// browser is a page that has registered as 2001.
func browser(t *testing.T) (*callBench, *page, string) {
	t.Helper()
	b := callsOn(t, func(c *Config) {
		c.Listen = []string{"ws:127.0.0.1:0"}
		c.Accounts = map[string]Account{"2001": {Password: "secret1"}}
	})
	p := openPage(t, "ws://"+b.a.Addrs()[0].String(), nil)
	contact := "sip:k3j2@8vq0l1.invalid;transport=ws"
	q := registerQuery("2001", "<"+contact+">")
	q.transport = "WS"
	p.write(q.text())
	p.write(q.authorize(p.next(), "2001", "secret1", 1).text())
	if res := p.next(); code(res) != 200 {
		t.Fatal(res)
	}
	return b, p, contact
}

func TestABrowserIsCalledByICE(t *testing.T) {
	t.Parallel()
	b, p, contact := browser(t)
	c := b.dial(nil)
	inv := p.next()
	for _, want := range []string{"INVITE " + contact + " SIP/2.0\r\nVia: SIP/2.0/WS ", ";transport=ws>\r\n", " UDP/TLS/RTP/SAVPF ", "\r\na=ice-ufrag:uf01\r\n", "\r\na=candidate:1 1 udp "} {
		if !strings.Contains(inv, want) {
			t.Errorf("no %q in\n%s", want, inv)
		}
	}
	p.write(described(response(inv, 200, "OK", "Contact: <"+contact+">"), browserSDP("active")))
	if ack := p.next(); !strings.HasPrefix(ack, "ACK "+contact) {
		t.Error(ack)
	}
	port := bridgetest.Await[bridge.MediaReady](c).Port
	bridgetest.Await[bridge.Accepted](c)
	set, _ := b.plane.Setting(port)
	if set.ICE == nil || set.ICE.Ufrag != "abcd" || !set.Controlling || set.Security == nil || set.Security.DTLS == nil {
		t.Errorf("%+v", set)
	}
	b.plane.Tell(port, media.Failed{Err: errors.New("no way")})
	if bye := p.next(); !strings.HasPrefix(bye, "BYE "+contact) {
		t.Error(bye)
	}
	ends(t, c, bridge.NoMedia)
}

func TestABrowserCallsByICE(t *testing.T) {
	t.Parallel()
	b, p, contact := browser(t)
	q := query{
		method: "INVITE", uri: "sip:alice@gw.example.org", from: "sip:2001@gw.example.org", transport: "WS",
		lines: []string{"Max-Forwards: 20", "Contact: <" + contact + ">"},
	}
	p.write(described(q.text(), browserSDP("actpass")))
	challenge := p.next()
	p.write(described(q.authorize(challenge, "2001", "secret1", 2).text(), browserSDP("actpass")))
	c := b.h.Call(0)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	port := bridgetest.Await[bridge.MediaReady](c).Port
	c.Leg.Accept()
	res := p.next()
	for code(res) < 200 {
		res = p.next()
	}
	if code(res) != 200 || !strings.Contains(res, "\r\na=ice-ufrag:uf01\r\n") || !strings.Contains(res, "\r\na=setup:active\r\n") || !strings.Contains(res, "\r\na=mid:0\r\n") {
		t.Error(res)
	}
	if set, _ := b.plane.Setting(port); set.ICE == nil || set.Controlling {
		t.Errorf("%+v", set)
	}
	c.Leg.Hangup(bridge.Normal)
	ends(t, c, bridge.Normal)
}
