package wire

import (
	"net/netip"
	"strconv"
	"strings"

	gosip "github.com/emiago/sipgo/sip"
)

// Reply makes a response to the request m (RFC 3261 section 8.2.6). Via, From,
// To, Call-ID and CSeq go back as they came, byte for byte; tag is added to To
// unless it has one (""  adds none), and the topmost Via learns where the
// request came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
func (m *Message) Reply(status int, phrase, tag string, source netip.AddrPort) *gosip.Response {
	res := gosip.NewResponse(status, Phrase(phrase))
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
		res.AppendHeader(gosip.NewHeader(f.Name, value))
	}
	res.SetBody(nil)
	return res
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
