package mesh

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// Config is one [mesh.NAME] table of the mapping file: a server of a mesh
// (listen), or one of the clients of another's (join).
type Config struct {
	// Listen are a server's ports, "udp:[::]:23456".
	Listen []string `toml:"listen"`
	// MaxClients bounds a server, PerHost what comes from one address of IPv4 or one
	// /64 of IPv6. A client that was not heard for Timeout is gone.
	MaxClients int           `toml:"max_clients"`
	PerHost    int           `toml:"per_host"`
	Timeout    time.Duration `toml:"timeout"`
	// Relay: the server hands on packets between clients who can't meet, and a
	// client asks for that. RelayRate is how many bytes a second it hands on for each.
	Relay     bool `toml:"relay"`
	RelayRate int  `toml:"relay_rate"`

	// Join is the server whose client we are, host:port.
	Join string `toml:"join"`
	// Port is a client's UDP port; 0 is any.
	Port int `toml:"port"`
	// STUN are servers, host:port, that a client asks where it is seen.
	STUN []string `toml:"stun"`
	// UPnP has a client's router hand on a port to it.
	UPnP bool `toml:"upnp"`
	// Peer is our name in the mesh.
	Peer string `toml:"peer"`

	// Folder is where objects lie that peers send; without one, none is taken.
	// MaxFile is the largest that is taken, "1GB", and MaxFolder how much the folder
	// holds.
	Folder    string `toml:"folder"`
	MaxFile   string `toml:"max_file"`
	MaxFolder string `toml:"max_folder"`
}

var _ bridge.Config = (*Config)(nil)

// The defaults.
const (
	defaultClients   = 1000
	defaultPerHost   = 64
	defaultTimeout   = 30 * time.Second // as the original's
	defaultRelayRate = 128 << 10
	defaultPeer      = "gateway"
	defaultMaxFile   = "1GB"
	defaultMaxFolder = "10GB"
)

// NewConfig gives the defaults.
func NewConfig() *Config {
	return &Config{
		MaxClients: defaultClients, PerHost: defaultPerHost, Timeout: defaultTimeout, Relay: true, RelayRate: defaultRelayRate, Peer: defaultPeer, MaxFile: defaultMaxFile, MaxFolder: defaultMaxFolder,
	}
}

// Naming is a peer's UUID or the name that it gave, and before an @ somebody
// behind that peer.
func (c *Config) Naming() bridge.Naming { return bridge.Naming{LeadSep: '@', Fold: foldName} }

func foldName(n bridge.Name) (bridge.Name, error) {
	if n.Tail != "" || n.Lead != "" && !wire.IsName(n.Lead) || !wire.IsName(n.Main) {
		return n, errName
	}
	if id, ok := wire.ParseUUID(n.Main); ok {
		n.Main = id.String()
	}
	return n, nil
}

var errName = errors.New("want a peer's UUID, or a name of 1 to 64 bytes without control characters")

func (c *Config) isClient() bool { return c.Join != "" }

// Own is the peer that we are ourselves.
func (c *Config) Own() []string {
	if !wire.IsName(c.Peer) {
		return nil // Check tells
	}
	return []string{c.Naming().Text(bridge.Name{Main: c.Peer})}
}

// CheckName implements bridge.Namer.
func (c *Config) CheckName(r bridge.Role, p bridge.Pattern) string {
	if lead, literal := p.Lead().Literal(); (r == bridge.RoleAs || r == bridge.RoleShown) && (!literal || lead != "") {
		return fmt.Sprintf("%q is behind a peer, and what is elsewhere is behind this gateway: leave out what follows the @", p.String())
	}
	return ""
}

// Check implements bridge.Config.
func (c *Config) Check(bad func(key, msg string)) {
	switch {
	case len(c.Listen) > 0 && c.isClient():
		bad("listen", "a server is no client besides: give join a table of its own")
		return
	case c.isClient():
		c.checkClient(bad)
	default:
		c.checkServer(bad)
	}
	if !wire.IsName(c.Peer) {
		bad("peer", "want a name of 1 to 64 bytes without control characters")
	} else if _, ok := wire.ParseUUID(c.Peer); ok {
		bad("peer", "a UUID is no name")
	}
	file, err := parseSize(c.MaxFile)
	switch {
	case err != nil:
		bad("max_file", err.Error())
	case file == 0:
		bad("max_file", "leave out folder, where nothing shall be taken")
	}
	switch all, err := parseSize(c.MaxFolder); {
	case err != nil:
		bad("max_folder", err.Error())
	case all < file:
		bad("max_folder", "is less than max_file")
	}
}

func (c *Config) checkServer(bad func(key, msg string)) {
	if len(c.Listen) == 0 {
		bad("listen", `is missing, as in "udp:[::]:23456", or join, as in "host:23456"`)
	}
	seen := map[netip.AddrPort]bool{}
	for i, s := range c.Listen {
		a, err := parseDoor(s)
		switch {
		case err != nil:
			bad(fmt.Sprintf("listen[%d]", i), err.Error())
		case seen[a] && a.Port() != 0:
			bad(fmt.Sprintf("listen[%d]", i), "is there twice")
		}
		seen[a] = true
	}
	for _, n := range []struct {
		key          string
		n, low, high int
	}{
		{"max_clients", c.MaxClients, 1, 10_000}, {"per_host", c.PerHost, 1, 10_000}, {"relay_rate", c.RelayRate, 1 << 10, 1 << 30},
	} {
		if n.n < n.low || n.n > n.high {
			bad(n.key, fmt.Sprintf("want %d to %d", n.low, n.high))
		}
	}
	if c.Timeout < 10*time.Second || c.Timeout > time.Hour {
		bad("timeout", `want "10s" to "1h"`) // clients are heard every 7 s
	}
	if c.Port != 0 {
		bad("port", "needs join")
	}
	if len(c.STUN) > 0 {
		bad("stun", "needs join")
	}
	if c.UPnP {
		bad("upnp", "needs join")
	}
}

func (c *Config) checkClient(bad func(key, msg string)) {
	if !isHostPort(c.Join) {
		bad("join", fmt.Sprintf("want host:port, got %q", c.Join))
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port", "want 0 (any) to 65535")
	}
	for i, s := range c.STUN {
		if !isHostPort(s) {
			bad(fmt.Sprintf("stun[%d]", i), fmt.Sprintf("want host:port, got %q", s))
		}
	}
}

// Claims lists the ports that are only one adapter's.
func (c *Config) Claims() []string {
	var all []string
	for _, s := range c.Listen {
		a, err := parseDoor(s)
		if err != nil || a.Port() == 0 {
			continue
		}
		for _, b := range families(a) {
			all = append(all, "udp "+b.String())
		}
	}
	if c.Port > 0 && c.Port <= 65535 {
		for _, b := range families(netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(c.Port))) {
			all = append(all, "udp "+b.String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// families are what has to be bound for a: all addresses of both families, where
// it is [::].
func families(a netip.AddrPort) []netip.AddrPort {
	if a.Addr() == netip.IPv6Unspecified() {
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port()), a}
	}
	return []netip.AddrPort{a}
}

// parseDoor reads "udp:ADDRESS:PORT".
func parseDoor(s string) (netip.AddrPort, error) {
	addr, ok := strings.CutPrefix(s, "udp:")
	a, err := netip.ParseAddrPort(addr)
	if !ok || err != nil {
		return a, fmt.Errorf(`want "udp:ADDRESS:PORT" with an IP address, got %q`, s)
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}
