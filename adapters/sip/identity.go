package sip

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"

	"gateway/bridge"
)

// What a message is called on the wire follows from what the bridge calls it,
// so that a second try is known as such: Call-ID from its ID (and thread), the
// tag of From from its ID and text, imdn.Message-ID from its ID and recipient.

// The CSeq of a message. One to a Call-ID is enough: what counts up are the
// tries with credentials and, beyond all of those, the one in plain words
// (RFC 3261 section 8.1.3.5).
const (
	firstCSeq = 1
	plainCSeq = 11
)

// fromTag marks a message as ours: only with the key it can be told which
// tags belong to which texts.
func fromTag(key *bridge.Keyed, id, said string) string { return marked(key, "from-tag", id, said) }

// isOurs says whether a message with that tag and text was sent by us.
func isOurs(key *bridge.Keyed, tag, said string) bool {
	_, ok := unmarked(key, "from-tag", tag, said)
	return ok
}

// messageID is the imdn.Message-ID of a message of ours to a recipient.
func messageID(key *bridge.Keyed, id, to string) string { return marked(key, "message-id", id, to) }

// ownID is the bridge's ID of the message of ours that a notification is
// about. Only its recipient could know what it is called.
func ownID(key *bridge.Keyed, messageID, from string) (id string, ok bool) {
	return unmarked(key, "message-id", messageID, from)
}

// markBytes is how much of a sum a mark is.
const markBytes = 10

// marked is an id with a mark that only the holder of key can make.
func marked(key *bridge.Keyed, use, id, about string) string {
	sum := key.Sum("sip ", use, "\x00", id, "\x00", about)
	b := make([]byte, 0, len(id)+1+2*markBytes)
	b = append(append(b, id...), '-')
	return string(hex.AppendEncode(b, sum[:markBytes]))
}

func unmarked(key *bridge.Keyed, use, s, about string) (id string, ok bool) {
	id, mark, ok := strings.Cut(s, "-")
	if !ok || len(mark) != 2*markBytes { // as with the tags of most others
		return id, false
	}
	return id, hmac.Equal([]byte(s), []byte(marked(key, use, id, about)))
}
