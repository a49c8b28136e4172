package mesh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// A link is how a client stands with its server.
type link struct {
	asked   time.Time // when we told it of us last; zero at first
	silent  int       // how often since it was heard
	err     error     // why we are not in the mesh; nil if we are
	version uint8
	name    string // by its META; "" if it gave none

	sequence   uint32
	sent, rcvd int
	window     window
	heard      time.Time
	lost       chan struct{} // nil unless somebody waits for the server to be lost
}

var (
	errNotYet = errors.New("the server has not answered yet")
	errSilent = errors.New("the server does not answer")
)

// remote is the server as a peer.
func (l *link) remote() Remote {
	return Remote{Name: l.name, Version: l.version, Path: wire.Direct, RTT: l.window.srtt, RTTVar: l.window.rttvar}
}

// runResolve looks the server up until there is one, and again when it is away.
func (n *node) runResolve(ctx context.Context) {
	var pace bridge.Backoff
	for {
		addr, err := resolve(ctx, n.set.join, false)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			_ = n.with(func(m *mail) error {
				n.lock.Lock()
				defer n.lock.Unlock()
				n.stand(err, m)
				return nil
			})
		default:
			pace.Reset()
			lost := make(chan struct{})
			n.lock.Lock()
			n.server, n.link.lost = addr, lost
			n.lock.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-lost:
			}
		}
		if !pace.Wait(ctx) {
			return
		}
	}
}

// resolve finds an address of IPv4, as the original does, or where there is none, and
// four does not ask for it, of IPv6.
func resolve(ctx context.Context, hostPort string, four bool) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up: %w", err)
	}
	network := "ip"
	if four {
		network = "ip4"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up: %w", err)
	}
	best := addrs[0]
	for _, a := range addrs {
		if a.Unmap().Is4() {
			best = a
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), uint16(number)), nil
}

// stand notes how we stand, and has the mail tell the bridge if that is news. For
// callers that hold the lock.
func (n *node) stand(err error, m *mail) {
	l := &n.link
	news := !same(err, l.err)
	l.err = err
	if errors.Is(err, errSilent) && l.lost != nil {
		close(l.lost)
		l.lost = nil
	}
	if news {
		m.state = n.tellState
	}
}

func same(a, b error) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error())
}

// tellState tells the bridge how we stand. Of two that do at once the later one tells
// how it is.
func (n *node) tellState() {
	n.telling.Lock()
	defer n.telling.Unlock()
	n.lock.Lock()
	err, server := n.link.err, n.server
	n.lock.Unlock()
	if same(err, n.stood) {
		return
	}
	n.stood = err
	n.bridge.State(err == nil, err)
	if err == nil {
		n.log.Info("in the mesh", "server", server)
		return
	}
	n.log.Warn("not in the mesh", "server", server, "err", err)
}

// serverHead begins a packet to the server.
func (n *node) serverHead(b *wire.Builder) {
	b.Client(ourVersion, n.link.sequence, n.set.uuid)
	n.link.sequence++
}

// beacon tells the server that we are there, every 7 s, or sooner while it does not
// answer.
func (n *node) beacon(now time.Time, m *mail) {
	l, pace := &n.link, &n.set.pace
	wait := pace.beacon
	if l.silent > 0 && l.silent <= pace.tries {
		wait = pace.retry
	}
	if !n.server.IsValid() || now.Sub(l.asked) < wait {
		return
	}
	if l.silent++; l.silent > pace.tries {
		n.stand(errSilent, m)
	}
	l.asked = now
	n.serverHead(&m.build)
	m.build.Local(n.local(n.server))
	m.build.MyTime(l.window.ask(now))
	m.build.Meta(n.meta())
	n.mailTo(n.server, m)
	l.sent++
}

// bye tells the server that we end.
func (n *node) bye(m *mail) {
	if !n.server.IsValid() || n.link.sent == 0 {
		return
	}
	n.serverHead(&m.build)
	m.build.Local(n.local(n.server))
	m.build.Shutdown()
	m.build.Meta(n.meta())
	n.mailTo(n.server, m)
}

func (n *node) meta() []byte {
	host, _, err := net.SplitHostPort(n.set.join)
	if err != nil {
		host = ""
	}
	l := &n.link
	n.values = wire.AppendLink(n.values[:0], wire.Link{
		Server: n.server, Name: host, Sent: l.sent, Rcvd: l.rcvd, Ackd: l.window.acked,
		RTT: l.window.srtt.Seconds(), At: float64(l.heard.UnixMicro()) / 1e6,
	}, n.set.self)
	return n.values
}

// local is where we are in our own network: what the system would send to an address
// from.
func (n *node) local(to netip.AddrPort) netip.AddrPort {
	s := n.socket(to.Addr())
	if s == nil {
		return netip.AddrPort{}
	}
	port := s.Addr().Port()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)) // sends nothing
	if err != nil {
		return netip.AddrPort{}
	}
	defer c.Close()
	if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return netip.AddrPortFrom(a.AddrPort().Addr().Unmap().WithZone(""), port)
	}
	return netip.AddrPort{}
}

// fromServer takes a packet of the server's.
func (n *node) fromServer(p *wire.Packet, now time.Time, m *mail) {
	if p.ServerVersion == 0 {
		n.metrics.drop(dropStranger)
		return
	}
	l := &n.link
	l.rcvd++
	l.silent, l.version, l.heard = 0, p.ServerVersion, now
	n.stand(nil, m)
	if p.Meta != nil {
		if name, ok := wire.Field(p.Meta, wire.KeyPeer); ok && wire.IsName(name) && string(name) != l.name {
			l.name = string(name)
		}
	}
	if p.YourAddress.IsValid() {
		if !n.self.IsValid() {
			close(n.seen)
		}
		n.self = p.YourAddress
	}
	if p.MyTime != 0 {
		n.serverHead(&m.build)
		m.build.YourTime(p.MyTime)
		n.mailTo(n.server, m)
	}
	if p.YourTime != 0 {
		l.window.answer(p.YourTime, now)
	}
	if p.Count >= 0 {
		n.list(p, now, m)
	}
	if p.HasForward {
		n.fromFar(p, now, m)
	}
	if len(p.CC) > 0 {
		m.hear(l.remote(), p.Meta, p.CC)
	}
}

// report tells the server of the peers and of our NAT, if it is one that wants to
// know.
func (n *node) report(now time.Time, m *mail) {
	if n.link.err != nil || n.link.version < wire.Extended || now.Sub(n.told) < n.set.pace.report {
		return
	}
	n.told = now
	values := [][]byte{n.nat.Append(nil)}
	var all []wire.Reach
	for _, q := range n.peers {
		if !q.bound {
			continue
		}
		s := q.measure(now, &n.set.pace)
		all = append(all, wire.Reach{UUID: q.uuid, Path: q.pathNow(now, &n.set.pace), RTT: s.RTT, Jitter: s.Jitter, Loss: s.Loss})
	}
	for len(all) > 0 {
		some := all[:min(len(all), wire.MaxReaches)]
		values = append(values, wire.AppendReaches(nil, some))
		all = all[len(some):]
	}
	m.values(n.serverHead, func(*wire.Builder) { n.mailTo(n.server, m) }, 0, nil, values)
}
