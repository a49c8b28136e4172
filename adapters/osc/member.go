package osc

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"

	"golang.org/x/time/rate"
)

// maxPeers bounds the members that we know, whoever tells of them.
const maxPeers = 2000

// A member is one user in one group, at a server or on the local network. It
// does what OscGroupClient does.
type member struct {
	desk
	set    *settings
	bridge bridge.Handler
	roster *roster
	crew   sync.WaitGroup
	noise  rate.Sometimes

	socket *datagram.Socket      // for the server and the peers; nil with an uplink
	up     atomic.Pointer[guest] // nil while there is no connection to the server
	apps   []*datagram.Socket
	beacon *datagram.Socket // nil without broadcast
	bound  []netip.AddrPort
	spread func() []netip.AddrPort // where broadcasts go
	fail   context.CancelCauseFunc
	groups []string // ours

	targets atomic.Pointer[[]netip.AddrPort] // where what is for the group goes
	playing atomic.Bool                      // something has gone there since the last tick

	mu      sync.Mutex // guards the rest
	server  netip.AddrPort
	private netip.AddrPort // where we are on our own network
	link    serverLink
	peers   map[string]*peer
	from    map[netip.AddrPort]*peer // by all addresses that they may send from
	mail    *mail                    // of deliver and tick
	scan    wire.UserInfo
	here    time.Time // when we announced ourselves last
}

func newMember(a *Adapter, h bridge.Handler, c *chat, r *roster) *member {
	m := &member{
		desk: desk{a.log, a.metrics, c}, set: a.set, bridge: h, roster: r,
		noise: rate.Sometimes{First: 10, Interval: time.Second}, spread: broadcasts, groups: []string{a.set.group},
		peers: map[string]*peer{}, from: map[netip.AddrPort]*peer{}, mail: newMail(),
	}
	if a.set.join != "" {
		m.link.err = errNotYet
	}
	m.targets.Store(new([]netip.AddrPort))
	return m
}

func (m *member) addrs() []netip.AddrPort { return m.bound }

func (m *member) open(context.Context) error {
	var err error
	if m.set.uplink.kind == "" {
		if m.socket, err = datagram.Open(netip.AddrPortFrom(netip.IPv4Unspecified(), m.set.port), false); err != nil {
			return err
		}
		m.bound = append(m.bound, m.socket.Addr())
	}
	for _, app := range m.set.apps {
		s, err := datagram.Open(app.listen, false)
		if err != nil {
			m.closeSockets()
			return err
		}
		m.apps = append(m.apps, s)
		m.bound = append(m.bound, s.Addr())
	}
	if m.set.broadcast {
		if m.beacon, err = datagram.Open(netip.AddrPortFrom(netip.IPv4Unspecified(), beaconPort), true); err != nil {
			m.closeSockets()
			return err
		}
	}
	return nil
}

func (m *member) closeSockets() {
	for _, s := range append([]*datagram.Socket{m.socket, m.beacon}, m.apps...) {
		if s != nil {
			_ = s.Close() // nothing is lost with it
		}
	}
}

func (m *member) serve(ctx context.Context, fail context.CancelCauseFunc) {
	m.fail = fail
	if len(m.apps) > 0 {
		m.roster.joined(m.set.self, m.set.group)
	}
	run := func(s *datagram.Socket, f func([]datagram.Packet, *mail)) {
		m.crew.Go(func() {
			out := newMail()
			err := s.NewReader(batchAsk, maxRequest).Serve(func(packets []datagram.Packet) {
				m.guard(func() { f(packets, out) })
				m.post(out)
			})
			if err != nil {
				m.fail(err)
			}
		})
	}
	if m.socket != nil {
		run(m.socket, m.arrive)
	}
	for i, s := range m.apps {
		run(s, func(packets []datagram.Packet, out *mail) { m.fromApp(i, packets, out) })
	}
	if m.beacon != nil {
		run(m.beacon, m.fromBeacon)
	}
	switch {
	case m.set.uplink.kind != "":
		m.crew.Go(func() { m.runUplink(ctx) })
	case m.set.join != "":
		m.crew.Go(func() { m.runResolve(ctx) })
	default:
		m.bridge.State(true, nil)
	}
	m.crew.Go(func() { m.runTick(ctx) })
}

// hear keeps a packet of a member's for the chat.
func (m *member) hear(out *mail, user string, packet []byte) {
	if m.set.chat != "" {
		out.hear(user, m.groups, packet)
	}
}

// arrive takes what came to our port: from the server, or from members.
func (m *member) arrive(packets []datagram.Packet, out *mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, in := range packets {
		switch {
		case len(in.Data) > wire.MaxMember && in.From != m.server:
			m.metrics.drop(dropTooLong)
		case wire.Check(in.Data) != nil:
			m.metrics.drop(dropMalformed)
		case in.From == m.server:
			wire.Each(in.Data, func(msg wire.Message) { m.fromServer(msg, now, out) })
		default:
			m.fromPeer(in, now, out)
		}
	}
}

// fromPeer takes a packet of another member's: a ping, or what is for the apps.
func (m *member) fromPeer(in datagram.Packet, now time.Time, out *mail) {
	name, isPing := wire.PingName(in.Data)
	if isPing && !m.pinged(string(name), in, now, out) {
		m.metrics.drop(dropForged)
		return
	}
	p := m.from[in.From]
	if p == nil {
		m.metrics.drop(dropStranger)
		return
	}
	if !isPing {
		m.hear(out, p.name, in.Data)
	} else if !m.set.pings {
		return
	}
	m.toApps(in.Data, out)
}

// toApps gives a packet of another member's to all apps.
func (m *member) toApps(packet []byte, out *mail) {
	for i := range m.apps {
		m.metrics.app.Inc()
		out.Hand(m.apps[i], packet, m.set.apps[i].to, netip.Addr{})
	}
}

// pinged notes a ping, and reports whether it is one of a member's.
func (m *member) pinged(name string, in datagram.Packet, now time.Time, out *mail) bool {
	p := m.peers[name]
	if p == nil {
		if name == m.set.self && in.From != m.private {
			m.noise.Do(func() { m.log.Warn("another member has our name", "user", name, "peer", in.From) })
		}
		return false
	}
	before, seen := p.heard(), p.seen
	_, reached := p.chosen(now, m.set.pace.dead)
	ok, first := p.ping(in.From, now)
	if !ok {
		return false
	}
	if seen != p.seen && m.from[seen] == p {
		delete(m.from, seen) // it is there no more
	}
	m.from[in.From] = p
	m.times(p, in, now, out)
	if first || !reached {
		m.pingPeer(p, now, out) // it may be waiting to be seen there
		m.retarget(now)
	}
	if before.IsZero() {
		m.log.Info("a member is reached", "user", p.name, "peer", in.From)
		m.reached(p.name)
	}
	return true
}

// reached tells the bridge that texts can be sent to a member, and that it is
// there.
func (m *member) reached(user string) {
	m.roster.joined(user, m.set.group)
	m.bridge.Reachable(bridge.Address{Name: m.set.naming.Text(bridge.Name{Main: m.set.group})})
	if isName(user) {
		m.bridge.Reachable(bridge.Address{Name: m.set.naming.Text(bridge.Name{Lead: user, Main: m.set.group})})
	}
}

// retarget notes where what is for the group goes. For callers that hold mu.
func (m *member) retarget(now time.Time) {
	all := make([]netip.AddrPort, 0, len(m.peers))
	for _, p := range m.peers {
		if to, ok := p.chosen(now, m.set.pace.dead); ok {
			all = append(all, to)
		}
	}
	m.targets.Store(&all)
}

var errDead = errors.New("the member is not there")

// deliver sends a packet from the bridge.
func (m *member) deliver(to bridge.Name, packet []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if err := m.link.down(); err != nil && to.Lead != m.set.self {
		return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: err}
	}
	if to.Main != m.set.group {
		return &bridge.Error{Op: "send", Cause: bridge.NotFound, Reason: "that group is not ours"}
	}
	n := 0
	for _, p := range m.peers {
		if addr, ok := p.chosen(now, m.set.pace.dead); ok && (to.Lead == "" || to.Lead == p.name) {
			p.used = now
			m.mail.Hand(m.socket, packet, addr, netip.Addr{})
			n++
		}
	}
	if to.Lead == "" || to.Lead == m.set.self {
		for i, app := range m.set.apps {
			m.mail.Hand(m.apps[i], packet, app.to, netip.Addr{})
			n++
		}
	}
	for range m.mail.Send() {
		m.metrics.drop(dropRefused)
	}
	if n == 0 {
		return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Reason: "nobody is there", Retry: true, Err: errDead}
	}
	return nil
}

func (m *member) close() {
	m.closeSockets()
	m.crew.Wait()
}
