package xmpp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"

	"gateway/bridge"
)

// maxPart bounds each part of an address, in bytes (RFC 7622 section 3).
const maxPart = 1023

var errAddress = errors.New("not an address")

// domainProfile maps domain names as a look-up does, without refusing what
// servers route although no registry would sell it, such as under_score.
var domainProfile = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.Transitional(false))

// parseAddress reads an address as it stands on the wire, splits it (RFC 7622
// section 3.2), folds its parts and decodes its localpart.
func parseAddress(s string) (bridge.Name, error) {
	rest, resource, hasResource := strings.Cut(s, "/")
	local, domain, hasLocal := strings.Cut(rest, "@")
	if !hasLocal {
		local, domain = "", rest
	}
	if hasLocal && local == "" || hasResource && resource == "" {
		return bridge.Name{}, fmt.Errorf("%w: an empty part", errAddress)
	}
	var n bridge.Name
	var err error
	if hasLocal {
		if n.Lead, err = foldLocal(local); err != nil {
			return bridge.Name{}, err
		}
	}
	if n.Main, err = foldDomain(domain); err != nil {
		return bridge.Name{}, err
	}
	if hasResource {
		n.Tail, err = foldResource(resource)
	}
	return n, err
}

// formatAddress writes a folded name as an address for the wire.
func formatAddress(n bridge.Name) string {
	s := n.Main
	if n.Lead != "" {
		s = escapeLocal(n.Lead) + "@" + s
	}
	if n.Tail != "" {
		s += "/" + n.Tail
	}
	return s
}

// bare is a name without its resource.
func bare(n bridge.Name) bridge.Name {
	n.Tail = ""
	return n
}

// foldName is bridge.Naming.Fold: the form by which addresses compare.
func foldName(n bridge.Name) (bridge.Name, error) {
	var err error
	if n.Lead != "" {
		if n.Lead, err = foldLocal(escapeLocal(n.Lead)); err != nil {
			return bridge.Name{}, err
		}
	}
	if n.Main, err = foldDomain(n.Main); err != nil {
		return bridge.Name{}, err
	}
	if n.Tail != "" {
		n.Tail, err = foldResource(n.Tail)
	}
	return n, err
}

// foldLocal takes an encoded localpart and gives the folded text that it
// stands for. The encoding must be the one that escapeLocal makes of that
// text, or an answer to it would go to another account.
func foldLocal(local string) (string, error) {
	if isPlain(local) {
		return local, nil
	}
	if !utf8.ValidString(local) {
		return "", fmt.Errorf("%w: localpart", errAddress)
	}
	folded, err := precis.UsernameCaseMapped.String(local)
	if err != nil {
		return "", fmt.Errorf("%w: localpart: %w", errAddress, err)
	}
	if folded == "" || len(folded) > maxPart || strings.ContainsAny(folded, `"&'/:<>@`) {
		return "", fmt.Errorf("%w: localpart", errAddress)
	}
	text := unescapeLocal(folded)
	if escapeLocal(text) != folded || text[0] == ' ' || text[len(text)-1] == ' ' {
		return "", fmt.Errorf("%w: escapes in the localpart", errAddress)
	}
	return text, nil
}

// isPlain reports whether a part is made of what every profile leaves as it is, as nearly all
// are: small letters of ASCII, digits, hyphens, underscores and dots.
func isPlain(s string) bool {
	if s == "" || len(s) > maxPart {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// foldResource is RFC 7622 section 3.4.
func foldResource(resource string) (string, error) {
	if isPlain(resource) {
		return resource, nil
	}
	if !utf8.ValidString(resource) {
		return "", fmt.Errorf("%w: resourcepart", errAddress)
	}
	folded, err := precis.OpaqueString.String(resource)
	if err != nil {
		return "", fmt.Errorf("%w: resourcepart: %w", errAddress, err)
	}
	if folded == "" || len(folded) > maxPart {
		return "", fmt.Errorf("%w: resourcepart", errAddress)
	}
	return folded, nil
}

// foldDomain is RFC 7622 section 3.2, but for labels that no host may have and
// some have.
func foldDomain(domain string) (string, error) {
	d := strings.TrimSuffix(domain, ".")
	if isPlain(d) && !strings.Contains(d, "xn--") && d[0] != '.' && d[len(d)-1] != '.' && !strings.Contains(d, "..") {
		return d, nil
	}
	if isIPv6(d) {
		return strings.ToLower(d), nil
	}
	folded := mapDomain(d)
	if folded == "" || len(folded) > maxPart || !utf8.ValidString(folded) ||
		strings.ContainsFunc(folded, notInDomain) || mapDomain(folded) != folded ||
		strings.HasPrefix(folded, ".") || strings.HasSuffix(folded, ".") || strings.Contains(folded, "..") {
		return "", fmt.Errorf("%w: domainpart", errAddress)
	}
	return folded, nil
}

// mapDomain gives the form with U-labels, or just lower case where there is
// none.
func mapDomain(d string) string {
	if u, err := domainProfile.ToUnicode(d); err == nil {
		return u
	}
	return strings.ToLower(d)
}

func isIPv6(d string) bool {
	if len(d) < 2 || d[0] != '[' || d[len(d)-1] != ']' {
		return false
	}
	a, err := netip.ParseAddr(d[1 : len(d)-1])
	return err == nil && a.Is6() && a.Zone() == ""
}

func notInDomain(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"&'/:<>@\\[]{}", r)
}

// escapes are the characters that a localpart cannot have and their encodings
// (XEP-0106 section 3.1).
const escapes = ` "&'/:<>@\`

// escapeLocal encodes a text as a localpart. A backslash is encoded only where
// it would be taken for the beginning of an escape.
func escapeLocal(text string) string {
	if !strings.ContainsAny(text, escapes) {
		return text
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if strings.IndexByte(escapes, c) < 0 || c == '\\' && escaped(text[i:]) == 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('\\')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// unescapeLocal is the inverse of escapeLocal.
func unescapeLocal(local string) string {
	if !strings.Contains(local, `\`) {
		return local
	}
	var b strings.Builder
	for i := 0; i < len(local); i++ {
		c := escaped(local[i:])
		if c == 0 {
			b.WriteByte(local[i])
			continue
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}

// escaped is the character whose encoding s begins with, or 0.
func escaped(s string) byte {
	if len(s) < 3 || s[0] != '\\' {
		return 0
	}
	switch s[1:3] {
	case "20":
		return ' '
	case "22":
		return '"'
	case "26":
		return '&'
	case "27":
		return '\''
	case "2f":
		return '/'
	case "3a":
		return ':'
	case "3c":
		return '<'
	case "3e":
		return '>'
	case "40":
		return '@'
	case "5c":
		return '\\'
	}
	return 0
}
