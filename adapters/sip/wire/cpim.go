package wire

import (
	"cmp"
	"mime"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The namespaces of headers of message/cpim.
const (
	cpimNamespace = "urn:ietf:params:cpim-headers:" // RFC 3862 section 3.4
	imdnNamespace = "urn:ietf:params:imdn"          // RFC 5438 section 6
)

// Bounds on what a wrapper says that has to be remembered.
const (
	maxCPIMLines = 100 // headers of a wrapper
	maxMessageID = 160 // bytes
	maxDateTime  = 40
)

// An Ask is what the sender of a text in message/cpim wants to be told (RFC
// 5438 section 6).
type Ask struct {
	ID       string // imdn.Message-ID, one word of ASCII; "" if the message has none: then nothing is asked
	DateTime string // letter by letter as it was said, "" if not

	Delivered, Failed, Displayed bool
}

// cpimHeaders reads the headers of a wrapper one after the other.
type cpimHeaders struct {
	names map[string]string // namespaces by prefix
	c     *Content
	asked string // Disposition-Notification
}

// readCPIM unwraps message/cpim (RFC 3862): its own headers, an empty line,
// the MIME headers of what is inside, an empty line, the inside.
func readCPIM(body []byte) (Content, error) {
	outer, rest, ok1 := cutHead("\n" + string(body))
	inner, inside, ok2 := cutHead("\n" + rest) // there may be no MIME headers
	if !ok1 || !ok2 || !utf8.ValidString(outer) || !utf8.ValidString(inner) || strings.Count(outer, "\n") >= maxCPIMLines {
		return Content{}, fault(400, "Malformed message/cpim")
	}
	var c Content
	h := cpimHeaders{names: map[string]string{"": cpimNamespace}, c: &c}
	for _, line := range strings.Split(outer, "\n") {
		if err := h.line(line); err != nil {
			return c, err
		}
	}
	h.end()
	fields := map[string]string{}
	for _, line := range strings.Split(inner, "\n") {
		name, value, _ := strings.Cut(line, ":")
		fields[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	switch strings.ToLower(fields["Content-Transfer-Encoding"]) {
	case "", "7bit", "8bit", "binary":
	default:
		return c, fault(415, "Unsupported Content-Transfer-Encoding")
	}
	kind, params, err := mime.ParseMediaType(cmp.Or(fields["Content-Type"], "text/plain"))
	if err != nil {
		return c, fault(400, "Malformed message/cpim")
	}
	c.Lang = Lang(fields["Content-Language"])
	err = c.read(kind, params["charset"], []byte(inside))
	return c, err
}

// cutHead cuts text behind its first empty line. What stands before it comes
// with \n for line ends, what stands behind it untouched.
func cutHead(text string) (head, rest string, ok bool) {
	at, size := strings.Index(text, "\n\n"), 2
	if i := strings.Index(text, "\n\r\n"); i >= 0 && (at < 0 || i < at) {
		at, size = i, 3
	}
	if at < 0 {
		return text, "", false
	}
	head = strings.ReplaceAll(text[:at], "\r\n", "\n")
	return strings.Trim(strings.TrimSuffix(head, "\r"), "\n"), text[at+size:], true
}

// line takes one header. Names are case-sensitive (RFC 3862 section 2.4), and
// the prefix of one is what an NS before it says (section 2.2).
func (h *cpimHeaders) line(line string) error {
	name, raw, _ := strings.Cut(line, ":")
	value := cpimText(trim(raw))
	switch h.resolve(name) {
	case cpimNamespace + "NS":
		prefix, uri, _ := strings.Cut(value, "<")
		h.names[strings.TrimSpace(prefix)] = strings.TrimSuffix(strings.TrimSpace(uri), ">")
	case cpimNamespace + "Require":
		for _, required := range strings.Split(value, ",") {
			if !understood(h.resolve(strings.TrimSpace(required))) {
				return fault(415, "Unsupported header of message/cpim")
			}
		}
	case cpimNamespace + "Subject":
		if h.c.Subject == "" {
			h.c.Subject = Subject(cpimText(trim(cutLang(raw))))
		}
	case cpimNamespace + "DateTime":
		if t, err := time.Parse(time.RFC3339, value); err == nil && len(value) <= maxDateTime {
			h.c.Sent, h.c.Ask.DateTime = t, value
		}
	case imdnNamespace + "Message-ID":
		if id := trim(raw); visible(id) && len(id) <= maxMessageID { // a token has no escapes
			h.c.Ask.ID = id
		}
	case imdnNamespace + "Disposition-Notification":
		h.asked = value
	}
	return nil
}

// trim removes the white space around a value that is no part of it.
func trim(raw string) string { return strings.Trim(raw, " \t") }

// visible says whether s is one word of ASCII: more than the token that a
// Message-ID is by the book, for not all keep to that.
func visible(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// end makes sense of the headers together: nothing can be told of a message
// that has no name.
func (h *cpimHeaders) end() {
	if h.c.Ask.ID == "" {
		return
	}
	for _, kind := range strings.Split(h.asked, ",") {
		kind, _, _ = strings.Cut(kind, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "positive-delivery":
			h.c.Ask.Delivered = true
		case "negative-delivery":
			h.c.Ask.Failed = true
		case "display":
			h.c.Ask.Displayed = true
		}
	}
}

// resolve gives a header's namespace and name in one, "" for a prefix that
// means nothing.
func (h *cpimHeaders) resolve(name string) string {
	prefix, local, qualified := strings.Cut(name, ".")
	if !qualified {
		prefix, local = "", name
	}
	space, ok := h.names[prefix]
	if !ok {
		return ""
	}
	return space + local
}

// understood says whether we do what a header that is required asks for (RFC
// 3862 section 4.6).
func understood(header string) bool {
	switch header {
	case cpimNamespace + "From", cpimNamespace + "To", cpimNamespace + "cc", cpimNamespace + "DateTime",
		cpimNamespace + "Subject", cpimNamespace + "NS", cpimNamespace + "Require",
		imdnNamespace + "Message-ID", imdnNamespace + "Disposition-Notification":
		return true
	}
	return false
}

// cutLang removes the language parameter in front of a header's value (RFC
// 3862 section 2.3: "Subject:;lang=fr Objet").
func cutLang(raw string) string {
	if strings.HasPrefix(raw, ";lang=") {
		_, rest, _ := strings.Cut(raw, " ")
		return rest
	}
	return raw
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

// A Wrapped is a body to be written in message/cpim.
type Wrapped struct {
	From, To string // URIs
	Sent     time.Time
	Subject  string
	Ask      Ask // an ID there must be; its DateTime is Sent

	Type string // of Body
	Lang string
	Body string
	// Notification: Body is news of another message, no message in itself.
	Notification bool
}

// Bytes writes it, with the line ends of RFC 3862.
func (w *Wrapped) Bytes() []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	line("From", "<"+w.From+">")
	line("To", "<"+w.To+">")
	line("DateTime", w.Sent.UTC().Format(time.RFC3339))
	if w.Subject != "" {
		line("Subject", escapeQuoted(Subject(w.Subject)))
	}
	line("NS", "imdn <"+imdnNamespace+">")
	line("imdn.Message-ID", w.Ask.ID)
	if asked := w.Ask.list(); asked != "" {
		line("imdn.Disposition-Notification", asked)
	}
	b.WriteString("\r\n")
	line("Content-Type", w.Type)
	if w.Notification {
		line("Content-Disposition", "notification")
	}
	if lang := Lang(w.Lang); lang != "" {
		line("Content-Language", lang)
	}
	line("Content-Length", strconv.Itoa(len(w.Body)))
	b.WriteString("\r\n" + w.Body)
	return []byte(b.String())
}

func (a Ask) list() string {
	var all []string
	for _, one := range []struct {
		asked bool
		word  string
	}{{a.Delivered, "positive-delivery"}, {a.Failed, "negative-delivery"}, {a.Displayed, "display"}} {
		if one.asked {
			all = append(all, one.word)
		}
	}
	return strings.Join(all, ", ")
}
