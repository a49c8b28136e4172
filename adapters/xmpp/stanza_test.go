package xmpp

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzStanza checks that a stanza is read to its end, and no further, whatever
// stands in it.
func FuzzStanza(f *testing.F) {
	for _, s := range []string{
		"<body>a<b>c</b>d</body>", "<subject/><body xml:lang='de'/>", "<error/>", "<thread><a/></thread>",
		"<error type='wait'><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>a<b/></text><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>x</gone></error>",
		"<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>", "<x xmlns='http://jabber.org/protocol/muc'><y/></x>", "text", "<error><error/></error>",
		"<received xmlns='urn:xmpp:receipts' id='1'/><displayed xmlns='urn:xmpp:chat-markers:0' id='1'><a/></displayed>",
		"<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction><b/>c</reactions>",
		"<body>&gt; a\nb</body><reply xmlns='urn:xmpp:reply:0' id='1'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/><subject/></fallback>",
		"<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
		"<x xmlns='jabber:x:oob'><url>https://files.example/a</url><desc/></x><x xmlns='jabber:x:encrypted'>abc</x>",
		"<encrypted xmlns='urn:xmpp:omemo:2'><header><keys/></header><payload>abc</payload></encrypted>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, inner string) {
		d := xml.NewDecoder(strings.NewReader("<stream><message id='1'>" + inner + "</message><after/></stream>"))
		if whole, err := count(inner); err != nil || whole != 0 {
			return // it would close our frame
		}
		d.Token()
		tok, err := d.Token()
		start, ok := tok.(xml.StartElement)
		if err != nil || !ok {
			return
		}
		c := &cursor{r: d}
		st := newStanza(start, "en")
		err = st.read(c, start.Name.Space)
		if err != nil {
			return
		}
		for _, b := range st.words() {
			if len(b.Text) > 20*len(inner)+100 {
				t.Fatalf("%q became %q", inner, b.Text)
			}
		}
		if st.id != "1" || c.drain() != nil {
			t.Fatalf("read %+v", st)
		}
		if next, err := d.Token(); err != nil || next.(xml.StartElement).Name.Local != "after" {
			t.Fatalf("then came %v, %v", next, err)
		}
	})
}

// count gives how many elements s leaves open.
func count(s string) (int, error) {
	d := xml.NewDecoder(strings.NewReader("<a>" + s + "</a>"))
	depth := 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return depth, nil
		}
		if err != nil {
			return 0, err
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 && d.InputOffset() != int64(len(s)+7) {
				return 0, errors.New("closed early")
			}
		}
	}
}

// FuzzRender checks that any text goes out as XML that reads as that text.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"hi", "a\x00b", "]]>", "<!-- ", "\r\n\r", "\xff", "\ufffe", "&amp;", "\u2028"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		data, err := render(element("", "message", stanzaAttrs("chat", value, "", ""), element("urn:x", "body", nil, chars(text))))
		if errors.Is(err, errTooLarge) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var n node
		d := xml.NewDecoder(strings.NewReader(string(data)))
		if err := d.Decode(&n); err != nil || d.InputOffset() != int64(len(data)) {
			t.Fatalf("%q does not read: %v", data, err)
		}
		if got := n.kid("body").Text; got != clean(text) {
			t.Fatalf("%q reads as %q", text, got)
		}
	})
}
