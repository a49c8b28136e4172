package jingle

import (
	"encoding/xml"
	"strings"
	"unicode"
)

// A Reason says why a session ends (XEP-0166 section 7.4).
type Reason struct {
	Condition string // "success", "busy" …; "" if none was given
	Text      string // for people: one line
	// TieBreak: this side has lost where two have called each other (XEP-0353
	// section 5).
	TieBreak bool
}

// readReason reads a <reason/>. A nil element is the zero Reason.
func readReason(e *Element) (r Reason) {
	if e == nil {
		return r
	}
	for _, c := range e.Children {
		switch {
		case c.Name.Local == "text":
			r.Text = line(c.Text)
		case c.Name == xml.Name{Space: NSMessage, Local: "tie-break"}, c.Name == xml.Name{Space: NSErrors, Local: "tie-break"}:
			r.TieBreak = true
		case r.Condition == "" && c.Name.Space == NS && len(c.Name.Local) <= 64:
			r.Condition = c.Name.Local
		}
	}
	return r
}

// element is the <reason/>.
func (r Reason) element() Element {
	e := New(NS, "reason").With(New(NS, r.Condition))
	if text := line(r.Text); text != "" {
		t := New(NS, "text")
		t.Text = text
		e = e.With(t)
	}
	return e
}

// line makes a text from a network one bounded line.
func line(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
