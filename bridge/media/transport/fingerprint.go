package transport

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gateway/bridge/media"
)

// ErrFingerprint is for a peer whose certificate is not the one that its
// signalling announced, and for announcements with no fingerprint that we take.
var ErrFingerprint = errors.New("the certificate's fingerprint does not fit")

// digest is the hash of a certificate by the name that the signalling has for it;
// nil for those that are broken (md5, sha-1) or not known (RFC 8122 section 5).
func digest(name string, der []byte) []byte {
	switch strings.ToLower(name) {
	case "sha-256":
		sum := sha256.Sum256(der)
		return sum[:]
	case "sha-384":
		sum := sha512.Sum384(der)
		return sum[:]
	case "sha-512":
		sum := sha512.Sum512(der)
		return sum[:]
	default:
		return nil
	}
}

// formatFingerprint writes a hash as the signalling does: "AB:CD:…".
func formatFingerprint(sum []byte) string {
	var b strings.Builder
	for i, v := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", v)
	}
	return b.String()
}

// CheckFingerprint reports whether f is one that a handshake can be checked by: a hash
// that is not broken, and a value of its length. The error is ErrFingerprint.
func CheckFingerprint(f media.Fingerprint) error {
	want := digest(f.Hash, nil)
	if want == nil {
		return fmt.Errorf("%w: hash %q", ErrFingerprint, f.Hash)
	}
	if got, err := parseFingerprint(f.Value); err != nil || len(got) != len(want) {
		return fmt.Errorf("%w: no value of %s", ErrFingerprint, f.Hash)
	}
	return nil
}

func parseFingerprint(value string) ([]byte, error) {
	const longest = 64*3 - 1
	if len(value) > longest || len(value)%3 != 2 {
		return nil, ErrFingerprint
	}
	for i := 2; i < len(value); i += 3 {
		if value[i] != ':' {
			return nil, ErrFingerprint
		}
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFingerprint, err)
	}
	return sum, nil
}

// verify checks the certificate that a peer has shown against those announced.
// It must have one of them.
func verify(der []byte, announced []media.Fingerprint) error {
	for _, f := range announced {
		if CheckFingerprint(f) != nil {
			continue
		}
		want, err := parseFingerprint(f.Value)
		if err == nil && subtle.ConstantTimeCompare(digest(f.Hash, der), want) == 1 {
			return nil
		}
	}
	return ErrFingerprint
}
