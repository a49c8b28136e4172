package sip

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// Config is one [sip.NAME] table of the mapping file.
type Config struct {
	// Listen are our sockets: "udp:[::]:5060", "tcp:0.0.0.0:5060",
	// "tls:[::]:5061", "ws:127.0.0.1:8088", "wss:[::]:8443". [::] takes
	// IPv4 too, unless there is a listener for 0.0.0.0 at the same port.
	Listen []string `toml:"listen"`
	// Address is what others are told of us (Via, Contact): IP addresses or
	// host names; "auto" is the local address that routes to whom we tell it.
	Address []string `toml:"address"`
	// Domain is our side of From; "" is our address.
	Domain string `toml:"domain"`
	// Peer is where requests go and whose requests we take:
	// "sip:10.0.0.5:5060", "sip:pbx.example.org;transport=tcp",
	// "sips:pbx.example.org"; "" for none.
	Peer string `toml:"peer"`
	// CA is a file of certificates, in PEM: by TLS the peer is who can show one
	// that leads to one of them; "" is the system's.
	CA string `toml:"ca"`
	// Networks are further sources that count as the peer.
	Networks []string `toml:"networks"`
	// Proxy is an outbound proxy, loose routing only: "sip:edge;lr".
	Proxy string `toml:"proxy"`
	// Hosts makes names user@host rather than user.
	Hosts bool `toml:"hosts"`
	// Lines are registered at the peer, by name.
	Lines map[string]Line `toml:"lines"`
	// SRTP says how the sound of calls that we place is encrypted: "off", by
	// nothing; "offer", by keys in the offer that the other side may ignore (RFC
	// 8643); "sdes" and "dtls", not otherwise. What a caller asks for
	// is answered in kind, but these two take no plain sound.
	SRTP string `toml:"srtp"`
	// Accounts are phones that register with us, by name.
	Accounts map[string]Account `toml:"accounts"`

	secure *tls.Config    // see UseTLS
	roots  *x509.CertPool // see UseRoots
}

// A Line is a name that we register at the peer.
type Line struct {
	User     string        `toml:"user"` // for the digest; "" is the name
	Password bridge.Secret `toml:"password"`
}

// An Account is a name that a phone registers with us.
type Account struct {
	Password bridge.Secret `toml:"password"`
}

var _ bridge.Config = (*Config)(nil)

// NewConfig gives the defaults.
func NewConfig() *Config { return &Config{Address: []string{"auto"}, SRTP: "off"} }

// UseTLS says what "tls:" and "wss:" listeners show, and what we show to a peer that
// asks for it; without it there are none.
func (c *Config) UseTLS(t *tls.Config) { c.secure = t }

// TrustFile is the key and the name of the file that UseRoots is given the
// certificates of.
func (c *Config) TrustFile() (key string, name *string) { return "ca", &c.CA }

// UseRoots says which certificates the peer's has to lead to; nil: the system's.
func (c *Config) UseRoots(pool *x509.CertPool) { c.roots = pool }

// Naming is the user part of a URI, byte for byte; with hosts = true the user
// part @ the host, in lower case.
func (c *Config) Naming() bridge.Naming {
	if c.Hosts {
		return bridge.Naming{LeadSep: '@', NeedLead: true, Fold: foldHosted}
	}
	return bridge.Naming{Fold: foldUser}
}

func foldUser(n bridge.Name) (bridge.Name, error) {
	if n.Lead != "" || n.Tail != "" {
		return n, errors.New("a name is a user part only; names with a host need hosts = true")
	}
	return n, wire.CheckUser(n.Main)
}

func foldHosted(n bridge.Name) (bridge.Name, error) {
	host, ok := foldHost(n.Main)
	if !ok {
		return n, errors.New("not a host name")
	}
	n.Main = host
	return n, wire.CheckUser(n.Lead)
}

// foldHost gives a host name in lower case, an IP address in its short form,
// IPv6 in brackets.
func foldHost(s string) (string, bool) {
	bare := strings.Trim(s, "[]")
	if a, err := netip.ParseAddr(bare); err == nil {
		if a.Is4() {
			return bare, true // there is but one way to write it
		}
		return "[" + a.String() + "]", a.Zone() == ""
	}
	if len(s) > 253 {
		return "", false
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i] | 0x20; (c < 'a' || c > 'z') && (label[i] < '0' || label[i] > '9') && label[i] != '-' && label[i] != '_' {
				return "", false
			}
		}
	}
	return strings.ToLower(s), true
}

// Own lists the lines' names.
func (c *Config) Own() []string {
	var own []string
	for name := range c.Lines {
		own = append(own, name)
	}
	return own
}

// CheckName implements bridge.Namer: without a peer nobody but an account is
// ever reached.
func (c *Config) CheckName(r bridge.Role, p bridge.Pattern) string {
	name, literal := p.Literal()
	if r != bridge.RoleHome || !literal || c.Peer != "" {
		return ""
	}
	if !c.hasAccount(c.Naming().Text(name)) {
		return fmt.Sprintf("%q is no account, and there is no peer to have it", p.String())
	}
	return ""
}

func (c *Config) hasAccount(name string) bool {
	for key := range c.Accounts {
		if n, err := c.Naming().Parse(key); err == nil && c.Naming().Text(n) == name {
			return true
		}
	}
	return false
}

// Check implements bridge.Config.
func (c *Config) Check(bad func(key, msg string)) {
	c.checkListen(bad)
	if len(c.Address) == 0 {
		bad("address", `is empty; "auto" is the address that routes to the peer`)
	}
	for i, a := range c.Address {
		if _, ok := foldHost(a); a != "auto" && !ok {
			bad(fmt.Sprintf("address[%d]", i), fmt.Sprintf(`want "auto", an IP address or a host name, got %q`, a))
		}
	}
	if _, ok := foldHost(c.Domain); c.Domain != "" && !ok {
		bad("domain", fmt.Sprintf("%q is not a domain", c.Domain))
	}
	if !slices.Contains([]string{"", "off", "offer", "sdes", "dtls"}, c.SRTP) {
		bad("srtp", fmt.Sprintf(`want "off", "offer", "sdes" or "dtls", got %q`, c.SRTP))
	}
	c.checkPeer(bad)
	for i, n := range c.Networks {
		if _, err := parseNetwork(n); err != nil {
			bad(fmt.Sprintf("networks[%d]", i), err.Error())
		}
	}
	c.checkNames(bad)
}

// Claims lists what only one adapter of a process can have: its listeners, as in
// "udp [::]:5060"; [::] takes 0.0.0.0 too. A port that the system chooses is no
// claim.
func (c *Config) Claims() []string {
	var all []string
	for _, s := range c.Listen {
		l, err := parseListener(s)
		if err != nil || l.addr.Port() == 0 {
			continue
		}
		all = append(all, socketOf(l.network)+" "+l.addr.String())
		if a := l.addr.Addr(); a.IsUnspecified() && a.Is6() {
			all = append(all, socketOf(l.network)+" "+netip.AddrPortFrom(netip.IPv4Unspecified(), l.addr.Port()).String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *Config) checkListen(bad func(key, msg string)) {
	if len(c.Listen) == 0 {
		bad("listen", `at least one is needed, as in "udp:[::]:5060"`)
	}
	seen := map[listener]bool{}
	for i, s := range c.Listen {
		l, err := parseListener(s)
		switch {
		case err != nil:
			bad(fmt.Sprintf("listen[%d]", i), err.Error())
		case seen[listener{socketOf(l.network), l.addr}] && l.addr.Port() != 0:
			bad(fmt.Sprintf("listen[%d]", i), "is there twice")
		case isSecure(l.network) && c.secure == nil:
			bad(fmt.Sprintf("listen[%d]", i), l.network+" needs [tls]")
		}
		seen[listener{socketOf(l.network), l.addr}] = true
	}
}

func (c *Config) checkPeer(bad func(key, msg string)) {
	if c.Peer == "" {
		for key, there := range map[string]bool{
			"networks": len(c.Networks) > 0, "proxy": c.Proxy != "", "lines": len(c.Lines) > 0, "ca": c.CA != "",
		} {
			if there {
				bad(key, "needs peer")
			}
		}
		if len(c.Accounts) == 0 {
			bad("peer", "is missing, and without accounts nobody could be reached")
		}
		return
	}
	hop := c.checkTarget("peer", c.Peer, bad)
	if c.Proxy != "" {
		hop = c.checkTarget("proxy", c.Proxy, bad)
	}
	if hop.host != "" {
		key := "peer"
		if c.Proxy != "" {
			key = "proxy"
		}
		c.checkHop(key, hop, bad)
		if c.CA != "" && c.network(hop) != networkTLS {
			bad("ca", "is for a "+key+" that is reached by tls")
		}
	}
}

// checkTarget gives the zero target after a mistake.
func (c *Config) checkTarget(key, uri string, bad func(key, msg string)) target {
	t, err := parseTarget(uri)
	if err == nil && key == "proxy" && !t.loose {
		err = errors.New("a strict router is not in this version: want ;lr")
	}
	if err != nil {
		bad(key, err.Error())
		return target{}
	}
	return t
}

// network is by what a target is reached: as it says, else by UDP if we
// listen there, else by TCP.
func (c *Config) network(t target) string {
	if t.network != "" {
		return t.network
	}
	for _, s := range c.Listen {
		if l, err := parseListener(s); err == nil && l.network == "udp" {
			return "udp"
		}
	}
	return "tcp"
}

func (c *Config) checkNames(bad func(key, msg string)) {
	lines := map[string]bool{}
	for key, l := range c.Lines {
		n, err := c.Naming().Parse(key)
		if err != nil {
			bad("lines."+key, "is not a name: "+err.Error())
		}
		lines[c.Naming().Text(n)] = true
		if wire.CheckUser(cmp.Or(l.User, "x")) != nil {
			bad("lines."+key+".user", "has characters that a user name can't have")
		}
		if l.Password.Reveal() == "" {
			bad("lines."+key+".password", "is missing")
		}
	}
	for key, a := range c.Accounts {
		n, err := c.Naming().Parse(key)
		switch {
		case err != nil:
			bad("accounts."+key, "is not a name: "+err.Error())
		case lines[c.Naming().Text(n)]:
			bad("accounts."+key, "is a line too")
		}
		if a.Password.Reveal() == "" {
			bad("accounts."+key+".password", "is missing")
		}
	}
}
