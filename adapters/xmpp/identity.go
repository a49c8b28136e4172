package xmpp

import (
	"crypto/hmac"
	"encoding/base32"

	"gateway/bridge"
)

// idLength is the length of bridge.Message.ID.
const idLength = 26

// The lengths of marks, five bits a character: too many to be hit by chance,
// and short enough for people's logs.
const (
	textMark  = 12
	partyMark = 8
	allMarks  = textMark + 2*partyMark
)

// marker makes and knows the identities of the messages that we send: the
// bridge's, a dot, and three marks, of the text, of the recipient, and of the
// recipient's domain. So what comes back can be checked without a memory of
// what went, also after a restart.
type marker struct{ key *bridge.Keyed }

func newMarker(key []byte) marker { return marker{bridge.NewKeyed(key)} }

var markText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv")

// wireID is the stanza's id for the message id with that preferred body to
// that recipient, whose resource does not matter.
func (k marker) wireID(id, body string, to bridge.Name) string {
	return id + "." + k.text(id, body) + k.party(id, formatAddress(bare(to))) + k.party(id, to.Main)
}

// ours reports whether wire is an identity that we made for a message with
// that body.
func (k marker) ours(wire, body string) bool {
	id, marks, ok := splitID(wire)
	return ok && same(marks[:textMark], k.text(id, body))
}

// sentTo reports whether wire is an identity that we made for a message to n,
// or to somebody at n where that is a domain: a server may answer for its
// users.
func (k marker) sentTo(wire string, n bridge.Name) bool {
	id, marks, ok := splitID(wire)
	if !ok {
		return false
	}
	marks = marks[textMark:]
	if n.Lead == "" {
		return same(marks[partyMark:], k.party(id, n.Main))
	}
	return same(marks[:partyMark], k.party(id, formatAddress(bare(n))))
}

// receivedBy reports whether wire is an identity that we made for a message to
// n: only who it went to can have it.
func (k marker) receivedBy(wire string, n bridge.Name) bool {
	id, marks, ok := splitID(wire)
	return ok && same(marks[textMark:textMark+partyMark], k.party(id, formatAddress(bare(n))))
}

func (k marker) text(id, body string) string {
	return k.mark(textMark, "message\x00", id, "\x00", clean(body))
}

// party is the mark of an address.
func (k marker) party(id, address string) string {
	return k.mark(partyMark, "to\x00", id, "\x00", address)
}

func (k marker) mark(length int, what ...string) string {
	sum := k.key.Sum(what...)
	var text [16]byte // of ten bytes: more than any mark has
	markText.Encode(text[:], sum[:10])
	return string(text[:length])
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func domainOf(n bridge.Name) bridge.Name { return bridge.Name{Main: n.Main} }

// splitID cuts an identity of the wire into what it was made of and its marks,
// if it has the form of ours.
func splitID(wire string) (id, marks string, ok bool) {
	dot := len(wire) - allMarks - 1
	if dot < 0 || wire[dot] != '.' {
		return "", "", false
	}
	return wire[:dot], wire[dot+1:], true
}

// messageID gives the bridge's identity within one of the wire's, if that has
// the form of ours.
func messageID(wire string) (string, bool) {
	id, _, ok := splitID(wire)
	if !ok || len(id) != idLength {
		return "", false
	}
	for _, c := range []byte(id) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'v') {
			return "", false
		}
	}
	return id, true
}
