package wire

import (
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// The content types that are taken besides text, and that are written.
const (
	TypeText         = "text/plain;charset=UTF-8"
	TypeCPIM         = "message/cpim"                   // RFC 3862
	TypeNotification = "message/imdn+xml"               // RFC 5438
	TypeComposing    = "application/im-iscomposing+xml" // RFC 3994
)

// Accept lists the content types that ReadContent understands.
const Accept = "text/plain, text/html, " + TypeCPIM + ", " + TypeNotification + ", " + TypeComposing

// Content is what a body says: a Notification, a Composing, or else a text;
// and what a wrapper said of it.
type Content struct {
	Text         string
	Notification *Notification
	Composing    *Composing

	Lang    string
	Subject string
	Sent    time.Time // zero if not said
	Ask     Ask
}

// ReadContent reads a body. An error is a *StatusError: 415 for a type, a
// coding or a character set that is not taken, 413 for too much, 400 for bytes that are not what they are
// said to be.
func ReadContent(contentType, encoding string, body []byte) (Content, error) {
	body, err := plainBytes(encoding, body)
	if err != nil {
		return Content{}, err
	}
	kind, charset, err := mediaType(contentType)
	if err != nil {
		return Content{}, fault(400, "Malformed Content-Type")
	}
	if kind == TypeCPIM {
		return readCPIM(body)
	}
	var c Content
	err = c.read(kind, charset, body)
	return c, err
}

// mediaType reads a Content-Type. The commonest are known by sight.
func mediaType(v string) (kind, charset string, err error) {
	switch v {
	case "", "text/plain":
		return "text/plain", "", nil
	case "text/plain;charset=UTF-8", "text/plain; charset=UTF-8", "text/plain;charset=utf-8", "text/plain; charset=utf-8":
		return "text/plain", "utf-8", nil
	}
	kind, params, err := mime.ParseMediaType(v)
	return kind, params["charset"], err
}

// read reads what is no wrapper.
func (c *Content) read(kind, charset string, body []byte) (err error) {
	switch kind {
	case TypeNotification:
		c.Notification, err = readNotification(body)
	case TypeComposing:
		c.Composing, err = readComposing(body)
	default:
		c.Text, err = decode(kind, charset, body)
	}
	return err
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
	return Tidy(text), nil
}

// Tidy makes a text what ReadContent would have made of it: line ends are
// \n, and control characters that are no text are left out.
func Tidy(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f }) {
		return s
	}
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
	if value == "" {
		return time.Time{}
	}
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
