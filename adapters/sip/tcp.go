package sip

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/sip/wire"

	"github.com/coder/websocket"
)

// Bounds on connections.
const (
	maxConns       = 1024 // that others opened, in all
	maxSourceConns = 32   // of them from one source that is not the peer
	maxGreets      = 256  // of them whose TLS or WebSocket has yet to come about
	maxSourceGreet = 16   // of those from one source that is not the peer
	maxUnsent      = 256  // messages that wait for a connection to take them
	dialTimeout    = 5 * time.Second
	partTimeout    = 10 * time.Second // for the rest of a message
	writeTimeout   = 10 * time.Second
	strangerIdle   = 30 * time.Second
	knownIdle      = 2 * time.Hour // longer than a registration
)

// A tcpConn is one connection, whoever opened it: of TCP, or of what goes by it.
type tcpConn struct {
	kind   string         // its network
	addr   netip.AddrPort // ours
	remote netip.AddrPort
	byUs   bool          // opened
	out    chan []byte   // nil: the end
	done   chan struct{} // closed when the connection is
	once   sync.Once

	conn net.Conn        // messages go by it, unless by web
	raw  net.Conn        // TCP
	web  *websocket.Conn // set by greet, before anything is sent
}

// newTCPConn makes one of conn, by which the network goes; raw is the TCP below.
func newTCPConn(network string, conn, raw net.Conn) *tcpConn {
	return &tcpConn{
		kind: network, conn: conn, raw: raw, addr: addrPort(raw.LocalAddr()), remote: addrPort(raw.RemoteAddr()),
		out: make(chan []byte, maxUnsent), done: make(chan struct{}),
	}
}

func (c *tcpConn) network() string        { return c.kind }
func (c *tcpConn) local() netip.AddrPort  { return c.addr }
func (c *tcpConn) ended() <-chan struct{} { return c.done }

// send queues data. Whoever does not read what we say loses the connection.
func (c *tcpConn) send(_ netip.AddrPort, data []byte) error {
	select {
	case <-c.done:
		return errClosed
	default:
	}
	select {
	case c.out <- data:
		return nil
	default:
		c.shut(c.raw) // a goodbye would not be read either
		return fmt.Errorf("send by %s to %v: the other side does not read", c.kind, c.remote)
	}
}

func (c *tcpConn) close() { c.shut(c.conn) }

func (c *tcpConn) shut(conn net.Conn) {
	c.once.Do(func() {
		close(c.done)
		_ = conn.Close() // there is nobody left to tell
	})
}

// runWriter writes what send queued until the connection is closed.
func (c *tcpConn) runWriter() {
	defer c.close()
	for {
		select {
		case <-c.done:
			return
		case data := <-c.out:
			if data == nil || c.put(data) != nil {
				return
			}
		}
	}
}

// put writes a message.
func (c *tcpConn) put(data []byte) error {
	if c.web != nil {
		return putWeb(c.web, data)
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(data)
	return err
}

// finish closes the connection after what is queued has been written.
func (c *tcpConn) finish() {
	if c.send(c.remote, nil) == nil {
		<-c.done
	}
}

// runReader hands every message to receive, in order, until the connection
// ends or says something that is not SIP. known says who may be silent for
// long.
func (c *tcpConn) runReader(receive func(f flow, data []byte) bool, broken func(f flow, rest []byte, err error), known func(f flow) bool) {
	defer c.close()
	f := flow{carrier: c, remote: c.remote}
	var fr wire.Framer
	buf := make([]byte, 8192)
	var part time.Time // when the rest of a message must be there
	for {
		deadline := time.Now().Add(strangerIdle)
		switch {
		case fr.Pending() && part.IsZero():
			part = time.Now().Add(partTimeout)
			deadline = part
		case fr.Pending():
			deadline = part
		case known(f):
			deadline = time.Now().Add(knownIdle)
		}
		if c.conn.SetReadDeadline(deadline) != nil {
			return
		}
		n, err := c.conn.Read(buf)
		if n == 0 && err != nil {
			return
		}
		fr.Write(buf[:n])
		for {
			msg, ping, rest, err := fr.Next()
			if ping && c.send(c.remote, []byte("\r\n")) != nil {
				return
			}
			if err != nil {
				broken(f, bytes.Clone(rest), err)
				c.finish()
				return
			}
			if msg == nil {
				break
			}
			part = time.Time{}
			if !receive(f, msg) {
				return
			}
		}
	}
}
