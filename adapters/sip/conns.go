package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// conns are the connections of one Run.
type conns struct {
	secure  *tls.Config // how those that we open by TLS greet; nil: there are none
	mu      sync.Mutex  // guards the rest
	closed  bool
	all     map[*tcpConn]bool
	sources map[netip.Addr]int // how many each has opened
	greets  map[netip.Addr]int // how many of those have yet to come about
	waiting map[*tcpConn]bool  // which those are
	dialled map[remoteEnd]*tcpConn
}

// A remoteEnd is what we have opened a connection to.
type remoteEnd struct {
	network string
	addr    netip.AddrPort
}

// accept takes a connection that another opened, unless there are too many.
func (t *conns) accept(c *tcpConn, trusted bool) bool {
	from, greets := source(c.remote.Addr()), c.kind != networkTCP
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return false
	case trusted:
	case len(t.all) >= maxConns, t.sources[from] >= maxSourceConns:
		return false
	case greets && (len(t.waiting) >= maxGreets || t.greets[from] >= maxSourceGreet):
		return false
	}
	t.add(c)
	t.sources[from]++
	if greets {
		t.waiting[c] = true
		t.greets[from]++
	}
	return true
}

// greeted says that what comes before SIP has been done with, one way or the other.
func (t *conns) greeted(c *tcpConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[c] {
		delete(t.waiting, c)
		drop(t.greets, source(c.remote.Addr()))
	}
}

// drop counts one less.
func drop(counts map[netip.Addr]int, a netip.Addr) {
	if counts[a]--; counts[a] <= 0 {
		delete(counts, a)
	}
}

func (t *conns) add(c *tcpConn) {
	if t.all == nil {
		t.all, t.dialled, t.waiting = map[*tcpConn]bool{}, map[remoteEnd]*tcpConn{}, map[*tcpConn]bool{}
		t.sources, t.greets = map[netip.Addr]int{}, map[netip.Addr]int{}
	}
	t.all[c] = true
}

// remove forgets a connection that has ended.
func (t *conns) remove(c *tcpConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if c.byUs {
		if end := (remoteEnd{c.kind, c.remote}); t.dialled[end] == c {
			delete(t.dialled, end)
		}
		return
	}
	drop(t.sources, source(c.remote.Addr()))
}

// dial gives the connection that we have opened to a, or opens one. fresh says
// that it is new and wants its goroutines.
func (t *conns) dial(ctx context.Context, network string, a netip.AddrPort) (c *tcpConn, fresh bool, err error) {
	if c := t.open(network, a); c != nil {
		return c, false, nil
	}
	c, err = t.connect(ctx, network, a)
	if err != nil {
		return nil, false, fmt.Errorf("connect to %v: %w", a, err)
	}
	c.byUs = true
	end := remoteEnd{network, c.remote}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		c.close()
		return nil, false, errors.New("the adapter has ended")
	}
	if other := t.opened(end); other != nil {
		c.close() // somebody else was quicker
		return other, false, nil
	}
	t.add(c)
	t.dialled[end] = c
	return c, true, nil
}

var errNotDialled = errors.New("nobody is called by that network")

// connect opens a connection.
func (t *conns) connect(ctx context.Context, network string, a netip.AddrPort) (*tcpConn, error) {
	byTLS := network == networkTLS && t.secure != nil
	if !byTLS && network != networkTCP {
		return nil, fmt.Errorf("%s: %w", network, errNotDialled)
	}
	within, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(within, "tcp", a.String())
	if err != nil {
		return nil, err
	}
	if !byTLS {
		return newTCPConn(network, raw, raw), nil
	}
	greeting, done := context.WithTimeout(ctx, greetTime)
	defer done()
	conn, err := secured(greeting, raw, t.secure)
	if err != nil {
		return nil, err
	}
	return newTCPConn(network, conn, raw), nil
}

func (t *conns) open(network string, a netip.AddrPort) *tcpConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opened(remoteEnd{network, a})
}

// opened is the connection that we have opened to an end; nil: there is none, or it has
// ended, whether that has been seen to or not. The lock is held.
func (t *conns) opened(end remoteEnd) *tcpConn {
	c := t.dialled[end]
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
		c.shut(c.raw) // whoever does not read must not hold up the others
	}
}
