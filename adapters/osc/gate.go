package osc

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// maxFrom bounds the connections from one address of IPv4, or one /64 of IPv6.
const maxFrom = 64

// sourceOf is whom an address belongs to: one machine can have all of a network of IPv6.
func sourceOf(a netip.Addr) netip.Addr {
	if p, err := a.WithZone("").Prefix(64); a.Is6() && err == nil {
		return p.Addr()
	}
	return a
}

// conns are the connections of a server, by all of its doors: those that have been let
// in, and of them those that are links.
type conns struct {
	limit int

	mu     sync.Mutex // guards the rest
	in     int
	from   map[netip.Addr]int
	links  map[link]bool
	closed bool
}

// enter lets a connection in, unless there are too many.
func (c *conns) enter(from netip.Addr) bool {
	from = sourceOf(from)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in >= c.limit || c.from[from] >= maxFrom {
		return false
	}
	if c.from == nil {
		c.from = map[netip.Addr]int{}
	}
	c.in++
	c.from[from]++
	return true
}

// leave says that one is gone.
func (c *conns) leave(from netip.Addr) {
	from = sourceOf(from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in--
	if c.from[from]--; c.from[from] == 0 {
		delete(c.from, from)
	}
}

// add notes a link, unless the end has come.
func (c *conns) add(l link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.links == nil {
		c.links = map[link]bool{}
	}
	c.links[l] = true
	return true
}

func (c *conns) remove(l link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// closeAll closes the links that there are, and lets none come.
func (c *conns) closeAll() {
	c.mu.Lock()
	c.closed = true
	all := slices.Collect(maps.Keys(c.links))
	c.mu.Unlock()
	for _, l := range all {
		l.close() // they leave, which takes the lock
	}
}

// A gate is a door's listener. Whom there is no room for finds the connection
// closed, before a byte of it is read.
type gate struct {
	net.Listener
	conns   *conns
	metrics *metrics
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := remote(c.RemoteAddr().String())
		if g.conns.enter(from) {
			return &entered{Conn: c, leave: sync.OnceFunc(func() { g.conns.leave(from) })}, nil
		}
		g.metrics.drop(dropStranger)
		_ = c.Close() // it is told nothing: it may be one of very many
	}
}

// entered is a connection that a gate has let in.
type entered struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (e *entered) Close() error {
	e.leave()
	return e.Conn.Close()
}
