package sip

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
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
func fromTag(key []byte, id, said string) string { return marked(key, "from-tag", id, said) }

// isOurs says whether a message with that tag and text was sent by us.
func isOurs(key []byte, tag, said string) bool {
	_, ok := unmarked(key, "from-tag", tag, said)
	return ok
}

// messageID is the imdn.Message-ID of a message of ours to a recipient.
func messageID(key []byte, id, to string) string { return marked(key, "message-id", id, to) }

// ownID is the bridge's ID of the message of ours that a notification is
// about. Only its recipient could know what it is called.
func ownID(key []byte, messageID, from string) (id string, ok bool) {
	return unmarked(key, "message-id", messageID, from)
}

// marked is an id with a mark that only the holder of key can make.
func marked(key []byte, use, id, about string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("sip " + use + "\x00" + id + "\x00" + about))
	return id + "-" + hex.EncodeToString(h.Sum(nil)[:10])
}

func unmarked(key []byte, use, s, about string) (id string, ok bool) {
	id, _, ok = strings.Cut(s, "-")
	return id, ok && hmac.Equal([]byte(s), []byte(marked(key, use, id, about)))
}
