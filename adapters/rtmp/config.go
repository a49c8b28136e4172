package rtmp

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"gateway/bridge"
	"gateway/bridge/media/convert"
)

// Config is one [rtmp.NAME] table of the mapping file.
type Config struct {
	// Listen are a server's doors: "rtmp:[::]:1935", and "rtmps:" where there is
	// [tls]. None: only streams elsewhere are called.
	Listen []string `toml:"listen"`
	// Accounts are the clients that log in with us, by name.
	Accounts map[string]Account `toml:"accounts"`
	// Enroll names the adapter at whose peer a client who is no account may register
	// with credentials of its own: one, since names have no domain here.
	Enroll []string `toml:"enroll"`
	// OtherLogins: a client may register as another than it logs in as, as far as
	// the peer lets it.
	OtherLogins bool `toml:"other_logins"`
	// Domains are those that are ours in USER@DOMAIN, besides the host by which a
	// client came.
	Domains []string `toml:"domains"`
	// Policy: a Flash policy request is answered, so that pages of any origin may
	// connect.
	Policy bool `toml:"policy"`
	// MaxClients and MaxPerAddress bound the connections, of all and of one address.
	MaxClients    int `toml:"max_clients"`
	MaxPerAddress int `toml:"max_per_address"`
	// Push are the formats in which calls are published on other servers: what a call
	// has of them passes as it is, all else is brought to the first. Of "aac", "speex",
	// "pcmu" and "pcma"; the default is AAC.
	Push []string `toml:"push"`
	// Streams are names of streams on other servers, whose URLs are secrets.
	Streams map[string]Stream `toml:"streams"`

	secure *tls.Config // see UseTLS
}

// An Account is a name that a client logs in as.
type Account struct {
	Password bridge.Secret `toml:"password"`
}

// A Stream is one on another server: a call to it is published there, or, with
// #pull behind its URL, hears what is played there.
type Stream struct {
	// URL is as in a home. It may have user:password@ before the host.
	URL bridge.Secret `toml:"url"`
	// Push is as in Config, for this stream; none: what stands there.
	Push []string `toml:"push"`
}

var _ bridge.Config = (*Config)(nil)

// The defaults.
const (
	defaultClients    = 1000
	defaultPerAddress = 100
	maxLimit          = 100_000
)

// NewConfig gives the defaults.
func NewConfig() *Config {
	return &Config{MaxClients: defaultClients, MaxPerAddress: defaultPerAddress}
}

// UseTLS says what "rtmps:" doors show; without it there are none.
func (c *Config) UseTLS(t *tls.Config) { c.secure = t }

// Naming is the name of an account, or a stream, or the URL of one elsewhere; byte
// for byte, but for the scheme and host of a URL.
func (c *Config) Naming() bridge.Naming { return bridge.Naming{Fold: foldName, Made: madeName} }

// Own lists nothing: no name is held in a network of others.
func (c *Config) Own() []string { return nil }

// Enrolls lists the adapters at whose peers clients register, for the check that
// there are such.
func (c *Config) Enrolls() []string { return c.Enroll }

// CheckName implements bridge.Namer.
func (c *Config) CheckName(r bridge.Role, p bridge.Pattern) string {
	name, literal := p.Literal()
	if !literal {
		if fixed, _, _ := strings.Cut(p.String(), "{"); r == bridge.RoleHome && isURL(fixed) && serverOf(fixed) == "" {
			return "has a variable in the host of a URL: who calls would say whom we connect to"
		}
		return ""
	}
	if isURL(name.Main) {
		if r != bridge.RoleHome {
			return "a URL is where a stream is, not what somebody is called here"
		}
		return ""
	}
	_, account := c.Accounts[name.Main]
	_, stream := c.Streams[name.Main]
	if r == bridge.RoleHome && !account && !stream && len(c.Enroll) == 0 {
		return fmt.Sprintf("%q is no account and no stream, and nobody enrolls", p.String())
	}
	return ""
}

// Check implements bridge.Config.
func (c *Config) Check(bad func(key, msg string)) {
	c.checkListen(bad)
	for name, a := range c.Accounts {
		if !isPlain(name) {
			bad("accounts."+name, "is not a name: "+errName.Error())
		}
		if a.Password.Reveal() == "" {
			bad("accounts."+name+".password", "is missing")
		}
	}
	for name, s := range c.Streams {
		if !isPlain(name) {
			bad("streams."+name, "is not a name: "+errName.Error())
		}
		if _, ok := c.Accounts[name]; ok {
			bad("streams."+name, "is an account too")
		}
		if _, err := parseTarget(s.URL.Reveal(), true); err != nil {
			bad("streams."+name+".url", err.Error())
		}
		checkFormats("streams."+name+".push", s.Push, bad)
	}
	checkFormats("push", c.Push, bad)
	if len(c.Enroll) > 1 {
		bad("enroll[1]", "is one too many: names have no domain here, so 1001 at one peer would be 1001 at another")
	}
	if c.OtherLogins && len(c.Enroll) == 0 {
		bad("other_logins", "needs enroll")
	}
	for i, d := range c.Domains {
		if !isDomain(d) {
			bad(fmt.Sprintf("domains[%d]", i), fmt.Sprintf("%q is not a domain", d))
		}
	}
	for key, n := range map[string]int{"max_clients": c.MaxClients, "max_per_address": c.MaxPerAddress} {
		if n < 1 || n > maxLimit {
			bad(key, fmt.Sprintf("want 1 to %d", maxLimit))
		}
	}
}

// checkFormats looks at the names of a list of formats.
func checkFormats(key string, names []string, bad func(key, msg string)) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", key, i)
		f, ok := heardBy[name]
		switch {
		case !ok:
			bad(at, fmt.Sprintf(`want "aac", "speex", "pcmu" or "pcma", got %q`, name))
		case !convert.Encodes(f):
			bad(at, fmt.Sprintf("%q is not in this build", name))
		case slices.Contains(names[:i], name):
			bad(at, "stands here twice")
		}
	}
}

func (c *Config) checkListen(bad func(key, msg string)) {
	if len(c.Listen) == 0 {
		for key, there := range map[string]bool{
			"accounts": len(c.Accounts) > 0, "enroll": len(c.Enroll) > 0, "policy": c.Policy, "domains": len(c.Domains) > 0,
		} {
			if there {
				bad(key, "needs listen")
			}
		}
		return
	}
	seen := map[door]bool{}
	for i, s := range c.Listen {
		d, err := parseDoor(s)
		key := fmt.Sprintf("listen[%d]", i)
		switch {
		case err != nil:
			bad(key, err.Error())
		case seen[d] && d.addr.Port() != 0:
			bad(key, "is there twice")
		case d.secure && c.secure == nil:
			bad(key, "rtmps needs [tls]")
		}
		seen[d] = true
	}
	if len(c.Accounts) == 0 && len(c.Enroll) == 0 {
		bad("accounts", "are missing, and without enroll nobody could log in")
	}
}

// Claims lists the ports that are only one adapter's. A port that the system
// chooses is no claim.
func (c *Config) Claims() []string {
	var all []string
	for _, s := range c.Listen {
		d, err := parseDoor(s)
		if err != nil || d.addr.Port() == 0 {
			continue
		}
		all = append(all, "tcp "+d.addr.String())
		if d.addr.Addr() == netip.IPv6Unspecified() {
			all = append(all, "tcp "+netip.AddrPortFrom(netip.IPv4Unspecified(), d.addr.Port()).String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A door is a listener.
type door struct {
	secure bool
	addr   netip.AddrPort
}

// parseDoor reads "rtmp:ADDRESS:PORT" or "rtmps:ADDRESS:PORT".
func parseDoor(s string) (door, error) {
	kind, rest, _ := strings.Cut(s, ":")
	addr, err := netip.ParseAddrPort(rest)
	if kind != "rtmp" && kind != "rtmps" || err != nil {
		return door{}, fmt.Errorf(`want "rtmp:" or "rtmps:" and an IP address with a port, as in "rtmp:[::]:1935", got %q`, s)
	}
	return door{secure: kind == "rtmps", addr: addr}, nil
}

// isDomain reports whether s can stand behind the @ of an address.
func isDomain(s string) bool {
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return true
	}
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// foldDomain is how domains compare: in lower case, addresses in their short
// form, without a port.
func foldDomain(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	s = strings.Trim(s, "[]")
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(s, "."))
}
