package osc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"

	"golang.org/x/time/rate"
)

// How much a server reads at once.
const (
	batchAsk  = 32
	batchPort = 16
)

// A server is a hub with its doors.
type server struct {
	desk
	set    *settings
	bridge bridge.Handler
	roster *roster
	hub    *hub
	crew   sync.WaitGroup
	noise  rate.Sometimes // bounds what those who come and go make us log

	sockets   []*datagram.Socket
	listeners []net.Listener
	web       []*http.Server
	bound     []netip.AddrPort
	conns     conns
	fail      context.CancelCauseFunc

	mu     sync.Mutex // guards mails: whoever delivers takes one
	mails  []*mail
	closed bool // guarded by mu: no port is opened any more
}

func newServer(a *Adapter, h bridge.Handler, c *chat, r *roster) *server {
	s := &server{desk: desk{a.log, a.metrics, c}, set: a.set, bridge: h, roster: r, noise: rate.Sometimes{First: 1000, Interval: time.Second}}
	s.conns.limit = 2*a.set.maxUsers + 100
	s.hub = newHub(a.set, a.log, a.metrics, s)
	s.hub.openPort = s.openPort
	return s
}

func (s *server) addrs() []netip.AddrPort { return s.bound }

func (s *server) open(ctx context.Context) error {
	for _, d := range s.set.doors {
		if err := s.bind(ctx, d); err != nil {
			s.closeDoors()
			return err
		}
	}
	return nil
}

func (s *server) bind(ctx context.Context, d door) error {
	if d.kind == doorUDP {
		socket, err := datagram.Open(d.addr, false)
		if err != nil {
			return err
		}
		s.sockets = append(s.sockets, socket)
		s.bound = append(s.bound, socket.Addr())
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", d.addr.String())
	if err != nil {
		return fmt.Errorf("listen on %v: %w", d, err)
	}
	s.listeners = append(s.listeners, &gate{Listener: l, conns: &s.conns, metrics: s.metrics})
	addr := netip.AddrPort{}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		addr = netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())
	}
	s.bound = append(s.bound, addr)
	return nil
}

func (s *server) serve(ctx context.Context, fail context.CancelCauseFunc) {
	s.fail = fail
	for _, socket := range s.sockets {
		s.crew.Go(func() { s.runAsk(socket) })
	}
	i := 0
	for _, d := range s.set.doors {
		if d.kind != doorUDP {
			s.serveDoor(ctx, d, s.listeners[i])
			i++
		}
	}
	s.crew.Go(func() { s.runPurge(ctx) })
	s.bridge.State(true, nil)
	s.log.Info("serving OSC groups", "doors", len(s.set.doors))
}

// hold keeps close from returning until crew.Done is called, unless the end has
// come.
func (s *server) hold() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.crew.Add(1)
	}
	return !s.closed
}

// runAsk answers requests until the socket is closed.
func (s *server) runAsk(socket *datagram.Socket) {
	v := &visit{}
	v.m = newMail()
	v.entry = socket
	err := socket.NewReader(batchAsk, maxRequest).Serve(func(packets []datagram.Packet) {
		s.guard(func() { s.hub.ask(packets, time.Now(), v) })
		s.post(v.m)
	})
	if err != nil {
		s.fail(err)
	}
}

// openPort opens a port, and serves it until it is closed. It is called with the
// hub's lock held.
func (s *server) openPort(p *port) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	bind := netip.IPv4Unspecified()
	if len(s.sockets) > 0 {
		bind = s.sockets[0].Addr().Addr()
	}
	var err error
	if p.socket, err = datagram.Open(netip.AddrPortFrom(bind, p.number), false); err != nil {
		return err
	}
	s.crew.Go(func() { s.runPort(p) })
	return nil
}

// runPort hands on what comes to a port.
func (s *server) runPort(p *port) {
	m := newMail()
	err := p.socket.NewReader(batchPort, wire.MaxMember).Run(func(packets []datagram.Packet) {
		s.guard(func() { s.hub.arrive(p, packets, time.Now(), m) })
		s.post(m)
	})
	if err != nil {
		s.log.Error("a port of ours has failed", "err", err)
		s.hub.lost(p)
	}
}

// runPurge looks once in a while at what time changes.
func (s *server) runPurge(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	m := newMail()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.guard(func() { s.hub.purge(now, m) })
			s.post(m)
		}
	}
}

// deliver sends a packet from the gateway itself.
func (s *server) deliver(to bridge.Name, packet []byte) error {
	m := s.takeMail()
	err := s.hub.deliver(to, packet, m)
	s.post(m)
	s.mu.Lock()
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	return err
}

func (s *server) takeMail() *mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.mails); n > 0 {
		m := s.mails[n-1]
		s.mails = s.mails[:n-1]
		return m
	}
	return newMail()
}

// joined implements events.
func (s *server) joined(user, group string) {
	s.roster.joined(user, group)
	s.noise.Do(func() { s.log.Info("a member has joined", "user", user, "group", group) })
}

// left implements events.
func (s *server) left(user, group string) {
	s.roster.left(user, group)
	s.noise.Do(func() { s.log.Info("a member has left", "user", user, "group", group) })
}

// reached implements events.
func (s *server) reached(user string, groups []string) {
	for _, g := range groups {
		if !isName(g) {
			continue
		}
		s.bridge.Reachable(bridge.Address{Name: s.set.naming.Text(bridge.Name{Main: g})})
		if isName(user) {
			s.bridge.Reachable(bridge.Address{Name: s.set.naming.Text(bridge.Name{Lead: user, Main: g})})
		}
	}
}

func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.closeDoors()
	s.hub.closeAll()
	s.conns.closeAll()
	s.crew.Wait()
}

func (s *server) closeDoors() {
	for _, socket := range s.sockets {
		_ = socket.Close() // nothing is lost with it
	}
	for _, w := range slices.Clone(s.web) {
		if err := w.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Debug("a listener did not close well", "err", err)
		}
	}
	for _, l := range s.listeners {
		_ = l.Close()
	}
}
