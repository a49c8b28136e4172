package bridge

import (
	"crypto/rand"
	"encoding/base32"
)

var idText = base32.HexEncoding.WithPadding(base32.NoPadding)

// newID makes a Message.ID: 128 random bits in 26 characters of [0-9a-v].
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	id := make([]byte, idText.EncodedLen(len(b)))
	idText.Encode(id, b[:])
	for i, c := range id {
		if c >= 'A' && c <= 'Z' {
			id[i] = c + 'a' - 'A'
		}
	}
	return string(id)
}
