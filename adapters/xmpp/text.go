package xmpp

import (
	"strings"
	"unicode"
)

// maxReason bounds, in runes, what is taken over of an error's text.
const maxReason = 200

// oneLine makes a text from the network one bounded line without control
// characters.
func oneLine(s string, limit int) string {
	if s == "" {
		return ""
	}
	if len(s) > 4*limit {
		s = s[:4*limit] // runes have four bytes at most; a cut one is replaced below
	}
	var b strings.Builder
	space, n := false, 0
	for _, r := range strings.ToValidUTF8(s, "") {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			space = b.Len() > 0
			continue
		}
		if n++; n > limit {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// clean makes a text fit for XML: a character that XML cannot have becomes
// U+FFFD, and lines end as a parser will say they do (XML 1.0 sections 2.2 and
// 2.11).
func clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r > '~' }) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.ReplaceAll(s, "\r", "\n")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r < 0x20, r == 0xFFFE, r == 0xFFFF:
			return '\uFFFD'
		}
		return r
	}, s)
}

// language gives a language tag (BCP 47), or "" for what can't be one.
func language(s string) string {
	if len(s) > 35 {
		return ""
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-') {
			return ""
		}
	}
	return s
}
