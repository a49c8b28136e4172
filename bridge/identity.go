package bridge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
)

var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID makes a Message.ID of 128 random bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	return idText.EncodeToString(b[:])
}

// repeatID makes an ID of what is the same in every repeat of a message: who
// wrote to whom, under which reference, and what. Only this gateway can make
// it, so nobody can take another's identity beforehand. It is "" for a message
// without a reference: nothing tells a repeat of it from the same words said
// again.
func repeatID(key []byte, m Message) string {
	if m.Ref == "" {
		return ""
	}
	return derive(key, m.From.Adapter, m.From.Name, m.To.Name, m.Ref, m.Subject, m.Bodies)
}

// copyID is the Message.ID of the copy to one home: the same when the message
// comes again after a crash, so that clients drop what they have already.
func copyID(key []byte, group string, home Address) string {
	return derive(key, group, home)
}

// derive makes 128 bits of the parts, which are told apart.
func derive(key []byte, parts ...any) string {
	mac := hmac.New(sha256.New, key)
	if err := json.NewEncoder(mac).Encode(parts); err != nil {
		return newID() // can't be: texts encode, and a hash takes all
	}
	return idText.EncodeToString(mac.Sum(nil)[:16])
}
