package peer

import (
	"strconv"
	"strings"
)

// A SIPMessage is a request or a response as it stood on the wire.
type SIPMessage struct {
	Start   string // the first line
	Headers []SIPHeader
	Body    string
}

// A SIPHeader is one header line.
type SIPHeader struct{ Name, Value string }

// ParseSIP reads a message of a program that we trust: it is for looking at
// what was said, and refuses nothing.
func ParseSIP(raw string) SIPMessage {
	head, body, ok := strings.Cut(raw, "\r\n\r\n")
	if !ok { // SIPp's own
		head, body, _ = strings.Cut(raw, "\n\n")
	}
	lines := strings.Split(strings.ReplaceAll(head, "\r\n", "\n"), "\n")
	m := SIPMessage{Start: strings.TrimRight(lines[0], "\r"), Body: body}
	for _, line := range lines[1:] {
		if name, value, ok := strings.Cut(line, ":"); ok {
			m.Headers = append(m.Headers, SIPHeader{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return m
}

// All gives the values of the headers called name.
func (m SIPMessage) All(name string) []string {
	var all []string
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			all = append(all, h.Value)
		}
	}
	return all
}

// Header gives the first header called name, "" if there is none.
func (m SIPMessage) Header(name string) string {
	if all := m.All(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Code is a response's status, 0 for a request.
func (m SIPMessage) Code() int {
	rest, ok := strings.CutPrefix(m.Start, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	code, err := strconv.Atoi(rest[:3])
	if err != nil {
		return 0
	}
	return code
}

// Method is a request's method, or that of the request a response is for.
func (m SIPMessage) Method() string {
	if m.Code() != 0 {
		_, method, _ := strings.Cut(m.Header("CSeq"), " ")
		return method
	}
	method, _, _ := strings.Cut(m.Start, " ")
	return method
}

// Text is what somebody has written with the message: its body, or what is
// in its wrapper; "" if that is no plain text.
func (m SIPMessage) Text() string {
	kind, body := m.Header("Content-Type"), m.Body
	if c, ok := m.CPIM(); ok {
		kind, body = c.Inner("Content-Type"), c.Body
	}
	if !strings.HasPrefix(kind, "text/plain") {
		return ""
	}
	return body
}

// A CPIM is what stands in a message/cpim (RFC 3862).
type CPIM struct {
	outer, inner []SIPHeader
	Body         string
}

// CPIM unwraps the body; not ok if it is no message/cpim.
func (m SIPMessage) CPIM() (c CPIM, ok bool) {
	if !strings.HasPrefix(strings.ToLower(m.Header("Content-Type")), "message/cpim") {
		return c, false
	}
	outer, rest, _ := strings.Cut(m.Body, "\r\n\r\n")
	inner, body, _ := strings.Cut(rest, "\r\n\r\n")
	return CPIM{outer: cpimHeaders(outer), inner: cpimHeaders(inner), Body: body}, true
}

func cpimHeaders(text string) (all []SIPHeader) {
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			all = append(all, SIPHeader{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return all
}

// Header gives a header of the wrapper, such as "imdn.Message-ID"; "" if there
// is none.
func (c CPIM) Header(name string) string { return SIPMessage{Headers: c.outer}.Header(name) }

// Inner gives a header of what is wrapped, "" if there is none.
func (c CPIM) Inner(name string) string { return SIPMessage{Headers: c.inner}.Header(name) }

// An IMDN is a notification of what became of a message (RFC 5438).
type IMDN struct {
	ID     string // the message's
	Status string // delivered, displayed, failed, forbidden, error
}

// IMDN is the notification that the message is; not ok if it is none.
func (m SIPMessage) IMDN() (n IMDN, ok bool) {
	kind, body := m.Header("Content-Type"), m.Body
	if c, wrapped := m.CPIM(); wrapped {
		kind, body = c.Inner("Content-Type"), c.Body
	}
	if !strings.HasPrefix(kind, "message/imdn+xml") {
		return n, false
	}
	_, rest, _ := strings.Cut(body, "<message-id>")
	n.ID, rest, _ = strings.Cut(rest, "</message-id>")
	_, rest, _ = strings.Cut(rest, "<status>")
	n.Status = strings.Trim(strings.SplitN(rest, ">", 2)[0], "</ ")
	return n, true
}

// Composing is the state that a typing notice tells (RFC 3994), "active" or
// "idle"; "" if the message is none.
func (m SIPMessage) Composing() string {
	if !strings.HasPrefix(m.Header("Content-Type"), "application/im-iscomposing+xml") {
		return ""
	}
	_, rest, _ := strings.Cut(m.Body, "<state>")
	state, _, _ := strings.Cut(rest, "</state>")
	return state
}

// Identity is what is the same in every repeat of a message that somebody
// sends anew: Call-ID, CSeq and the tag of From.
func (m SIPMessage) Identity() string {
	_, tag, _ := strings.Cut(m.Header("From"), ";tag=")
	return m.Header("Call-ID") + " " + m.Header("CSeq") + " " + tag
}
