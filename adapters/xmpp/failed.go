package xmpp

import (
	"encoding/xml"
	"strings"
	"time"

	"gateway/bridge"
)

const (
	// stays is for how long a client that has sent something is taken to be
	// there still.
	stays = time.Minute
	// maxQuoted bounds, in code points, what is repeated of a lost message.
	maxQuoted = 100
)

// failure is the stanza error for a message that we had taken and could not
// deliver.
func (a *Adapter) failure(m bridge.Message, from, to string) xml.TokenReader {
	return element("", "message", stanzaAttrs("error", m.Of, from, to), errorElement(toCondition(m.Cause), m.Reason))
}

// wrote notes that a client's message was handed on just now.
func (a *Adapter) wrote(st *stanza, from bridge.Name) {
	a.taken.put(time.Now(), formatAddress(from), st.id)
}

// inWords is the text for the writer of a message that failed, nil if the error
// is enough. A server drops an error for a client that has gone meanwhile (RFC
// 6121 section 8.5.3.2.1), and clients drop one without an id. For a notice of
// another gateway there is none: two could go on about it for ever.
func (a *Adapter) inWords(m bridge.Message, from, to bridge.Name) xml.TokenReader {
	at, known := a.taken.get(formatAddress(to), m.Of)
	age := time.Since(at)
	if isNotice(m.Of) || m.Of != "" && known && age >= 0 && age < stays {
		return nil
	}
	why := oneLine(m.Reason, maxReason)
	if why == "" {
		why = strings.ReplaceAll(m.Cause.String(), "-", " ")
	}
	text := "Not delivered: " + why + "."
	if quoted := []rune(m.Body()); len(quoted) > 0 {
		text += " Your message: " + string(quoted[:min(len(quoted), maxQuoted)])
	}
	in := []xml.TokenReader{element("", "body", nil, chars(text))}
	if m.Thread != "" {
		in = append(in, element("", "thread", nil, chars(m.Thread)))
	}
	attrs := append(stanzaAttrs("chat", noticeID(m.ID), formatAddress(from), formatAddress(bare(to))), langAttr(ownLang))
	return element("", "message", attrs, in...)
}
