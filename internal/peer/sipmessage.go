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
