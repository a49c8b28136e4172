package sip

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// What a message is called on the wire follows from what the bridge calls it,
// so that a second try is known as such: Call-ID from its ID (and thread),
// CSeq from when the bridge took it, the tag of From from its ID.

// cseqOf leaves room below 2^31 for tries with credentials.
func cseqOf(at time.Time) uint32 { return uint32(uint64(at.UnixMilli()) % (1<<31 - 16)) }

// fromTag marks a message as ours: only with the key it can be told which
// tags belong to which texts.
func fromTag(key []byte, id string, body []byte) string {
	return id + "-" + hex.EncodeToString(messageMAC(key, id, body))
}

func messageMAC(key []byte, id string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("sip from-tag\x00" + id + "\x00"))
	h.Write(body)
	return h.Sum(nil)[:10]
}

// isOurs says whether a message with that tag and body was sent by us.
func isOurs(key []byte, tag string, body []byte) bool {
	id, mac, ok := strings.Cut(tag, "-")
	sum, err := hex.DecodeString(mac)
	return ok && err == nil && hmac.Equal(sum, messageMAC(key, id, body))
}
