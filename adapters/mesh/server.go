package mesh

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"
)

// batch is how many datagrams are read at once.
const batch = 32

// A base is what a server and a client have in common: sockets, and how what comes
// by them is dealt with.
type base struct {
	set     *settings
	log     *slog.Logger
	metrics *metrics
	bridge  bridge.Handler
	part    *part
	crew    sync.WaitGroup

	sockets []*datagram.Socket
	bound   []netip.AddrPort
	fail    context.CancelCauseFunc

	mu    sync.Mutex // guards mails: whoever sends takes one
	mails []*mail
}

func (s *base) addrs() []netip.AddrPort { return s.bound }

func (s *base) bind(a netip.AddrPort) error {
	socket, err := datagram.Open(a, false)
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, socket)
	s.bound = append(s.bound, socket.Addr())
	return nil
}

func (s *base) closeSockets() {
	for _, socket := range s.sockets {
		_ = socket.Close() // nothing is lost with it
	}
}

// read has take deal with what comes by a socket, until that is closed.
func (s *base) read(socket *datagram.Socket, take func([]datagram.Packet, time.Time, *mail)) {
	s.crew.Go(func() {
		m := newMail()
		err := socket.NewReader(batch, wire.MaxPacket).Serve(func(packets []datagram.Packet) {
			s.guard(func() { take(packets, time.Now(), m) })
			s.post(m)
		})
		if err != nil {
			s.fail(err)
		}
	})
}

// runTick calls tick until ctx is done.
func (s *base) runTick(ctx context.Context, tick func(time.Time, *mail)) {
	s.crew.Go(func() {
		ticker := time.NewTicker(s.set.pace.tick)
		defer ticker.Stop()
		m := newMail()
		for {
			s.guard(func() { tick(time.Now(), m) })
			s.post(m)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
}

// guard calls f. A panic ends with what has caused it.
func (s *base) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.metrics.drop(dropPanic)
			s.log.Error("a packet made us panic", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// post sends a mail, and tells others what is in it for them.
func (s *base) post(m *mail) {
	for range m.Send() {
		s.metrics.drop(dropRefused)
	}
	if tell := m.state; tell != nil {
		m.state = nil
		tell()
	}
	if len(m.news) > 0 || len(m.heard) > 0 {
		s.part.dispatch(m, s.bridge, s.set.naming, s.guard)
	}
}

// with calls f with a mail, and sends that.
func (s *base) with(f func(*mail) error) error {
	s.mu.Lock()
	var m *mail
	if n := len(s.mails); n > 0 {
		m, s.mails = s.mails[n-1], s.mails[:n-1]
	}
	s.mu.Unlock()
	if m == nil {
		m = newMail()
	}
	err := f(m)
	s.post(m)
	s.mu.Lock()
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	return err
}

// A server is a hub with its sockets.
type server struct {
	base
	hub *hub
}

func newServer(a *Adapter, h bridge.Handler, p *part) *server {
	return &server{base: base{set: a.set, log: a.log, metrics: a.metrics, bridge: h, part: p}, hub: newHub(a, p.roster)}
}

func (s *server) open(context.Context) error {
	for _, a := range s.set.doors {
		if err := s.bind(a); err != nil {
			s.closeSockets()
			return err
		}
	}
	return nil
}

func (s *server) serve(ctx context.Context, fail context.CancelCauseFunc) {
	s.fail = fail
	for _, socket := range s.sockets {
		s.read(socket, func(packets []datagram.Packet, now time.Time, m *mail) { s.hub.receive(socket, packets, now, m) })
	}
	s.runTick(ctx, s.hub.tick)
	s.bridge.State(true, nil)
	s.log.Info("serving a mesh", "at", s.bound)
}

func (s *server) find(name string) (Remote, error) { return s.hub.find(name) }

func (s *server) send(to wire.UUID, meta []byte, values ...[]byte) error {
	return s.with(func(m *mail) error { return s.hub.send(to, meta, values, m) })
}

func (s *server) snapshot() Snapshot { return s.hub.snapshot(time.Now()) }

func (s *server) close() {
	s.closeSockets()
	s.crew.Wait()
}
