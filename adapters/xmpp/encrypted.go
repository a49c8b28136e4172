package xmpp

import (
	"crypto/rand"
	"encoding/xml"
	"time"
)

// explainEvery is how often the same writer is told the same in words.
const explainEvery = 24 * time.Hour

const (
	encryptedShort = "this contact can't read encrypted messages"
	encryptedLong  = "Your message was encrypted and has not been delivered: this contact can't read encrypted messages. " +
		"Please turn encryption off in this chat and send it again."
)

// refuseEncrypted answers a text that only its writer's kind of client can
// read. Each gets an error, so that none is lost in silence; as not every
// client shows what an error says, the first of a day is also answered in
// words.
func (a *Adapter) refuseEncrypted(st *stanza) {
	a.metrics.drop("encrypted")
	a.reply(st, condition{"not-acceptable", "modify"}, encryptedShort)
	from, err1 := parseAddress(st.from)
	to, err2 := parseAddress(st.to)
	if err1 != nil || err2 != nil {
		return // checked before
	}
	ours, theirs := formatAddress(bare(to)), formatAddress(bare(from))
	now := time.Now()
	if last, ok := a.told.get(ours, theirs); ok && now.Sub(last) < explainEvery && !now.Before(last) {
		return
	}
	a.told.put(now, ours, theirs)
	a.answer(element("", "message", stanzaAttrs("chat", noticeID(rand.Text()), ours, formatAddress(from)),
		element("", "body", []xml.Attr{langAttr(ownLang)}, chars(encryptedLong))))
}
