package sdp

import (
	"slices"
	"strconv"
	"strings"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// Crypto is one a=crypto line (RFC 4568 section 9.1) of a suite of ours.
type Crypto struct {
	Tag   uint32
	Suite media.Suite
	Key   []byte // master key and master salt
}

// suites are those that we take, the preferred first.
func suites() []media.Suite {
	return []media.Suite{media.SuiteGCM256, media.SuiteGCM128, media.SuiteCM80, media.SuiteCM32}
}

// readCrypto reads the value of a=crypto. A line that asks for what we don't do
// is as good as none: another suite, several keys, a key identifier, less than
// all packets encrypted and authenticated.
func readCrypto(value string) (Crypto, bool) {
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	suite := media.Suite(strings.ToUpper(f[1]))
	if err != nil || !slices.Contains(suites(), suite) {
		return Crypto{}, false
	}
	for _, p := range f[3:] {
		name, _, _ := strings.Cut(p, "=")
		if !strings.HasPrefix(name, "-") && !strings.EqualFold(name, "WSH") { // RFC 4568 section 6.3.8
			return Crypto{}, false
		}
	}
	key, err := transport.ParseInline(suite, f[2])
	if err != nil {
		return Crypto{}, false
	}
	return Crypto{Tag: uint32(tag), Suite: suite, Key: key}, true
}

// String is the value of the line, with the key in it.
func (c Crypto) String() string {
	return strconv.FormatUint(uint64(c.Tag), 10) + " " + string(c.Suite) + " " + transport.FormatInline(c.Key)
}

// best is the preferred of several.
func best(all []Crypto) (Crypto, bool) {
	for _, s := range suites() {
		if i := slices.IndexFunc(all, func(c Crypto) bool { return c.Suite == s }); i >= 0 {
			return all[i], true
		}
	}
	return Crypto{}, false
}

// A Policy says how the streams that we offer are encrypted. What is offered to
// us encrypted is answered in kind whatever it says.
type Policy uint8

// The policies.
const (
	// Plain offers are not encrypted.
	Plain Policy = iota
	// Optional offers have keys for those that want them (RFC 8643).
	Optional
	// SDES offers keys in the description, and takes nothing unencrypted.
	SDES
	// DTLS offers a handshake, and takes nothing unencrypted.
	DTLS
	// Web is DTLS as browsers have it (RFC 8827 section 6.5).
	Web
)

// demands reports whether streams must be encrypted.
func (p Policy) demands() bool { return p == SDES || p == DTLS || p == Web }

// proto is that of a stream that we offer.
func (p Policy) proto() Proto {
	switch p {
	case SDES:
		return SAVP
	case DTLS:
		return TLSAVP
	case Web:
		return TLSAPF
	default:
		return AVP
	}
}

// strong are the fingerprints by hashes that mean something today.
func strong(all []media.Fingerprint) []media.Fingerprint {
	var kept []media.Fingerprint
	for _, f := range all {
		switch f.Hash {
		case "sha-256", "sha-384", "sha-512":
			kept = append(kept, f)
		}
	}
	return kept
}
