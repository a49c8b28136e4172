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
		value := f.Value
		switch f.Name {
		case "Via":
			if first {
				value = received(value, source)
			}
			first = false
		case "To":
			if to := m.Request.To(); tag != "" && status > 100 && (to == nil || !hasTag(to)) {
				value += ";tag=" + tag
			}
		case "From", "Call-ID", "CSeq":
		default:
			continue
		}
		b = appendField(b, Field{f.Name, value})
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

// received notes the source in the first of the Vias in one header line.
func received(value string, source netip.AddrPort) string {
	first, more := value, ""
	if i := comma(value); i >= 0 {
		first, more = value[:i], value[i:]
	}
	parts := strings.Split(tighten(first, ";=/"), ";")
	kept, rport := parts[:1], false
	for _, p := range parts[1:] {
		name, val, _ := strings.Cut(p, "=")
		switch strings.ToLower(name) {
		case "received":
			continue
		case "rport":
			rport = rport || val == ""
			continue
		}
		kept = append(kept, p)
	}
	out := strings.Join(kept, ";") + ";received=" + source.Addr().Unmap().WithZone("").String()
	if rport {
		out += ";rport=" + strconv.Itoa(int(source.Port()))
	}
	return out + more
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
