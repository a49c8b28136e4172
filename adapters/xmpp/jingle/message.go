package jingle

import (
	"encoding/xml"
	"slices"
)

// A Message is one of Jingle Message Initiation (XEP-0353).
type Message struct {
	Kind  string // "propose", "ringing", "proceed", "accept", "reject", "retract" or "finish"
	ID    string // of the session that it is about
	Media []string
	// Reason is that of reject, retract and finish; zero for none.
	Reason Reason
}

// kinds are those of Message.
var kinds = []string{"propose", "ringing", "proceed", "accept", "reject", "retract", "finish"}

// IsMessage reports whether an element of a message stanza is of XEP-0353.
func IsMessage(n xml.Name) bool { return n.Space == NSMessage && slices.Contains(kinds, n.Local) }

// ReadMessage reads one; ok is false for what is none, or has no usable identity.
func ReadMessage(e *Element) (m Message, ok bool) {
	m = Message{Kind: e.Name.Local, ID: e.Attr("id")}
	if !IsMessage(e.Name) || !isSID(m.ID) {
		return Message{}, false
	}
	for i := range e.Children {
		switch c := &e.Children[i]; {
		case c.Name == xml.Name{Space: NSRTP, Local: "description"} && len(m.Media) < maxContents:
			if media := c.Attr("media"); !slices.Contains(m.Media, media) {
				m.Media = append(m.Media, media)
			}
		case c.Name == xml.Name{Space: NS, Local: "reason"}:
			tie := m.Reason.TieBreak
			m.Reason = readReason(c)
			m.Reason.TieBreak = m.Reason.TieBreak || tie
		case c.Name == xml.Name{Space: NSMessage, Local: "tie-break"}:
			m.Reason.TieBreak = true
		}
	}
	return m, true
}

// Element is m as it is written.
func (m Message) Element() Element {
	e := New(NSMessage, m.Kind, "id", m.ID)
	for _, media := range m.Media {
		e = e.With(New(NSRTP, "description", "media", media))
	}
	if m.Reason.Condition != "" {
		e = e.With(m.Reason.element())
	}
	if m.Reason.TieBreak {
		e = e.With(New(NSMessage, "tie-break"))
	}
	return e
}

// isSID reports whether s can be the identity of a session: what XML calls an
// NMTOKEN, and a little more, for there are clients that take anything.
func isSID(s string) bool {
	if s == "" || len(s) > MaxSID {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == 0xFFFD {
			return false
		}
	}
	return true
}
