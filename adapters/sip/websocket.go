package sip

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"gateway/adapters/sip/wire"

	"github.com/coder/websocket"
)

const (
	webProtocol = "sip"            // RFC 7118 section 4.1
	maxWebHead  = 16 << 10         // bytes of the request that asks for a WebSocket
	webAlive    = 30 * time.Second // how often one is pinged: what is between closes those that are silent
)

var errNoSubprotocol = errors.New("the subprotocol sip is not asked for")

// greet does what comes before SIP on a connection that another opened: the
// handshakes of TLS and WebSocket. Nothing else has used the connection yet.
func (c *tcpConn) greet(ctx context.Context) error {
	if c.kind == networkTCP {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	if s, ok := c.conn.(*tls.Conn); ok {
		if err := s.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("handshake of TLS: %w", err)
		}
	}
	if !isWeb(c.kind) {
		return nil
	}
	end, _ := ctx.Deadline()
	if err := c.conn.SetDeadline(end); err != nil {
		return err
	}
	web, err := upgrade(c.conn)
	if err != nil {
		return fmt.Errorf("handshake of WebSocket: %w", err)
	}
	web.SetReadLimit(wire.MaxMessage)
	c.web = web
	return c.conn.SetDeadline(time.Time{}) // from here on contexts say when
}

// upgrade takes a WebSocket (RFC 6455), at every path and from pages of everywhere:
// who may call, digests say.
func upgrade(conn net.Conn) (*websocket.Conn, error) {
	head := &io.LimitedReader{R: conn, N: maxWebHead}
	in := bufio.NewReader(head)
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	head.N = 1 << 62 // what follows has bounds of its own
	w := &upgrader{conn: conn, rw: bufio.NewReadWriter(in, bufio.NewWriter(conn)), header: http.Header{}}
	if !asksForSIP(req) {
		http.Error(w, "want Sec-WebSocket-Protocol: "+webProtocol, http.StatusBadRequest)
		return nil, errNoSubprotocol
	}
	return websocket.Accept(w, req, &websocket.AcceptOptions{
		Subprotocols: []string{webProtocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
}

// asksForSIP reports whether a request offers the subprotocol of SIP.
func asksForSIP(req *http.Request) bool {
	for _, v := range req.Header.Values("Sec-WebSocket-Protocol") {
		for _, p := range strings.Split(v, ",") {
			if strings.EqualFold(strings.TrimSpace(p), webProtocol) {
				return true
			}
		}
	}
	return false
}

// An upgrader answers the one request of a connection, and hands the connection
// over. Nothing of it comes before the status.
type upgrader struct {
	conn   net.Conn
	rw     *bufio.ReadWriter
	header http.Header
}

var _ http.Hijacker = (*upgrader)(nil)

// Header implements http.ResponseWriter.
func (u *upgrader) Header() http.Header { return u.header }

// WriteHeader implements http.ResponseWriter.
func (u *upgrader) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.header.Set("Connection", "close")
	}
	_, _ = fmt.Fprintf(u.rw, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status)) // an error stays with the buffer
	_ = u.header.Write(u.rw)
	_, _ = u.rw.WriteString("\r\n")
	_ = u.rw.Flush() // that it was in vain shows at the next read
}

// Write implements http.ResponseWriter, for the text of a refusal.
func (u *upgrader) Write(p []byte) (int, error) {
	n, err := u.rw.Write(p)
	return n, errors.Join(err, u.rw.Flush())
}

// Hijack implements http.Hijacker.
func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) { return u.conn, u.rw, nil }

// runWebReader hands every message to receive, in order, until the connection
// ends. known says who may be silent for long.
func (c *tcpConn) runWebReader(ctx context.Context, receive func(f flow, data []byte) bool, known func(f flow) bool) {
	defer c.close()
	f := flow{carrier: c, remote: c.remote}
	for {
		data, err := c.readWeb(ctx, known(f))
		switch {
		case err != nil:
			return
		case strings.Trim(string(data[:min(len(data), 8)]), "\r\n") != "":
			if !receive(f, data) {
				return
			}
		case string(data) == "\r\n\r\n": // a keep-alive (RFC 5626 section 4.4.1)
			if c.send(c.remote, []byte("\r\n")) != nil {
				return
			}
		}
	}
}

// readWeb reads the message of a WebSocket, which is one of SIP (RFC 7118 section
// 5.1).
func (c *tcpConn) readWeb(ctx context.Context, known bool) ([]byte, error) {
	idle := strangerIdle
	if known {
		idle = knownIdle
	}
	ctx, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	_, r, err := c.web.Reader(ctx)
	if err != nil {
		return nil, err
	}
	slow := time.AfterFunc(partTimeout, c.close)
	defer slow.Stop()
	return io.ReadAll(r)
}

// putWeb writes a message: as text, if it is some (RFC 7118 section 4.2).
func putWeb(web *websocket.Conn, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	kind := websocket.MessageBinary
	if utf8.Valid(data) {
		kind = websocket.MessageText
	}
	return web.Write(ctx, kind, data)
}

// runKeepAlive pings the other end, and closes the connection to one that does not
// answer.
func (c *tcpConn) runKeepAlive(ctx context.Context) {
	tick := time.NewTicker(webAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.done:
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, writeTimeout)
		err := c.web.Ping(within)
		cancel()
		if err != nil {
			c.close()
			return
		}
	}
}
