package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	watchEvery   = 30 * time.Second
	watchPatient = 5 * time.Second // for the answer to an OPTIONS
	lookUpEvery  = 5 * time.Minute
	lookUpWithin = 5 * time.Second
	maxAddresses = 8
	// How often what the peer knows of us is renewed for a mere sign that it
	// was away: somebody's silence is one too.
	renewRate  = 1.0 / 30 // a second
	renewBurst = 3        // at once
)

// A resolver is the part of net.Resolver that finds the peer.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// A peer is where requests go and come from, and whether it is there.
type peer struct {
	set    *settings
	dns    resolver
	sounds chan struct{} // it was heard while down, or did not answer while up
	sought chan struct{} // closed when it has been looked for once
	seek   sync.Once     // closes sought

	mu     sync.Mutex // guards the rest: the watcher writes, everybody reads
	addrs  []netip.AddrPort
	known  map[netip.Addr]bool
	err    error // why it can't be found
	up     bool
	last   time.Time // it was heard
	missed time.Time // it did not answer
	rose   time.Time
	rise   chan struct{}
	renew  bucket
}

func newPeer(set *settings, dns resolver) *peer {
	return &peer{
		set: set, dns: dns, sounds: make(chan struct{}, 1), sought: make(chan struct{}), rise: make(chan struct{}),
		err: errors.New("not looked for yet"),
	}
}

// has says whether a request from a is the peer's.
func (p *peer) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range p.set.networks {
		if n.Contains(a) {
			return true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[a]
}

// is says whether a is the peer's very address, port included.
func (p *peer) is(a netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.addrs, a)
}

func (p *peer) addresses() []netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addrs
}

func (p *peer) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// heard says that the peer is there.
func (p *peer) heard() {
	p.mu.Lock()
	p.last = time.Now()
	p.mu.Unlock()
	p.sound(false)
}

// suspect says that the peer did not answer, or has hung up. What was heard of
// it before proves nothing any more.
func (p *peer) suspect() {
	p.mu.Lock()
	p.last = time.Time{}
	p.missed = time.Now()
	p.mu.Unlock()
	p.sound(true)
}

// probed notes whether the peer has answered a probe. If it has, after a sign
// that it was away, it may have begun anew without our having seen it down.
func (p *peer) probed(answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case !answered:
		p.missed = now
	case p.up && p.missed.After(p.rose) && p.renew.take(now, renewRate, renewBurst):
		p.ring(now)
	}
}

// sound wakes the watcher, if it believes so.
func (p *peer) sound(up bool) {
	if p.isUp() != up {
		return
	}
	select {
	case p.sounds <- struct{}{}:
	default: // it has been woken already
	}
}

// heardLately says whether there was a sign of life since it would have been
// asked for one.
func (p *peer) heardLately() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.last.IsZero() && time.Since(p.last) < watchEvery
}

func (p *peer) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}

func (p *peer) setUp(up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if up && !p.up {
		p.ring(time.Now())
	}
	p.up = up
}

// ring tells those who wait for risen. The lock is held.
func (p *peer) ring(now time.Time) {
	p.rose = now
	close(p.rise)
	p.rise = make(chan struct{})
}

// remembers says whether what the peer was told at a time has been told to its
// present life, as far as we have seen.
func (p *peer) remembers(at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !at.IsZero() && at.After(p.missed)
}

// risen is closed when the peer comes back the next time, or may have been away.
func (p *peer) risen() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rise
}

// locate finds the addresses of the peer and of the proxy (RFC 3263 section
// 4). What was known stays if that fails.
func (p *peer) locate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	addrs, err := p.resolve(ctx, p.set.hop)
	known := map[netip.Addr]bool{}
	for _, a := range addrs {
		known[a.Addr()] = true
	}
	if err == nil && p.set.hop != *p.set.peer {
		// What comes from the peer itself does not have to pass the proxy.
		// That its name says nothing to us is no fault then.
		more, _ := p.resolve(ctx, *p.set.peer)
		for _, a := range more {
			known[a.Addr()] = true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	if err == nil {
		p.addrs, p.known = addrs, known
	}
	p.seek.Do(func() { close(p.sought) })
	return err
}

func (p *peer) resolve(ctx context.Context, t target) ([]netip.AddrPort, error) {
	port := t.port
	if port == 0 {
		port = portOf(p.set.network)
	}
	if a, err := netip.ParseAddr(strings.Trim(t.host, "[]")); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), port)}, nil
	}
	if t.port == 0 {
		service, proto := "sip", p.set.network
		if proto == networkTLS {
			service, proto = "sips", networkTCP
		}
		if _, records, err := p.dns.LookupSRV(ctx, service, proto, t.host); err == nil && len(records) > 0 {
			return p.services(ctx, records)
		}
	}
	return p.hosts(ctx, t.host, port)
}

// services are the addresses behind SRV records, in their order.
func (p *peer) services(ctx context.Context, records []*net.SRV) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	var last error
	for _, r := range records[:min(len(records), maxAddresses)] {
		addrs, err := p.hosts(ctx, strings.TrimSuffix(r.Target, "."), r.Port)
		if err != nil {
			last = err
			continue
		}
		all = append(all, addrs...)
	}
	if len(all) == 0 {
		return nil, last
	}
	return all[:min(len(all), maxAddresses)], nil
}

func (p *peer) hosts(ctx context.Context, host string, port uint16) ([]netip.AddrPort, error) {
	addrs, err := p.dns.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	var all []netip.AddrPort
	for _, a := range addrs {
		a = a.Unmap()
		if p.usable(a) && len(all) < maxAddresses {
			all = append(all, netip.AddrPortFrom(a, port))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("look up %s: no address that a listener could reach", host)
	}
	return all, nil
}

// usable says whether we have a listener of a's family.
func (p *peer) usable(a netip.Addr) bool {
	return slices.ContainsFunc(p.set.listeners, func(l listener) bool { return l.reaches(a) })
}
