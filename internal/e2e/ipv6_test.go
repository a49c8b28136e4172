//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// freePort6 finds a UDP and TCP port of [::1], below those that the kernel
// gives away. [::1] has no lab of its own.
func freePort6(t *testing.T) string {
	t.Helper()
	for range 200 {
		addr := fmt.Sprintf("[::1]:%d", 26000+rand.IntN(2000))
		u, err := net.ListenPacket("udp6", addr)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp6", addr)
		u.Close()
		if err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port of [::1] is free")
	return ""
}

func agent6(t *testing.T, local, to string) *peer.UserAgent {
	t.Helper()
	u, err := peer.NewUserAgent(local, to)
	u = got(t, u, err)
	t.Cleanup(u.Close)
	return u
}

func TestPhoneRegistersAndTalksOverIPv6(t *testing.T) {
	w := newWorld(t)
	at := freePort6(t)
	aw := &agentWorld{world: w, prosody: w.prosody(), number: "2001", jid: "2001@" + component, alice: "alice"}
	four := w.At(peer.GatewayHost, peer.SIPPort)
	table := fmt.Sprintf("[sip.pbx]\nlisten = [\"udp:%s\", \"udp:%s\", \"tcp:%s\"]\ndomain = \"%s\"\n%s\n\n", four, at, at, gatewayDomain, accounts)
	aw.gateway = w.gateway(w.gatewayTable(), table, w.xmppTable(), phoneMaps)
	aw.chat = w.chat(alice)
	aw.sip = agent6(t, "[::1]:0", at)
	w.must(aw.sip.Register(w.ctx, "2001", "pw-2001", gatewayDomain))
	aw.ask("v6", "by IPv6")
	m, err := aw.sip.WaitText(w.ctx, "by IPv6")
	w.must(err)
	if via := m.Header("Via"); !strings.Contains(via, " "+at+";") {
		t.Errorf("Via: %s, want %s", via, at)
	}
	aw.notify(m, "displayed")
	aw.settle()
	if aw.received("v6") != 1 || aw.displayed("v6") != 1 {
		t.Errorf("%d receipts, %d markers", aw.received("v6"), aw.displayed("v6"))
	}
	// One with IPv4 is reached beside it.
	two := w.agent(peer.PhoneHost, 0)
	w.must(two.Register(w.ctx, "2002", "pw-2002", gatewayDomain))
	r := w.message("2001", "2002", "from six to four")
	res, err := aw.sip.DoAs(w.ctx, r, "2001", "pw-2001")
	w.must(err)
	if res.Code() != 200 {
		t.Errorf("answer %s", res.Start)
	}
	_, err = two.WaitText(w.ctx, "from six to four")
	w.must(err)
}

func TestPeerTalksOverIPv6(t *testing.T) {
	w := newWorld(t)
	at, theirs := freePort6(t), freePort6(t)
	aw := &agentWorld{world: w, prosody: w.prosody(), number: "1001", jid: "1001@" + component, alice: "7001"}
	aw.sip = agent6(t, theirs, at)
	table := fmt.Sprintf("[sip.pbx]\nlisten = [\"udp:%s\", \"tcp:%s\"]\npeer = \"sip:%s\"\n\n", at, at, theirs)
	aw.gateway = w.gateway(w.gatewayTable(), table, w.xmppTable(), maps)
	aw.chat = w.chat(alice)
	w.must(aw.chat.Say(alice, aw.jid, "v6", "by IPv6"))
	m, err := aw.sip.WaitText(w.ctx, "by IPv6")
	w.must(err)
	if from := m.Header("From"); !strings.Contains(from, "sip:7001@[::1]") {
		t.Errorf("From: %s", from)
	}
	aw.settle()
	wantNoErrors(t, aw.chat, alice)
}
