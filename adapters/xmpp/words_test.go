package xmpp

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"gateway/bridge"
)

// read gives what stands in a message.
func readMessage(t *testing.T, inner string) *stanza {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<message from='a@b/c' id='m1' type='chat'>" + inner + "</message>"))
	tok, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	start := tok.(xml.StartElement)
	st := newStanza(start, "de")
	if err := st.read(&cursor{r: d}, start.Name.Space); err != nil {
		t.Fatalf("%s: %v", inner, err)
	}
	return st
}

func TestWhatClientsSendTodayReadsWell(t *testing.T) {
	t.Parallel()
	const (
		fallback  = "<fallback xmlns='urn:xmpp:fallback:0' for='%s'>%s</fallback>"
		reactions = "<reactions xmlns='urn:xmpp:reactions:0' id='1'>%s</reactions>"
		oob       = "<x xmlns='jabber:x:oob'><url>https://files.example/a.jpg</url></x>"
		replace   = "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>"
		reply     = "<reply xmlns='urn:xmpp:reply:0' to='a@b' id='1'/>"
		retract   = "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>"
	)
	quoted := func(quote string) string {
		return fmt.Sprintf("<body>%s🎂 yes</body>", escape(quote)) + reply +
			fmt.Sprintf(fallback, "urn:xmpp:reply:0", fmt.Sprintf("<body start='0' end='%d'/>", len([]rune(quote))))
	}
	long := "> " + strings.Repeat("ü", 150) + "\n> more\n"
	for _, tt := range []struct{ name, in, want string }{
		{"a plain text", "<body>hi</body>", "de:hi"},
		{"styling, /me and emoji", "<body>/me is *very* _happy_ 👩‍👩‍👧</body>", "de:/me is *very* _happy_ 👩‍👩‍👧"},
		{"with markup beside", "<body>hi</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><b>hi</b></body></html>", "de:hi"},
		{"a correction", "<body>hi</body><body xml:lang='en'>hello</body>" + replace, "de:(corrected) hi|en:(corrected) hello"},
		{"a reply", quoted("> Cake?\n"), "de:> Cake?\n🎂 yes"},
		{"a reply to a long text", quoted(long), "de:> " + strings.Repeat("ü", 97) + "…\n🎂 yes"},
		{"a reply without the quote", "<body>yes</body>" + reply, "de:yes"},
		{"a reply beyond the text", "<body>yes</body>" + fmt.Sprintf(fallback, "urn:xmpp:reply:0", "<body start='0' end='9999'/>"), "de:yes"},
		{"a reply before the text", "<body>yes</body>" + fmt.Sprintf(fallback, "urn:xmpp:reply:0", "<body start='-500' end='1'/>"), "de:yes"},
		{"a reply that ends before it begins", "<body>yes</body>" + fmt.Sprintf(fallback, "urn:xmpp:reply:0", "<body start='2' end='-9223372036854775808'/>"), "de:yes"},
		{"a reply of numbers that are none", "<body>yes</body>" + fmt.Sprintf(fallback, "urn:xmpp:reply:0", "<body start='x' end='1e9'/>"), "de:yes"},
		{"only a quote", "<body>" + strings.Repeat("x", 200) + "</body>" + fmt.Sprintf(fallback, "urn:xmpp:reply:0", "<body start='0' end='200'/>"), "de:" + strings.Repeat("x", 99) + "…"},
		{"a reaction", fmt.Sprintf(reactions, "<reaction>👍</reaction>"), "en:reacted 👍"},
		{"reactions", fmt.Sprintf(reactions, "<reaction>👍</reaction><reaction>\n👩‍👩‍👧 </reaction>"), "en:reacted 👍 👩‍👩‍👧"},
		{"a reaction with a fallback", "<body>&gt; hi\n👍</body>" + fmt.Sprintf(reactions, "<reaction>👍</reaction>") + fmt.Sprintf(fallback, "urn:xmpp:reactions:0", ""), "en:reacted 👍"},
		{"a reaction with a text", "<body>good</body>" + fmt.Sprintf(reactions, "<reaction>👍</reaction>"), "de:good"},
		{"a reaction taken back", fmt.Sprintf(reactions, ""), ""},
		{"reactions that are none", fmt.Sprintf(reactions, "<reaction/><reaction>"+strings.Repeat("x", 65)+"</reaction><reaction>a b</reaction><x/>"), ""},
		{"a retraction", retract, "en:deleted a message"},
		{"a retraction with a fallback", "<body>/me retracted a previous message</body>" + retract + fmt.Sprintf(fallback, "urn:xmpp:message-retract:1", ""), "en:deleted a message"},
		{"an old retraction", "<body>retracted</body><apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to><fallback xmlns='urn:xmpp:fallback:0'/>", "en:deleted a message"},
		{"a retraction with a text", "<body>forget it</body>" + retract + fmt.Sprintf(fallback, "urn:xmpp:message-retract:1", "<subject/>"), "de:forget it"},
		{"a file", "<body>https://files.example/a.jpg</body>" + oob, "de:https://files.example/a.jpg"},
		{"a file with a text", "<body>look</body>" + oob, "de:look\nhttps://files.example/a.jpg"},
		{"a file without", oob + oob, ":https://files.example/a.jpg\nhttps://files.example/a.jpg"},
		{"a corrected file", "<body>look</body>" + oob + replace, "de:(corrected) look\nhttps://files.example/a.jpg"},
		{"nothing", "<x xmlns='jabber:x:oob'><url> </url></x>" + replace + reply, ""},
	} {
		var got []string
		for _, b := range readMessage(t, tt.in).words() {
			got = append(got, b.Lang+":"+b.Text)
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsEncryptedIsKnown(t *testing.T) {
	t.Parallel()
	const omemo = "<encrypted xmlns='%s'><header sid='1'><key rid='2'>QQ</key></header>%s</encrypted>"
	payload := "<payload>QQ</payload>"
	for _, tt := range []struct {
		name, in string
		want     bool
	}{
		{"a plain text", "<body>hi</body>", false},
		{"old OMEMO", "<body>I sent you an OMEMO encrypted message</body>" + fmt.Sprintf(omemo, nsAxolotl, payload) + "<store xmlns='urn:xmpp:hints'/>", true},
		{"OMEMO", fmt.Sprintf(omemo, nsOMEMO2, payload), true},
		{"OMEMO's keys alone", fmt.Sprintf(omemo, nsAxolotl, ""), false},
		{"OMEMO's keys with a text", "<body>can't read this?</body>" + fmt.Sprintf(omemo, nsAxolotl, ""), true},
		{"somebody's payload", fmt.Sprintf(omemo, nsOMEMO1, "<payload xmlns='urn:x'/>"), false},
		{"OpenPGP", "<openpgp xmlns='urn:xmpp:openpgp:0'>QQ</openpgp>", true},
		{"old OpenPGP", "<body>encrypted</body><x xmlns='jabber:x:encrypted'>QQ</x>", true},
		{"said to be", "<body>?</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:x'/>", true},
		{"said to be, of nothing", "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:x'/>", false},
		{"OTR", "<body>?OTR:AAMC</body>", true},
	} {
		if got := readMessage(t, tt.in).encrypted(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestExtensionsAreBounded(t *testing.T) {
	t.Parallel()
	many := func(s string) string { return strings.Repeat(s, 1000) }
	st := readMessage(t, many("<received xmlns='urn:xmpp:receipts' id='1'/><fallback xmlns='urn:xmpp:fallback:0'/>")+
		"<reactions xmlns='urn:xmpp:reactions:0'>"+many("<reaction>a</reaction>")+"</reactions><x xmlns='jabber:x:oob'>"+many("<url>a</url>")+"</x>")
	if len(st.marks) != maxMarks || len(st.fallbacks) != maxSpans || len(st.reactions) != maxReactions || len(st.urls) != maxURLs {
		t.Errorf("%d, %d, %d, %d", len(st.marks), len(st.fallbacks), len(st.reactions), len(st.urls))
	}
}

// FuzzQuote checks that shortening a quote leaves the answer as it is.
func FuzzQuote(f *testing.F) {
	f.Add("> a\n", "b", 0, 4)
	f.Add(strings.Repeat("> ü\n", 60), "\nb", 0, 240)
	f.Add("x", "y", -1, 1<<62)
	f.Fuzz(func(t *testing.T, quote, answer string, start, end int) {
		if !utf8.ValidString(quote) || !utf8.ValidString(answer) {
			return // no XML has such a text
		}
		st := &stanza{bodies: []bridge.Body{{Text: quote + answer}}}
		st.fallbacks = []span{{of: nsReply, start: start, end: end}}
		got := st.words()[0].Text
		if len(got) > len(quote+answer)+len("…\n") {
			t.Fatalf("%q became %q", quote+answer, got)
		}
		if n := len([]rune(quote)); start >= 0 && start <= n && end == n && !strings.HasSuffix(got, strings.TrimLeft(answer, "\n")) {
			t.Fatalf("%q of %q became %q", answer, quote, got)
		}
	})
}
