package mesh

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gateway/bridge"
)

// maxReason bounds what is said for people, in runes.
const maxReason = 120

// refusal is what a receipt says of a text that was refused: the word for the
// cause, and after a space the reason.
func refusal(e *bridge.Error) string {
	return strings.TrimSpace(e.Cause.String() + " " + oneLine(e.Reason))
}

// readRefusal reads one. ok is false for what is none. An unknown word is a fault of the
// other side's.
func readRefusal(body string) (e *bridge.Error, ok bool) {
	word, reason, _ := strings.Cut(body, " ")
	if word == "" || word == bridge.Taken.String() || word == bridge.Stored.String() {
		return nil, false
	}
	e = &bridge.Error{Op: "send a text", Cause: bridge.Internal, Reason: oneLine(reason)}
	for _, c := range bridge.Causes() {
		if c.String() == word {
			e.Cause = c
		}
	}
	e.Retry = e.Cause.Passing()
	return e, true
}

// oneLine makes a bounded line without control characters of a text from the
// network.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	return string(runes[:min(len(runes), maxReason)])
}
