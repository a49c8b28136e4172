package wire

import (
	"fmt"
	"strings"
)

// What one message may hold at most.
const (
	MaxMessage = 65535 // bytes, headers and body together
	maxHead    = 32768 // bytes before the body
	maxFields  = 128
	maxMethod  = 32
)

// A StatusError says why a message is not taken, and with what status a request is
// answered for it.
type StatusError struct {
	Status int
	Reason string // fit to be a Reason-Phrase
}

// Error is the text for the log.
func (f *StatusError) Error() string { return fmt.Sprintf("%d %s", f.Status, f.Reason) }

func fault(status int, reason string) error { return &StatusError{Status: status, Reason: reason} }

// A Field is one header line: unfolded, its name in the long form and the
// usual case, its value without white space around it.
type Field struct {
	Name, Value string
}

// is reports whether f has that name. Names are tokens, so what is the same has as many bytes.
func (f *Field) is(name string) bool {
	return f.Name == name || len(f.Name) == len(name) && strings.EqualFold(f.Name, name)
}

// canonical gives the usual form of the names we look at, by their lower case and
// by their compact form (RFC 3261 section 7.3.3).
func canonical(name string) string {
	var small [20]byte // no name below is longer
	if len(name) > len(small) {
		return name
	}
	for i := range len(name) {
		if small[i] = name[i]; 'A' <= name[i] && name[i] <= 'Z' {
			small[i] += 'a' - 'A'
		}
	}
	switch string(small[:len(name)]) {
	case "via", "v":
		return "Via"
	case "from", "f":
		return "From"
	case "to", "t":
		return "To"
	case "call-id", "i":
		return "Call-ID"
	case "cseq":
		return "CSeq"
	case "max-forwards":
		return "Max-Forwards"
	case "content-length", "l":
		return "Content-Length"
	case "content-type", "c":
		return "Content-Type"
	case "content-encoding", "e":
		return "Content-Encoding"
	case "contact", "m":
		return "Contact"
	case "subject", "s":
		return "Subject"
	case "supported", "k":
		return "Supported"
	case "event", "o":
		return "Event"
	case "expires":
		return "Expires"
	case "refer-to", "r":
		return "Refer-To"
	case "referred-by", "b":
		return "Referred-By"
	case "session-expires", "x":
		return "Session-Expires"
	case "allow-events", "u":
		return "Allow-Events"
	}
	return name
}

// single says whether a header may stand in a message once only (RFC 3261
// section 7.3.1). Taking the first of two, where another element took the
// last, is how requests are smuggled past a check.
func single(name string) bool {
	switch name {
	case "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Expires":
		return true
	}
	return false
}

// head is what stands before the body.
type head struct {
	start  string
	fields []Field
}

// scan reads the start line and the headers. The error is the first thing that
// was wrong; what else could be read comes with it, so that a request can be
// answered.
func scan(text string) (h head, wrong error) {
	var more bool
	h.start, text, more = strings.Cut(text, eol)
	if controlled(h.start) {
		h.start, wrong = "", fault(400, "Control character in start line")
	}
	h.fields = make([]Field, 0, min(strings.Count(text, eol)+1, maxFields))
	for more {
		var line string
		line, text, more = unfold(text)
		if len(line) == 0 {
			continue
		}
		f, err := field(line)
		switch {
		case err != nil:
		case len(h.fields) == maxFields:
			return h, fault(400, "Too many headers")
		case single(f.Name) && h.has(f.Name):
			err = fault(400, "Repeated "+f.Name)
		default:
			h.fields = append(h.fields, f)
		}
		if wrong == nil {
			wrong = err
		}
	}
	return h, wrong
}

const eol = "\r\n"

// unfold takes the first line of text, joined with those that continue it (RFC 3261
// section 7.3.1). more: there is another.
func unfold(text string) (line, rest string, more bool) {
	line, rest, more = strings.Cut(text, eol)
	if !more || !continues(rest) {
		return line, rest, more
	}
	var b strings.Builder
	b.WriteString(strings.TrimRight(line, " \t"))
	for more && continues(rest) {
		line, rest, more = strings.Cut(rest, eol)
		b.WriteByte(' ')
		b.WriteString(strings.Trim(line, " \t"))
	}
	return b.String(), rest, more
}

// continues reports whether a line begins as one does that belongs to the line before.
func continues(line string) bool { return line != "" && blank(line[0]) }

func blank(c byte) bool { return c == ' ' || c == '\t' }

// controlled finds what has no place in a header. A bare CR or LF is one: some
// element may end a line there.
func controlled(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// field reads one unfolded line. White space before the colon is part of the
// grammar (HCOLON, RFC 3261 section 25.1) and not of the name; anything else
// that is no token makes the line unreadable rather than an unknown header, so
// that no spelling of a name passes as another header here than elsewhere.
func field(line string) (Field, error) {
	if controlled(line) {
		return Field{}, fault(400, "Control character in header")
	}
	name, value, ok := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !ok || !Token(name) {
		return Field{}, fault(400, "Malformed header name")
	}
	return Field{Name: canonical(name), Value: strings.Trim(value, " \t")}, nil
}

func (h *head) has(name string) bool {
	_, ok := h.get(name)
	return ok
}

func (h *head) get(name string) (string, bool) {
	for _, f := range h.fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// contentLength is the value of Content-Length, -1 if there is none.
func (h *head) contentLength() (int, error) {
	v, ok := h.get("Content-Length")
	if !ok {
		return -1, nil
	}
	if v == "" || len(v) > 10 {
		return 0, fault(400, "Malformed Content-Length")
	}
	n := 0
	for _, c := range []byte(v) {
		if c < '0' || c > '9' {
			return 0, fault(400, "Malformed Content-Length")
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}

// Token reports whether s is a token of RFC 3261 section 25.1.
func Token(s string) bool {
	for i := 0; i < len(s); i++ {
		if !alnum(s[i]) && strings.IndexByte("-.!%*_+`'~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
