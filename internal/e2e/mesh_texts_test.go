//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// meshMaps gives the peers of the mesh, alice and the extensions names in every
// network.
const meshMaps = `
[[map]]
home = "chat:alice@example.org"
as   = { pbx = "7001", chat = "alice@phones.example.org", lab = "alice" }

[[map]]
home = "pbx:{ext:[1-6][0-9]{2,3}}"
as   = { chat = "{ext}@phones.example.org", lab = "{ext}" }

[[map]]
home = "lab:{peer:[a-z][a-z0-9-]*}"
as   = { chat = "mesh+{peer}@phones.example.org", pbx = "mesh-{peer}" }
`

// Texts cross between a peer, XMPP and SIP, with their receipts and refusals; and
// who comes and goes is presence.
func TestMeshTextsCross(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	w.must(err)
	w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), w.meshTable(`timeout = "10s"`), meshMaps)
	chat := w.chat(alice)
	tim := w.meshClient("tim", meshHost, netip.MustParseAddrPort(w.At(peer.GatewayHost, meshPort)))
	w.must(w.poll(func() bool { return tim.Lists() > 1 })) // the second comes when it is in

	mark := chat.Out.Len()
	const address = "mesh+tim@" + component
	w.must(chat.Raw(alice, fmt.Sprintf("<presence type='subscribe' to='%s'/>", address)))
	w.seesAt(chat, mark, alice, address+"/gateway", "")

	text := "Grüße 👋 \"zitiert\" <&>"
	w.must(chat.Say(alice, address, "m1", text))
	got, err := tim.WaitText(w.ctx, text)
	w.must(err)
	if got.From != "alice" || got.Text != text {
		t.Errorf("tim is written to by %q: %q", got.From, got.Text)
	}
	word, err := tim.Say(w.ctx, "alice", 1, "für alle, die lesen können")
	w.must(err)
	if word != "taken" {
		t.Errorf("tim's text is %q", word)
	}
	e, err := chat.WaitText(w.ctx, alice, "für alle, die lesen können")
	w.must(err)
	if bare, _, _ := strings.Cut(e.From, "/"); bare != address {
		t.Errorf("alice is written to by %s", e.From)
	}

	word, err = tim.Say(w.ctx, "1001", 2, "for the phone")
	w.must(err)
	m, err := pbx.WaitText(w.ctx, "for the phone")
	w.must(err)
	if from := m.Header("From"); word != "taken" || !strings.Contains(from, "<sip:mesh-tim@gw.example>") || !strings.Contains(m.Header("To"), "1001") {
		t.Errorf("%q, from %s to %s", word, from, m.Header("To"))
	}
	if c := w.dial(peer.SIPText{From: "1001", To: "mesh-tim", Text: "from the phone"}); !slices.Equal(c, []int{200}) && !slices.Equal(c, []int{202}) {
		t.Errorf("the phone is answered %v", c)
	}
	if got, err = tim.WaitText(w.ctx, "from the phone"); err != nil || got.From != "1001" {
		t.Errorf("%+v, %v", got, err)
	}

	if word, err = tim.Say(w.ctx, "99999", 3, "is anybody there"); err != nil || !strings.HasPrefix(word, "not-found") {
		t.Errorf("nobody is %q, %v", word, err)
	}
	mark = chat.Out.Len()
	tim.Kill()
	w.seesAt(chat, mark, alice, address+"/gateway", "unavailable") // after timeout
	wantNoErrors(t, chat, alice)
}

// Two gateways in a mesh: a phone of the one writes to a user of the other.
func TestMeshJoinsTwoGateways(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	w.must(err)
	w.gateway(w.gatewayTable(), w.xmppTable(), w.meshTable(), `
[[map]]
home = "chat:{user:[a-z]+}@example.org"
as   = { lab = "{user}" }
[[map]]
home = "lab:{ext:[0-9]+}@phones"
as   = { chat = "{ext}@phones.example.org" }
`)
	chat := w.chat(alice)
	other, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "phones", w.sipTable(w.trunk())+fmt.Sprintf(`
[mesh.lab]
join = %q
peer = "phones"
[[map]]
home = "pbx:{ext:[0-9]+}"
as   = { lab = "{ext}" }
[[map]]
home = "lab:{user:[a-z]+}@gw"
as   = { pbx = "{user}" }
`, w.At(peer.GatewayHost, meshPort)), "lab", "pbx")
	w.must(err)
	_, err = other.Out.Wait(w.ctx, peer.Containing(`"in the mesh"`))
	w.must(err)
	w.must(w.poll(func() bool {
		c := w.dial(peer.SIPText{From: "1001", To: "alice", Text: "over two gateways"})
		return slices.Equal(c, []int{200}) || slices.Equal(c, []int{202})
	}))
	e, err := chat.WaitText(w.ctx, alice, "over two gateways")
	w.must(err)
	if !strings.HasPrefix(e.From, "1001@"+component) {
		t.Errorf("alice is written to by %s", e.From)
	}
	w.must(chat.Say(alice, "1001@"+component, "g1", "and back"))
	m, err := pbx.WaitText(w.ctx, "and back")
	w.must(err)
	if from := m.Header("From"); !strings.Contains(from, "sip:alice@") {
		t.Errorf("the phone is written to by %s", from)
	}
}
