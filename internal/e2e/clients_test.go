//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// What the clients of today send is shown to a SIP user as words.
func TestWhatClientsSendReachesSIPAsWords(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	const (
		reply    = "<reply xmlns='urn:xmpp:reply:0' to='1001@phones.example.org' id='x'/>"
		fallback = "<fallback xmlns='urn:xmpp:fallback:0' for='%s'><body%s/></fallback>"
		link     = "https://files.example.org/cat.jpg"
	)
	long := strings.Repeat("very long ", 40)
	for i, row := range []struct{ name, inside, want string }{
		{"a correction", "<body>at nine</body><replace xmlns='urn:xmpp:message-correct:0' id='x'/>", "(corrected) at nine"},
		{"a reaction", "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction><reaction>🎉</reaction></reactions>", "reacted 👍 🎉"},
		{"a reaction with words for others", "<body>&gt; hello\n👍</body><reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>👍</reaction></reactions>" +
			fmt.Sprintf(fallback, "urn:xmpp:reactions:0", ""), "reacted 👍"},
		{"a reply", "<body>&gt; see you?\nyes</body>" + reply + fmt.Sprintf(fallback, "urn:xmpp:reply:0", " start='0' end='11'"), "> see you?\nyes"},
		{"a reply to a long text", "<body>&gt; " + long + "\nyes</body>" + reply +
			fmt.Sprintf(fallback, "urn:xmpp:reply:0", fmt.Sprintf(" start='0' end='%d'", len(long)+3)), "> " + strings.TrimSpace(long[:97]) + "…\nyes"},
		{"a retraction", "<body>This person attempted to retract a previous message.</body><retract xmlns='urn:xmpp:message-retract:1' id='x'/>" +
			fmt.Sprintf(fallback, "urn:xmpp:message-retract:1", ""), "deleted a message"},
		{"a file", "<body>" + link + "</body><x xmlns='jabber:x:oob'><url>" + link + "</url></x>", link},
		{"a file alone", "<x xmlns='jabber:x:oob'><url>" + link + "</url></x>", link},
		{"a file with words", "<body>my cat</body><x xmlns='jabber:x:oob'><url>" + link + "</url></x>", "my cat\n" + link},
	} {
		w.must(w.chat.Raw(alice, fmt.Sprintf("<message to='%s' type='chat' id='c%d'>%s</message>", w.jid, i, row.inside)))
		end := fmt.Sprintf("behind %s", row.name)
		w.must(w.chat.Say(alice, w.jid, "e"+end, end))
		_, err := w.sip.WaitText(w.ctx, end)
		w.must(err)
		got := w.sip.Got()
		if before := got[len(got)-2]; before.Text() != row.want || before.Header("Content-Type") != "text/plain;charset=UTF-8" {
			t.Errorf("%s came as %q, want %q", row.name, before.Text(), row.want)
		}
	}
	wantNoErrors(t, w.chat, alice)
}

// Nobody but the recipient could read what is encrypted, and here nobody can:
// each such text is refused, and the first with an explanation.
func TestEncryptedTextIsRefusedAndExplainedOnce(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	const inside = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>AA==</key><iv>AA==</iv></header><payload>AA==</payload></encrypted>" +
		"<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>" +
		"<body>I sent you an OMEMO encrypted message but your client doesn't seem to support that.</body>" +
		"<request xmlns='urn:xmpp:receipts'/><store xmlns='urn:xmpp:hints'/>"
	for _, id := range []string{"o1", "o2", "o3"} {
		w.must(w.chat.Raw(alice, fmt.Sprintf("<message to='%s' type='chat' id='%s'>%s</message>", w.jid, id, inside)))
		e, err := w.chat.WaitError(w.ctx, alice, id)
		w.must(err)
		if e.Error.Condition != "not-acceptable" || !strings.Contains(e.Error.Text, "encrypted") {
			t.Errorf("the error is %+v", e.Error)
		}
	}
	// Keys alone are no text.
	w.must(w.chat.Raw(alice, fmt.Sprintf("<message to='%s' type='chat' id='o4'><encrypted xmlns='eu.siacs.conversations.axolotl'>"+
		"<header sid='1'><key rid='2'>AA==</key></header></encrypted></message>", w.jid)))
	w.settle()
	var words []string
	for _, e := range w.chat.Texts(alice) {
		if !strings.HasPrefix(e.Body(), "end-") {
			words = append(words, e.Body())
		}
		if e.From != w.jid {
			t.Errorf("alice hears from %s", e.From)
		}
	}
	if len(words) != 1 || !strings.Contains(words[0], "encrypt") {
		t.Errorf("alice got %q, want one explanation", words)
	}
	for _, m := range w.sip.Got() {
		if !strings.HasPrefix(m.Text(), "end-") {
			t.Errorf("the phone got %q", m.Body)
		}
	}
	if n := w.count(func(e peer.ChatEvent) bool { return e.Type == "error" }); n != 3 {
		t.Errorf("%d errors, want 3", n)
	}
	if n := w.received("o1"); n != 0 {
		t.Error("a receipt for what has not arrived")
	}
}
