package osc

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"gateway/adapters/osc/wire"

	"github.com/coder/websocket"
)

// keepAlive is how often a WebSocket is pinged: what is between closes those that
// are silent.
const keepAlive = 30 * time.Second

// serveWeb takes WebSockets (RFC 6455), at every path and from pages of
// everywhere: who may enter a group, passwords say.
func (s *server) serveWeb(ctx context.Context, d door, l net.Listener) {
	if d.kind == doorWSS {
		l = tls.NewListener(l, s.set.secure)
	}
	w := &http.Server{
		Handler:           http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { s.upgrade(ctx, rw, r) }),
		ReadHeaderTimeout: introduction, MaxHeaderBytes: 16 << 10, IdleTimeout: introduction,
		ErrorLog: log.New(io.Discard, "", 0), // of bad requests, which are not our fault
	}
	s.web = append(s.web, w)
	s.crew.Go(func() {
		if err := w.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.fail(err)
		}
	})
}

// upgrade serves one WebSocket to its end.
func (s *server) upgrade(ctx context.Context, rw http.ResponseWriter, r *http.Request) {
	if !s.hold() {
		http.Error(rw, "about to end", http.StatusServiceUnavailable)
		return
	}
	defer s.crew.Done()
	ws, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it has been answered
	}
	ws.SetReadLimit(maxFrame)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &webLink{ws: ws, buf: make([]byte, maxFrame)}
	s.crew.Go(func() { l.runKeepAlive(ctx) })
	s.runLink(ctx, l, wire.Prefixed, remote(r.RemoteAddr))
}

// A webLink is a WebSocket. A packet is a binary message.
type webLink struct {
	ws  *websocket.Conn
	buf []byte
}

var (
	errNoPacket = errors.New("a message is no binary one")
	errTooLong  = errors.New("a message is too long")
)

func (l *webLink) read(ctx context.Context) ([]byte, error) {
	kind, r, err := l.ws.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageBinary {
		_ = l.ws.Close(websocket.StatusUnsupportedData, errNoPacket.Error()) // it is told why, if it listens
		return nil, errNoPacket
	}
	n, err := io.ReadFull(r, l.buf)
	switch err { //nolint:errorlint // as they are: where the connection ends within a message, they are wrapped
	case io.EOF, io.ErrUnexpectedEOF:
		return l.buf[:n], nil
	case nil:
		return nil, errTooLong
	}
	return nil, err
}

// write sends each of the frames as a message.
func (l *webLink) write(ctx context.Context, frames []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writing)
	defer cancel()
	for len(frames) > 4 {
		n := binary.BigEndian.Uint32(frames)
		if err := l.ws.Write(ctx, websocket.MessageBinary, frames[4:4+n]); err != nil {
			return err
		}
		frames = frames[4+n:]
	}
	return nil
}

func (l *webLink) close() { _ = l.ws.CloseNow() } // nothing is lost with it

// runKeepAlive pings the other end, and ends the connection of one that does not
// answer.
func (l *webLink) runKeepAlive(ctx context.Context) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, writing)
		err := l.ws.Ping(within)
		cancel()
		if err != nil {
			l.close()
			return
		}
	}
}
