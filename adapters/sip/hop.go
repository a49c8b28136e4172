package sip

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// checkHop looks for what can be known to go wrong on the way to where requests
// go, without asking anybody.
func (c *Config) checkHop(key string, hop target, bad func(key, msg string)) {
	network := c.network(hop)
	at, _ := hop.literal()
	transport, reachable := false, false
	for _, s := range c.Listen {
		l, err := parseListener(s)
		if err != nil {
			return // that has been said
		}
		if l.network != network {
			continue
		}
		transport = true
		reachable = reachable || !at.IsValid() || l.reaches(at)
		if c.isOurs(hop, l) {
			bad(key, fmt.Sprintf("is our own listener %q", s))
			return
		}
	}
	switch {
	case !transport:
		bad(key, "is reached by "+network+", and no listener is for that")
	case !reachable:
		bad(key, fmt.Sprintf("is an address that no %s listener could reach", network))
	}
}

// isOurs says whether a target is one of our listeners, as far as that can be
// told without looking at the machine.
func (c *Config) isOurs(t target, l listener) bool {
	port := cmp.Or(t.port, portOf(l.network))
	if port != l.addr.Port() {
		return false
	}
	if slices.ContainsFunc(c.Address, func(s string) bool {
		host, ok := foldHost(s)
		return ok && host == t.host
	}) {
		return true
	}
	a, ok := t.literal()
	switch {
	case !ok:
		return t.host == "localhost" && (l.addr.Addr().IsUnspecified() || l.addr.Addr().IsLoopback())
	case l.addr.Addr().IsUnspecified():
		return (a.IsLoopback() || a.IsUnspecified()) && l.reaches(a)
	default:
		return a == l.addr.Addr()
	}
}

// literal is a target's host as an IP address, if it is one.
func (t target) literal() (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(t.host, "[]"))
	return a.Unmap(), err == nil
}

// reaches says whether a socket of l's can send to a: one for [::] takes both
// families.
func (l listener) reaches(a netip.Addr) bool {
	la := l.addr.Addr()
	return la.Is4() == a.Is4() || la.IsUnspecified() && la.Is6()
}
