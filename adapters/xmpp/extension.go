package xmpp

import (
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"

	"gateway/bridge"
)

// The namespaces of what extends a message.
const (
	nsReceipts   = "urn:xmpp:receipts"                     // XEP-0184
	nsMarkers    = "urn:xmpp:chat-markers:0"               // XEP-0333
	nsChatStates = "http://jabber.org/protocol/chatstates" // XEP-0085
	nsHints      = "urn:xmpp:hints"                        // XEP-0334
	nsCorrect    = "urn:xmpp:message-correct:0"            // XEP-0308
	nsReply      = "urn:xmpp:reply:0"                      // XEP-0461
	nsFallback   = "urn:xmpp:fallback:0"                   // XEP-0428
	nsReactions  = "urn:xmpp:reactions:0"                  // XEP-0444
	nsRetract    = "urn:xmpp:message-retract:1"            // XEP-0424
	nsRetractOld = "urn:xmpp:message-retract:0"            // XEP-0424, formerly
	nsFasten     = "urn:xmpp:fasten:0"                     // XEP-0422, around the old retraction
	nsOOB        = "jabber:x:oob"                          // XEP-0066
	nsAxolotl    = "eu.siacs.conversations.axolotl"        // XEP-0384, formerly
	nsOMEMO1     = "urn:xmpp:omemo:1"                      // XEP-0384, formerly
	nsOMEMO2     = "urn:xmpp:omemo:2"                      // XEP-0384
	nsOpenPGP    = "urn:xmpp:openpgp:0"                    // XEP-0373
	nsPGP        = "jabber:x:encrypted"                    // XEP-0027
	nsEME        = "urn:xmpp:eme:0"                        // XEP-0380
)

// Bounds on what one message may have of each; further ones are passed over.
const (
	maxMarks     = 16 // receipts and markers
	maxSpans     = 16 // fallbacks
	maxReactions = 16
	maxReaction  = 64 // bytes of one: a family with skin colours has 41
	maxURLs      = 16
)

// An extras is what a message has besides its texts.
type extras struct {
	marks     []markOf
	receipt   bool   // asked for (XEP-0184)
	markable  bool   // a marker is asked for (XEP-0333)
	chatState string // the first: active, composing, paused, inactive, gone

	fallbacks []span
	corrects  bool // replaces a message that was sent before
	retracts  bool
	reacts    bool
	reactions []string // none: they were taken back
	urls      []string // out of band

	cipher bool // says that the body is not the message
	sealed bool // has the message in an encrypted form
}

// A markOf is the word of a recipient that it has the message id.
type markOf struct {
	kind bridge.Kind
	id   string
}

// A span says what of the body is only for readers who don't know an extension
// (XEP-0428): code points from start up to end, or everything.
type span struct {
	of         string // the extension's namespace; "": not said
	whole      bool
	start, end int
}

// read takes one extension in, to its end.
func (x *extras) read(c *cursor, e xml.StartElement) error {
	switch e.Name.Space {
	case nsReceipts, nsMarkers:
		x.mark(e)
	case nsChatStates:
		switch e.Name.Local {
		case "active", "composing", "paused", "inactive", "gone":
			if x.chatState == "" {
				x.chatState = e.Name.Local
			}
		}
	case nsCorrect:
		x.corrects = x.corrects || e.Name.Local == "replace"
	case nsRetract:
		x.retracts = x.retracts || e.Name.Local == "retract"
	case nsFasten:
		return c.each(func(e xml.StartElement) error {
			x.retracts = x.retracts || e.Name == xml.Name{Space: nsRetractOld, Local: "retract"}
			return c.skip()
		})
	case nsFallback:
		if e.Name.Local == "fallback" {
			return x.fallback(c, attrOf(e, "for"))
		}
	case nsReactions:
		if e.Name.Local == "reactions" {
			return x.react(c)
		}
	case nsOOB:
		if e.Name.Local == "x" {
			return x.oob(c)
		}
	case nsAxolotl, nsOMEMO1, nsOMEMO2, nsOpenPGP, nsPGP, nsEME:
		return x.crypto(c, e)
	}
	return c.skip()
}

// mark takes a receipt or a marker, or the request for one.
func (x *extras) mark(e xml.StartElement) {
	kind := bridge.Delivered
	switch e.Name.Local {
	case "request":
		x.receipt = x.receipt || e.Name.Space == nsReceipts
		return
	case "markable":
		x.markable = x.markable || e.Name.Space == nsMarkers
		return
	case "received":
	case "displayed", "acknowledged": // the latter of XEP-0333 before 1.0
		if e.Name.Space != nsMarkers {
			return
		}
		kind = bridge.Displayed
	default:
		return
	}
	if m := (markOf{kind, attrOf(e, "id")}); len(x.marks) < maxMarks {
		x.marks = append(x.marks, m)
	}
}

// fallback takes what XEP-0428 says of the body; a fallback that names no
// part of the message is all of it.
func (x *extras) fallback(c *cursor, of string) error {
	parts := 0
	err := c.each(func(e xml.StartElement) error {
		parts++
		if e.Name == (xml.Name{Space: nsFallback, Local: "body"}) {
			x.addSpan(of, attrOf(e, "start"), attrOf(e, "end"))
		}
		return c.skip()
	})
	if parts == 0 {
		x.addSpan(of, "", "")
	}
	return err
}

func (x *extras) addSpan(of, start, end string) {
	s := span{of: of, whole: start == "" && end == ""}
	var err1, err2 error
	if !s.whole {
		s.start, err1 = strconv.Atoi(start)
		s.end, err2 = strconv.Atoi(end)
	}
	if err1 == nil && err2 == nil && len(x.fallbacks) < maxSpans {
		x.fallbacks = append(x.fallbacks, s)
	}
}

func (x *extras) react(c *cursor) error {
	x.reacts = true
	return c.each(func(e xml.StartElement) error {
		if e.Name != (xml.Name{Space: nsReactions, Local: "reaction"}) {
			return c.skip()
		}
		text, err := c.text()
		text = strings.TrimSpace(text)
		odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
		if text != "" && len(text) <= maxReaction && !strings.ContainsFunc(text, odd) && len(x.reactions) < maxReactions {
			x.reactions = append(x.reactions, text)
		}
		return err
	})
}

func (x *extras) oob(c *cursor) error {
	return c.each(func(e xml.StartElement) error {
		if e.Name != (xml.Name{Space: nsOOB, Local: "url"}) {
			return c.skip()
		}
		url, err := c.text()
		if url = strings.TrimSpace(url); url != "" && len(x.urls) < maxURLs {
			x.urls = append(x.urls, url)
		}
		return err
	})
}

// crypto looks whether a message is in there. Without a payload OMEMO only
// hands over keys (XEP-0384).
func (x *extras) crypto(c *cursor, e xml.StartElement) error {
	x.cipher = true
	switch e.Name {
	case xml.Name{Space: nsOpenPGP, Local: "openpgp"}, xml.Name{Space: nsPGP, Local: "x"}:
		x.sealed = true
	}
	return c.each(func(child xml.StartElement) error {
		if child.Name.Space == e.Name.Space && child.Name.Local == "payload" {
			x.sealed = true
		}
		return c.skip()
	})
}
