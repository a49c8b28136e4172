package xmpp

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"gateway/adapters/xmpp/jingle"
	"gateway/bridge"
)

// The namespaces of what a stanza may hold.
const (
	nsDelay = "urn:xmpp:delay"
	nsMUC   = "http://jabber.org/protocol/muc"
)

// maxTexts bounds the languages of a subject or a body; further ones are passed
// over.
const maxTexts = 32

// A stanza is what we make use of in one that came in. Addresses are raw.
type stanza struct {
	name, kind, id, from, to string
	lang                     string // by default in it

	subject, bodies []bridge.Body
	thread          string
	sent            time.Time // of the first delay
	refusal         *refusal  // of kind error
	room            bool      // asks to join one
	extras                    // of a message
	show, status    string    // of a presence; the first of each

	payloads int // child elements
	payload  xml.Name
	node     string // attribute of the payload
	// element is what is about a call: the whole of it, or nil.
	element *jingle.Element
	caps    capability // of a presence
}

// A refusal is the content of a stanza error.
type refusal struct {
	kind, condition, text string
	extra                 string // the condition of XEP-0166 section 10, or ""
}

// newStanza gives the stanza that start begins, as far as start says.
func newStanza(start xml.StartElement, lang string) *stanza {
	st := &stanza{name: start.Name.Local, lang: lang}
	for _, a := range start.Attr {
		switch a.Name {
		case xml.Name{Local: "type"}:
			st.kind = a.Value
		case xml.Name{Local: "id"}:
			st.id = a.Value
		case xml.Name{Local: "from"}:
			st.from = a.Value
		case xml.Name{Local: "to"}:
			st.to = a.Value
		case xml.Name{Space: nsXML, Local: "lang"}:
			st.lang = a.Value
		}
	}
	return st
}

// isRequest reports whether who sent it waits for an answer, or for an error at
// least.
func (st *stanza) isRequest() bool {
	return st.name == "message" && st.kind != "error" || st.name == "iq" && (st.kind == "get" || st.kind == "set")
}

// read reads what is in it. space is its own namespace.
func (st *stanza) read(c *cursor, space string) error {
	for {
		tok, err := c.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		child, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if err := st.child(c, child, child.Name.Space == space); err != nil {
			return err
		}
	}
}

// child reads one child element to its end. own: it is in the stanza's own
// namespace.
func (st *stanza) child(c *cursor, e xml.StartElement, own bool) error {
	if st.payloads++; st.payloads == 1 {
		st.payload, st.node = e.Name, attrOf(e, "node")
	}
	var err error
	switch {
	case own && e.Name.Local == "error":
		st.refusal, err = readRefusal(c, e)
	case own && st.name == "message" && e.Name.Local == "subject":
		err = readText(c, &st.subject, st.langOf(e))
	case own && st.name == "message" && e.Name.Local == "body":
		err = readText(c, &st.bodies, st.langOf(e))
	case own && e.Name.Local == "thread":
		if st.thread, err = c.text(); len(st.thread) > maxPart {
			st.thread = "" // no client makes such a thing
		}
	case own && st.name == "presence" && e.Name.Local == "show" && st.show == "":
		st.show, err = c.text()
	case own && st.name == "presence" && e.Name.Local == "status" && st.status == "":
		st.status, err = c.text()
	case e.Name == xml.Name{Space: nsDelay, Local: "delay"}:
		if t, bad := time.Parse(time.RFC3339, attrOf(e, "stamp")); bad == nil && st.sent.IsZero() {
			st.sent = t
		}
		err = c.skip()
	case st.element == nil && aboutCall(st, e.Name):
		whole, bad, broken := jingle.Read(c, e)
		if bad == nil && broken == nil {
			st.element = &whole
		}
		err = broken
	case st.name == "presence" && e.Name == xml.Name{Space: nsCaps, Local: "c"}:
		st.caps = readCapability(e)
		err = c.skip()
	case e.Name == xml.Name{Space: nsMUC, Local: "x"}:
		st.room = true
		err = c.skip()
	case st.name == "message":
		err = st.extras.read(c, e)
	default:
		err = c.skip()
	}
	return err
}

// aboutCall reports whether an element is kept whole: a request of a session, a
// message about one, or what a client says it can.
func aboutCall(st *stanza, n xml.Name) bool {
	switch st.name {
	case "iq":
		return n == xml.Name{Space: jingle.NS, Local: "jingle"} && st.kind == "set" || n.Space == nsDiscoInfo && st.kind == "result"
	case "message":
		return jingle.IsMessage(n) && st.kind != "groupchat" && st.kind != "error"
	default:
		return false
	}
}

func (st *stanza) langOf(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name == (xml.Name{Space: nsXML, Local: "lang"}) {
			return language(a.Value)
		}
	}
	return language(st.lang)
}

func readText(c *cursor, into *[]bridge.Body, lang string) error {
	text, err := c.text()
	if err == nil && text != "" && len(*into) < maxTexts {
		*into = append(*into, bridge.Body{Lang: lang, Text: text})
	}
	return err
}

// readRefusal reads an <error/> (RFC 6120 section 8.3.2).
func readRefusal(c *cursor, e xml.StartElement) (*refusal, error) {
	r := &refusal{kind: attrOf(e, "type")}
	depth := c.depth
	for {
		tok, err := c.Token()
		if err != nil {
			return nil, err
		}
		t, ok := tok.(xml.StartElement)
		switch {
		case c.depth < depth:
			return r, nil
		case !ok:
			continue
		case t.Name == xml.Name{Space: nsStanzas, Local: "text"}:
			text, err := c.text()
			if err != nil {
				return nil, err
			}
			if r.text == "" {
				r.text = oneLine(text, maxReason)
			}
			continue
		case t.Name.Space == nsStanzas && r.condition == "":
			r.condition = t.Name.Local
		case t.Name.Space == jingle.NSErrors && r.extra == "":
			r.extra = t.Name.Local
		}
		if err := c.skip(); err != nil {
			return nil, err
		}
	}
}

func attrOf(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// A cursor reads the inside of one element, and knows how deep it stands. It
// gives io.EOF at the element's end.
type cursor struct {
	r     xml.TokenReader
	depth int // open elements within the outer one
	ended bool
}

// Token implements xml.TokenReader.
func (c *cursor) Token() (xml.Token, error) {
	if c.ended {
		return nil, io.EOF
	}
	tok, err := c.r.Token()
	if errors.Is(err, io.EOF) { // not the end that a caller looks for
		err = errors.New("the stream ended in a stanza")
	}
	if err != nil {
		return nil, err
	}
	switch tok.(type) {
	case xml.StartElement:
		c.depth++
	case xml.EndElement:
		if c.depth == 0 {
			c.ended = true
			return nil, io.EOF
		}
		c.depth--
	}
	return tok, nil
}

// skip reads to the end of the element that was begun last.
func (c *cursor) skip() error {
	for depth := c.depth; c.depth >= depth; {
		if _, err := c.Token(); err != nil {
			return err
		}
	}
	return nil
}

// text reads to the end of the element that was begun last, and gives the text
// that stands directly in it.
func (c *cursor) text() (string, error) {
	var b strings.Builder
	for depth := c.depth; ; {
		tok, err := c.Token()
		if err != nil {
			return "", err
		}
		if t, ok := tok.(xml.CharData); ok && c.depth == depth {
			b.Write(t)
		}
		if c.depth < depth {
			return b.String(), nil
		}
	}
}

// each calls f for every element that stands directly in the one that was begun
// last, and reads to the end of that. f must read to the end of its own.
func (c *cursor) each(f func(xml.StartElement) error) error {
	for depth := c.depth; ; {
		tok, err := c.Token()
		if err != nil {
			return err
		}
		if c.depth < depth {
			return nil
		}
		if e, ok := tok.(xml.StartElement); ok {
			if err := f(e); err != nil {
				return err
			}
		}
	}
}

// drain reads what is left.
func (c *cursor) drain() error {
	for {
		if _, err := c.Token(); err != nil {
			if c.ended {
				return nil
			}
			return err
		}
	}
}
