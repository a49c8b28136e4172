package osc

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
)

// Bounds on connections.
const (
	introduction = 10 * time.Second // in which a connection must have registered
	writing      = 10 * time.Second // that the other end may take for what we write
	maxFrame     = 16 << 10         // bytes; what is longer than members take is dropped, but this ends the connection
)

// A link is a connection's two directions.
type link interface {
	// read gives the next packet, in memory that the next read uses again.
	read(ctx context.Context) ([]byte, error)
	// write sends frames; one call at a time.
	write(ctx context.Context, frames []byte) error
	// close ends both.
	close()
}

// serveDoor starts a door that is no UDP socket.
func (s *server) serveDoor(ctx context.Context, d door, l net.Listener) {
	switch d.kind {
	case doorWS, doorWSS:
		s.serveWeb(ctx, d, l)
	case doorSLIP:
		s.crew.Go(func() { s.runAccept(ctx, l, wire.SLIP) })
	default:
		s.crew.Go(func() { s.runAccept(ctx, l, wire.Prefixed) })
	}
}

// runAccept takes connections until the listener is closed.
func (s *server) runAccept(ctx context.Context, l net.Listener, f wire.Framing) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: that passes, or does not.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		s.crew.Go(func() { s.runLink(ctx, newStream(conn, f), f, remote(conn.RemoteAddr().String())) })
	}
}

// remote is the address in text without its port.
func remote(text string) netip.Addr {
	ap, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// runLink serves one connection to its end.
func (s *server) runLink(ctx context.Context, l link, f wire.Framing, from netip.Addr) {
	if !s.conns.add(l) {
		l.close()
		return
	}
	defer s.conns.remove(l)
	g := newGuest(f)
	stranger := time.AfterFunc(introduction, func() {
		if !s.hub.seated(g) {
			l.close()
		}
	})
	defer stranger.Stop()
	var writer sync.WaitGroup
	writer.Go(func() { runGuest(ctx, g, l) })
	v := &visit{}
	v.m = newMail()
	for {
		packet, err := l.read(ctx)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.log.Debug("a connection has ended", "peer", from, "err", err)
			}
			break
		}
		s.guard(func() { s.hub.listen(g, packet, time.Now(), v) })
		s.post(v.m)
	}
	s.hub.gone(g)
	g.shut()
	l.close()
	writer.Wait()
}

// seated reports whether a connection is a user's.
func (h *hub) seated(g *guest) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return g.user != nil
}

// runGuest writes what is given to a guest until there will be no more, and then
// closes the connection.
func runGuest(ctx context.Context, g *guest, l link) {
	defer l.close()
	var frames []byte
	for range g.ready {
		for {
			var more bool
			if frames, more = g.take(frames); len(frames) > 0 {
				if l.write(ctx, frames) != nil {
					return
				}
				continue
			}
			if !more {
				return
			}
			break
		}
	}
}

// A stream is a TCP connection.
type stream struct {
	conn    net.Conn
	framing wire.Framing
	in      *bufio.Reader
	buf     []byte
}

func newStream(conn net.Conn, f wire.Framing) *stream {
	return &stream{conn: conn, framing: f, in: bufio.NewReader(conn), buf: make([]byte, 0, maxFrame)}
}

func (s *stream) read(context.Context) ([]byte, error) { return wire.ReadFrame(s.in, s.framing, s.buf) }

func (s *stream) write(_ context.Context, frames []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writing)); err != nil {
		return err
	}
	_, err := s.conn.Write(frames)
	return err
}

func (s *stream) close() { _ = s.conn.Close() } // nothing is lost with it
