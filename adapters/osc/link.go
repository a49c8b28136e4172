package osc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
)

// A serverLink is how a member stands with its server.
type serverLink struct {
	asked  time.Time // when we registered last; zero at first
	silent int       // registrations since the last answer

	mu   sync.Mutex    // guards the rest: who waits has no lock of the member's
	err  error         // why we are not in the group; nil if we are
	lost chan struct{} // nil unless somebody waits for the server to be lost
}

var (
	errNotYet = errors.New("the server has not answered yet")
	errSilent = errors.New("the server does not answer")
)

// down is why we are not in the group, or nil.
func (l *serverLink) down() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// set notes how we stand, and reports whether that is news.
func (l *serverLink) set(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := (err == nil) != (l.err == nil) || err != nil && err.Error() != l.err.Error()
	l.err = err
	if errors.Is(err, errSilent) && l.lost != nil {
		close(l.lost)
		l.lost = nil
	}
	return news
}

// awaitLoss waits until the server does not answer any more. It reports false
// when ctx is done.
func (l *serverLink) awaitLoss(ctx context.Context) bool {
	l.mu.Lock()
	if l.lost == nil {
		l.lost = make(chan struct{})
	}
	lost := l.lost
	l.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-lost:
		return true
	}
}

// runTick does what time brings until ctx is done.
func (m *member) runTick(ctx context.Context) {
	tick := time.NewTicker(m.set.pace.tick)
	defer tick.Stop()
	for {
		m.guard(func() { m.tick(time.Now()) })
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (m *member) tick(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.register(now)
	m.announce(now)
	m.tickPeers(now)
	if len(*m.targets.Load()) > 0 {
		m.retarget(now)
	}
	m.metrics.users.Set(float64(len(m.peers)))
	for range m.mail.Send() {
		m.metrics.drop(dropRefused)
	}
}

// tickPeers pings those whose time has come, and forgets those who are gone.
func (m *member) tickPeers(now time.Time) {
	pace, playing := &m.set.pace, m.playing.Swap(false)
	for name, p := range m.peers {
		if playing {
			p.used = now
		}
		heard := p.heard()
		if now.Sub(p.told) > pace.dead && now.Sub(heard) > pace.dead {
			m.log.Info("a member is gone", "user", name)
			m.roster.left(name, m.set.group)
			m.forgetAddrs(p)
			delete(m.peers, name)
			continue
		}
		if !heard.IsZero() && now.Sub(heard) > pace.late && p.tries > establishing {
			p.tries = 1 // as if it were new
		}
		if now.Sub(p.asked) >= p.wait(now, pace) {
			m.pingPeer(p, now, m.mail)
		}
	}
}

// register tells the server that we are there, and asks who else is, every 6 s,
// or sooner while it does not answer.
func (m *member) register(now time.Time) {
	l, pace := &m.link, &m.set.pace
	wait := pace.alive
	if l.silent > 0 && l.silent <= pace.tries {
		wait = pace.retry
	}
	if !m.hasServer() || now.Sub(l.asked) < wait {
		return
	}
	if l.silent++; l.silent > pace.tries {
		m.report(errSilent)
		if up := m.up.Load(); up != nil {
			up.shut() // another connection may do
		}
	}
	l.asked = now
	b := &m.mail.build
	b.Reset()
	m.private = m.privateAddr()
	b.UserAlive(m.set.self, m.set.hash, m.private, m.set.group, m.set.groupHash)
	b.GetUsers(m.set.group, m.set.groupHash)
	m.toServer(b.Packet())
}

// privateAddr is where we are on our own network: what the system would send to
// the server from.
func (m *member) privateAddr() netip.AddrPort {
	if m.socket == nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(m.server)) // sends nothing
	if err != nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), m.socket.Addr().Port())
	}
	defer c.Close()
	addr := netip.IPv4Unspecified()
	if local, ok := c.LocalAddr().(*net.UDPAddr); ok {
		addr = local.AddrPort().Addr().Unmap()
	}
	return netip.AddrPortFrom(addr, m.socket.Addr().Port())
}

// report tells the bridge how we stand, if that has changed.
func (m *member) report(err error) {
	if !m.link.set(err) {
		return
	}
	m.bridge.State(err == nil, err)
	if err == nil {
		m.log.Info("in the OSC group", "user", m.set.self, "group", m.set.group)
		return
	}
	m.log.Warn("not in the OSC group", "user", m.set.self, "group", m.set.group, "err", err)
}

// fromServer takes a message of the server's.
func (m *member) fromServer(msg wire.Message, now time.Time, out *mail) {
	switch string(msg.Address) {
	case wire.AddressUserStatus:
		if s, ok := wire.ReadUserStatus(msg); ok && string(s.User.Name) == m.set.self {
			m.link.silent = 0
			if string(s.Text) != wire.StatusOK {
				m.report(fmt.Errorf("the server refuses the user: %q", oneLine(string(s.Text), maxReason)))
			}
		}
	case wire.AddressGroupStatus:
		if s, ok := wire.ReadGroupStatus(msg); ok && string(s.Group.Name) == m.set.group {
			if string(s.Text) == wire.StatusOK {
				m.report(nil)
			} else {
				m.report(fmt.Errorf("the server refuses the group: %q", oneLine(string(s.Text), maxReason)))
			}
		}
	case wire.AddressUserInfo:
		if info := &m.scan; info.Read(msg) && string(info.User) != m.set.self && m.inGroup(info) {
			if m.socket == nil {
				info.Private, info.Public = netip.AddrPort{}, netip.AddrPort{} // nobody is met
			}
			m.inform(string(info.User), info.Private, info.Public, now, out)
		}
	default:
		m.metrics.drop(dropUnasked)
	}
}

func (m *member) inGroup(info *wire.UserInfo) bool {
	for _, g := range info.Groups {
		if string(g) == m.set.group {
			return true
		}
	}
	return false
}

// inform notes where another member is.
func (m *member) inform(name string, private, public netip.AddrPort, now time.Time, out *mail) {
	p := m.peers[name]
	if p == nil {
		if len(m.peers) >= maxPeers || !isWireName([]byte(name)) {
			return
		}
		p = &peer{name: name}
		m.peers[name] = p
		m.log.Info("a member is in the group", "user", name)
	}
	m.forgetAddrs(p)
	news := p.inform(private, public, now)
	for i := range p.pinged {
		if a := p.address(i); a.IsValid() && a.Port() != 0 && a != m.server {
			m.from[a] = p
		}
	}
	if news {
		m.retarget(now)
		m.pingPeer(p, now, out)
	}
}

func (m *member) forgetAddrs(p *peer) {
	for i := range p.pinged {
		if a := p.address(i); m.from[a] == p {
			delete(m.from, a)
		}
	}
}

// pingPeer pings a peer: where it is, or as long as that is not known, everywhere.
func (m *member) pingPeer(p *peer, now time.Time, out *mail) {
	p.asked = now
	p.tries++
	b := &out.build
	b.Reset()
	b.Ping(m.set.self)
	m.askTime(p, b, now)
	packet := b.Packet()
	if to, ok := p.chosen(now, m.set.pace.dead); ok && p.settled() {
		out.Compose(m.socket, packet, to, netip.Addr{})
		return
	}
	for i := range p.pinged {
		a := p.address(i)
		if a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() && a != m.private && (i != byPublic || a != p.private) && (i != bySeen || a != p.public) {
			out.Compose(m.socket, packet, a, netip.Addr{})
		}
	}
}
