package jingle

import (
	"encoding/xml"
	"errors"
	"slices"
)

// A Jingle is what one IQ says of a session (XEP-0166 section 7).
type Jingle struct {
	Action   string
	SID      string
	Contents []Content
	// Bundle are the names of the contents that share a transport (XEP-0338).
	Bundle []string
	Reason Reason
	// Info is the name of a session-info's payload in NSInfo: "ringing", "hold" …;
	// "?" for one of another kind, "" for none.
	Info string
	// InfoName and InfoCreator are what it is about; "" for the whole session.
	InfoName, InfoCreator string
	// Nick is what the initiator is called for people (XEP-0172); only written.
	Nick string
	// Initiator and Responder are full JIDs as they stand there; mostly "".
	Initiator, Responder string
}

// ErrMalformed: what should be of a session makes no sense.
var ErrMalformed = errors.New("a session request that makes no sense")

// actions are those of XEP-0166 section 7.2.
var actions = []string{
	"content-accept", "content-add", "content-modify", "content-reject", "content-remove", "description-info", "security-info",
	"session-accept", "session-info", "session-initiate", "session-terminate", "transport-accept", "transport-info",
	"transport-reject", "transport-replace",
}

// ReadJingle reads a <jingle/>.
func ReadJingle(e *Element) (*Jingle, error) {
	j := &Jingle{
		Action: e.Attr("action"), SID: e.Attr("sid"), Initiator: e.Attr("initiator"), Responder: e.Attr("responder"),
	}
	if e.Name != (xml.Name{Space: NS, Local: "jingle"}) || !slices.Contains(actions, j.Action) || !isSID(j.SID) {
		return nil, ErrMalformed
	}
	for i := range e.Children {
		switch c := &e.Children[i]; {
		case c.Name == xml.Name{Space: NS, Local: "content"}:
			content, ok := readContent(c)
			if !ok || len(j.Contents) == maxContents || slices.ContainsFunc(j.Contents, func(o Content) bool { return o.Name == content.Name }) {
				return nil, ErrMalformed
			}
			j.Contents = append(j.Contents, content)
		case c.Name == xml.Name{Space: NS, Local: "reason"}:
			j.Reason = readReason(c)
		case c.Name == xml.Name{Space: NSGroup, Local: "group"} && c.Attr("semantics") == "BUNDLE":
			for k := range c.Children {
				if name := c.Children[k].Attr("name"); len(j.Bundle) < maxContents {
					j.Bundle = append(j.Bundle, name)
				}
			}
		case c.Name.Space == NSInfo && j.Info == "":
			j.Info, j.InfoName, j.InfoCreator = c.Name.Local, c.Attr("name"), c.Attr("creator")
		case j.Info == "" && j.Action == "session-info":
			j.Info = "?"
		}
	}
	return j, nil
}

// Element is j as it is written.
func (j *Jingle) Element() Element {
	e := New(NS, "jingle", "action", j.Action, "sid", j.SID, "initiator", j.Initiator, "responder", j.Responder)
	for i := range j.Contents {
		e = e.With(j.Contents[i].element())
	}
	if len(j.Bundle) > 0 {
		group := New(NSGroup, "group", "semantics", "BUNDLE")
		for _, name := range j.Bundle {
			group = group.With(New(NSGroup, "content", "name", name))
		}
		e = e.With(group)
	}
	if j.Info != "" {
		e = e.With(New(NSInfo, j.Info, "creator", j.InfoCreator, "name", j.InfoName))
	}
	if j.Nick != "" {
		nick := New(nsNick, "nick")
		nick.Text = j.Nick
		e = e.With(nick)
	}
	if j.Reason.Condition != "" {
		e = e.With(j.Reason.element())
	}
	return e
}

// A Content is one stream of a session.
type Content struct {
	Creator string // "initiator" or "responder"
	Name    string
	Senders string // "both", "initiator", "responder", "none"; "" stands for both
	// Description is nil where nothing is said of it, or it is not of RTP.
	Description *Description
	// Transport is nil where nothing is said of it, or it is none of ours.
	Transport *Transport
}

func readContent(e *Element) (Content, bool) {
	c := Content{Creator: e.Attr("creator"), Name: e.Attr("name"), Senders: e.Attr("senders")}
	if c.Name == "" || len(c.Name) > maxName || !slices.Contains([]string{"", "both", "initiator", "responder", "none"}, c.Senders) {
		return c, false
	}
	if c.Creator != "responder" {
		c.Creator = "initiator"
	}
	if d := e.Child(NSRTP, "description"); d != nil {
		c.Description = readDescription(d)
	}
	if t := e.Child(NSICE, "transport"); t != nil {
		c.Transport = readTransport(t)
	} else if t := e.Child(NSRaw, "transport"); t != nil {
		c.Transport = readRaw(t)
	}
	return c, true
}

func (c *Content) element() Element {
	e := New(NS, "content", "creator", c.Creator, "name", c.Name, "senders", c.Senders)
	if c.Description != nil {
		e = e.With(c.Description.element())
	}
	if c.Transport != nil {
		e = e.With(c.Transport.element())
	}
	return e
}
