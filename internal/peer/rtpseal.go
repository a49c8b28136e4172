package peer

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/pion/srtp/v3"
)

// An SRTPKey is a master key and salt for AES_CM_128_HMAC_SHA1_80 as they stand
// in a description (RFC 4568).
type SRTPKey struct{ key, salt []byte }

const srtpKeyLen, srtpSaltLen = 16, 14

// NewSRTPKey makes one of any text of 30 bytes.
func NewSRTPKey(text string) SRTPKey {
	return SRTPKey{key: []byte(text[:srtpKeyLen]), salt: []byte(text[srtpKeyLen : srtpKeyLen+srtpSaltLen])}
}

// Line is what stands behind "a=crypto:".
func (k SRTPKey) Line() string {
	inline := base64.StdEncoding.EncodeToString(append(append([]byte(nil), k.key...), k.salt...))
	return "1 AES_CM_128_HMAC_SHA1_80 inline:" + inline
}

// SRTPKey is the key in the message's description.
func (m SIPMessage) SRTPKey() (SRTPKey, error) {
	line := m.SDPLine("a=crypto:")
	_, inline, _ := strings.Cut(line, "inline:")
	inline, _, _ = strings.Cut(inline, "|")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(inline))
	if err != nil || len(raw) != srtpKeyLen+srtpSaltLen || !strings.Contains(line, " AES_CM_128_HMAC_SHA1_80 ") {
		return SRTPKey{}, fmt.Errorf("no key in %q: %w", line, err)
	}
	return NewSRTPKey(string(raw)), nil
}

// Seal makes SRTP of RTP packets.
func (k SRTPKey) Seal(packets [][]byte) ([][]byte, error) {
	return k.each(packets, func(c *srtp.Context, p []byte) ([]byte, error) { return c.EncryptRTP(nil, p, nil) })
}

// Open makes RTP of SRTP packets.
func (k SRTPKey) Open(packets [][]byte) ([][]byte, error) {
	return k.each(packets, func(c *srtp.Context, p []byte) ([]byte, error) { return c.DecryptRTP(nil, p, nil) })
}

func (k SRTPKey) each(packets [][]byte, do func(*srtp.Context, []byte) ([]byte, error)) ([][]byte, error) {
	c, err := srtp.CreateContext(k.key, k.salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return nil, fmt.Errorf("srtp: %w", err)
	}
	var all [][]byte
	for i, p := range packets {
		q, err := do(c, p)
		if err != nil {
			return nil, fmt.Errorf("srtp packet %d: %w", i, err)
		}
		all = append(all, q)
	}
	return all, nil
}
