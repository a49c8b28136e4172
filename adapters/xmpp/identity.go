package xmpp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// idLength is the length of bridge.Message.ID.
const idLength = 26

// markLength is that of a mark: 60 bits, too many to be hit by chance, and
// short enough for people's logs.
const markLength = 12

// marker makes and knows the identities of the messages that we send.
type marker struct{ key []byte }

// wireID is the stanza's id for the message id with that preferred body.
func (k marker) wireID(id, body string) string { return id + "." + k.mark(id, body) }

// ours reports whether wire is an identity that we made for a message with
// that body.
func (k marker) ours(wire, body string) bool {
	id, ok := messageID(wire)
	return ok && hmac.Equal([]byte(wire[idLength+1:]), []byte(k.mark(id, body)))
}

func (k marker) mark(id, body string) string {
	h := hmac.New(sha256.New, k.key)
	h.Write([]byte("message\x00" + id + "\x00" + clean(body)))
	sum := base32.HexEncoding.EncodeToString(h.Sum(nil))
	return strings.ToLower(sum[:markLength])
}

// messageID gives the bridge's identity within one of the wire's, if that has
// the form of ours.
func messageID(wire string) (string, bool) {
	if len(wire) != idLength+1+markLength || wire[idLength] != '.' {
		return "", false
	}
	for i := range idLength {
		if c := wire[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'v') {
			return "", false
		}
	}
	return wire[:idLength], true
}
