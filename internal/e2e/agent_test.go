//go:build e2e

package e2e

import (
	"fmt"
	"strings"

	"gateway/internal/peer"
)

// An agentWorld has a user agent that does what it is told: as the SIP peer, or
// as phone 2001 of the gateway's own. Alice has a way to write to it.
type agentWorld struct {
	*world
	prosody *peer.Prosody
	chat    *peer.Chat
	gateway *peer.Gateway
	sip     *peer.UserAgent
	number  string // the agent's, as a user of SIP
	jid     string // and as one of XMPP
	alice   string // hers, as a user of SIP
}

// newPeerWorld has the agent behind the peer, as 1001. receipts is a line of
// its map, or "".
func newPeerWorld(w *world, receipts string) *agentWorld {
	w.t.Helper()
	aw := &agentWorld{world: w, prosody: w.prosody(), number: "1001", jid: "1001@" + component, alice: "7001"}
	aw.sip = w.agent(peer.SIPHost, peer.SIPPort)
	aw.gateway = w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), receiptMaps(receipts))
	aw.chat = w.chat(alice, bob)
	return aw
}

// receiptMaps is maps, with a line more for the extensions.
func receiptMaps(line string) string {
	const as = `{ chat = "{ext}@phones.example.org" }`
	return strings.Replace(maps, as, as+"\n"+line, 1)
}

// newOwnPhoneWorld has the agent registered with the gateway, as 2001.
func newOwnPhoneWorld(w *world) *agentWorld {
	w.t.Helper()
	aw := &agentWorld{world: w, prosody: w.prosody(), number: "2001", jid: "2001@" + component, alice: "alice"}
	aw.gateway = w.gateway(w.gatewayTable(), w.sipTable("domain = \""+gatewayDomain+"\"", accounts), w.xmppTable(), phoneMaps)
	aw.sip = w.agent(peer.PhoneHost, 0)
	w.must(aw.sip.Register(w.ctx, "2001", "pw-2001", gatewayDomain))
	aw.chat = w.chat(alice, bob)
	return aw
}

// tell has the agent send a MESSAGE to alice and gives the answer's code.
func (w *agentWorld) tell(contentType, body string) int {
	w.t.Helper()
	r := w.message(w.number, w.alice, body)
	r.Headers = []string{"Content-Type: " + contentType}
	m, err := w.sip.DoAs(w.ctx, r, w.number, "pw-"+w.number)
	w.must(err)
	return m.Code()
}

// ask has alice write a text and ask for a receipt and a marker.
func (w *agentWorld) ask(id, text string) {
	w.t.Helper()
	w.must(w.chat.Raw(alice, fmt.Sprintf("<message to='%s' type='chat' id='%s'><body>%s</body>"+
		"<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>", w.jid, id, text)))
}

// settle returns when all that came of what has been said so far has reached
// alice, and all that came of that the agent.
func (w *agentWorld) settle() {
	w.t.Helper()
	end := fmt.Sprintf("end-%d", w.chat.Out.Len())
	// A text behind another waits until that is over.
	w.must(w.chat.Say(alice, w.jid, end, end))
	_, err := w.sip.WaitText(w.ctx, end)
	w.must(err)
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="pbx"}`, "0")
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
	_, err = w.chat.Ask(w.ctx, alice, "example.org", end, "<ping xmlns='urn:xmpp:ping'/>")
	w.must(err)
	if c := w.tell("text/plain", end); c != 200 {
		w.t.Fatalf("the last text is answered with %d", c)
	}
	_, err = w.chat.WaitText(w.ctx, alice, end)
	w.must(err)
}

// received and displayed count what came back to alice for a text of hers.
func (w *agentWorld) received(id string) (n int) {
	return w.count(func(e peer.ChatEvent) bool { return e.Received == id })
}

func (w *agentWorld) displayed(id string) (n int) {
	return w.count(func(e peer.ChatEvent) bool { return e.Displayed == id })
}

func (w *agentWorld) count(match func(peer.ChatEvent) bool) (n int) {
	for _, e := range w.chat.All() {
		if e.As == alice && e.Event == "message" && match(e) {
			n++
		}
	}
	return n
}

// waitReceived waits for a receipt.
func (w *agentWorld) waitReceived(id string) {
	w.t.Helper()
	_, err := w.chat.Wait(w.ctx, func(e peer.ChatEvent) bool { return e.As == alice && e.Received == id })
	w.must(err)
}

// notify sends a notification of what became of a text that the agent got.
func (w *agentWorld) notify(m peer.SIPMessage, status string) {
	w.t.Helper()
	c, ok := m.CPIM()
	if !ok {
		w.t.Fatalf("no message/cpim: %+v", m)
	}
	xml := imdn(c.Header("imdn.Message-ID"), c.Header("DateTime"), status)
	if code := w.tell("message/cpim", wrap(w.number, w.alice, "Content-Disposition: notification\r\nContent-Type: message/imdn+xml", xml)); code != 200 {
		w.t.Errorf("%s is answered with %d", status, code)
	}
}

// imdn is the body of a notification (RFC 5438 section 11).
func imdn(id, at, status string) string {
	kind := "delivery-notification"
	if status == "displayed" {
		kind = "display-notification"
	}
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>%s</message-id>"+
		"<datetime>%s</datetime><%s><status><%s/></status></%s></imdn>", id, at, kind, status, kind)
}

// wrap puts a body in message/cpim (RFC 3862), without asking for anything.
func wrap(from, to, headers, body string) string {
	return wrapAsking(from, to, "", "", headers, body)
}

// wrapAsking is wrap, with the name of the message and what its sender wants
// to be told.
func wrapAsking(from, to, id, what, headers, body string) string {
	ask := ""
	if id != "" {
		ask = "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: " + id + "\r\n"
	}
	if what != "" {
		ask += "imdn.Disposition-Notification: " + what + "\r\n"
	}
	return fmt.Sprintf("From: <sip:%s@%s>\r\nTo: <sip:%s@%s>\r\nDateTime: 2026-11-22T10:00:00Z\r\n%s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		from, gatewayDomain, to, gatewayDomain, ask, headers, len(body), body)
}
