package sip

import (
	"fmt"
	"strings"

	"gateway/adapters/sip/wire"

	"github.com/icholy/digest"
)

// credential is what we answer the peer's challenges with.
type credential struct{ user, password string }

// answer makes the header for o that a challenge asks for (RFC 3261 section
// 22.2). It is an error if there is none that we can answer.
func (c *credential) answer(m *wire.Message, o *outgoing) (f wire.Field, stale bool, err error) {
	ask, reply := "WWW-Authenticate", "Authorization"
	if m.Response.StatusCode == 407 {
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	}
	chal := strongest(m.All(ask))
	if chal == nil {
		return f, false, fmt.Errorf("answer a challenge: none in %s that we know", ask)
	}
	cred, err := digest.Digest(chal, digest.Options{
		Method: o.method, URI: o.uri, Count: 1, Username: c.user, Password: c.password,
	})
	if err != nil {
		return f, false, fmt.Errorf("answer a challenge: %w", err)
	}
	return wire.Field{Name: reply, Value: cred.String()}, chal.Stale, nil
}

// strongest picks of several challenges (RFC 8760 section 2.6).
func strongest(values []string) *digest.Challenge {
	var best *digest.Challenge
	for i, v := range values {
		if i == maxCredentials || len(v) > maxAuthLen || !digest.IsDigest(v) {
			continue
		}
		c, err := parseChallenge(v)
		if err != nil || strength(c) <= strength(best) {
			continue
		}
		best = c
	}
	return best
}

// parseChallenge reads a challenge. No input makes it panic.
func parseChallenge(v string) (c *digest.Challenge, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading a challenge: %v", p)
		}
	}()
	if c, err = digest.ParseChallenge(v); err != nil {
		return nil, err
	}
	for i, q := range c.QOP {
		c.QOP[i] = strings.ToLower(strings.TrimSpace(q))
	}
	return c, nil
}

func strength(c *digest.Challenge) int {
	if c == nil || c.Nonce == "" || len(c.QOP) > 0 && !c.SupportsQOP("auth") {
		return 0
	}
	switch strings.ToUpper(c.Algorithm) {
	case "", "MD5":
		return 1
	case "SHA-256":
		return 2
	}
	return 0
}
