package rtmp

import (
	"crypto/tls"
	"fmt"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// settings are a Config that Check has passed, read.
type settings struct {
	naming      bridge.Naming
	doors       []door
	secure      *tls.Config
	accounts    map[string]bridge.Secret
	enroll      []string // one or none
	otherLogins bool
	domains     map[string]bool
	clients     int
	perAddress  int
	streams     map[string]target
	push        taste // in what streams elsewhere are published
	limits      wire.Limits
}

func newSettings(c *Config) (*settings, error) {
	s := &settings{
		naming: c.Naming(), secure: c.secure, enroll: c.Enroll, otherLogins: c.OtherLogins, clients: c.MaxClients, perAddress: c.MaxPerAddress,
		accounts: map[string]bridge.Secret{}, domains: map[string]bool{}, streams: map[string]target{}, limits: wire.Defaults(),
	}
	s.limits.Policy = c.Policy
	var ok bool
	if s.push, ok = hearing(c.Push); !ok {
		s.push = remoteTaste()
	}
	for i, text := range c.Listen {
		d, err := parseDoor(text)
		if err != nil {
			return nil, fmt.Errorf("listen[%d]: %w", i, err)
		}
		s.doors = append(s.doors, d)
	}
	for name, a := range c.Accounts {
		s.accounts[name] = a.Password
	}
	for _, d := range c.Domains {
		s.domains[foldDomain(d)] = true
	}
	for name, stream := range c.Streams {
		t, err := parseTarget(stream.URL.Reveal(), true)
		if err != nil {
			return nil, fmt.Errorf("streams.%s: %w", name, err)
		}
		t.hears, _ = hearing(stream.Push)
		s.streams[name] = t
	}
	return s, nil
}
