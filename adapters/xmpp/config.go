package xmpp

import (
	"fmt"
	"net"
	"strconv"

	"gateway/bridge"
)

// Config is one [xmpp.NAME] table of the mapping file.
type Config struct {
	// Component is the domain that is ours, as the server knows it.
	Component string `toml:"component"`
	// Server is where the server takes components, host:port.
	Server string `toml:"server"`
	// Secret is shared with the server (XEP-0114 section 3).
	Secret bridge.Secret `toml:"secret"`
	// Domains are served by that same server: it knows at once who is there.
	Domains []string `toml:"domains"`
}

var _ bridge.Config = (*Config)(nil)

// NewConfig gives the defaults.
func NewConfig() *Config { return &Config{} }

// Naming is localpart @ domain / resource (RFC 7622), the localpart decoded
// (XEP-0106).
func (c *Config) Naming() bridge.Naming {
	return bridge.Naming{LeadSep: '@', TailSep: '/', Fold: foldName, Foreign: true}
}

// Own is empty: the component's whole domain is ours.
func (c *Config) Own() []string { return nil }

// CheckName implements bridge.Namer: homes are elsewhere, and a component
// speaks from its own domain only (XEP-0114 section 3).
func (c *Config) CheckName(r bridge.Role, p bridge.Pattern) string {
	own, err := foldDomain(c.Component)
	if err != nil {
		return "" // Check tells
	}
	switch r {
	case bridge.RoleAs, bridge.RoleShown:
		main := p.Main()
		if d, ok := main.Literal(); !ok || d != own {
			return fmt.Sprintf("%q must be at the component's domain, %s", p.String(), own)
		}
	case bridge.RoleHome:
		main := p.Main()
		if main.Match(own) {
			return fmt.Sprintf("%q may be at the component's own domain, %s, where nobody lives", p.String(), own)
		}
	case bridge.RoleFrom, bridge.RoleAllow: // anybody
	}
	return ""
}

// Claims lists what only one adapter can have: the component's domain, which a
// server gives to one connection.
func (c *Config) Claims() []string {
	own, err := foldDomain(c.Component)
	if err != nil {
		return nil // Check tells
	}
	return []string{"component " + own}
}

// Check implements bridge.Config.
func (c *Config) Check(bad func(key, msg string)) {
	own, err := foldDomain(c.Component)
	switch {
	case c.Component == "":
		bad("component", "the component's domain is missing")
	case err != nil:
		bad("component", fmt.Sprintf("%q is not a domain", c.Component))
	}
	if msg := checkServer(c.Server); msg != "" {
		bad("server", msg)
	}
	if c.Secret.Reveal() == "" {
		bad("secret", "the secret that the server knows is missing")
	}
	for i, d := range c.Domains {
		folded, err := foldDomain(d)
		switch {
		case err != nil:
			bad(fmt.Sprintf("domains[%d]", i), fmt.Sprintf("%q is not a domain", d))
		case folded == own:
			bad(fmt.Sprintf("domains[%d]", i), "this is the component's own domain: nobody lives there")
		}
	}
}

func checkServer(s string) string {
	if s == "" {
		return "the server's address is missing"
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return fmt.Sprintf("want host:port, got %q", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Sprintf("want a port from 1 to 65535, got %q", port)
	}
	return ""
}
