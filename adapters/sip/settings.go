package sip

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"gateway/adapters/sip/wire"
	"gateway/bridge"

	gosip "github.com/emiago/sipgo/sip"
)

// settings are a Config that Check has passed, read.
type settings struct {
	adapter   string
	naming    bridge.Naming
	hosts     bool
	listeners []listener
	addresses []string
	domain    string // "" is our address
	realm     string
	srtp      string // as Config.SRTP

	peer     *target // nil: none
	hop      target  // where requests go: the proxy, else the peer
	route    string  // value of Route, "" for none
	network  string  // by what hop is reached
	networks []netip.Prefix
	secure   *tls.Config    // what we show; nil: nothing
	roots    *x509.CertPool // whom the peer's certificate leads to; nil: to one of the system's

	lines     map[string]lineSettings // by name, as is
	passwords map[string]string       // of accounts, by name
}

type lineSettings struct {
	name           bridge.Name
	user, password string
}

func newSettings(c *Config, env bridge.Env) (*settings, error) {
	s := &settings{
		adapter: env.Name, naming: c.Naming(), hosts: c.Hosts, addresses: c.Address, srtp: cmp.Or(c.SRTP, "off"),
		realm: cmp.Or(c.Domain, env.Node, "gateway"), secure: c.secure, roots: c.roots,
		lines: map[string]lineSettings{}, passwords: map[string]string{},
	}
	s.domain, _ = foldHost(c.Domain)
	for _, text := range c.Listen {
		l, err := parseListener(text)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		s.listeners = append(s.listeners, l)
	}
	for _, text := range c.Networks {
		n, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("networks: %w", err)
		}
		s.networks = append(s.networks, n)
	}
	if err := s.readPeer(c); err != nil {
		return nil, err
	}
	for key, l := range c.Lines {
		n, err := s.naming.Parse(key)
		if err != nil {
			return nil, fmt.Errorf("lines.%s: %w", key, err)
		}
		s.lines[s.naming.Text(n)] = lineSettings{name: n, user: cmp.Or(l.User, s.userOf(n)), password: l.Password.Reveal()}
	}
	for key, a := range c.Accounts {
		n, err := s.naming.Parse(key)
		if err != nil {
			return nil, fmt.Errorf("accounts.%s: %w", key, err)
		}
		s.passwords[s.naming.Text(n)] = a.Password.Reveal()
	}
	return s, nil
}

func (s *settings) readPeer(c *Config) error {
	if c.Peer == "" {
		return nil
	}
	t, err := parseTarget(c.Peer)
	if err != nil {
		return fmt.Errorf("peer: %w", err)
	}
	s.peer, s.hop = &t, t
	if c.Proxy != "" {
		if s.hop, err = parseTarget(c.Proxy); err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		s.route = "<" + s.hop.scheme() + ":" + s.hop.hostport() + wire.TransportParam(s.hop.network, s.hop.sips) + ";lr>"
	}
	s.network = c.network(s.hop)
	return nil
}

// userOf is a name's user part.
func (s *settings) userOf(n bridge.Name) string {
	if s.hosts {
		return n.Lead
	}
	return n.Main
}

// uri writes a name as a SIP URI; host is where names without one are.
func (s *settings) uri(n bridge.Name, host string) string {
	if s.hosts {
		return "sip:" + wire.EscapeUser(n.Lead) + "@" + n.Main
	}
	return "sip:" + wire.EscapeUser(n.Main) + "@" + host
}

// peerURI is uri for the peer, or for whom we tell it of: of sips: where that is.
func (s *settings) peerURI(n bridge.Name, host string) string { return s.asPeer(s.uri(n, host)) }

// asPeer makes a URI of sip: one of the peer's scheme.
func (s *settings) asPeer(uri string) string {
	if s.peer.sips {
		return "sips" + strings.TrimPrefix(uri, "sip")
	}
	return uri
}

// nameOf reads a URI as a name, in text form.
func (s *settings) nameOf(uri *gosip.Uri) (string, error) {
	user, err := wire.User(uri)
	if err != nil {
		return "", err
	}
	n := bridge.Name{Main: user}
	if s.hosts {
		n = bridge.Name{Lead: user, Main: wire.Host(uri)}
	}
	if n, err = s.naming.Fold(n); err != nil {
		return "", err
	}
	return s.naming.Text(n), nil
}

// named makes a name's text form of a user and a host, which counts only
// where names have one; "" if it can't be a name.
func (s *settings) named(user, host string) string {
	n := bridge.Name{Main: user}
	if s.hosts {
		n = bridge.Name{Lead: user, Main: host}
	}
	n, err := s.naming.Fold(n)
	if err != nil {
		return ""
	}
	return s.naming.Text(n)
}

// anonymous is the sender who withholds who it is (RFC 3323, RFC 3325).
func (s *settings) anonymous() string { return s.named("anonymous", "anonymous.invalid") }

func isAnonymous(uri *gosip.Uri) bool {
	return strings.EqualFold(uri.Host, "anonymous.invalid") || strings.EqualFold(uri.User, "anonymous")
}
