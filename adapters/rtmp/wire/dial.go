package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// Dial connects to the server of u and does a client's part of the handshake. secure is
// for rtmps; nil is the default configuration. ctx bounds this, and not what
// comes after.
func Dial(ctx context.Context, u URL, secure *tls.Config, l Limits) (*Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", u.Address())
	if err != nil {
		return nil, fmt.Errorf("rtmp: %w", err)
	}
	c, err := open(ctx, nc, u, secure, l)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("rtmp %s: %w", u.Address(), err)
	}
	return c, nil
}

func open(ctx context.Context, nc net.Conn, u URL, secure *tls.Config, l Limits) (*Conn, error) {
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	if err := nc.SetDeadline(time.Now().Add(l.Handshake)); err != nil {
		return nil, err
	}
	if u.TLS {
		config := secure.Clone() // nil gives nil
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if config.ServerName == "" {
			config.ServerName = u.Host
		}
		secured := tls.Client(nc, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		nc = secured
	}
	count := &counter{Conn: nc}
	if err := clientHandshake(count); err != nil {
		return nil, err
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	c := newConn(count, bufio.NewReaderSize(count, readBuffer), l, false)
	if err := c.Establish(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
