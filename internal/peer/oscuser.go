package peer

import (
	"encoding/binary"
	"net/netip"
)

// An OSCUser is a member as a server tells of it.
type OSCUser struct {
	Name            string
	Private, Public netip.AddrPort
	Idle            int // seconds since its last word
	Groups          []string
}

// oscEndpoint is an endpoint as two arguments: the address with all its bits
// turned round, and the port.
func oscEndpoint(a netip.AddrPort) []any {
	ip := a.Addr().As4()
	return []any{int32(^binary.BigEndian.Uint32(ip[:])), int32(a.Port())}
}

func parseOSCEndpoint(address, port any) (netip.AddrPort, bool) {
	a, ok := address.(int32)
	p, good := port.(int32)
	if !ok || !good || p < 0 || p > 0xffff {
		return netip.AddrPort{}, false
	}
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], ^uint32(a))
	return netip.AddrPortFrom(netip.AddrFrom4(ip), uint16(p)), true
}

// args is the user as the arguments of /groupclient/user_info.
func (u OSCUser) args() []any {
	all := append([]any{u.Name}, oscEndpoint(u.Private)...)
	all = append(append(all, oscEndpoint(u.Public)...), int32(u.Idle))
	for _, g := range u.Groups {
		all = append(all, g)
	}
	return all
}

// ParseOSCUser reads a user of /groupclient/user_info; false, if m is another
// message.
func ParseOSCUser(m OSCMessage) (OSCUser, bool) {
	if m.Address != "/groupclient/user_info" {
		return OSCUser{}, false
	}
	return parseOSCUser(m.Args)
}

func parseOSCUser(args []any) (u OSCUser, ok bool) {
	if len(args) < 6 {
		return u, false
	}
	name, ok := args[0].(string)
	private, ok2 := parseOSCEndpoint(args[1], args[2])
	public, ok3 := parseOSCEndpoint(args[3], args[4])
	idle, ok4 := args[5].(int32)
	groups, ok5 := texts(args[6:])
	return OSCUser{name, private, public, int(idle), groups}, ok && ok2 && ok3 && ok4 && ok5
}

// texts is args that are all strings.
func texts(args []any) ([]string, bool) {
	var all []string
	for _, a := range args {
		s, ok := a.(string)
		if !ok {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

// oneText is the argument of a message to address that has a string and no more.
func oneText(m OSCMessage, address string) (string, bool) {
	if m.Address != address || len(m.Args) != 1 {
		return "", false
	}
	s, ok := m.Args[0].(string)
	return s, ok
}
