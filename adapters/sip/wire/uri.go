package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	gosip "github.com/emiago/sipgo/sip"
)

// MaxUser is how long a user part may be, in bytes, unescaped.
const MaxUser = 255

var errUser = errors.New("not a user part")

// ParseURI reads a URI of any scheme. No input makes it panic.
func ParseURI(s string) (gosip.Uri, error) {
	var uri gosip.Uri
	var h shelf
	if n := strings.Count(s, ";"); n > 0 {
		h.room = make([]gosip.HeaderKV, min(n, maxPlain))
	}
	if h.uri(s, &uri) {
		return uri, nil
	}
	return anyURI(s)
}

// maxPlain is how many parameters a URI may have to be read at a glance.
const maxPlain = 6

// anyURI has sipgo read a URI.
func anyURI(s string) (uri gosip.Uri, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading URI: %v", p)
		}
	}()
	if strings.ContainsAny(s, "<>\" \t") {
		return uri, errors.New("not a URI")
	}
	if err := gosip.ParseUri(s, &uri); err != nil {
		return uri, fmt.Errorf("reading URI: %w", err)
	}
	if (uri.Scheme == "sip" || uri.Scheme == "sips") && (uri.Host == "" || uri.Wildcard || uri.HierarhicalSlashes) {
		return uri, errors.New("reading URI: no host")
	}
	if uri.Port < 0 || uri.Port > 65535 {
		return uri, errors.New("reading URI: no port")
	}
	return uri, nil
}

// ParseAddresses reads a list of addresses as in Contact or
// P-Asserted-Identity. No input makes it panic.
func ParseAddresses(value string) (all []*gosip.ContactHeader, err error) {
	headers, err := typed(Field{Name: "Contact", Value: value})
	for _, h := range headers {
		if c, ok := h.(*gosip.ContactHeader); ok && err == nil {
			all = append(all, c)
		}
	}
	return all, err
}

// User is the user part of a URI, unescaped (RFC 3261 section 19.1.2): valid
// UTF-8 without control characters. Of a tel: URI it is the number without
// its visual separators (RFC 3966 section 3).
func User(uri *gosip.Uri) (string, error) {
	switch uri.Scheme {
	case "sip", "sips", "":
		return UnescapeUser(uri.User)
	case "tel":
		number, _, _ := strings.Cut(uri.Raw(), ";")
		for _, visual := range []string{"-", ".", "(", ")"} {
			number = strings.ReplaceAll(number, visual, "")
		}
		return UnescapeUser(number)
	}
	return "", errUser
}

// Host is the host of a URI in lower case, an IPv6 address in its short form
// and brackets.
func Host(uri *gosip.Uri) string {
	if a, err := netip.ParseAddr(strings.Trim(uri.Host, "[]")); err == nil {
		if a.Is6() {
			return "[" + a.String() + "]"
		}
		return a.String()
	}
	return strings.ToLower(uri.Host)
}

// UnescapeUser undoes EscapeUser, and checks that the result can be a name.
func UnescapeUser(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, CheckUser(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errUser
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 0 || lo < 0 {
			return "", errUser
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), CheckUser(string(b))
}

// CheckUser says whether s can be a name: some bytes, not too many, of valid
// UTF-8 without control characters.
func CheckUser(s string) error {
	if s == "" || len(s) > MaxUser || !utf8.ValidString(s) {
		return errUser
	}
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return errUser
		}
	}
	return nil
}

// TransportParam is the parameter of a URI that says by what it is to be reached: by
// a word of Via, in either case; "" for UDP. secure says that the URI is of sips:, which
// says TLS by itself (RFC 5630 section 3.1.4). A WebSocket is "ws" with TLS and without
// (RFC 7118 section 5.2.4).
func TransportParam(transport string, secure bool) string {
	switch word := strings.ToLower(transport); {
	case word == "", word == "udp", word == "tls" && secure:
		return ""
	case word == "wss":
		return ";transport=ws"
	default:
		return ";transport=" + word
	}
}

// EscapeUser writes a name as the user part of a URI: what is neither
// unreserved nor user-unreserved (RFC 3261 section 25.1) becomes %HH.
func EscapeUser(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if alnum(c) || strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
