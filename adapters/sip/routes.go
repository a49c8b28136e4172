package sip

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxRoutes = 256
	// routeTime is how long a route is believed in. To ask the system takes a socket, and a call
	// asks several times.
	routeTime = time.Second
)

// routes remember from which address of ours packets go to others. The zero routes are ready
// to use.
type routes struct {
	mu    sync.Mutex // guards known: every call asks
	known map[netip.Addr]routed
}

// A routed is where packets go from, and for how long that is believed.
type routed struct {
	local netip.Addr
	until time.Time
}

// to is the address from which packets go to remote, which ask finds out.
func (t *routes) to(remote netip.AddrPort, now time.Time, ask func(netip.AddrPort) (netip.Addr, error)) (netip.Addr, error) {
	t.mu.Lock()
	r, there := t.known[remote.Addr()]
	t.mu.Unlock()
	if there && now.Before(r.until) {
		return r.local, nil
	}
	local, err := ask(remote)
	if err != nil {
		return local, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= maxRoutes {
		t.known = map[netip.Addr]routed{}
	}
	t.known[remote.Addr()] = routed{local, now.Add(routeTime)}
	return local, nil
}

// routeTo is the local address from which packets go to remote.
func (e *engine) routeTo(remote netip.AddrPort) (netip.Addr, error) {
	return e.routes.to(remote, time.Now(), routeTo)
}
