package osc

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"gateway/adapters/osc/wire"
)

// Check implements bridge.Config.
func (c *Config) Check(bad func(key, msg string)) {
	switch {
	case len(c.Listen) > 0 && c.isMember():
		bad("listen", "a server is no member besides: give join or broadcast a table of their own")
		return
	case c.isMember():
		c.checkMember(bad)
	default:
		c.checkServer(bad)
	}
	c.checkAddresses(bad)
	if c.User != "" && !isName(c.User) {
		bad("user", errName.Error())
	}
	if c.Lines != 0 && (c.Lines < time.Second || c.Lines > time.Hour) {
		bad("lines", `want "1s" to "1h", or "0s" for none`)
	}
}

// checkAddresses checks those of what is no music: none may be under another.
func (c *Config) checkAddresses(bad func(key, msg string)) {
	all := []struct{ key, address string }{{"chat", c.Chat}, {"calls", c.Calls}, {"presence", c.Presence}}
	for i, a := range all {
		switch {
		case a.address == "":
			continue
		case !isAddress(a.address):
			bad(a.key, fmt.Sprintf(`want an address without patterns, as in "/%s", got %q`, strings.TrimSuffix(a.key, "s"), a.address))
			continue
		case c.Chat == "":
			bad(a.key, `needs chat: it makes us a member`)
		}
		for _, o := range all[:i] {
			if o.address != "" && (strings.HasPrefix(a.address+"/", o.address+"/") || strings.HasPrefix(o.address+"/", a.address+"/")) {
				bad(a.key, "must not be where "+o.key+" is")
			}
		}
	}
}

// isAddress reports whether s can be the address of a message, rather than a
// pattern, or one of OSCgroups' own.
func isAddress(s string) bool {
	return len(s) > 1 && len(s) <= maxName && s[0] == '/' && s[len(s)-1] != '/' && !strings.ContainsAny(s, " #*,?[]{}") && isName(s) &&
		!strings.HasPrefix(s, wire.PrefixToClient) && !strings.HasPrefix(s, wire.PrefixToServer) && !strings.HasPrefix(s, wire.PrefixRouter)
}

func (c *Config) checkServer(bad func(key, msg string)) {
	if len(c.Listen) == 0 {
		bad("listen", `is missing, as in "udp:[::]:22242", or join, as in "host:22242"`)
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
		case d.kind == doorWSS && c.secure == nil:
			bad(key, "wss needs [tls]")
		}
		seen[d] = true
	}
	if a, err := netip.ParseAddr(c.Address); c.Address != auto && (err != nil || !a.Is4() || a.IsUnspecified()) {
		bad("address", fmt.Sprintf(`want "auto" or an IPv4 address, got %q`, c.Address))
	}
	for key, n := range map[string]int{"max_users": c.MaxUsers, "max_groups": c.MaxGroups} {
		if n < 1 || n > 100_000 {
			bad(key, "want 1 to 100000")
		}
	}
	if c.Timeout < 10*time.Second || c.Timeout > time.Hour {
		bad("timeout", `want "10s" to "1h"`) // OscGroupClient is heard every 6 s
	}
	if _, _, err := parseRange(c.Relay); err != nil {
		bad("relay", err.Error())
	}
	for table, accounts := range map[string]map[string]Account{"accounts": c.Accounts, "groups": c.Groups} {
		for name, a := range accounts {
			if !isName(name) {
				bad(table+"."+name, "is not a name: "+errName.Error())
			}
			if a.Password.Reveal() == "" {
				bad(table+"."+name+".password", "is missing")
			}
		}
	}
	if hasKey(c.Accounts, c.self()) {
		bad("accounts."+c.self(), "is the gateway's own name (user)")
	}
	for key, there := range map[string]bool{
		"password": c.Password != "", "group": c.Group != "", "group_password": c.GroupPassword != "",
		"port": c.Port != 0, "apps": len(c.Apps) > 0, "echo": c.Echo,
	} {
		if there {
			bad(key, "needs join")
		}
	}
}

// checkUplink refuses what a member can't do that plays by a connection: what comes by it
// does not say who has sent it.
func (c *Config) checkUplink(bad func(key, msg string)) {
	for key, there := range map[string]bool{
		"chat": c.Chat != "", "calls": c.Calls != "", "presence": c.Presence != "", "port": c.Port != 0, "broadcast": c.Broadcast,
	} {
		if there {
			bad(key, "needs a member by UDP")
		}
	}
}

func (c *Config) checkMember(bad func(key, msg string)) {
	if c.Join != "" {
		kind, _, err := parseJoin(c.Join)
		if err != nil {
			bad("join", err.Error())
		}
		if kind != "" {
			c.checkUplink(bad)
		}
	}
	for key, s := range map[string]string{"user": c.User, "group": c.Group} {
		if !isName(s) {
			bad(key, errName.Error())
		}
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port", "want 0 (any) to 65535")
	}
	taken := map[int]bool{}
	for i, a := range c.Apps {
		key := fmt.Sprintf("apps[%d]", i)
		for name, port := range map[string]int{"tx": a.Tx, "rx": a.Rx} {
			if port < 1 || port > 65535 {
				bad(key+"."+name, "want a port from 1 to 65535")
			}
		}
		if taken[a.Tx] || a.Tx == c.Port {
			bad(key+".tx", "the port is taken already")
		}
		taken[a.Tx] = true
		if host, err := netip.ParseAddr(a.Host); a.Host != "" && (err != nil || !host.Is4() || host.IsUnspecified()) {
			bad(key+".host", fmt.Sprintf("want an IPv4 address, got %q", a.Host))
		}
	}
	for i, a := range c.Apps {
		if (a.Host == "" || a.Host == loopback.String()) && taken[a.Rx] {
			bad(fmt.Sprintf("apps[%d].rx", i), "is some app's tx: its messages would go round for ever")
		}
	}
	for key, there := range map[string]bool{"relay": c.Relay != "", "accounts": len(c.Accounts) > 0, "groups": len(c.Groups) > 0} {
		if there {
			bad(key, "needs listen")
		}
	}
}
