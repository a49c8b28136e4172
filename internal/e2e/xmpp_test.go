//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"gateway/internal/peer"
)

func TestDiscoPingAndVersionAreAnswered(t *testing.T) {
	w := newTrunkWorld(t)
	for i, row := range []struct{ name, to, query, want string }{
		{"what the component is", component, "<query xmlns='http://jabber.org/protocol/disco#info'/>", `category="gateway"`},
		{"what it has", component, "<query xmlns='http://jabber.org/protocol/disco#items'/>", "disco#items"},
		{"is it there", component, "<ping xmlns='urn:xmpp:ping'/>", ""},
		{"what runs it", component, "<query xmlns='jabber:iq:version'/>", "Gateway"},
		{"what a phone is", "1001@" + component, "<query xmlns='http://jabber.org/protocol/disco#info'/>", "identity"},
		{"is a phone there", "1001@" + component, "<ping xmlns='urn:xmpp:ping'/>", ""},
	} {
		e, err := w.chat.Ask(w.ctx, alice, row.to, fmt.Sprintf("q%d", i), row.query)
		w.must(err)
		if e.Type != "result" || e.From != row.to || !strings.Contains(e.XML, row.want) {
			t.Errorf("%s: %s", row.name, e.XML)
		}
	}
	e, err := w.chat.Ask(w.ctx, alice, component, "odd", "<query xmlns='urn:example:nothing'/>")
	w.must(err)
	if e.Type != "error" || e.Error == nil || e.Error.Condition != "service-unavailable" {
		t.Errorf("an unknown query: %s", e.XML)
	}
}

// Addresses that servers route and that stricter readers choke on.
func TestOddAddressesDoNotEndTheStream(t *testing.T) {
	const odd = "under_score.example"
	oddUsers := []string{"u@" + odd, "x~!$^*_=|{}`?#%+@" + odd, "-@" + odd, "ünï.çødé@" + odd}
	w := newWorld(t)
	cfg := peer.ProsodyConfig{Users: map[string]string{}}
	for _, user := range oddUsers {
		cfg.Users[user] = "odd-pw"
	}
	w.prosodyWith(cfg)
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	w.must(err)
	g := w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), maps, `
[[map]]
home = "chat:u@under_score.example"
as   = { pbx = "5999", chat = "u@phones.example.org" }
`)
	before := w.metric(g, `gateway_xmpp_reconnects_total{adapter="chat"}`)
	chat := w.chat(alice)
	for i, user := range oddUsers {
		full := user + "/{o'dd} \"<&> ünï"
		w.must(chat.Login(w.ctx, full, "odd-pw"))
		id := fmt.Sprintf("odd%d", i)
		w.must(chat.Raw(full, `<presence to='1001@`+component+`' type='subscribe'/>`))
		w.must(chat.Say(full, "1001@"+component, id, "from "+id))
		e, err := chat.Ask(w.ctx, full, component, "q"+id, "<ping xmlns='urn:xmpp:ping'/>")
		w.must(err)
		if e.Type != "result" {
			t.Errorf("ping by %s: %s", full, e.XML)
		}
		if user != oddUsers[0] { // nobody is what a map names, so each is told no
			e, err = chat.WaitError(w.ctx, full, id)
			w.must(err)
			if e.Error.Condition != "forbidden" {
				t.Errorf("%s got %+v", full, e.Error)
			}
		}
	}
	_, err = pbx.WaitText(w.ctx, "from odd0")
	w.must(err)
	if c := w.dial(peer.SIPText{From: "1001", To: "5999", Text: "to the odd one"}); len(c) != 1 || c[0] != 200 && c[0] != 202 {
		t.Errorf("answers %v", c)
	}
	_, err = chat.WaitText(w.ctx, oddUsers[0]+"/{o'dd} \"<&> ünï", "to the odd one")
	w.must(err)
	w.must(chat.Say(alice, "1001@"+component, "a", "from alice"))
	_, err = pbx.WaitText(w.ctx, "from alice")
	w.must(err)
	if after := w.metric(g, `gateway_xmpp_reconnects_total{adapter="chat"}`); after != before {
		t.Errorf("the component connected again: %s, before %s", after, before)
	}
}

func TestStanzasThatNobodyShouldSendDoNotEndTheStream(t *testing.T) {
	w := newTrunkWorld(t)
	before := w.metric(w.gateway, `gateway_xmpp_reconnects_total{adapter="chat"}`)
	to := "1001@" + component
	for _, xml := range []string{
		"<message to='" + to + "' type='chat' id='empty'/>",
		"<message to='" + to + "' type='nonsense'><body>odd type</body><body>and again</body></message>",
		"<message to='" + component + "' type='chat'><body>to nobody</body></message>",
		"<message to='" + to + "' type='error' id='x'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		"<message to='" + to + "'><body>" + strings.Repeat("<b>", 200) + strings.Repeat("</b>", 200) + "</body></message>",
		"<message to='" + to + "'><body>" + strings.Repeat("long ", 40_000) + "</body></message>",
		"<message to='" + to + "' " + manyAttributes(300) + "><body>attributes</body></message>",
		"<iq to='" + to + "' type='get' id='no-child'/>",
		"<iq to='" + to + "' type='set' id='two'><a xmlns='urn:x'/><b xmlns='urn:x'/></iq>",
		"<iq to='" + to + "' type='result' id='unasked'/>",
		"<presence to='" + to + "' type='nonsense'/>",
		"<presence to='" + to + "' type='probe'/>",
	} {
		w.must(w.chat.Raw(alice, xml))
	}
	w.must(w.chat.Say(alice, to, "a", "still here"))
	_, err := w.pbx.WaitText(w.ctx, "still here")
	w.must(err)
	if after := w.metric(w.gateway, `gateway_xmpp_reconnects_total{adapter="chat"}`); after != before {
		t.Errorf("the component connected again: %s, before %s", after, before)
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d='x' ", i)
	}
	return b.String()
}
