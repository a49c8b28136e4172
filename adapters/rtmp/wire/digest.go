package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// The "complex" handshake is in no specification. Flash Player does it and plays
// AAC and H.264 only from a server that does it as well; what is known of it is what every
// server and client of today agrees on. Each side's 1536 bytes hold a digest of
// the rest of them, at a place that four of them give, and each answers with
// bytes whose last 32 are a digest under a key made of the other's digest.
const (
	packetSize = 1536 // of C1, C2, S1 and S2
	digestSize = sha256.Size
)

// genuine is what follows a side's name in its key.
var genuine = [32]byte{
	0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
	0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
}

// The names of the two sides.
const (
	serverName = "Genuine Adobe Flash Media Server 001"
	clientName = "Genuine Adobe Flash Player 001"
)

// The two schemes differ in where the four bytes stand that give the digest's
// place.
const (
	digestFirst = 8
	keyFirst    = 772
	placeSpan   = 728 // how far behind them a digest may begin
)

// digestPlace is where the digest of a packet stands by the scheme.
func digestPlace(p []byte, scheme int) int {
	sum := int(p[scheme]) + int(p[scheme+1]) + int(p[scheme+2]) + int(p[scheme+3])
	return scheme + 4 + sum%placeSpan
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// digestOf is the digest of a packet without those bytes where it stands.
func digestOf(p []byte, place int, name string) []byte {
	return mac([]byte(name), p[:place], p[place+digestSize:])
}

// findDigest gives the digest that the side of that name put into its packet,
// and the scheme; nil if there is none.
func findDigest(p []byte, name string) (digest []byte, scheme int) {
	for _, scheme := range []int{digestFirst, keyFirst} {
		place := digestPlace(p, scheme)
		if d := p[place : place+digestSize]; hmac.Equal(d, digestOf(p, place, name)) {
			return d, scheme
		}
	}
	return nil, 0
}

// sign puts the digest into a packet of our own.
func sign(p []byte, scheme int, name string) {
	place := digestPlace(p, scheme)
	copy(p[place:], digestOf(p, place, name))
}

// signedAnswer is the answer to a packet with that digest by the side of that
// name.
func signedAnswer(digest []byte, name string) ([]byte, error) {
	p := make([]byte, packetSize)
	if _, err := rand.Read(p); err != nil {
		return nil, err
	}
	key := mac(append([]byte(name), genuine[:]...), digest)
	copy(p[packetSize-digestSize:], mac(key, p[:packetSize-digestSize]))
	return p, nil
}
