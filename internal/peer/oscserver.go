package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// What an OscGroupServer has by default.
const (
	oscMaxUsers  = 100
	oscMaxGroups = 50
	oscAway      = 60 * time.Second // without a word: forgotten
	oscReply     = 1536             // bytes of a reply; what does not fit is left out
)

// An OSCServer plays an OscGroupServer
// (http://www.rossbencina.com/code/oscgroups): it answers, and never speaks
// first.
type OSCServer struct {
	conn  *net.UDPConn
	ended sync.WaitGroup

	mu       sync.Mutex // guards all below
	users    map[string]*oscUser
	groups   map[string]string // password hashes
	requests [][]byte
}

type oscUser struct {
	OSCUser
	hash  string
	alive time.Time
}

// ServeOSC starts a server at the socket. Close closes it.
func ServeOSC(conn *net.UDPConn) *OSCServer {
	s := &OSCServer{conn: conn, users: map[string]*oscUser{}, groups: map[string]string{}}
	s.ended.Go(s.run)
	return s
}

// Addr is where the server listens.
func (s *OSCServer) Addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close ends the server.
func (s *OSCServer) Close() {
	s.conn.Close()
	s.ended.Wait()
}

// Requests is every datagram that has come, good or bad.
func (s *OSCServer) Requests() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.requests)
}

// Users is who is there.
func (s *OSCServer) Users() []OSCUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purge(time.Now())
	var all []OSCUser
	for _, u := range s.users {
		all = append(all, u.OSCUser)
	}
	return all
}

func (s *OSCServer) run() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a refusal from somebody who is away
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if reply := s.answer(from, slices.Clone(buf[:n]), time.Now()); reply != nil {
			_, _ = s.conn.WriteToUDPAddrPort(reply, from) // lost, as on the way
		}
	}
}

// answer is the reply to a datagram, nil for none.
func (s *OSCServer) answer(from netip.AddrPort, packet []byte, now time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, packet)
	messages, err := ParseOSC(packet)
	if err != nil {
		return nil // the original would have ended here
	}
	s.purge(now)
	var reply []OSCMessage
	size := len(OSCBundle())
	for _, m := range messages {
		var answers []OSCMessage
		switch m.Address {
		case "/groupserver/user_alive":
			answers = s.alive(from, m.Args, now)
		case "/groupserver/get_group_users_info":
			answers = s.info(m.Args, now)
		}
		for _, a := range answers {
			if n := 4 + len(a.Packet()); size+n <= oscReply {
				reply, size = append(reply, a), size+n
			}
		}
	}
	if reply == nil {
		return nil
	}
	return OSCBundle(reply...)
}

// alive answers /groupserver/user_alive; mu is held.
func (s *OSCServer) alive(from netip.AddrPort, args []any, now time.Time) []OSCMessage {
	if len(args) < 4 {
		return nil
	}
	name, ok := texts(args[:2])
	private, good := parseOSCEndpoint(args[2], args[3])
	pairs, fine := texts(args[4:])
	if !ok || !good || !fine {
		return nil
	}
	status := func(word string) OSCMessage {
		return OSCMessage{"/groupclient/user_alive_status", []any{name[0], name[1], word}}
	}
	u := s.users[name[0]]
	switch {
	case u == nil && len(s.users) >= oscMaxUsers:
		return []OSCMessage{status("user limit reached")}
	case u == nil:
		u = &oscUser{OSCUser: OSCUser{Name: name[0]}, hash: name[1]}
		s.users[name[0]] = u
	case u.hash != name[1]:
		return []OSCMessage{status("wrong password")}
	}
	u.Private, u.Public, u.alive = private, from, now
	all := []OSCMessage{status("ok")}
	member := u.Groups
	u.Groups = nil
	for i := 0; i+1 < len(pairs); i += 2 {
		word := s.join(pairs[i], pairs[i+1], slices.Contains(member, pairs[i]))
		if word == "ok" {
			u.Groups = append(u.Groups, pairs[i])
		}
		all = append(all, OSCMessage{"/groupclient/user_group_status", []any{name[0], name[1], pairs[i], pairs[i+1], word}})
	}
	s.sweep()
	return all
}

// join says whether somebody may join the group, who may be its member
// already; mu is held.
func (s *OSCServer) join(group, hash string, member bool) string {
	have, there := s.groups[group]
	switch {
	case member, there && have == hash:
		return "ok"
	case there:
		return "wrong password"
	case len(s.groups) >= oscMaxGroups:
		return "user limit reached"
	}
	s.groups[group] = hash
	return "ok"
}

// info answers /groupserver/get_group_users_info; mu is held.
func (s *OSCServer) info(args []any, now time.Time) []OSCMessage {
	ask, ok := texts(args)
	if !ok || len(ask) != 2 {
		return nil
	}
	if hash, there := s.groups[ask[0]]; !there || hash != ask[1] {
		return nil
	}
	var all []OSCMessage
	for _, u := range s.users {
		if slices.Contains(u.Groups, ask[0]) {
			u.Idle = int(now.Sub(u.alive) / time.Second)
			all = append(all, OSCMessage{"/groupclient/user_info", u.args()})
		}
	}
	return all
}

// purge forgets users who are away; mu is held.
func (s *OSCServer) purge(now time.Time) {
	for name, u := range s.users {
		if now.Sub(u.alive) >= oscAway {
			delete(s.users, name)
		}
	}
	s.sweep()
}

// sweep forgets groups without members; mu is held.
func (s *OSCServer) sweep() {
	for group := range s.groups {
		used := false
		for _, u := range s.users {
			used = used || slices.Contains(u.Groups, group)
		}
		if !used {
			delete(s.groups, group)
		}
	}
}

// ListenOSC opens a UDP socket at local, host:port, for a member or a server.
func ListenOSC(local string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr("udp4", local)
	if err != nil {
		return nil, fmt.Errorf("osc: %w", err)
	}
	c, err := net.ListenUDP("udp4", a)
	if err != nil {
		return nil, fmt.Errorf("osc: %w", err)
	}
	return c, nil
}
