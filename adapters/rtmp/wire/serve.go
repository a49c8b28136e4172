package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Serve takes connections at ln, does the handshake of each, and hands those
// that it came to an end with to take, each on a goroutine of its own, which closes the
// connection. Of those that are in the handshake, and of those that are not
// established yet, l.Waiting each are kept: the oldest gives way, since who means
// well is done in a few round trips. It returns when ctx is done, or when ln has
// failed, and after everything that it started.
func Serve(ctx context.Context, ln net.Listener, l Limits, take func(context.Context, *Conn)) error {
	s := &server{limits: l, take: take, shaking: crowd{most: l.Waiting}, connecting: crowd{most: l.Waiting}}
	defer s.all.Wait()
	defer s.shaking.clear()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("rtmp: %w", err)
		case err != nil: // no more files, for example: it may pass
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			wait(ctx, pause)
			continue
		}
		pause = 0
		leave := s.shaking.join(nc)
		s.all.Go(func() { s.serve(ctx, nc, leave) })
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// A server is one run of Serve.
type server struct {
	limits     Limits
	take       func(context.Context, *Conn)
	all        sync.WaitGroup
	shaking    crowd // in the handshake
	connecting crowd // between that and Establish
}

func (s *server) serve(ctx context.Context, nc net.Conn, leave func()) {
	c, err := Accept(nc, s.limits)
	leave()
	if err != nil {
		return
	}
	leave = s.connecting.join(nc)
	defer leave()
	c.established.Store(&leave)
	s.take(ctx, c)
}

// A crowd is connections of which only so many are kept.
type crowd struct {
	most int

	mu  sync.Mutex // guards all
	all []net.Conn // the oldest first
}

// join adds a connection, which ends the oldest if there are too many, and gives
// what takes it out again.
func (c *crowd) join(nc net.Conn) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) >= c.most {
		c.all[0].Close()
		c.all = slices.Delete(c.all, 0, 1)
	}
	c.all = append(c.all, nc)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if i := slices.Index(c.all, nc); i >= 0 {
			c.all = slices.Delete(c.all, i, i+1)
		}
	}
}

// clear ends all of them.
func (c *crowd) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.all {
		nc.Close()
	}
}
