package osc

import (
	"net/netip"
	"slices"
	"time"

	"gateway/bridge/datagram"
)

// A user of a server's groups. It is reached by UDP (at), by connections
// (guests), or is the gateway itself.
type user struct {
	name, hash string
	groups     []*group
	alive      time.Time

	at      netip.AddrPort   // where its requests come from; zero if it is not reached by UDP
	private netip.AddrPort   // by its own word
	local   netip.Addr       // which of our addresses it asks
	entry   *datagram.Socket // where its requests come in
	budget  budget
	prover  *user // in whose place it was told a port of ours that proves where it is
	turn    int   // the first that it is told next time, where not all fit
	nature  nature
	probe   probe
	pairs   map[*user]*pair
	port    *port // stands for it; nil while nobody needs that

	guests []*guest
	self   bool
}

// byUDP reports whether u plays directly with others.
func (u *user) byUDP() bool { return u.at.IsValid() }

func (u *user) in(g *group) bool { return slices.Contains(u.groups, g) }

// meets reports whether u and v have a group in common.
func (u *user) meets(v *user) bool {
	return u == v || slices.ContainsFunc(u.groups, v.in)
}

// names are those of its groups.
func (u *user) names() []string {
	names := make([]string, 0, len(u.groups))
	for _, g := range u.groups {
		names = append(names, g.name)
	}
	return names
}

// A group of users, which dies with its last one unless its name is fixed.
type group struct {
	name, hash string
	members    []*user // in the order of their coming
}

// others calls f once for everybody who has a group in common with u. The order
// is that of the groups and of their members.
func (u *user) others(f func(*user)) {
	for i, g := range u.groups {
		for _, v := range g.members {
			if v == u || slices.ContainsFunc(u.groups[:i], v.in) {
				continue
			}
			f(v)
		}
	}
}

// side is u's index in its pair with v.
func (u *user) side(v *user) int {
	if u.name < v.name {
		return 0
	}
	return 1
}

// isPrivate reports whether an address is one that many places use for
// themselves: nobody elsewhere is told it, nor can be made to send there.
func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || carrier.Contains(a)
}

// carrier is where providers put their customers (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// ways are the addresses of v that u may reach directly, the best first. Behind
// one NAT that is the one by v's own word, then the NAT's, which few hand back.
func ways(u, v *user) []netip.AddrPort {
	if u.at.Addr() == v.at.Addr() && v.private.Addr() != v.at.Addr() && isPrivate(v.private.Addr()) && v.private.Port() != 0 {
		return []netip.AddrPort{v.private, v.at}
	}
	return []netip.AddrPort{v.at}
}

// way is the address of v that u is told for the pair's present way.
func way(u, v *user, p *pair) netip.AddrPort {
	all := ways(u, v)
	return all[min(p.way, len(all)-1)]
}
