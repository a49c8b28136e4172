package wire

import (
	"net"
	"syscall"
	"time"
)

// A Conn is a connection to a server whose incoming stream goes through a
// Reader, and that nobody can block by not reading what we write.
type Conn struct {
	net.Conn
	in    *Reader
	raw   syscall.RawConn // nil: what is written may have to wait
	stall time.Duration
}

// NewConn guards c. A Write that takes longer than stall fails; the
// connection is of no use then.
func NewConn(c net.Conn, lim Limits, stall time.Duration, drop func(Drop)) *Conn {
	g := &Conn{Conn: c, in: NewReader(sourceOf(c), lim, drop), stall: stall}
	if t, ok := c.(*net.TCPConn); ok {
		if raw, err := t.SyscallConn(); err == nil {
			g.raw = raw
		}
	}
	return g
}

// Lang is the stream's default language; see Reader.Lang.
func (c *Conn) Lang() string { return c.in.Lang() }

// Stanza gives the next stanza; see Reader.Stanza.
func (c *Conn) Stanza() (*Stanza, error) { return c.in.Stanza() }

// Read reads the guarded stream.
func (c *Conn) Read(p []byte) (int, error) { return c.in.Read(p) }

// Write writes all of p within the time for that.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
