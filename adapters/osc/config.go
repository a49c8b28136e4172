package osc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"gateway/bridge"
)

// Config is one [osc.NAME] table of the mapping file: a server of groups
// (listen), or a member of one group (join, or broadcast).
type Config struct {
	// Listen are a server's doors: "udp:[::]:22242" for OscGroupClient, and
	// "tcp:", "slip:", "ws:" and "wss:" for members by other ways.
	Listen []string `toml:"listen"`
	// Address is the IPv4 address at which members reach our ports; "auto" is
	// the one that they have asked.
	Address string `toml:"address"`
	// MaxUsers and MaxGroups bound a server. It forgets a user who has not
	// been heard for Timeout.
	MaxUsers  int           `toml:"max_users"`
	MaxGroups int           `toml:"max_groups"`
	Timeout   time.Duration `toml:"timeout"`
	// Relay is the range of UDP ports, "22300-22399", that members are given
	// who can't meet directly; "" for none.
	Relay string `toml:"relay"`
	// Accounts and Groups, where there are some, are all that there are;
	// else names belong to who comes first.
	Accounts map[string]Account `toml:"accounts"`
	Groups   map[string]Account `toml:"groups"`
	// Chat is the address of texts; "" if none cross.
	Chat string `toml:"chat"`
	// Lines is the least time between two texts that show what else one
	// member sends; 0 if that is never shown.
	Lines time.Duration `toml:"lines"`
	// Calls is what the addresses of calls begin with; "" if none can be made.
	Calls string `toml:"calls"`
	// Presence is the address by which members see who is there elsewhere; "" if
	// they don't.
	Presence string `toml:"presence"`

	// Join is the server whose member we are: host:port by UDP, and tcp:host:port, or
	// slip:, ws: or wss:, by a connection.
	Join string `toml:"join"`
	// User is our name: a member's, or the one that a server with Chat has in
	// its groups.
	User     string        `toml:"user"`
	Password bridge.Secret `toml:"password"`
	// Group is a member's.
	Group         string        `toml:"group"`
	GroupPassword bridge.Secret `toml:"group_password"`
	// Port is a member's UDP port for the server and the other members; 0 is
	// any.
	Port int `toml:"port"`
	// Apps are programs that a member speaks for.
	Apps []App `toml:"apps"`
	// Echo gives an app its own messages back, Pings those by which members
	// find each other.
	Echo  bool `toml:"echo"`
	Pings bool `toml:"pings"`
	// Broadcast finds members on the local network, with or without a server.
	Broadcast bool `toml:"broadcast"`

	secure *tls.Config // see UseTLS
}

// An Account is a name whose password is fixed.
type Account struct {
	Password bridge.Secret `toml:"password"`
}

// An App is a program on this machine, or on Host: what it sends to port Tx goes
// to the group, and what the group sends goes to its port Rx.
type App struct {
	Tx   int    `toml:"tx"`
	Rx   int    `toml:"rx"`
	Host string `toml:"host"` // an IPv4 address; "" is 127.0.0.1
}

var _ bridge.Config = (*Config)(nil)

// The defaults.
const (
	defaultUsers   = 1000
	defaultGroups  = 200
	defaultTimeout = time.Minute // as the original's
	defaultLines   = 5 * time.Second
	defaultSelf    = "gateway"
)

// NewConfig gives the defaults.
func NewConfig() *Config {
	return &Config{
		Address: auto, MaxUsers: defaultUsers, MaxGroups: defaultGroups, Timeout: defaultTimeout, Lines: defaultLines, Pings: true,
	}
}

const auto = "auto"

// UseTLS says what "wss:" doors show; without it there are none.
func (c *Config) UseTLS(t *tls.Config) { c.secure = t }

// Naming is a group, or a user @ a group, byte for byte.
func (c *Config) Naming() bridge.Naming { return bridge.Naming{LeadSep: '@', Fold: foldName} }

func foldName(n bridge.Name) (bridge.Name, error) {
	if n.Tail != "" || n.Lead != "" && !isName(n.Lead) || !isName(n.Main) {
		return n, errName
	}
	return n, nil
}

var errName = errors.New("want 1 to 64 bytes without control characters")

// maxName bounds names on the wire and in the mapping file, in bytes.
const maxName = 64

// isName reports whether a name can be one in the mapping file.
func isName(s string) bool { return isWireName([]byte(s)) && utf8.ValidString(s) }

// isWireName reports whether a name can be one on the wire, where no one says
// which characters its bytes stand for.
func isWireName(s []byte) bool {
	return len(s) > 0 && len(s) <= maxName && !slices.ContainsFunc(s, func(c byte) bool { return c < ' ' || c == 0x7f })
}

// self is the name under which we are a member, "" if we are none.
func (c *Config) self() string {
	if c.isMember() || c.User != "" || c.Chat == "" {
		return c.User
	}
	return defaultSelf
}

func (c *Config) isMember() bool { return c.Join != "" || c.Broadcast }

// Own is the member that we are ourselves.
func (c *Config) Own() []string {
	if !c.isMember() || !isName(c.User) || !isName(c.Group) {
		return nil // Check tells
	}
	return []string{c.Naming().Text(bridge.Name{Lead: c.User, Main: c.Group})}
}

// CheckName implements bridge.Namer: where names are fixed, others never are
// somebody's.
func (c *Config) CheckName(r bridge.Role, p bridge.Pattern) string {
	if c.Chat == "" {
		return `texts need chat = "/chat" in the adapter's table`
	}
	if r == bridge.RoleFrom || r == bridge.RoleAllow {
		return ""
	}
	main, lead := p.Main(), p.Lead()
	group, literal := main.Literal()
	switch {
	case c.isMember() && literal && group != c.Group:
		return fmt.Sprintf("%q is not in the group that is joined, %s", p.String(), c.Group)
	case !c.isMember() && literal && len(c.Groups) > 0 && !hasKey(c.Groups, group):
		return fmt.Sprintf("%q is in none of the groups", p.String())
	}
	user, literal := lead.Literal()
	if r == bridge.RoleHome && literal && user != "" && !c.isMember() && len(c.Accounts) > 0 && !hasKey(c.Accounts, user) {
		return fmt.Sprintf("%q is no account", p.String())
	}
	return ""
}

func hasKey(m map[string]Account, key string) bool {
	_, ok := m[key]
	return ok
}

// Claims lists the ports that are only one adapter's. A port that the system
// chooses is no claim.
func (c *Config) Claims() []string {
	var all []string
	add := func(network string, addr netip.AddrPort) {
		if addr.Port() != 0 {
			all = append(all, network+" "+addr.String())
		}
	}
	wildcard := func(port int) netip.AddrPort { return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)) }
	for _, s := range c.Listen {
		if d, err := parseDoor(s); err == nil {
			add(d.network(), d.addr)
			if d.addr.Addr() == netip.IPv6Unspecified() {
				add(d.network(), wildcard(int(d.addr.Port())))
			}
		}
	}
	if first, last, err := parseRange(c.Relay); err == nil {
		for port := first; port != 0 && port <= last; port++ {
			add("udp", wildcard(int(port)))
		}
	}
	add("udp", wildcard(c.Port))
	for _, a := range c.Apps {
		add("udp", wildcard(a.Tx))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
