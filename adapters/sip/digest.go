package sip

import (
	"crypto/hmac"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"

	"github.com/icholy/digest"
)

const (
	maxCredentials = 4    // headers looked at
	maxAuthLen     = 2048 // bytes of one
	freeFailures   = 5    // in a row, before a source has to wait
	maxFailures    = 4096 // sources remembered
	longestWait    = 5 * time.Minute
)

// verdict is what came of looking at credentials.
type verdict uint8

const (
	noCredentials  verdict = iota // none for our realm
	proven                        // they are the account's
	staleNonce                    // right, but the nonce has ended or was used
	wrongSecret                   // wrong, or nobody's
	tooManyTries                  // not looked at
	badCredentials                // can't be read
)

// An authenticator knows the accounts' passwords (RFC 3261 section 22, RFC
// 8760).
type authenticator struct {
	realm     string
	passwords map[string]string // by name
	named     func(user, host string) string
	nonces    nonces

	mu       sync.Mutex // guards the rest
	failures map[attempt]*failure
	offers   offers
}

// An attempt is somebody trying one account: not the account alone, or a
// stranger could lock its owner out.
type attempt struct {
	name   string
	source netip.Addr
}

type failure struct {
	count int
	until time.Time
}

// challenges are the WWW-Authenticate headers for a request of somebody who
// says to be name, the stronger algorithm first (RFC 8760 section 2.4).
func (a *authenticator) challenges(name string, register bool, from netip.Addr, stale bool, now time.Time) []string {
	nonce := a.nonces.make(from, now)
	var all []string
	for _, algorithm := range a.algorithms(attempt{name, source(from)}, register, now) {
		c := digest.Challenge{Realm: a.realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		all = append(all, c.String())
	}
	return all
}

// check says whose credentials a request carries. name is the account's, if
// they are proven.
func (a *authenticator) check(m *wire.Message, from netip.Addr, now time.Time) (name string, v verdict) {
	cred, v := a.credentials(m)
	if cred == nil {
		return "", v
	}
	head, fresh := a.nonces.good(cred.Nonce, from, now)
	if !fresh {
		// Nothing is learned from what an old nonce proves.
		return "", staleNonce
	}
	who := cred.Username
	if user, host, ok := strings.Cut(who, "@"); ok {
		who = a.named(user, host)
	} else {
		who = a.named(who, wire.Host(&m.Request.From().Address))
	}
	try := attempt{name: who, source: source(from)}
	if a.blocked(try, now) {
		return "", tooManyTries
	}
	if strings.EqualFold(cred.Algorithm, "SHA-256") {
		a.canSHA256(try) // whether the password is right or not
	}
	password, known := a.passwords[who]
	if !a.matches(cred, string(m.Request.Method), password) || !known {
		a.failed(try, now)
		return "", wrongSecret
	}
	count := uint32(0)
	if cred.QOP != "" {
		count = uint32(cred.Nc)
	}
	if !a.nonces.spend(head, count, now) {
		return "", staleNonce
	}
	a.succeeded(try)
	return who, proven
}

// credentials finds those for our realm. nil comes with the reason.
func (a *authenticator) credentials(m *wire.Message) (*digest.Credentials, verdict) {
	for i, value := range m.All("Authorization") {
		if i == maxCredentials || len(value) > maxAuthLen {
			return nil, badCredentials
		}
		if !digest.IsDigest(value) {
			continue
		}
		cred, err := parseCredentials(value)
		if err != nil {
			return nil, badCredentials
		}
		if cred.Realm != a.realm {
			continue
		}
		if !usable(cred) || !sameTarget(cred.URI, m) {
			return nil, badCredentials
		}
		return cred, noCredentials
	}
	return nil, noCredentials
}

// parseCredentials reads an Authorization header. No input makes it panic.
func parseCredentials(value string) (cred *digest.Credentials, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading credentials: %v", p)
		}
	}()
	return digest.ParseCredentials(value)
}

// usable says whether credentials are of a form that we offered.
func usable(c *digest.Credentials) bool {
	switch strings.ToUpper(c.Algorithm) {
	case "", "MD5", "SHA-256":
	default:
		return false
	}
	switch c.QOP {
	case "":
		return true
	case "auth":
		return c.Nc >= 1 && c.Nc <= math.MaxInt32 && c.Cnonce != ""
	}
	return false
}

// sameTarget says whether credentials were made for the Request-URI (RFC 3261
// section 22.4, item 5): user and host, for parameters change on the way.
func sameTarget(uri string, m *wire.Message) bool {
	u, err := wire.ParseURI(uri)
	if err != nil {
		return false
	}
	r := &m.Request.Recipient
	return u.User == r.User && wire.Host(&u) == wire.Host(r)
}

// matches computes the response again, for names that nobody has too, so that
// both take the same time.
func (a *authenticator) matches(c *digest.Credentials, method, password string) bool {
	chal := &digest.Challenge{Realm: a.realm, Nonce: c.Nonce, Algorithm: c.Algorithm}
	if c.QOP != "" {
		chal.QOP = []string{c.QOP}
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: method, URI: c.URI, Count: c.Nc, Cnonce: c.Cnonce, Username: c.Username, Password: password,
	})
	return err == nil && hmac.Equal([]byte(want.Response), []byte(strings.ToLower(c.Response)))
}

func (a *authenticator) blocked(t attempt, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[t]
	return f != nil && now.Before(f.until)
}

// failed makes whoever tries wait: from the sixth time on a second, doubling.
func (a *authenticator) failed(t attempt, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[t]
	if f == nil {
		if a.failures == nil {
			a.failures = map[attempt]*failure{}
		}
		if len(a.failures) >= maxFailures {
			a.forget(now)
		}
		f = &failure{}
		a.failures[t] = f
	}
	f.count++
	f.until = now
	if over := f.count - freeFailures; over >= 0 {
		f.until = now.Add(min(longestWait, time.Second<<min(over, 20)))
	}
}

// forget makes room: those who waited long ago, else anybody. The lock is held.
func (a *authenticator) forget(now time.Time) {
	for t, f := range a.failures {
		if now.Sub(f.until) > longestWait {
			delete(a.failures, t)
		}
	}
	for t := range a.failures {
		if len(a.failures) < maxFailures {
			return
		}
		delete(a.failures, t)
	}
}

func (a *authenticator) succeeded(t attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failures, t)
}
