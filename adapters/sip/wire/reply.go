package wire

import (
	"net/netip"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// Reply makes a response to the request m (RFC 3261 section 8.2.6). Via, From,
// To, Call-ID and CSeq go back as they came, byte for byte; tag is added to To
// unless it has one or status is 100 (""  adds none), and the topmost Via learns
// where the request came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
// fields stand behind those, then the body.
func (m *Message) Reply(status int, phrase, tag string, source netip.AddrPort, fields []Field, body []byte) []byte {
	b := make([]byte, 0, m.replySize(fields)+len(body))
	b = append(b, "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(append(b, ' '), Phrase(phrase)...), "\r\n"...)
	first := true
	for _, f := range m.Fields {
		switch f.Name {
		case "Via", "From", "To", "Call-ID", "CSeq":
		default:
			continue
		}
		b = append(append(b, f.Name...), ": "...)
		if f.Name == "Via" && first {
			first = false
			b = appendReceived(b, f.Value, source)
		} else {
			b = append(b, f.Value...)
		}
		if f.Name == "To" && tag != "" && status > 100 {
			if to := m.Request.To(); to == nil || !hasTag(to) {
				b = append(append(b, ";tag="...), tag...)
			}
		}
		b = append(b, "\r\n"...)
	}
	for _, f := range fields {
		b = appendField(b, f)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

// replySize is about what the head of a reply takes. Replies wait for half a
// minute in case they are asked for again: room to spare would be much.
func (m *Message) replySize(fields []Field) int {
	const rest = 192 // the status line, what is added to Via and To, and Content-Length
	size := rest
	for _, f := range m.Fields {
		switch f.Name {
		case "Via", "From", "To", "Call-ID", "CSeq":
			size += len(f.Name) + len(f.Value) + 4
		}
	}
	for _, f := range fields {
		size += len(f.Name) + len(f.Value) + 4
	}
	return size
}

func appendField(b []byte, f Field) []byte {
	b = append(append(b, f.Name...), ": "...)
	return append(append(b, f.Value...), "\r\n"...)
}

func hasTag(to *gosip.ToHeader) bool {
	for _, kv := range to.Params {
		if strings.EqualFold(kv.K, "tag") {
			return true
		}
	}
	return false
}

// appendReceived writes one header line of Vias, with the source noted in its first.
func appendReceived(b []byte, value string, source netip.AddrPort) []byte {
	first, more := value, ""
	if i := comma(value); i >= 0 {
		first, more = value[:i], value[i:]
	}
	sentBy, parameters, left := strings.Cut(tighten(first, ";=/"), ";")
	b = append(b, sentBy...)
	rport := false
	for left {
		var p string
		p, parameters, left = strings.Cut(parameters, ";")
		name, val, _ := strings.Cut(p, "=")
		switch {
		case strings.EqualFold(name, "received"):
		case strings.EqualFold(name, "rport"):
			rport = rport || val == ""
		default:
			b = append(append(b, ';'), p...)
		}
	}
	b = source.Addr().Unmap().WithZone("").AppendTo(append(b, ";received="...))
	if rport {
		b = strconv.AppendUint(append(b, ";rport="...), uint64(source.Port()), 10)
	}
	return append(b, more...)
}

// comma finds the first comma outside a quoted string, or gives -1.
func comma(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return i
		}
	}
	return -1
}
