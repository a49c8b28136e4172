package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// A Message is one SIP message as it came: Request or Response is set.
type Message struct {
	Request  *gosip.Request
	Response *gosip.Response
	Fields   []Field // in the order of the message
}

// Get is the value of the first header of that name (in its usual form), ""
// if there is none.
func (m *Message) Get(name string) string {
	for i := range m.Fields {
		if f := &m.Fields[i]; f.is(name) {
			return f.Value
		}
	}
	return ""
}

// All are the values of every header of that name, a list of values on one
// line being one.
func (m *Message) All(name string) []string {
	var all []string
	for i := range m.Fields {
		if f := &m.Fields[i]; f.is(name) {
			all = append(all, f.Value)
		}
	}
	return all
}

// Parse reads one message: a datagram, or what a Framer cut. An error is a
// *StatusError; for a request that can be answered all the same, the Message comes
// with it. The Message keeps nothing of data. No input makes it panic.
func Parse(data []byte) (m *Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fault(400, "Bad Request")
		}
	}()
	for bytes.HasPrefix(data, crlf) {
		data = data[len(crlf):]
	}
	if len(data) > MaxMessage {
		return nil, fault(513, "Message Too Large")
	}
	text, body, ok := bytes.Cut(data, emptyLine)
	var wrong error
	switch {
	case len(text) > maxHead:
		return nil, fault(513, "Headers too large")
	case !ok:
		wrong = fault(400, "No end of headers")
	}
	h, err := scan(string(text))
	if wrong == nil {
		wrong = err
	}
	r := &reading{Message: Message{Fields: h.fields}}
	m = &r.Message
	if len(h.start) >= 4 && strings.EqualFold(h.start[:4], "SIP/") {
		err = m.status(h.start)
	} else {
		err = m.request(h.start)
	}
	if m.Request == nil && m.Response == nil {
		return nil, err
	}
	if wrong == nil {
		wrong = err
	}
	if err := m.headers(r.glance.begin()); wrong == nil {
		wrong = err
	}
	if err := m.body(&h, body); wrong == nil {
		wrong = err
	}
	return m, wrong
}

// A reading is a Message and what its headers are read into: one allocation for both.
type reading struct {
	Message
	glance glance
}

// status reads a Status-Line (RFC 3261 section 7.2).
func (m *Message) status(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, phrase, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(code)
	if !strings.EqualFold(version, "SIP/2.0") || err != nil || len(code) != 3 || n < 100 || n > 699 {
		return fault(400, "Malformed status line")
	}
	m.Response = gosip.NewResponse(n, phrase)
	return nil
}

// request reads a Request-Line (RFC 3261 section 7.1).
func (m *Message) request(line string) error {
	method, rest, _ := strings.Cut(line, " ")
	target, version, three := strings.Cut(rest, " ")
	if !three || !Token(method) || len(method) > maxMethod {
		return fault(400, "Malformed request line")
	}
	m.Request = gosip.NewRequest(methodOf(method), gosip.Uri{})
	if strings.Contains(version, " ") {
		return fault(400, "Malformed request line")
	}
	if !strings.EqualFold(version, "SIP/2.0") {
		return fault(505, "Version Not Supported")
	}
	uri, err := ParseURI(target)
	if err != nil {
		return fault(400, "Malformed Request-URI")
	}
	m.Request.Recipient = uri
	return nil
}

// methodOf is a method that does not keep the message alive which it stands in, if it is one
// that we know.
func methodOf(s string) gosip.RequestMethod {
	for _, m := range [...]gosip.RequestMethod{
		gosip.INVITE, gosip.ACK, gosip.BYE, gosip.MESSAGE, gosip.OPTIONS, gosip.REGISTER, gosip.CANCEL, gosip.PRACK,
		gosip.UPDATE, gosip.INFO, gosip.NOTIFY, gosip.SUBSCRIBE, gosip.REFER, gosip.PUBLISH,
	} {
		if s == string(m) {
			return m
		}
	}
	return gosip.RequestMethod(s)
}

// headers reads the values of the headers that sipgo has types for and somebody asks for.
// The others are in Fields.
func (m *Message) headers(g *glance) error {
	var wrong error
	for i := range m.Fields {
		f := &m.Fields[i]
		if h := g.header(f); h != nil {
			m.append(h)
			continue
		}
		values, err := typed(*f)
		if err != nil && wrong == nil {
			wrong = fault(400, "Malformed "+f.Name)
		}
		for _, v := range values {
			if via, ok := v.(*gosip.ViaHeader); ok && !passable(via) && wrong == nil {
				wrong = fault(400, "Malformed Via")
			}
			m.append(v)
		}
	}
	if wrong != nil {
		return wrong
	}
	return m.mandatory()
}

func (m *Message) append(h gosip.Header) {
	if m.Request != nil {
		m.Request.AppendHeader(h)
	} else {
		m.Response.AppendHeader(h)
	}
}

// mandatory are the headers without which a message is none (RFC 3261 section
// 8.1.1). Max-Forwards is left to the caller: elements of RFC 2543 lack it.
func (m *Message) mandatory() error {
	var msg gosip.Message = m.Response
	if m.Request != nil {
		msg = m.Request
	}
	for _, h := range [...]struct {
		name  string
		there bool
	}{
		{"Via", msg.Via() != nil},
		{"From", msg.From() != nil},
		{"To", msg.To() != nil},
		{"Call-ID", msg.CallID() != nil},
		{"CSeq", msg.CSeq() != nil},
	} {
		if !h.there {
			return fault(400, "Missing "+h.name)
		}
	}
	if !addressed(&msg.From().Address) || !addressed(&msg.To().Address) {
		return fault(400, "Malformed From or To")
	}
	if m.Request != nil && msg.CSeq().MethodName != m.Request.Method {
		return fault(400, "CSeq names another method")
	}
	return nil
}

// passable reports whether a Via is one of SIP 2.0 that names a host.
func passable(via *gosip.ViaHeader) bool {
	for i := 0; i < len(via.Host); i++ {
		if !alnum(via.Host[i]) && strings.IndexByte("-._:", via.Host[i]) < 0 {
			return false
		}
	}
	return strings.EqualFold(via.ProtocolName, "SIP") && via.ProtocolVersion == "2.0" && Token(via.Transport) &&
		via.Host != "" && via.Port >= 0 && via.Port <= 65535
}

// addressed reports whether uri names a scheme and something in it.
func addressed(uri *gosip.Uri) bool {
	for i := 0; i < len(uri.Scheme); i++ {
		if !alnum(uri.Scheme[i]) && strings.IndexByte("+-.", uri.Scheme[i]) < 0 {
			return false
		}
	}
	return uri.Scheme != "" && !uri.Wildcard && (uri.Host != "" || uri.Raw() != "")
}

// typed gives a header as sipgo's types, one for each value of a list; nothing for one
// that nobody asks for as such.
func typed(f Field) (values []gosip.Header, err error) {
	defer func() {
		if p := recover(); p != nil {
			values, err = nil, fmt.Errorf("reading %s: %v", f.Name, p)
		}
	}()
	value := f.Value
	switch f.Name {
	case "Via":
		return vias(tighten(value, ";=,/"))
	case "From", "To", "Contact":
		value = tighten(value, ";=,")
		if f.Name == "Contact" && value == "*" {
			return []gosip.Header{&gosip.ContactHeader{Address: gosip.Uri{Host: "*", Wildcard: true}}}, nil
		}
	case "CSeq":
		value = strings.Join(strings.Fields(value), " ")
	case "Call-ID", "Max-Forwards", "Content-Length", "Content-Type":
	default:
		return nil, nil
	}
	return parsed(f.Name, value)
}

// parsed has sipgo read a header.
func parsed(name, value string) ([]gosip.Header, error) {
	line := make([]byte, 0, len(name)+2+len(value))
	line = append(append(append(line, name...), ": "...), value...)
	return gosip.HeadersParser(gosip.DefaultHeadersParser()).ParseHeader(nil, line)
}

// vias reads a list of Vias one by one: sipgo takes the comma for a part of a
// host that has no parameters.
func vias(list string) (values []gosip.Header, err error) {
	for more := true; more; {
		one := list
		i := comma(list)
		if more = i >= 0; more {
			one, list = list[:i], list[i+1:]
		}
		v, err := parsed("Via", one)
		if err != nil {
			return values, fmt.Errorf("reading Via: %w", err)
		}
		values = append(values, v...)
	}
	return values, nil
}

// body takes the body by Content-Length. A datagram may be longer than that,
// and what is too much is dropped; shorter is an error (RFC 3261 section 18.3).
func (m *Message) body(h *head, body []byte) error {
	n, err := h.contentLength()
	if err != nil {
		return err
	}
	if n > len(body) {
		return fault(400, "Content-Length beyond the end")
	}
	if n >= 0 {
		body = body[:n]
	}
	if len(body) == 0 {
		return nil
	}
	body = bytes.Clone(body)
	if m.Request != nil {
		m.Request.SetBody(body)
	} else {
		m.Response.SetBody(body)
	}
	return nil
}

// tighten removes the white space around separators that the grammar allows
// (SEMI, EQUAL, COMMA, SLASH) and sipgo does not expect, outside quoted
// strings and angle brackets, and makes one space of many.
func tighten(s, separators string) string {
	if tight(s, separators) {
		return s // nearly always
	}
	return tightened(s, separators)
}

func tightened(s, separators string) string {
	var b strings.Builder
	b.Grow(len(s))
	quoted, angle, escaped, space := false, false, false, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if quoted || angle {
			b.WriteByte(c)
			switch {
			case escaped:
				escaped = false
			case quoted && c == '\\':
				escaped = true
			case quoted && c == '"':
				quoted = false
			case angle && c == '>':
				angle = false
			}
			continue
		}
		if c == ' ' || c == '\t' {
			space = true
			continue
		}
		sep := strings.IndexByte(separators, c) >= 0
		if space && !sep && b.Len() > 0 && !endsWith(&b, separators) {
			b.WriteByte(' ')
		}
		space = false
		quoted, angle = c == '"', c == '<'
		b.WriteByte(c)
	}
	return b.String()
}

// tight reports whether all white space in s is one space each between what is no
// separator, so that it could stand in quotes as well as outside.
func tight(s, separators string) bool {
	for i := range len(s) {
		if !blank(s[i]) {
			continue
		}
		if s[i] == '\t' || i == 0 || i == len(s)-1 || blank(s[i+1]) ||
			strings.IndexByte(separators, s[i-1]) >= 0 || strings.IndexByte(separators, s[i+1]) >= 0 {
			return false
		}
	}
	return true
}

func endsWith(b *strings.Builder, separators string) bool {
	s := b.String()
	return strings.IndexByte(separators, s[len(s)-1]) >= 0
}
