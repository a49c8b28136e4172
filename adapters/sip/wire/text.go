package wire

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Line makes one bounded line of text without control characters out of any
// bytes: at most limit runes.
func Line(s string, limit int) string {
	if plainLine(s) && len(s) <= limit {
		return s // nearly always
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if r <= ' ' || r >= 0x7f && r <= 0xa0 || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			space = true
			continue
		}
		if limit--; limit < 0 {
			break
		}
		if space && b.Len() > 0 {
			if limit--; limit < 0 {
				break
			}
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// plainLine reports whether s has printable ASCII only, and no spaces that Line would drop.
func plainLine(s string) bool {
	space := true // or the begin
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && space {
			return false
		}
		space = s[i] == ' '
	}
	return s == "" || !space
}

const (
	maxDisplay = 128
	maxSubject = 200
	maxPhrase  = 100
)

// Display reads a display name as sipgo leaves it: the inside of a
// quoted-string, escapes and all, or some tokens.
func Display(raw string) string {
	if strings.IndexByte(raw, '\\') >= 0 {
		var b strings.Builder
		for i := 0; i < len(raw); i++ {
			if raw[i] == '\\' && i+1 < len(raw) {
				i++
			}
			b.WriteByte(raw[i])
		}
		raw = b.String()
	}
	return Line(raw, maxDisplay)
}

// Quote is the inverse of Display: fit for the inside of a quoted-string.
func Quote(display string) string {
	return escapeQuoted(Line(display, maxDisplay))
}

// escapeQuoted writes what a quoted-string can't hold as it is with a backslash.
func escapeQuoted(s string) string {
	if !strings.ContainsAny(s, `\"`) {
		return s // nearly always; a Replacer has its price
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

// Subject makes a text fit for a Subject header (TEXT-UTF8-TRIM).
func Subject(s string) string { return Line(s, maxSubject) }

// Phrase makes a text fit for a Reason-Phrase, and back: what a peer says of
// a failure, for people.
func Phrase(s string) string { return Line(s, maxPhrase) }

const (
	threadMark = "+thread@" // between what is the message's own and its thread
	codeMark   = "~"        // begins a thread that had to be encoded
	maxThread  = 256        // bytes; a longer one is left out
)

// CallID names a message on the wire by its id, which has letters and digits
// only, and carries its thread. RFC 7572 section 7 makes the thread alone the
// Call-ID; but there are phones (Linphone is one) that take a second message
// of one Call-ID for a repeat, answer it with 200, and drop it.
func CallID(id, thread string) string {
	switch {
	case thread == "" || len(thread) > maxThread:
		return id
	case word(thread) && !strings.HasPrefix(thread, codeMark):
		return id + threadMark + thread
	}
	return id + threadMark + codeMark + base64.RawURLEncoding.EncodeToString([]byte(thread))
}

// Thread is the inverse of CallID. A Call-ID of another's making is its own
// thread (RFC 7572 section 7).
func Thread(callID string) string {
	_, thread, ours := strings.Cut(callID, threadMark)
	if !ours || thread == "" {
		return callID
	}
	code, encoded := strings.CutPrefix(thread, codeMark)
	if !encoded {
		return thread
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil || !utf8.Valid(b) || len(b) == 0 {
		return callID
	}
	return string(b)
}

// word says whether s is a word of RFC 3261 section 25.1, of which a Call-ID
// has one or two with an @ between.
func word(s string) bool {
	for i := 0; i < len(s); i++ {
		if !alnum(s[i]) && strings.IndexByte("-.!%*_+`'~()<>:\\\"/[]?{}", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}
