package wire

import (
	"mime"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Accept lists the content types that ReadText understands.
const Accept = "text/plain, text/html, message/cpim"

// Content is the text of a message, and what a wrapper said of it.
type Content struct {
	Text    string
	Lang    string
	Subject string
	Sent    time.Time // zero if not said
}

// ReadText reads a body as text. An error is a *StatusError: 415 for a type or a
// character set that is not taken, 400 for bytes that are not what they are
// said to be.
func ReadText(contentType, encoding string, body []byte) (Content, error) {
	if encoding != "" && !strings.EqualFold(strings.TrimSpace(encoding), "identity") {
		return Content{}, fault(415, "Unsupported Content-Encoding")
	}
	if contentType == "" {
		contentType = "text/plain"
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return Content{}, fault(400, "Malformed Content-Type")
	}
	if kind == "message/cpim" {
		return readCPIM(body)
	}
	text, err := decode(kind, params["charset"], body)
	return Content{Text: text}, err
}

func decode(kind, charset string, body []byte) (string, error) {
	if kind != "text/plain" && kind != "text/html" {
		return "", fault(415, "Unsupported Media Type")
	}
	var text string
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
		// US-ASCII is a part of UTF-8, and those who say the one often send
		// the other.
		if !utf8.Valid(body) {
			return "", fault(400, "Body is not UTF-8")
		}
		text = string(body)
	case "iso-8859-1", "latin1":
		var b strings.Builder
		for _, c := range body {
			b.WriteRune(rune(c))
		}
		text = b.String()
	default:
		return "", fault(415, "Unsupported character set")
	}
	if kind == "text/html" {
		text = plain(text)
	}
	return tidy(text), nil
}

// tidy makes line ends \n and drops the control characters that are no text.
func tidy(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffe' || r == '\uffff':
			return -1
		}
		return r
	}, s)
}

// plain renders HTML as text: no markup, no scripts, a line for what is a
// line, white space as a browser would show it.
func plain(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.StartTagToken:
			name, _ := z.TagName()
			switch tag := string(name); tag {
			case "script", "style", "title", "template":
				if hidden == "" {
					hidden = tag
				}
			default:
				breakLine(&b, tag)
			}
		case html.SelfClosingTagToken:
			name, _ := z.TagName()
			breakLine(&b, string(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			if string(name) == hidden {
				hidden = ""
			} else if string(name) != "br" {
				breakLine(&b, string(name))
			}
		case html.TextToken:
			if hidden == "" {
				inline(&b, string(z.Text()))
			}
		}
	}
}

func breakLine(b *strings.Builder, tag string) {
	switch tag {
	case "br":
		b.WriteByte('\n')
	case "p", "div", "li", "ul", "ol", "tr", "table", "blockquote", "pre", "body", "html",
		"h1", "h2", "h3", "h4", "h5", "h6", "hr":
		if s := b.String(); s != "" && s[len(s)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
}

// inline writes text, entities resolved, with white space collapsed.
func inline(b *strings.Builder, raw string) {
	text := html.UnescapeString(raw)
	words := strings.FieldsFunc(text, htmlSpace)
	before := b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") && !strings.HasSuffix(b.String(), " ")
	if text != "" && htmlSpace(rune(text[0])) && before {
		b.WriteByte(' ')
	}
	b.WriteString(strings.Join(words, " "))
	if len(words) > 0 && htmlSpace(rune(text[len(text)-1])) {
		b.WriteByte(' ')
	}
}

func htmlSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }

// readCPIM unwraps message/cpim (RFC 3862): its own headers, an empty line,
// the MIME headers of what is inside, an empty line, the inside.
func readCPIM(body []byte) (Content, error) {
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	outer, rest, ok1 := strings.Cut(text, "\n\n")
	inner, inside, ok2 := strings.Cut(rest, "\n\n")
	if strings.HasPrefix(rest, "\n") { // no MIME headers
		inner, inside, ok2 = "", rest[1:], true
	}
	if !ok1 || !ok2 || !utf8.ValidString(outer) || !utf8.ValidString(inner) {
		return Content{}, fault(400, "Malformed message/cpim")
	}
	var c Content
	for _, line := range strings.Split(outer, "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = cpimText(strings.TrimSpace(value))
		switch name { // case-sensitive: RFC 3862 section 2.4
		case "Subject":
			if c.Subject == "" {
				c.Subject = Subject(cutLang(value))
			}
		case "DateTime":
			if t, err := time.Parse(time.RFC3339, value); err == nil {
				c.Sent = t
			}
		}
	}
	mimeHeaders := map[string]string{}
	for _, line := range strings.Split(inner, "\n") {
		name, value, _ := strings.Cut(line, ":")
		mimeHeaders[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if e := mimeHeaders["Content-Transfer-Encoding"]; e != "" && !strings.EqualFold(e, "8bit") &&
		!strings.EqualFold(e, "7bit") && !strings.EqualFold(e, "binary") {
		return c, fault(415, "Unsupported Content-Transfer-Encoding")
	}
	kind, params, err := mime.ParseMediaType(cmpOr(mimeHeaders["Content-Type"], "text/plain"))
	if err != nil {
		return c, fault(400, "Malformed message/cpim")
	}
	c.Lang = Lang(mimeHeaders["Content-Language"])
	c.Text, err = decode(kind, params["charset"], []byte(inside))
	return c, err
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// cutLang removes the language parameter in front of a CPIM header's value
// (RFC 3862 section 2.3: "Subject:;lang=fr Objet").
func cutLang(s string) string {
	if strings.HasPrefix(s, ";lang=") {
		_, rest, _ := strings.Cut(s, " ")
		return rest
	}
	return s
}

// cpimText undoes the backslash escapes of RFC 3862 section 2.3.1. What stands
// for a control character becomes a space.
func cpimText(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b', 't', 'n', 'r':
			b.WriteByte(' ')
		case 'u':
			r := rune(0)
			for j := i + 1; j < i+5 && j < len(s) && unhex(s[j]) >= 0; j++ {
				r = r<<4 | rune(unhex(s[j]))
			}
			b.WriteRune(r)
			i = min(i+4, len(s)-1)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Lang is the first language tag of a Content-Language header, "" if it is
// none (BCP 47: letters, digits and hyphens, 35 at most).
func Lang(value string) string {
	tag, _, _ := strings.Cut(value, ",")
	tag = strings.TrimSpace(tag)
	if len(tag) > 35 {
		return ""
	}
	for i := 0; i < len(tag); i++ {
		if !alnum(tag[i]) && tag[i] != '-' {
			return ""
		}
	}
	return tag
}

// ParseDate reads a Date header (RFC 3261 section 20.17), the zero time if it
// is none.
func ParseDate(value string) time.Time {
	for _, layout := range []string{time.RFC1123, "Mon, 2 Jan 2006 15:04:05 MST"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// FormatDate writes a Date header.
func FormatDate(t time.Time) string {
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT"
}
