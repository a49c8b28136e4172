//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	"gateway/internal/peer"
)

// A pbxWorld has Kamailio as the SIP peer, the gateway registered there with a
// line for alice (7001) and one for bob (bob), and a phone there, 1001.
type pbxWorld struct {
	*world
	kamailio *peer.Kamailio
	phone    *peer.Linphone
	chat     *peer.Chat
	gateway  *peer.Gateway
}

const pbxDomain = "pbx.example"

func newPBXWorld(t *testing.T) *pbxWorld {
	t.Helper()
	w := newWorld(t)
	pw := &pbxWorld{world: w}
	w.prosody()
	k, err := peer.StartKamailio(w.ctx, w.Lab, peer.KamailioConfig{
		Domain: pbxDomain,
		Users:  map[string]string{"1001": "pw-1001", "1002": "pw-1002", "7001": "pw-7001", "bob": "pw-bob"},
		Fixed:  map[string]string{"1001": w.At(peer.PhoneHost, peer.SIPPort)},
	})
	pw.kamailio = got(t, k, err)
	pw.gateway = w.gateway(w.gatewayTable(), w.sipTable(
		"domain = \""+pbxDomain+"\"",
		"peer = \"sip:"+w.At(peer.SIPHost, peer.SIPPort)+"\"",
		`lines = { "7001" = { user = "7001", password = "pw-7001" }, "bob" = { user = "bob", password = "pw-bob" } }`,
	), w.xmppTable(), maps)
	p, err := peer.StartLinphone(w.ctx, w.Lab, peer.PhoneConfig{
		Host: peer.PhoneHost, User: "1001", Password: "pw-1001", Domain: pbxDomain, Server: w.At(peer.SIPHost, peer.SIPPort),
	})
	pw.phone = got(t, p, err)
	pw.chat = w.chat(alice, bob)
	pw.waitLine()
	return pw
}

// probeHost is where waitLine looks from.
const probeHost = 90

// askLine writes to alice's line as phone 1001 and gives the answer's code.
func (w *pbxWorld) askLine() int {
	w.t.Helper()
	s, err := peer.NewWire(w.At(probeHost, 0), w.At(peer.SIPHost, peer.SIPPort))
	w.must(err)
	defer s.Close()
	m, err := s.DoAs(w.ctx, peer.SIPRequest{
		Method: "MESSAGE", URI: "sip:7001@" + pbxDomain, From: "<sip:1001@" + pbxDomain + ">",
		Headers: []string{"Content-Type: text/plain"}, Body: "is the line there?",
	}, "1001", "pw-1001", "MD5")
	w.must(err)
	return m.Code()
}

// waitLine waits until alice's line is registered: health does not wait for it.
func (w *pbxWorld) waitLine() {
	w.t.Helper()
	code := 0
	err := peer.Poll(w.ctx, func(context.Context) bool {
		code = w.askLine()
		return code == 200
	})
	if err != nil {
		w.t.Fatalf("line 7001 at the PBX answers %d: %v", code, err)
	}
}

func TestPhoneBehindKamailioTalksThroughALine(t *testing.T) {
	w := newPBXWorld(t)
	for _, text := range []string{letters[1], letters[2], letters[3], letters[4]} {
		w.must(w.phone.Send("sip:7001@"+pbxDomain, text))
		e, err := w.chat.WaitText(w.ctx, alice, text)
		w.must(err)
		if e.From != "1001@"+component {
			t.Errorf("alice got it from %s", e.From)
		}
		answer := "back: " + text
		w.must(w.chat.Say(alice, e.From, "a", answer))
		m, err := w.phone.WaitText(w.ctx, answer)
		w.must(err)
		if m.From != "sip:7001@"+pbxDomain {
			t.Errorf("1001 got it from %s", m.From)
		}
	}
	// Each line has credentials of its own: Kamailio lets nobody write as another.
	w.must(w.chat.Say(bob, "1001@"+component, "b", "from bob"))
	m, err := w.phone.WaitText(w.ctx, "from bob")
	w.must(err)
	if m.From != "sip:bob@"+pbxDomain {
		t.Errorf("1001 got it from %s", m.From)
	}
	w.must(w.chat.Say(alice, "1999@"+component, "nobody", "hello?"))
	e, err := w.chat.WaitError(w.ctx, alice, "nobody")
	w.must(err)
	if e.Error.Condition != "item-not-found" {
		t.Errorf("error %+v", e.Error)
	}
}

func TestKilledKamailioGetsItsMessagesLaterAndItsLinesBack(t *testing.T) {
	w := newPBXWorld(t)
	w.kamailio.Kill()
	const n = 5
	for i := range n {
		w.must(w.chat.Say(alice, "1001@"+component, fmt.Sprintf("k%d", i), fmt.Sprintf("meanwhile %02d", i)))
	}
	_, err := w.gateway.WaitHealth(w.ctx, 503)
	w.must(err)
	w.must(w.kamailio.Start(w.ctx))
	_, err = w.phone.WaitText(w.ctx, fmt.Sprintf("meanwhile %02d", n-1))
	w.must(err)
	var texts []string
	for _, m := range w.phone.Texts() {
		texts = append(texts, m.Text)
	}
	wantNumbered(t, texts, "meanwhile %02d", n)
	wantNoErrors(t, w.chat, alice)
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
	w.waitLine()
	w.must(w.phone.Send("sip:7001@"+pbxDomain, "the line is back"))
	_, err = w.chat.WaitText(w.ctx, alice, "the line is back")
	w.must(err)
}

func TestOtherClientsOfBothKindsCanWrite(t *testing.T) {
	w := newPBXWorld(t)
	bare, err := peer.StartBaresip(w.ctx, w.Lab, peer.PhoneConfig{
		Host: peer.PhoneHost + 1, User: "1002", Password: "pw-1002", Domain: pbxDomain, Server: w.At(peer.SIPHost, peer.SIPPort),
	}, "sip:7001@"+pbxDomain)
	w.must(err)
	w.must(bare.Send(w.ctx, letters[2]))
	e, err := w.chat.WaitText(w.ctx, alice, letters[2])
	w.must(err)
	if e.From != "1002@"+component {
		t.Errorf("alice got it from %s", e.From)
	}
	w.must(peer.SendXMPP(w.ctx, w.Lab, "bob@example.org", "bob-pw", "1001@"+component, letters[4]))
	m, err := w.phone.WaitText(w.ctx, letters[4])
	w.must(err)
	if m.From != "sip:bob@"+pbxDomain {
		t.Errorf("1001 got it from %s", m.From)
	}
}
