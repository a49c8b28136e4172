//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"gateway/internal/peer"
)

func TestWhatSIPRefusesTheXMPPSenderHears(t *testing.T) {
	w := newTrunkWorld(t)
	for _, row := range []struct{ name, to, condition, kind, text string }{
		{"nobody there", "404", "item-not-found", "cancel", "As Told"},
		{"not allowed", "403", "forbidden", "auth", "As Told"},
		{"gone for good", "410", "gone", "cancel", "As Told"},
		{"not there now", "480", "recipient-unavailable", "wait", "As Told"},
		{"busy", "486", "recipient-unavailable", "wait", "As Told"},
		{"does not want to", "603", "recipient-unavailable", "cancel", "As Told"},
		{"elsewhere", "302", "redirect", "modify", "As Told"},
		{"no map takes it", "99999", "item-not-found", "cancel", "nobody has that address"},
	} {
		id := "e-" + row.to
		w.must(w.chat.Say(alice, row.to+"@"+component, id, "hello "+row.to))
		e, err := w.chat.WaitError(w.ctx, alice, id)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if *e.Error != (peer.ChatError{Type: row.kind, Condition: row.condition, Text: row.text}) {
			t.Errorf("%s: %+v, want %s %s %q", row.name, *e.Error, row.kind, row.condition, row.text)
		}
		if e.From != row.to+"@"+component {
			t.Errorf("%s: the error is from %s", row.name, e.From)
		}
	}
	// And an error is not the end of the conversation.
	w.must(w.chat.Say(alice, "1001@"+component, "after", "still here"))
	_, err := w.pbx.WaitText(w.ctx, "still here")
	w.must(err)
}

func TestWhatXMPPRefusesTheSIPSenderHears(t *testing.T) {
	const allowed = `
[[map]]
home  = "chat:bob@example.org"
as    = { pbx = "8001", chat = "bob@phones.example.org" }
allow = ["pbx:1001"]
`
	w := newTrunkWorld(t, allowed)
	s := w.wire(peer.SIPHost)
	for _, row := range []struct{ name, from, to, want string }{
		{"no map takes it", "1001", "99999", "404 nobody has that address"},
		{"no such user at the server", "1001", "nobody", "480 Temporarily Unavailable"},
		{"not on the list", "1002", "8001", "403 this sender may not write there"},
		{"on the list", "1001", "8001", "200 OK"},
		{"a sender without a name there", "99999", "7001", "403 this sender has no name there"},
	} {
		m, err := s.Do(w.ctx, w.message(row.from, row.to, row.name))
		w.must(err)
		if m.Start != "SIP/2.0 "+row.want {
			t.Errorf("%s: %s, want %s", row.name, m.Start, row.want)
		}
	}
	_, err := w.chat.WaitText(w.ctx, bob, "on the list")
	w.must(err)
	for _, user := range []string{alice, bob} {
		for _, e := range w.chat.Texts(user) {
			if e.Body() != "on the list" {
				t.Errorf("%s got %q", user, e.Body())
			}
		}
	}
}

// What a client says of its refusal comes when the server has taken the text
// already, so it is told in words.
func TestWordsOfAnXMPPErrorReachTheSIPSender(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	for _, row := range []struct{ condition, kind, text, want string }{
		{"not-acceptable", "modify", "please be polite", "please be polite"},
		{"policy-violation", "modify", "", "policy"},
		{"gone", "cancel", "Grüße aus dem\nRuhestand", "Grüße aus dem Ruhestand"},
	} {
		r := w.message(w.number, w.alice, "about "+row.condition)
		r.Headers = []string{"Content-Type: text/plain;charset=UTF-8"}
		res, err := w.sip.Do(w.ctx, r)
		w.must(err)
		if res.Code() != 200 { // the server has taken it for her
			t.Fatalf("%s: %s", row.condition, res.Start)
		}
		e, err := w.chat.WaitText(w.ctx, alice, "about "+row.condition)
		w.must(err)
		w.must(w.chat.Raw(alice, "<message type='error' to='"+e.From+"' id='"+e.ID+"'><error type='"+row.kind+"'><"+row.condition+
			" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"+row.text+"</text></error></message>"))
		if _, err := w.sip.WaitText(w.ctx, "Not delivered: "+row.want+"."); err != nil {
			t.Fatalf("%s: %v", row.condition, err)
		}
	}
}

func TestPeerThatIsUnavailableGetsItsMessagesLater(t *testing.T) {
	w := newTrunkWorld(t)
	w.pbx.Stop()
	busy, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 503)
	w.must(err)
	w.must(w.chat.Say(alice, "1001@"+component, "u1", "first"))
	w.must(w.chat.Say(alice, "1001@"+component, "u2", "second"))
	_, err = busy.WaitText(w.ctx, "first")
	w.must(err)
	busy.Stop()
	w.must(w.pbx.Start(w.ctx))
	_, err = w.pbx.WaitText(w.ctx, "second")
	w.must(err)
	var texts []string
	for _, m := range w.pbx.Texts() {
		texts = append(texts, m.Body)
	}
	if !slices.Equal(texts, []string{"first", "second"}) {
		t.Errorf("the peer got %q", texts)
	}
	if _, err := w.chat.Ask(w.ctx, alice, component, "q", "<ping xmlns='urn:xmpp:ping'/>"); err != nil {
		t.Error(err)
	}
	wantNoErrors(t, w.chat, alice)
}

// wantNoErrors says which errors the user got.
func wantNoErrors(t *testing.T, c *peer.Chat, user string) {
	t.Helper()
	for _, e := range c.All() {
		if e.As == user && e.Event == "message" && e.Type == "error" {
			t.Errorf("%s got an error for %s: %+v", user, e.ID, e.Error)
		}
	}
}
