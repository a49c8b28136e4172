//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"gateway/internal/peer"
)

func TestWhatSIPRefusesTheXMPPSenderHears(t *testing.T) {
	w := newTrunkWorld(t)
	for _, row := range []struct{ name, to, condition, kind string }{
		{"nobody there", "404", "item-not-found", "cancel"},
		{"not allowed", "403", "forbidden", "auth"},
		{"gone for good", "410", "gone", "cancel"},
		{"not there now", "480", "", ""},
		{"does not want to", "603", "", ""},
		{"elsewhere", "302", "", ""},
		{"no map takes it", "99999", "item-not-found", "cancel"},
	} {
		id := "e-" + row.to
		w.must(w.chat.Say(alice, row.to+"@"+component, id, "hello "+row.to))
		e, err := w.chat.WaitError(w.ctx, alice, id)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if row.condition != "" && (e.Error.Condition != row.condition || e.Error.Type != row.kind) {
			t.Errorf("%s: %+v, want %s %s", row.name, *e.Error, row.kind, row.condition)
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
	for _, row := range []struct {
		name, from, to string
		want           []int
	}{
		{"no map takes it", "1001", "99999", []int{404}},
		{"no such user at the server", "1001", "nobody", []int{404, 480}},
		{"not on the list", "1002", "8001", []int{403}},
		{"on the list", "1001", "8001", []int{200}},
		{"a sender without a name there", "99999", "7001", []int{403}},
	} {
		c := w.dial(peer.SIPText{From: row.from, To: row.to, Text: row.name})
		if len(c) != 1 || !slices.Contains(row.want, c[0]) {
			t.Errorf("%s: answers %v, want one of %v", row.name, c, row.want)
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
