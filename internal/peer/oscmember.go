package peer

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// OSCMemberConfig is what a member of an OSC group is told.
type OSCMemberConfig struct {
	// Conn is its one socket, for the server and for the others. Close closes it.
	Conn                 *net.UDPConn
	Server               netip.AddrPort
	Private              netip.AddrPort // what it tells the server of itself
	User, Password       string
	Group, GroupPassword string
	// Wide: it was built where a C long has 64 bits. Addresses from 128.0.0.0 on
	// then never are those it was told, so that every ping is from somewhere new.
	Wide bool
}

// An OSCMember plays an OscGroupClient
// (http://www.rossbencina.com/code/oscgroups): the same words at the same times.
type OSCMember struct {
	cfg    OSCMemberConfig
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu          sync.Mutex // guards all below
	polled      time.Time
	polls       int
	user, group string // the server's last words on them
	peers       map[string]*oscPeer
	sources     map[string]map[netip.AddrPort]int // pings by user and source
	got         []OSCPacket
	told        []OSCMessage // by the server
	datagrams   []int        // sizes of what the server sent
	pings       int          // sent
}

// An OSCPacket is a datagram that a member was sent by anybody but the server:
// what it hands to its app, pings included.
type OSCPacket struct {
	From netip.AddrPort
	Data []byte
}

// OSCHash is how a password stands in the messages: MD5 in hexadecimal.
func OSCHash(password string) string {
	sum := md5.Sum([]byte(password))
	return hex.EncodeToString(sum[:])
}

// JoinOSC starts a member. Its first word to the server is sent at once.
func JoinOSC(cfg OSCMemberConfig) *OSCMember {
	ctx, cancel := context.WithCancel(context.Background())
	m := &OSCMember{cfg: cfg, cancel: cancel, peers: map[string]*oscPeer{}, sources: map[string]map[netip.AddrPort]int{}}
	m.ended.Go(m.read)
	m.ended.Go(func() { m.run(ctx) })
	return m
}

// Close ends the member without a word, as the original ends.
func (m *OSCMember) Close() {
	m.cancel()
	m.cfg.Conn.Close()
	m.ended.Wait()
}

// Name is the member's user name.
func (m *OSCMember) Name() string { return m.cfg.User }

func (m *OSCMember) run(ctx context.Context) {
	tick := time.NewTicker(oscTick)
	defer tick.Stop()
	for {
		m.look(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look does what is due.
func (m *OSCMember) look(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.polled.IsZero() || now.Sub(m.polled) >= oscPoll {
		m.polled = now
		m.polls++
		m.send(m.cfg.Server, OSCBundle(
			OSCAlive(m.cfg.User, m.cfg.Password, m.cfg.Private, [2]string{m.cfg.Group, m.cfg.GroupPassword}),
			OSCWho(m.cfg.Group, m.cfg.GroupPassword)))
	}
	for name, p := range m.peers {
		if p.gone(now) {
			delete(m.peers, name)
			continue
		}
		m.ping(p, now)
	}
}

// ping sends the pings to p that are due; mu is held.
func (m *OSCMember) ping(p *oscPeer, now time.Time) {
	for _, to := range p.due(now) {
		m.pings++
		m.send(to, OSCBundle(OSCMessage{"/groupclient/ping", []any{m.cfg.User}}))
	}
}

// send sends to an endpoint. What can't be sent is lost, as on the way.
func (m *OSCMember) send(to netip.AddrPort, packet []byte) {
	_, _ = m.cfg.Conn.WriteToUDPAddrPort(packet, to)
}

func (m *OSCMember) read() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := m.cfg.Conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a refusal from a peer that is away
		}
		m.take(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), bytes.Clone(buf[:n]), time.Now())
	}
}

// take takes a datagram.
func (m *OSCMember) take(from netip.AddrPort, packet []byte, now time.Time) {
	messages, err := ParseOSC(packet)
	m.mu.Lock()
	defer m.mu.Unlock()
	if from == m.cfg.Server {
		m.datagrams = append(m.datagrams, len(packet))
		m.told = append(m.told, messages...)
		for _, one := range messages {
			m.hear(one, now)
		}
		return
	}
	m.got = append(m.got, OSCPacket{from, packet})
	if err != nil {
		return
	}
	for _, one := range messages {
		if name, ok := oneText(one, "/groupclient/ping"); ok {
			m.pinged(name, from, now)
		}
	}
}

// pinged notes a ping; mu is held.
func (m *OSCMember) pinged(name string, from netip.AddrPort, now time.Time) {
	if m.sources[name] == nil {
		m.sources[name] = map[netip.AddrPort]int{}
	}
	m.sources[name][from]++
	if p := m.peers[name]; p != nil {
		p.ping(from, now)
		m.ping(p, now)
	}
}

// hear takes a message of the server; mu is held.
func (m *OSCMember) hear(one OSCMessage, now time.Time) {
	switch one.Address {
	case "/groupclient/user_alive_status":
		if s, ok := texts(one.Args); ok && len(s) == 3 && s[0] == m.cfg.User {
			m.user = s[2]
		}
	case "/groupclient/user_group_status":
		if s, ok := texts(one.Args); ok && len(s) == 5 && s[0] == m.cfg.User && s[2] == m.cfg.Group {
			m.group = s[4]
		}
	case "/groupclient/user_info":
		info, ok := ParseOSCUser(one)
		if !ok || info.Name == m.cfg.User || !slices.Contains(info.Groups, m.cfg.Group) {
			return
		}
		p := m.peers[info.Name]
		if p == nil {
			p = &oscPeer{wide: m.cfg.Wide}
			m.peers[info.Name] = p
		}
		p.tell(info.Private, info.Public, now.Add(-time.Duration(info.Idle)*time.Second))
		m.ping(p, now)
	}
}

// Send sends a datagram of the member's app to everybody who has pinged it,
// byte for byte, and says to how many.
func (m *OSCMember) Send(packet []byte) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, p := range m.peers {
		if to, ok := p.chosen(); ok {
			m.send(to, packet)
			p.forwarded = time.Now()
			n++
		}
	}
	return n
}

// Status is what the server last said of the member and its group: "ok", or
// why not; "" before it has said anything.
func (m *OSCMember) Status() (user, group string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.user, m.group
}

// Got is every datagram that its app has been given.
func (m *OSCMember) Got() []OSCPacket {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.got)
}

// WaitGot gives the first datagram of all for the app that matches, once there
// is one.
func (m *OSCMember) WaitGot(ctx context.Context, match func(OSCPacket) bool) (OSCPacket, error) {
	var found OSCPacket
	next := 0
	err := Poll(ctx, func(context.Context) bool {
		for all := m.Got(); next < len(all); next++ {
			if match(all[next]) {
				found = all[next]
				return true
			}
		}
		return false
	})
	return found, err
}

// Polls is how often the member has asked the server who is there.
func (m *OSCMember) Polls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.polls
}

// Told is every message that the server has sent, and the sizes of the
// datagrams they came in.
func (m *OSCMember) Told() ([]OSCMessage, []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clip(m.told), slices.Clip(m.datagrams)
}

// Peers is where traffic for each of the others goes; those who never pinged
// have no endpoint.
func (m *OSCMember) Peers() map[string]netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]netip.AddrPort{}
	for name, p := range m.peers {
		all[name], _ = p.chosen()
	}
	return all
}

// Pings is how many pings the member has sent, and how often each of the others
// has pinged it from where.
func (m *OSCMember) Pings() (sent int, from map[string]map[netip.AddrPort]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from = map[string]map[netip.AddrPort]int{}
	for name, sources := range m.sources {
		from[name] = maps.Clone(sources)
	}
	return m.pings, from
}
