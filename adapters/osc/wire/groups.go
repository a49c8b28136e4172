package wire

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// The addresses of OSCgroups, compared byte by byte and never as patterns.
const (
	AddressUserAlive    = "/groupserver/user_alive"
	AddressGetUsers     = "/groupserver/get_group_users_info"
	AddressUserStatus   = "/groupclient/user_alive_status"
	AddressGroupStatus  = "/groupclient/user_group_status"
	AddressUserInfo     = "/groupclient/user_info"
	AddressPing         = "/groupclient/ping"
	PrefixToServer      = "/groupserver/"
	PrefixToClient      = "/groupclient/"
	AddressPingSent     = "/groupclient/ping_sent" // ours: user, our clock in ns
	AddressPingBack     = "/groupclient/ping_back" // ours: user, the other's clock as it came
	AddressHere         = "/groupclient/here"      // ours, by broadcast: user, group, its hash, port
	AddressPeers        = "/groupclient/peers"     // ours, from an app: who is there?
	AddressPeer         = "/groupclient/peer"      // ours, to an app: user, path, address, ms of a ping there and back
	AddressRegister     = "/oscrouter/register"    // tcposcrouter: user, password, group, password
	AddressPrivate      = "/oscrouter/private"     // tcposcrouter: user, address, arguments
	AddressUserList     = "/oscrouter/userlist"    // tcposcrouter: users
	AddressRouterPing   = "/oscrouter/ping"        // tcposcrouter: to keep the connection
	PrefixRouter        = "/oscrouter/"            // tcposcrouter: none of these goes to the group
	StatusOK            = "ok"                     // of a user, and of a group
	StatusWrongPassword = "wrong password"         // likewise
	StatusLimit         = "user limit reached"     // likewise: the text is the same for groups
)

// Hash is how passwords go over the wire: MD5 in hexadecimal, lower case.
func Hash(password string) string {
	sum := md5.Sum([]byte(password))
	return hex.EncodeToString(sum[:])
}

// Invert gives an IPv4 address as it travels: with every bit turned, so that
// NATs that look for addresses in the payload don't find it. The zero Addr is 0.
func Invert(a netip.Addr) int32 {
	if !a.Is4() {
		return int32(-1) // 0.0.0.0
	}
	b := a.As4()
	return int32(^binary.BigEndian.Uint32(b[:]))
}

// endpoint reads an inverted address and a port, which came as i or h.
func endpoint(inverted, port int64) netip.AddrPort {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ^uint32(inverted))
	if port < 0 || port > 65535 {
		port = 0
	}
	return netip.AddrPortFrom(netip.AddrFrom4(b), uint16(port))
}

// A Login is a name with the hash of its password.
type Login struct{ Name, Hash []byte }

// A UserAlive registers a user, and says which groups it is in. It is a view of
// the packet.
type UserAlive struct {
	User    Login
	Private netip.AddrPort // by the user's own word
	Groups  []Login
}

// MaxGroups bounds the groups of one UserAlive; more are passed over.
const MaxGroups = 64

// Read reads a message to AddressUserAlive; groups is where to put the groups.
// A name without its hash, at the end, is passed over, and addresses may be of
// type h, as 64-bit clients sent them once.
func (u *UserAlive) Read(m Message) bool {
	c := m.Arguments()
	var numbers [2]int64
	u.Groups = u.Groups[:0]
	for _, to := range []*[]byte{&u.User.Name, &u.User.Hash} {
		if tag, ok := c.Next(); !ok || tag != 's' {
			return false
		}
		*to = c.Value
	}
	for i := range numbers {
		if tag, ok := c.Next(); !ok || tag != 'i' && tag != 'h' {
			return false
		}
		numbers[i] = c.Int()
	}
	u.Private = endpoint(numbers[0], numbers[1])
	for len(u.Groups) < MaxGroups {
		var g Login
		if tag, ok := c.Next(); !ok || tag != 's' {
			break
		}
		g.Name = c.Value
		if tag, ok := c.Next(); !ok || tag != 's' {
			break
		}
		g.Hash = c.Value
		u.Groups = append(u.Groups, g)
	}
	return true
}

// strings reads a message whose arguments are exactly these strings.
func readStrings(m Message, to ...*[]byte) bool {
	c := m.Arguments()
	for _, s := range to {
		if tag, ok := c.Next(); !ok || tag != 's' {
			return false
		}
		*s = c.Value
	}
	_, more := c.Next()
	return !more
}

// ReadLogin reads a message to AddressGetUsers: a group.
func ReadLogin(m Message) (g Login, ok bool) {
	ok = readStrings(m, &g.Name, &g.Hash)
	return g, ok
}

// A Status is the server's answer of a user or of a group.
type Status struct {
	User, Group Login // Group is empty in an answer of a user
	Text        []byte
}

// ReadUserStatus reads a message to AddressUserStatus.
func ReadUserStatus(m Message) (s Status, ok bool) {
	ok = readStrings(m, &s.User.Name, &s.User.Hash, &s.Text)
	return s, ok
}

// ReadGroupStatus reads a message to AddressGroupStatus.
func ReadGroupStatus(m Message) (s Status, ok bool) {
	ok = readStrings(m, &s.User.Name, &s.User.Hash, &s.Group.Name, &s.Group.Hash, &s.Text)
	return s, ok
}

// UserInfo says where a user is.
type UserInfo struct {
	User            []byte
	Private, Public netip.AddrPort
	Seconds         int32 // since the server heard of it
	Groups          [][]byte
}

// Read reads a message to AddressUserInfo.
func (u *UserInfo) Read(m Message) bool {
	c := m.Arguments()
	if tag, ok := c.Next(); !ok || tag != 's' {
		return false
	}
	u.User = c.Value
	var numbers [5]int64
	for i := range numbers {
		if tag, ok := c.Next(); !ok || tag != 'i' && tag != 'h' {
			return false
		}
		numbers[i] = c.Int()
	}
	u.Private, u.Public, u.Seconds = endpoint(numbers[0], numbers[1]), endpoint(numbers[2], numbers[3]), int32(numbers[4])
	u.Groups = u.Groups[:0]
	for {
		if tag, ok := c.Next(); !ok || tag != 's' {
			return true
		}
		u.Groups = append(u.Groups, c.Value)
	}
}

// pingMark is how a ping goes on behind the header of its bundle, and the size
// of its element.
var pingMark = append([]byte(AddressPing), 0)

// PingName gives the name in a ping, alone or first in a bundle. For all other
// packets it looks at a few bytes only.
func PingName(p []byte) ([]byte, bool) {
	const inBundle = bundleHeader + 4
	if !bytes.HasPrefix(p, pingMark) && (len(p) < inBundle || !bytes.HasPrefix(p[inBundle:], pingMark)) {
		return nil, false
	}
	m, ok := First(p)
	if !ok || string(m.Address) != AddressPing {
		return nil, false
	}
	var name []byte
	return name, readStrings(m, &name)
}

// UserAlive writes a user_alive for one group.
func (b *Builder) UserAlive(user, hash string, private netip.AddrPort, group, groupHash string) {
	b.Begin(AddressUserAlive, "ssiiss")
	b.String(user)
	b.String(hash)
	b.endpoint(private)
	b.String(group)
	b.String(groupHash)
	b.End()
}

// GetUsers writes a get_group_users_info.
func (b *Builder) GetUsers(group, groupHash string) {
	b.Begin(AddressGetUsers, "ss")
	b.String(group)
	b.String(groupHash)
	b.End()
}

// UserStatus writes a user_alive_status, which repeats the login.
func (b *Builder) UserStatus(u Login, status string) {
	b.Begin(AddressUserStatus, "sss")
	b.Bytes(u.Name)
	b.Bytes(u.Hash)
	b.String(status)
	b.End()
}

// GroupStatus writes a user_group_status, which repeats the logins.
func (b *Builder) GroupStatus(u, g Login, status string) {
	b.Begin(AddressGroupStatus, "sssss")
	for _, s := range [][]byte{u.Name, u.Hash, g.Name, g.Hash} {
		b.Bytes(s)
	}
	b.String(status)
	b.End()
}

// UserInfo writes a user_info.
func (b *Builder) UserInfo(user string, private, public netip.AddrPort, seconds int32, groups []string) {
	b.BeginStrings(AddressUserInfo, "siiiii", len(groups))
	b.String(user)
	b.endpoint(private)
	b.endpoint(public)
	b.Int(seconds)
	for _, g := range groups {
		b.String(g)
	}
	b.End()
}

// Ping writes a ping.
func (b *Builder) Ping(user string) {
	b.Begin(AddressPing, "s")
	b.String(user)
	b.End()
}

func (b *Builder) endpoint(a netip.AddrPort) {
	b.Int(Invert(a.Addr()))
	b.Int(int32(a.Port()))
}
