package wire

import (
	"slices"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// What stands in nearly every message is read here at a glance: values of the plainest
// form, without a quoted string, an escape, white space or a list. Whatever is not as plain
// as that is left to sipgo, and what is read here is what sipgo would read (FuzzQuick).

// A glance has room for the headers that each message has once, and what they point to:
// one allocation for all. Each header is read into its own place once.
type glance struct {
	via      gosip.ViaHeader
	from     gosip.FromHeader
	to       gosip.ToHeader
	callID   gosip.CallIDHeader
	cseq     gosip.CSeqHeader
	forwards gosip.MaxForwardsHeader
	contact  gosip.ContactHeader
	length   gosip.ContentLengthHeader
	kind     gosip.ContentTypeHeader
	shelf    shelf
	params   [6]gosip.HeaderKV // of shelf
}

// A shelf has room for parameters.
type shelf struct {
	room []gosip.HeaderKV
	used int
}

// begin makes g ready: its shelf is a part of it.
func (g *glance) begin() *glance {
	g.shelf.room = g.params[:]
	return g
}

// header reads one header; nil: it is not plain, or not one of those.
func (g *glance) header(f *Field) gosip.Header {
	switch f.Name {
	case "Via":
		if g.via.Host == "" && g.readVia(f.Value) { // else it is not the first
			return &g.via
		}
	case "From":
		if g.shelf.address(f.Value, &g.from.Address, &g.from.Params) {
			return &g.from
		}
	case "To":
		if g.shelf.address(f.Value, &g.to.Address, &g.to.Params) {
			return &g.to
		}
	case "Contact":
		if g.contact.Address.Host == "" && g.shelf.address(f.Value, &g.contact.Address, &g.contact.Params) {
			return &g.contact
		}
	case "Call-ID":
		if f.Value != "" && printable(f.Value) {
			g.callID = gosip.CallIDHeader(f.Value)
			return &g.callID
		}
	case "CSeq":
		if number, method, _ := strings.Cut(f.Value, " "); Token(method) {
			if n, ok := decimal(number); ok {
				g.cseq = gosip.CSeqHeader{SeqNo: n, MethodName: methodOf(method)}
				return &g.cseq
			}
		}
	case "Max-Forwards":
		if n, ok := decimal(f.Value); ok {
			g.forwards = gosip.MaxForwardsHeader(n)
			return &g.forwards
		}
	case "Content-Length":
		if n, ok := decimal(f.Value); ok {
			g.length = gosip.ContentLengthHeader(n)
			return &g.length
		}
	case "Content-Type":
		if f.Value != "" && printable(f.Value) {
			g.kind = gosip.ContentTypeHeader(f.Value)
			return &g.kind
		}
	}
	return nil
}

// printable reports whether s is of ASCII and without controls: sipgo takes off it whatever
// Unicode holds to be white space.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// readVia reads one that is no list.
func (g *glance) readVia(s string) bool {
	s, ok := strings.CutPrefix(s, "SIP/2.0/")
	if !ok {
		return false
	}
	transport, s := span(s, &tokenBytes)
	s, ok = strings.CutPrefix(s, " ")
	if !ok || transport == "" {
		return false
	}
	via := gosip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: transport}
	via.Host, via.Port, s, ok = hostAndPort(s)
	if !ok || !g.shelf.parameters(s, &via.Params) {
		return false
	}
	g.via = via
	return true
}

// address reads a name-addr without a display name (RFC 3261 section 25.1).
func (h *shelf) address(s string, uri *gosip.Uri, params *gosip.HeaderParams) bool {
	s, bracket := strings.CutPrefix(s, "<")
	text, s, closed := strings.Cut(s, ">")
	if bracket && closed && h.uri(text, uri) && h.parameters(s, params) {
		return true
	}
	*uri, *params = gosip.Uri{}, nil
	return false
}

// uri reads a SIP URI without a password and without headers. Escapes in it stay as they are.
func (h *shelf) uri(s string, uri *gosip.Uri) bool {
	s, ok := strings.CutPrefix(s, "sip:")
	if !ok {
		return false
	}
	uri.Scheme = "sip"
	if user, rest := span(s, &userBytes); strings.HasPrefix(rest, "@") && user != "" {
		uri.User, s = user, rest[1:]
	}
	uri.Host, uri.Port, s, ok = hostAndPort(s)
	return ok && h.parameters(s, &uri.UriParams)
}

// hostAndPort reads a name or an IPv4 address, and a port if there is one. 0 is none, and
// not plain.
func hostAndPort(s string) (host string, port int, rest string, ok bool) {
	host, s = span(s, &hostBytes)
	if !strings.HasPrefix(s, ":") {
		return host, 0, s, host != ""
	}
	digits, rest := span(s[1:], &digitBytes)
	n, ok := decimal(digits)
	return host, int(n), rest, ok && n > 0 && n <= 65535 && host != ""
}

// parameters reads all that is left: a list of ;name or ;name=value.
func (h *shelf) parameters(s string, to *gosip.HeaderParams) bool {
	if s == "" {
		return true
	}
	from := h.used
	for s != "" {
		if s[0] != ';' || h.used == len(h.room) {
			return false
		}
		p := &h.room[h.used]
		p.K, s = span(s[1:], &tokenBytes)
		again := func(other gosip.HeaderKV) bool { return strings.EqualFold(other.K, p.K) }
		if p.K == "" || slices.ContainsFunc(h.room[from:h.used], again) {
			return false
		}
		p.V = ""
		if strings.HasPrefix(s, "=") {
			if p.V, s = span(s[1:], &hostBytes); p.V == "" {
				return false
			}
		}
		h.used++
	}
	*to = h.room[from:h.used:h.used] // what is added to them goes elsewhere
	return true
}

// decimal reads a number of at most nine digits.
func decimal(s string) (n uint32, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint32(s[i]-'0')
	}
	return n, true
}

// span is what s begins with, of bytes in a set, and the rest.
func span(s string, set *byteSet) (head, rest string) {
	i := 0
	for i < len(s) && set[s[i]] {
		i++
	}
	return s[:i], s[i:]
}

// A byteSet says of every byte whether it is in.
type byteSet [256]bool

// The sets; none is ever changed.
var (
	digitBytes = setOf("")
	hostBytes  = setOf(letters + "-._")
	tokenBytes = setOf(letters + "-.!%*_+`'~")
	userBytes  = setOf(letters + "-_.!~*'()&=+$,%")
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// setOf has the digits besides.
func setOf(others string) (set byteSet) {
	for _, c := range []byte("0123456789" + others) {
		set[c] = true
	}
	return set
}
