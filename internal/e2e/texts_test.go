//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// letters are texts that get lost when somebody escapes too little or too much.
var letters = []string{
	"plain",
	"Grüße aus Köln, ñandú, 東京",
	"👋🏽 family 👨‍👩‍👧‍👦 flag 🇺🇳",
	`he said "it's" \"twice\" \\ done`,
	"a < b && c > d &amp; <body>no</body> ]]>",
	"%41 %d %s ${x} {y} $1 #",
	"  two  spaces  around  ",
}

func TestTextsCrossFromXMPPToSIPLetterByLetter(t *testing.T) {
	w := newTrunkWorld(t)
	for i, text := range letters {
		w.must(w.chat.Say(alice, "1001@"+component, fmt.Sprintf("m%d", i), text))
		m, err := w.pbx.WaitText(w.ctx, text)
		w.must(err)
		if !strings.HasPrefix(m.Start, "MESSAGE sip:1001@") {
			t.Errorf("request line %q", m.Start)
		}
		if from := m.Header("From"); !strings.Contains(from, "<sip:7001@gw.example>") || !strings.Contains(from, "Alice Example") {
			t.Errorf("From: %s", from)
		}
		if ct := m.Header("Content-Type"); !strings.HasPrefix(strings.ToLower(ct), "text/plain") {
			t.Errorf("Content-Type: %s", ct)
		}
	}
	w.must(w.chat.Say(bob, "1001@"+component, "b1", "two\nlines"))
	m, err := w.pbx.WaitText(w.ctx, "two\nlines")
	w.must(err)
	if from := m.Header("From"); !strings.Contains(from, "<sip:bob@gw.example>") {
		t.Errorf("From: %s", from)
	}
}

func TestTextsCrossFromSIPToXMPPLetterByLetter(t *testing.T) {
	w := newTrunkWorld(t)
	var batch []peer.SIPText
	s := w.wire(peer.SIPHost)
	for _, text := range letters {
		if !strings.Contains(text, ";") {
			batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: text}, peer.SIPText{From: "1002", To: "bob", Text: text})
			continue
		}
		for from, to := range map[string]string{"1001": "7001", "1002": "bob"} { // SIPp can't
			m, err := s.Do(w.ctx, w.message(from, to, text))
			w.must(err)
			if m.Code() != 200 {
				t.Errorf("answer %s", m.Start)
			}
		}
	}
	if c := w.dial(batch...); !slices.Equal(c, codes(len(batch), 200)) {
		t.Errorf("answers %v", c)
	}
	for _, text := range letters {
		e, err := w.chat.WaitText(w.ctx, alice, text)
		w.must(err)
		if bare, _, _ := strings.Cut(e.From, "/"); bare != "1001@"+component || e.Type != "chat" {
			t.Errorf("alice got %+v", e)
		}
		e, err = w.chat.WaitText(w.ctx, bob, text)
		w.must(err)
		if bare, _, _ := strings.Cut(e.From, "/"); bare != "1002@"+component {
			t.Errorf("bob got %+v", e)
		}
	}
}

func TestSubjectLanguageAndThreadCross(t *testing.T) {
	w := newTrunkWorld(t)
	w.must(w.chat.Send(peer.ChatMessage{
		As: alice, To: "1001@" + component, ID: "s1", Type: "chat", Thread: "talk-1", Subject: "Über uns",
		Bodies: []peer.ChatBody{{Lang: "de", Text: "Hallo"}, {Lang: "en", Text: "Hello"}},
	}))
	m, err := w.pbx.WaitText(w.ctx, "Hallo")
	w.must(err)
	if m.Header("Content-Language") != "de" || m.Header("Subject") != "Über uns" || !strings.HasSuffix(m.Header("Call-ID"), "@talk-1") {
		t.Errorf("headers %+v", m.Headers)
	}
	s := w.wire(peer.SIPHost)
	res, err := s.Do(w.ctx, peer.SIPRequest{
		Method: "MESSAGE", URI: "sip:7001@gw.example", From: `"Eins" <sip:1001@pbx.example>`, CallID: m.Header("Call-ID"), // who answers there, answers in the thread
		Headers: []string{"Subject: Über euch", "Content-Language: de", "Content-Type: text/plain;charset=UTF-8"}, Body: "Antwort",
	})
	w.must(err)
	if res.Code() != 200 {
		t.Errorf("answer %s", res.Start)
	}
	e, err := w.chat.WaitText(w.ctx, alice, "Antwort")
	w.must(err)
	if e.Thread != "talk-1" || len(e.Subjects) != 1 || e.Subjects[0].Text != "Über euch" {
		t.Errorf("alice got %+v", e)
	}
	if !strings.Contains(e.XML, `lang="de"`) {
		t.Errorf("no language in %s", e.XML)
	}
}

func TestFiftyMessagesEachWayKeepTheirOrder(t *testing.T) {
	w := newTrunkWorld(t)
	w.fiftyEachWay(w.chat, w.pbx)
}

// fiftyEachWay sends so many messages each way between alice and 1001, and
// wants them there in their order.
func (w *world) fiftyEachWay(chat *peer.Chat, pbx *peer.SIPp) {
	t := w.t
	t.Helper()
	const n = 50
	var batch []peer.SIPText
	for i := range n {
		w.must(chat.Say(alice, "1001@"+component, fmt.Sprintf("o%d", i), fmt.Sprintf("to sip %02d", i)))
		batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: fmt.Sprintf("to xmpp %02d", i)})
	}
	if c := w.dial(batch...); !slices.Equal(c, codes(n, 200)) {
		t.Errorf("answers %v", c)
	}
	_, err := pbx.WaitText(w.ctx, fmt.Sprintf("to sip %02d", n-1))
	w.must(err)
	_, err = chat.WaitText(w.ctx, alice, fmt.Sprintf("to xmpp %02d", n-1))
	w.must(err)
	var sip, xmpp []string
	for _, m := range pbx.Texts() {
		sip = append(sip, m.Body)
	}
	for _, e := range chat.Texts(alice) {
		xmpp = append(xmpp, e.Body())
	}
	wantNumbered(t, sip, "to sip %02d", n)
	wantNumbered(t, xmpp, "to xmpp %02d", n)
}

// wantNumbered says what is not there once, in order, of format with 0 to n-1.
func wantNumbered(t *testing.T, got []string, format string, n int) {
	t.Helper()
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf(format, i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d texts, want %d, each once, in order: %q", len(got), n, got)
	}
}
