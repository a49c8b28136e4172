package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
)

// Bounds on TCP connections.
const (
	maxConns       = 1024 // that others opened, in all
	maxSourceConns = 32   // of them from one source that is not the peer
	maxUnsent      = 256  // messages that wait for a connection to take them
	dialTimeout    = 5 * time.Second
	partTimeout    = 10 * time.Second // for the rest of a message
	writeTimeout   = 10 * time.Second
	strangerIdle   = 30 * time.Second
	knownIdle      = 2 * time.Hour // longer than a registration
)

// A tcpConn is one connection, whoever opened it.
type tcpConn struct {
	conn   net.Conn
	addr   netip.AddrPort // ours
	remote netip.AddrPort
	byUs   bool          // opened
	out    chan []byte   // nil: the end
	done   chan struct{} // closed when the connection is
	once   sync.Once
}

func newTCPConn(conn net.Conn) *tcpConn {
	return &tcpConn{
		conn: conn, addr: addrPort(conn.LocalAddr()), remote: addrPort(conn.RemoteAddr()),
		out: make(chan []byte, maxUnsent), done: make(chan struct{}),
	}
}

func (c *tcpConn) network() string        { return "tcp" }
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
		c.close()
		return fmt.Errorf("send by tcp to %v: the other side does not read", c.remote)
	}
}

func (c *tcpConn) close() {
	c.once.Do(func() {
		close(c.done)
		_ = c.conn.Close() // there is nobody left to tell
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
			if data == nil || c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
				return
			}
			if _, err := c.conn.Write(data); err != nil {
				return
			}
		}
	}
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

// conns are the TCP connections of one Run.
type conns struct {
	mu      sync.Mutex // guards the rest
	closed  bool
	all     map[*tcpConn]bool
	sources map[netip.Addr]int          // how many each has opened
	dialled map[netip.AddrPort]*tcpConn // that we opened
}

// accept takes a connection that another opened, unless there are too many.
func (t *conns) accept(conn net.Conn, trusted bool) *tcpConn {
	c := newTCPConn(conn)
	from := source(c.remote.Addr())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || !trusted && (len(t.all) >= maxConns || t.sources[from] >= maxSourceConns) {
		return nil
	}
	t.add(c)
	t.sources[from]++
	return c
}

func (t *conns) add(c *tcpConn) {
	if t.all == nil {
		t.all, t.sources, t.dialled = map[*tcpConn]bool{}, map[netip.Addr]int{}, map[netip.AddrPort]*tcpConn{}
	}
	t.all[c] = true
}

// remove forgets a connection that has ended.
func (t *conns) remove(c *tcpConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if c.byUs {
		if t.dialled[c.remote] == c {
			delete(t.dialled, c.remote)
		}
		return
	}
	from := source(c.remote.Addr())
	if t.sources[from]--; t.sources[from] <= 0 {
		delete(t.sources, from)
	}
}

// dial gives the connection that we have opened to a, or opens one. fresh says
// that it is new and wants its goroutines.
func (t *conns) dial(ctx context.Context, a netip.AddrPort) (c *tcpConn, fresh bool, err error) {
	if c := t.open(a); c != nil {
		return c, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", a.String())
	if err != nil {
		return nil, false, fmt.Errorf("connect to %v: %w", a, err)
	}
	c = newTCPConn(conn)
	c.byUs = true
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		c.close()
		return nil, false, errors.New("the adapter has ended")
	}
	if other := t.opened(c.remote); other != nil {
		c.close() // somebody else was quicker
		return other, false, nil
	}
	t.add(c)
	t.dialled[c.remote] = c
	return c, true, nil
}

func (t *conns) open(a netip.AddrPort) *tcpConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opened(a)
}

// opened is the connection that we have opened to a; nil: there is none, or it has
// ended, whether that has been seen to or not. The lock is held.
func (t *conns) opened(a netip.AddrPort) *tcpConn {
	c := t.dialled[a]
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
		return nil
	default:
		return c
	}
}

// closeAll closes every connection and takes no new ones.
func (t *conns) closeAll() {
	t.mu.Lock()
	t.closed = true
	all := slices.Collect(maps.Keys(t.all))
	t.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}
