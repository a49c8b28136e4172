package transport

import (
	"crypto/rand"
	"errors"
	"fmt"

	"gateway/bridge/media"

	"github.com/pion/srtp/v3"
)

// ErrSuite is for suites that we don't take, and for keys of another length than
// theirs.
var ErrSuite = errors.New("no such suite, or a key that does not fit it")

// Overhead is how many bytes a packet grows by at most when it is sealed: a tag
// of 16 and, with RTCP, an index of 4.
const Overhead = 20

// A profile is what the library calls a suite, and the lengths in bytes of its parts.
type profile struct {
	id         srtp.ProtectionProfile
	key, salt  int
	tag        int // behind RTP
	controlTag int // behind RTCP, without the index
	aead       bool
}

// suite is what a suite's name stands for (RFC 4568 section 6.2, RFC 7714
// section 14.2).
func suite(s media.Suite) (profile, bool) {
	switch s {
	case media.SuiteGCM256:
		return profile{srtp.ProtectionProfileAeadAes256Gcm, 32, 12, 16, 16, true}, true
	case media.SuiteGCM128:
		return profile{srtp.ProtectionProfileAeadAes128Gcm, 16, 12, 16, 16, true}, true
	case media.SuiteCM80:
		return profile{srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14, 10, 10, false}, true
	case media.SuiteCM32:
		return profile{srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14, 4, 10, false}, true
	default:
		return profile{}, false
	}
}

// Suites are those that we take, the preferred first.
func Suites() []media.Suite {
	return []media.Suite{media.SuiteGCM256, media.SuiteGCM128, media.SuiteCM80, media.SuiteCM32}
}

// KeyLength is how many bytes the master key and the master salt of s have
// together; false for a suite that we don't take.
func KeyLength(s media.Suite) (int, bool) {
	p, ok := suite(s)
	return p.key + p.salt, ok
}

// NewKey is a random master key with its salt behind it, for s. The error is
// ErrSuite.
func NewKey(s media.Suite) ([]byte, error) {
	n, ok := KeyLength(s)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrSuite, s)
	}
	key := make([]byte, n)
	_, _ = rand.Read(key) // it ends the process where there is no randomness
	return key, nil
}

// newContexts makes the library's contexts, for RTP and for RTCP, one way.
func newContexts(s media.Suite, key []byte) (rtp, control *srtp.Context, p profile, err error) {
	p, ok := suite(s)
	if !ok || len(key) != p.key+p.salt {
		return nil, nil, p, fmt.Errorf("%w: %q, %d bytes", ErrSuite, s, len(key))
	}
	rtp, err = srtp.CreateContext(key[:p.key], key[p.key:], p.id)
	if err != nil {
		return nil, nil, p, fmt.Errorf("making keys for %s: %w", s, err)
	}
	if s != media.SuiteCM32 {
		return rtp, rtp, p, nil
	}
	// With the short tags RTCP has the long ones all the same (RFC 3711 section
	// 5.2), which the library does not look for: its profile with long tags
	// derives the same keys.
	control, err = srtp.CreateContext(key[:p.key], key[p.key:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return nil, nil, p, fmt.Errorf("making keys for %s: %w", s, err)
	}
	return rtp, control, p, nil
}
