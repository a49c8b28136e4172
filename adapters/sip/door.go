package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// A door is a listener for connections of one network.
type door struct {
	net.Listener
	network string
}

// runAccept takes connections until the listener is closed. That there are no files for
// them is no reason to end: strangers can see to that, and calls go on.
func (e *engine) runAccept(ctx context.Context, d door) {
	for told := false; ; {
		conn, err := d.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !told {
				told = true
				e.badInput.Do(func() { e.log.Warn("no connections are taken", "transport", d.network, "at", d.Addr(), "err", err) })
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		told = false
		c := e.entering(d.network, conn)
		if !e.conns.accept(c, e.isPeer(flow{carrier: c, remote: c.remote})) {
			e.metrics.refused.WithLabelValues(refusedConns).Inc()
			c.shut(c.raw) // it was never served
			continue
		}
		e.serveConn(c)
	}
}

// entering is a connection that another has opened.
func (e *engine) entering(network string, raw net.Conn) *tcpConn {
	conn := raw
	if isSecure(network) {
		conn = tls.Server(raw, e.set.secure)
	}
	return newTCPConn(network, conn, raw)
}

// serveConn starts the goroutines of a connection.
func (e *engine) serveConn(c *tcpConn) {
	started := e.crew.start(c.runWriter) && e.spawn(func(ctx context.Context) {
		e.runConn(ctx, c)
		e.registrar.lost(c)
		e.conns.greeted(c)
		e.conns.remove(c)
		if e.peer != nil && e.set.network == c.kind && e.peer.is(c.remote) {
			e.peer.suspect() // it may have ended altogether
		}
	})
	if !started {
		c.close()
		e.conns.greeted(c)
		e.conns.remove(c)
	}
}

// runConn takes what comes by a connection until it ends.
func (e *engine) runConn(ctx context.Context, c *tcpConn) {
	if err := c.greet(ctx); err != nil {
		c.shut(c.raw)
		e.metrics.refused.WithLabelValues(refusedGreeting).Inc()
		e.badInput.Do(func() { e.log.Warn("connection refused", "peer", c.remote, "transport", c.kind, "err", err) })
		return
	}
	e.conns.greeted(c)
	if c.web == nil {
		c.runReader(e.receive, e.broken, e.isKnown)
		return
	}
	defer func() { _ = c.web.CloseNow() }() // whoever has ended it, what it holds is given back
	if !e.crew.start(func() { c.runKeepAlive(ctx) }) {
		c.close()
		return
	}
	c.runWebReader(ctx, e.receive, e.isKnown)
}
