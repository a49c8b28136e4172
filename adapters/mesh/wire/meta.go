package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"unicode/utf8"
)

// The keys of META that are ours; all others are the addresses of servers.
const (
	KeyPeer = "peer" // the sender's name
	KeyTo   = "to"   // whom, of those behind the recipient, a text is for
	KeyFrom = "from" // who, of those behind the sender, has written it
)

// IsName reports whether a peer, or a party behind one, can be called that: 1 to 64
// bytes of UTF-8 without control characters.
func IsName[S string | []byte](s S) bool {
	if len(s) == 0 || len(s) > maxPeer {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(string(s))
}

// Field gives the string that stands under a key at the top of META, as a part of
// meta where it has no escapes; false, if there is none, or meta is no JSON. It
// allocates nothing but for escapes.
func Field(meta []byte, key string) (value []byte, ok bool) {
	if !bytes.Contains(meta, []byte(key)) {
		return nil, false // as most META, which is not worth more
	}
	s := scanner{rest: meta}
	if !s.take('{') {
		return nil, false
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return nil, false
		}
		name, good := s.text()
		if !good || !s.take(':') {
			return nil, false
		}
		s.space()
		here := len(s.rest) > 0 && s.rest[0] == '"'
		v, good := s.value()
		if !good {
			return nil, false
		}
		if string(name) == key {
			value, ok = v, here
		}
	}
	if s.space(); len(s.rest) > 0 || !ok {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	var plain string
	if json.Unmarshal(value, &plain) != nil {
		return nil, false
	}
	return []byte(plain), true
}

// A scanner reads JSON as far as it must to find what stands at the top.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 && isSpace(s.rest[0]) {
		s.rest = s.rest[1:]
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// ends reports whether c can't be within a number, true, false or null.
func ends(c byte) bool {
	return isSpace(c) || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == '"'
}

func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// text reads a string, and gives what stands between its quotes.
func (s *scanner) text() ([]byte, bool) {
	if s.space(); len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			v := s.rest[1:i]
			s.rest = s.rest[i+1:]
			return v, true
		}
	}
	return nil, false
}

// value reads any value, and gives its bytes.
func (s *scanner) value() ([]byte, bool) {
	all, depth := s.rest, 0
	for {
		if s.space(); len(s.rest) == 0 {
			return nil, false
		}
		switch c := s.rest[0]; c {
		case '"':
			if _, ok := s.text(); !ok {
				return nil, false
			}
		case '{', '[':
			depth++
			s.rest = s.rest[1:]
		case '}', ']':
			if depth--; depth < 0 {
				return nil, false
			}
			s.rest = s.rest[1:]
		case ',', ':':
			if depth == 0 {
				return nil, false
			}
			s.rest = s.rest[1:]
		default:
			for len(s.rest) > 0 && !ends(s.rest[0]) {
				s.rest = s.rest[1:]
			}
			if len(s.rest) == 0 {
				return nil, false
			}
		}
		if depth == 0 {
			return all[:len(all)-len(s.rest)], true
		}
	}
}

// AppendNames adds META with such keys of ours as have a name to b; the last ones
// are left out where there is no room.
func AppendNames(b []byte, pairs ...[2]string) []byte {
	start := len(b)
	b = append(b, '{')
	for _, p := range pairs {
		if !IsName(p[1]) {
			continue
		}
		before := len(b)
		if before > start+1 {
			b = append(b, ", "...)
		}
		b = appendQuoted(b, p[0])
		b = append(b, ": "...)
		if b = appendQuoted(b, p[1]); len(b)-start >= MaxValue {
			b = b[:before]
		}
	}
	return append(b, '}')
}

// appendQuoted adds a name, or a key, as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// A Link is how a client stands with its server, as META tells that.
type Link struct {
	Server           netip.AddrPort
	Name             string  // the server's, as it was asked for
	Sent, Rcvd, Ackd int     // packets
	RTT              float64 // seconds
	At               float64 // when the server was heard last, seconds of Unix time
}

// AppendLink adds the original's META to b: how the client stands with its server,
// and below that its own name, if it has one. Where that does not fit, the name
// goes before all else.
func AppendLink(b []byte, l Link, peer string) []byte {
	if !IsName(l.Name) {
		l.Name = l.Server.Addr().String()
	}
	key := fmt.Sprintf("%s-%d", l.Server.Addr(), l.Server.Port())
	stats := fmt.Sprintf(`{"sent": %d, "rcvd": %d, "ackd": %d, "rtt": %.6f}`, l.Sent, l.Rcvd, l.Ackd, l.RTT)
	sin := fmt.Sprintf(`["%s", %d]`, l.Server.Addr(), l.Server.Port())
	for _, inner := range []string{
		fmt.Sprintf(`{"stats": %s, "sin": %s, "name": %s, "ts": %.6f}`, stats, sin, appendQuoted(nil, l.Name), l.At),
		fmt.Sprintf(`{"stats": %s, "sin": %s, "ts": %.6f}`, stats, sin, l.At),
		fmt.Sprintf(`{"sin": %s, "ts": %.3f}`, sin, l.At),
	} {
		meta := fmt.Appendf(nil, `{"%s": %s`, key, inner)
		if IsName(peer) {
			meta = append(meta, `, "`+KeyPeer+`": `...)
			meta = appendQuoted(meta, peer)
		}
		if meta = append(meta, '}'); len(meta) <= MaxValue {
			return append(b, meta...)
		}
	}
	return AppendNames(b, [2]string{KeyPeer, peer})
}
