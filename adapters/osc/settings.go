package osc

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// settings are a Config that Check has passed, read.
type settings struct {
	naming   bridge.Naming
	chat     string // "" for none
	lines    time.Duration
	calls    string // "" for none
	presence string // "" for none
	self     string // our own name, "" if we are no member

	doors       []door
	address     netip.Addr // zero: what was asked
	maxUsers    int
	maxGroups   int
	timeout     time.Duration
	first, last uint16            // ports of the relay; 0 for none
	accounts    map[string]string // hashes by name; nil: who comes first
	groups      map[string]string
	secure      *tls.Config

	member    bool
	join      string // host:port; "" for none
	uplink    uplink
	hash      string
	group     string
	groupHash string
	port      uint16
	apps      []appPorts
	echo      bool
	pings     bool
	broadcast bool

	pace pace
}

// appPorts are where an app is.
type appPorts struct {
	listen netip.AddrPort
	from   netip.Addr // whose packets we take
	to     netip.AddrPort
}

// A pace is how long a member waits for what. Tests are quicker.
type pace struct {
	tick  time.Duration // how often everything is looked at
	alive time.Duration // between registrations
	retry time.Duration // until one that was not answered is repeated
	tries int           // how many may stay unanswered before the server is away
	ping  time.Duration // between pings
	busy  time.Duration // between pings while there is traffic
	late  time.Duration // without a ping, after which a peer is pinged as if it were new
	dead  time.Duration // after which a peer is forgotten
	here  time.Duration // between announcements by broadcast
}

// originalPace is that of OscGroupClient, but for the repeats.
func originalPace() pace {
	return pace{
		tick: 600 * time.Millisecond, alive: 6 * time.Second, retry: time.Second, tries: 3,
		ping: 6 * time.Second, busy: 30 * time.Second, late: 60 * time.Second, dead: 180 * time.Second, here: 3 * time.Second,
	}
}

func newSettings(c *Config) (*settings, error) {
	s := &settings{
		naming: c.Naming(), chat: c.Chat, lines: c.Lines, calls: c.Calls, presence: c.Presence, self: c.self(),
		maxUsers: c.MaxUsers, maxGroups: c.MaxGroups, timeout: c.Timeout, secure: c.secure,
		member: c.isMember(), hash: wire.Hash(c.Password.Reveal()), group: c.Group,
		groupHash: wire.Hash(c.GroupPassword.Reveal()), port: uint16(c.Port), echo: c.Echo, pings: c.Pings, broadcast: c.Broadcast,
		accounts: hashes(c.Accounts), groups: hashes(c.Groups), pace: originalPace(),
	}
	for _, text := range c.Listen {
		d, err := parseDoor(text)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		s.doors = append(s.doors, d)
	}
	var err error
	if c.Join != "" {
		if s.uplink.kind, s.join, err = parseJoin(c.Join); err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
	}
	if c.Address != auto {
		if s.address, err = netip.ParseAddr(c.Address); err != nil {
			return nil, fmt.Errorf("address: %w", err)
		}
	}
	if s.first, s.last, err = parseRange(c.Relay); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	for _, a := range c.Apps {
		host := loopback
		if a.Host != "" {
			if host, err = netip.ParseAddr(a.Host); err != nil {
				return nil, fmt.Errorf("apps: %w", err)
			}
		}
		bind := loopback
		if !host.IsLoopback() {
			bind = netip.IPv4Unspecified()
		}
		s.apps = append(s.apps, appPorts{
			listen: netip.AddrPortFrom(bind, uint16(a.Tx)), from: host, to: netip.AddrPortFrom(host, uint16(a.Rx)),
		})
	}
	return s, nil
}

// hashes gives the accounts' hashes, nil if there are none.
func hashes(accounts map[string]Account) map[string]string {
	var m map[string]string
	for name, a := range accounts {
		if m == nil {
			m = map[string]string{}
		}
		m[name] = wire.Hash(a.Password.Reveal())
	}
	return m
}
