package wire

import (
	"bytes"
	"encoding/xml"
	"unicode/utf8"
)

// nsXML is what the prefix xml stands for.
const nsXML = "http://www.w3.org/XML/1998/namespace"

// A quick reads stanzas of the plainest form, which nearly all have: names of ASCII, values
// directly behind their names, the five entities, no CDATA. What it reads, package xml would read as the same tokens;
// all else it leaves to that, whether there is something wrong with it or not.
type quick struct {
	b      []byte // the stanza
	at     int    // what is read of it
	hdr    *header
	open   []opened
	spaces []declared // by the elements that are open
	attrs  []xml.Attr // room for those to come
	tokens []xml.Token
}

// An opened is an element whose end is still to come.
type opened struct {
	raw    []byte // its name, as it must stand in its end tag
	name   xml.Name
	spaces int // how many had been declared before it
}

// A declared is a prefix, "" for the namespace of elements without one, and what it stands for.
type declared struct{ prefix, space string }

// quickly reads the stanza at hand into tokens, or reports false.
func (r *Reader) quickly() bool {
	q := &r.quick
	q.b, q.at, q.hdr = r.buf, 0, r.hdr
	q.open, q.spaces, q.attrs = q.open[:0], q.spaces[:0], make([]xml.Attr, 0, 8)
	q.tokens = make([]xml.Token, 0, 16)
	ok := q.stanza()
	if ok {
		r.tokens = q.tokens
	}
	q.b, q.hdr, q.tokens, q.attrs = nil, nil, nil, nil
	clear(q.open)
	clear(q.spaces)
	return ok
}

// stanza reads one, up to the end of all there is.
func (q *quick) stanza() bool {
	for q.at < len(q.b) {
		ok := false
		switch {
		case q.b[q.at] != '<':
			ok = len(q.open) > 0 && q.text()
		case bytes.HasPrefix(q.b[q.at:], []byte("</")):
			ok = q.endTag()
		case len(q.open) > 0 || len(q.tokens) == 0:
			ok = q.startTag()
		}
		if !ok {
			return false
		}
	}
	return len(q.tokens) > 0 && len(q.open) == 0
}

// text reads up to the next tag.
func (q *quick) text() bool {
	n := bytes.IndexByte(q.b[q.at:], '<')
	if n < 0 {
		return false
	}
	raw := q.b[q.at : q.at+n]
	q.at += n
	if bytes.Contains(raw, []byte("]]>")) {
		return false
	}
	text, ok := unescape(raw)
	q.tokens = append(q.tokens, xml.CharData(text))
	return ok
}

// endTag reads the end tag of the element that was begun last.
func (q *quick) endTag() bool {
	if len(q.open) == 0 {
		return false
	}
	rest, ok := bytes.CutPrefix(q.b[q.at+2:], q.open[len(q.open)-1].raw)
	if !ok || len(rest) == 0 || rest[0] != '>' {
		return false
	}
	q.at = len(q.b) - len(rest) + 1
	q.end()
	return true
}

// end closes that element.
func (q *quick) end() {
	last := q.open[len(q.open)-1]
	q.open, q.spaces = q.open[:len(q.open)-1], q.spaces[:last.spaces]
	q.tokens = append(q.tokens, xml.EndElement{Name: last.name})
}

// startTag reads a start tag, and the end of the element if that is in it.
func (q *quick) startTag() bool {
	q.at++
	raw, name, ok := q.name()
	if !ok || name.Local == "xmlns" {
		return false // package xml gives such an element another namespace
	}
	e := opened{raw: raw, spaces: len(q.spaces)}
	first := len(q.attrs)
	empty, ok := q.attributes()
	if !ok {
		return false
	}
	attrs := q.attrs[first:len(q.attrs):len(q.attrs)]
	for i := range attrs {
		if n := &attrs[i].Name; n.Space != "xmlns" && n.Space != "" {
			n.Space = q.space(n.Space)
		}
	}
	e.name = xml.Name{Space: q.space(name.Space), Local: name.Local}
	start := xml.StartElement{Name: e.name, Attr: attrs}
	q.open = append(q.open, e)
	if q.hdr.element(start, len(q.open)) != "" {
		return false // it is dropped, and why is not for us to say
	}
	q.tokens = append(q.tokens, start)
	if empty {
		q.end()
	}
	return true
}

// attributes reads the rest of a start tag.
func (q *quick) attributes() (empty, ok bool) {
	for {
		spaced := false
		for q.at < len(q.b) && (q.b[q.at] == ' ' || q.b[q.at] == '\n' || q.b[q.at] == '\t') {
			q.at, spaced = q.at+1, true
		}
		switch rest := q.b[q.at:]; {
		case bytes.HasPrefix(rest, []byte(">")):
			q.at++
			return false, true
		case bytes.HasPrefix(rest, []byte("/>")):
			q.at += 2
			return true, true
		case !spaced || !q.attribute():
			return false, false
		}
	}
}

// attribute reads one, and takes in the namespace that it declares.
func (q *quick) attribute() bool {
	_, name, ok := q.name()
	if !ok || q.at+2 > len(q.b) || q.b[q.at] != '=' {
		return false
	}
	quote := q.b[q.at+1]
	if quote != '"' && quote != '\'' {
		return false
	}
	q.at += 2
	n := bytes.IndexByte(q.b[q.at:], quote)
	if n < 0 {
		return false
	}
	raw := q.b[q.at : q.at+n]
	q.at += n + 1
	if bytes.IndexByte(raw, '<') >= 0 {
		return false
	}
	value, ok := known(raw)
	if !ok {
		text, ok := unescape(raw)
		if !ok {
			return false
		}
		value = string(text)
	}
	switch {
	case name.Space == "xmlns":
		q.spaces = append(q.spaces, declared{name.Local, value})
	case name.Space == "" && name.Local == "xmlns":
		q.spaces = append(q.spaces, declared{"", value})
	}
	q.attrs = append(q.attrs, xml.Attr{Name: name, Value: value})
	return true
}

// name reads a name, with a prefix or without.
func (q *quick) name() (raw []byte, name xml.Name, ok bool) {
	begin, colon := q.at, -1
	for ; q.at < len(q.b); q.at++ {
		c := q.b[q.at]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		inner := c >= '0' && c <= '9' || c == '-' || c == '.'
		first := q.at == begin || q.at == colon+1 && colon >= 0
		if c == ':' && colon < 0 && !first {
			colon = q.at
			continue
		}
		if !letter && (!inner || first) {
			break
		}
	}
	raw = q.b[begin:q.at]
	if len(raw) == 0 || colon == q.at-1 {
		return nil, name, false
	}
	if colon >= 0 {
		name.Space = word(q.b[begin:colon])
		raw = q.b[colon+1 : q.at]
	}
	name.Local = word(raw)
	return q.b[begin:q.at], name, true
}

// space is what a prefix of an element or an attribute stands for; itself if for nothing.
func (q *quick) space(prefix string) string {
	if prefix == "xml" {
		return nsXML
	}
	for i := len(q.spaces) - 1; i >= 0; i-- {
		if q.spaces[i].prefix == prefix {
			return q.spaces[i].space
		}
	}
	for i := len(q.hdr.spaces) - 1; i >= 0; i-- {
		a := q.hdr.spaces[i]
		if a.Name.Space == "xmlns" && a.Name.Local == prefix || a.Name.Space == "" && prefix == "" {
			return a.Value
		}
	}
	return prefix
}

// unescape gives a text of its own; false for what only package xml reads, or nobody.
func unescape(raw []byte) ([]byte, bool) {
	ascii := true
	for _, c := range raw {
		switch {
		case c < ' ' && c != '\t' && c != '\n':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	// XML has all of Unicode but U+FFFE and U+FFFF (XML 1.0 section 2.2).
	if !ascii && (!utf8.Valid(raw) || bytes.Contains(raw, []byte("\uFFFE")) || bytes.Contains(raw, []byte("\uFFFF"))) {
		return nil, false
	}
	text := make([]byte, 0, len(raw))
	for {
		n := bytes.IndexByte(raw, '&')
		if n < 0 {
			return append(text, raw...), true
		}
		text = append(text, raw[:n]...)
		name, rest, ok := bytes.Cut(raw[n+1:], []byte(";"))
		if !ok {
			return nil, false
		}
		c := entity(name)
		if c == 0 {
			return nil, false
		}
		text, raw = append(text, c), rest
	}
}

// entity is what one of the five stands for, or 0.
func entity(name []byte) byte {
	switch string(name) {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "apos":
		return '\''
	case "quot":
		return '"'
	}
	return 0
}

// word is a text of its own.
func word(b []byte) string {
	if s, ok := known(b); ok {
		return s
	}
	return string(b)
}
