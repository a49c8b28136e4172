package xmpp

import (
	"bytes"
	"encoding/xml"
	"time"

	"gateway/bridge"
)

// Texts are most of what we send: their stanzas are written straight into one buffer.

// A pen writes elements.
type pen struct{ bytes.Buffer }

// begin writes a start tag but for its end. In ns "" the element is in its parent's namespace.
func (p *pen) begin(ns, name string) {
	p.WriteByte('<')
	p.WriteString(name)
	p.attr("xmlns", ns)
}

// attr writes an attribute, unless it is empty.
func (p *pen) attr(name, value string) {
	if value == "" {
		return
	}
	p.WriteByte(' ')
	p.WriteString(name)
	p.WriteString(`="`)
	p.escaped(value)
	p.WriteByte('"')
}

// empty ends an element that was begun, with nothing in it.
func (p *pen) empty() { p.WriteString("/>") }

// chars ends a start tag, and the element behind a text, of which what XML can't have is replaced.
func (p *pen) chars(name, text string) {
	p.WriteByte('>')
	p.escaped(clean(text))
	p.WriteString("</")
	p.WriteString(name)
	p.WriteByte('>')
}

// escaped writes s so that it means itself.
func (p *pen) escaped(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '&', c == '<', c == '>', c == '"', c == '\'':
			_ = xml.EscapeText(p, []byte(s)) // a Buffer takes everything
			return
		}
	}
	p.WriteString(s)
}

// text is the stanza of a message that somebody wrote. Its type is chat: most
// clients show normal messages apart, and that is not where an answer from a
// phone is looked for (RFC 7572 section 5 would have normal).
//
// states: the recipient may want to tell us, and to be told, that somebody
// writes.
func (a *Adapter) text(m bridge.Message, id, from, to string, states bool) ([]byte, error) {
	lang := ""
	if len(m.Bodies) > 0 {
		lang = language(m.Bodies[0].Lang)
	}
	p := &pen{}
	p.Grow(512 + len(m.Body()))
	p.begin("", "message")
	p.attr("type", "chat")
	p.attr("id", id)
	p.attr("from", from)
	p.attr("to", to)
	p.attr("xml:lang", lang)
	p.WriteByte('>')
	p.texts("subject", m.Subject, lang)
	p.texts("body", m.Bodies, lang)
	if m.Thread != "" {
		p.begin("", "thread")
		p.chars("thread", m.Thread)
	}
	p.begin(nsSID, "origin-id")
	p.attr("id", id)
	p.empty()
	if stamp := written(m, time.Now()); !stamp.IsZero() {
		p.begin(nsDelay, "delay")
		p.attr("from", a.domain)
		p.attr("stamp", stamp.UTC().Format("2006-01-02T15:04:05.000Z"))
		p.empty()
	}
	if nick := oneLine(m.From.Display, maxReason); nick != "" {
		p.begin(nsNick, "nick")
		p.chars("nick", nick)
	}
	p.flag(m.Want.Delivered, nsReceipts, "request")
	p.flag(m.Want.Displayed, nsMarkers, "markable")
	p.flag(states, nsChatStates, "active")
	p.flag(m.Kind == bridge.Signal, nsHints, "no-store")
	p.WriteString("</message>")
	if p.Len() > maxStanza {
		return nil, errTooLarge
	}
	return p.Bytes(), nil
}

// flag writes an empty element if on.
func (p *pen) flag(on bool, ns, name string) {
	if on {
		p.begin(ns, name)
		p.empty()
	}
}

// texts writes an element for each language.
func (p *pen) texts(name string, all []bridge.Body, inherited string) {
	for _, b := range all {
		p.begin("", name)
		if lang := language(b.Lang); lang != inherited {
			p.WriteString(` xml:lang="` + lang + `"`) // "" too: it says that none is known
		}
		p.chars(name, b.Text)
	}
}
