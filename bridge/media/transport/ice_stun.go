package transport

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"strings"
)

// What of STUN is looked at before the library sees it (RFC 8489 sections 5 and 14).
const (
	stunHeader = 20
	stunCookie = 0x2112A442
	// maxSTUN is how long a message may be: what fits a datagram that is not
	// taken apart on the way.
	maxSTUN = 1500

	bindingRequest = 0x0001
	bindingSuccess = 0x0101

	attributeUsername    = 0x0006
	attributeIntegrity   = 0x0008
	attributeFingerprint = 0x8028
	integritySize        = 20
)

// A transactionID is that of a request and its answer.
type transactionID [12]byte

// A stunMessage is one that holds together.
type stunMessage struct {
	kind      uint16
	id        transactionID
	username  string
	integrity int // where that attribute begins; 0: there is none
}

// parseSTUN reads a datagram that is one whole message. An attribute that stands
// behind the integrity is no part of the message, but for the fingerprint.
func parseSTUN(b []byte) (m stunMessage, ok bool) {
	if len(b) < stunHeader || len(b) > maxSTUN || len(b)%4 != 0 || b[0]&0xc0 != 0 ||
		binary.BigEndian.Uint32(b[4:]) != stunCookie || stunHeader+int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return m, false
	}
	m.kind = binary.BigEndian.Uint16(b)
	copy(m.id[:], b[8:])
	named := false
	for at := stunHeader; at < len(b); {
		if len(b)-at < 4 {
			return m, false
		}
		kind, size := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		if at+4+size > len(b) {
			return m, false
		}
		switch {
		case m.integrity != 0 && kind != attributeFingerprint:
			return m, false // nobody has signed it
		case kind == attributeUsername:
			if named {
				return m, false
			}
			named, m.username = true, string(b[at+4:at+4+size])
		case kind == attributeIntegrity:
			if size != integritySize {
				return m, false
			}
			m.integrity = at
		}
		at += 4 + (size+3)&^3
	}
	return m, true
}

// to is the first half of the user name of a check: the fragment of whom it is for
// (RFC 8445 section 7.2.2).
func (m stunMessage) to() string {
	to, _, _ := strings.Cut(m.username, ":")
	return to
}

// signed reports whether who sent b knows the password (RFC 8489 section 14.5).
func (m stunMessage) signed(b []byte, pwd string) bool {
	if m.integrity == 0 {
		return false
	}
	var head [stunHeader]byte
	copy(head[:], b)
	binary.BigEndian.PutUint16(head[2:], uint16(m.integrity-stunHeader+4+integritySize))
	mac := hmac.New(sha1.New, []byte(pwd))
	mac.Write(head[:])
	mac.Write(b[stunHeader:m.integrity])
	var sum [integritySize]byte
	return hmac.Equal(mac.Sum(sum[:0]), b[m.integrity+4:][:integritySize])
}
