package sip

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

// A path is a flow as calls use it: it knows what the other end is told of us,
// and outlives a TCP connection. It never changes.
type path struct {
	e       *engine
	flow    flow // its carrier is nil where a connection is yet to be made
	network string
	remote  netip.AddrPort
	host    string // that the other end is told of us
	by      string // the same with a port
	account string // of the phone at the other end; "": the peer is there
}

var _ dialog.Path = (*path)(nil)

// pathBy is the way back to where f comes from.
func (e *engine) pathBy(f flow, account string) (*path, error) {
	key := pathKey{f, account}
	stays := !f.reliable() && !f.local().Addr().IsUnspecified() // else it ends, or depends on routes
	if stays {
		if p := e.paths.find(key); p != nil {
			return p, nil
		}
	}
	host, port, err := e.sentBy(f)
	if err != nil {
		return nil, err
	}
	p := &path{e: e, flow: f, network: f.network(), remote: f.remote, host: host, by: hostPort(host, port), account: account}
	if stays {
		e.paths.remember(key, p)
	}
	return p, nil
}

// pathTo is a way of the peer's to an address. Nothing is sent yet, and no
// connection made.
func (e *engine) pathTo(network string, to netip.AddrPort) (*path, error) {
	if network == "udp" {
		f, err := e.way(context.Background(), network, to) // by UDP it does not wait
		if err != nil {
			return nil, err
		}
		return e.pathBy(f, "")
	}
	if c := e.conns.open(network, to); c != nil {
		return e.pathBy(flow{carrier: c, remote: to}, "")
	}
	local, err := e.routeTo(to)
	if err != nil {
		return nil, err
	}
	host := advertised(e.set.addresses, local, to.Addr())
	return &path{e: e, network: network, remote: to, host: host, by: hostPort(host, e.listenPort(network, portOf(network)))}, nil
}

// Write implements dialog.Path.
func (p *path) Write(data []byte) error {
	if p.network == "udp" || p.alive() {
		return p.flow.write(data)
	}
	if p.account != "" {
		// The phone may have come back by another connection.
		for _, c := range p.e.registrar.contacts(p.account, time.Now()) {
			if c.flow.network() == p.network && c.flow.remote.Addr() == p.remote.Addr() {
				return c.flow.write(data)
			}
		}
		return errClosed
	}
	started := p.e.spawn(func(ctx context.Context) {
		f, err := p.e.way(ctx, p.network, p.remote)
		if err == nil {
			err = f.write(data)
		}
		if err != nil {
			p.e.log.Info("not sent", "peer", p.remote, "transport", p.network, "err", err)
		}
	})
	if !started {
		return errNotRunning
	}
	return nil
}

// alive says whether the connection is there.
func (p *path) alive() bool {
	if p.flow.carrier == nil {
		return false
	}
	select {
	case <-p.flow.ended():
		return false
	default:
		return true
	}
}

// Reliable implements dialog.Path.
func (p *path) Reliable() bool { return p.network != "udp" }

// Transport implements dialog.Path.
func (p *path) Transport() string {
	if p.network == networkUDP {
		return "UDP" // nearly always
	}
	return strings.ToUpper(p.network)
}

// SentBy implements dialog.Path.
func (p *path) SentBy() string { return p.by }

// Remote implements dialog.Path.
func (p *path) Remote() netip.AddrPort { return p.remote }

// Silent implements dialog.Path.
func (p *path) Silent() {
	if p.account == "" && p.e.peer != nil && p.e.peer.is(p.remote) {
		p.e.peer.suspect()
	}
}

// Next implements dialog.Path. To a phone there is no way but the one it was
// met by, for what it knows of itself may be useless (RFC 3581). What the peer
// names is taken at its word if it is an address that we can reach from here; a
// name is not looked up: who was met under it is asked again.
func (p *path) Next(text string) dialog.Path {
	uri, err := wire.ParseURI(text)
	if err != nil {
		return p
	}
	if p.account != "" {
		return p.phone(text, uri)
	}
	a, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil || isSecure(p.network) {
		return p.named(&uri) // who else would be met by TLS, could not be told
	}
	a = a.Unmap().WithZone("")
	if hidden(a) && !hidden(p.remote.Addr()) {
		return p // it does not know that it sits behind a NAT
	}
	network := transportOf(&uri)
	if network == "" || network == "tcp" && p.network == "tcp" && a == p.remote.Addr() && p.alive() {
		return p
	}
	port := defaultPort
	if uri.Port > 0 {
		port = uri.Port
	}
	to := netip.AddrPortFrom(a, uint16(port))
	if network == p.network && to == p.remote {
		return p
	}
	if network == "udp" && p.network == "udp" && a.Is4() == p.remote.Addr().Is4() {
		next := *p // from the same address of ours
		next.flow.remote, next.remote = to, to
		return &next
	}
	next, err := p.e.pathTo(network, to)
	if err != nil {
		return p
	}
	return next
}

// phone is the way to a phone's Contact: that of its registration, which follows
// it through a NAT, else the one that it was met by.
func (p *path) phone(text string, uri gosip.Uri) dialog.Path {
	f := reach(p.flow, uri)
	for _, c := range p.e.registrar.contacts(p.account, time.Now()) {
		if c.uri == text && c.flow.network() == p.network {
			f = c.flow
		}
	}
	if f == p.flow {
		return p
	}
	next := *p
	next.flow, next.remote = f, f.remote
	return &next
}

// named is the way to a host of the peer's that is given by its name: where we
// have met it, at the port that is given.
func (p *path) named(uri *gosip.Uri) dialog.Path {
	if p.network == "udp" && transportOf(uri) == "udp" && uri.Port > 0 {
		next := *p
		next.remote = netip.AddrPortFrom(p.remote.Addr(), uint16(uri.Port))
		next.flow.remote = next.remote
		return &next
	}
	if p.network == "udp" || p.alive() || p.e.peer.is(p.remote) {
		return p
	}
	// The connection that it had opened is gone: we open one.
	for _, a := range p.e.peer.addresses() {
		if next, err := p.e.pathTo(p.network, a); err == nil {
			return next
		}
	}
	return p
}

// transportOf is by what a URI is to be reached; "" for what we can't.
func transportOf(uri *gosip.Uri) string {
	t, _ := uri.UriParams.Get("transport")
	switch t = strings.ToLower(t); {
	case uri.Scheme != "sip":
		return ""
	case t == "" || t == "udp":
		return "udp"
	case t == "tcp":
		return t
	}
	return ""
}

// hidden says whether an address means nothing outside its own network.
func hidden(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() }

// Long implements dialog.Path.
func (p *path) Long() dialog.Path {
	if p.account != "" || !p.e.streams.has(p.remote) {
		return p // by UDP all the same: it is sent in fragments
	}
	long, err := p.e.pathTo("tcp", p.remote)
	if err != nil {
		return p
	}
	return long
}

const (
	maxStreams  = 256
	streamAgain = 10 * time.Minute // until a peer without TCP is asked again
)

// streams remembers who takes TCP besides UDP: what does not fit a datagram goes
// to them by TCP (RFC 3261 section 18.1.1).
type streams struct {
	mu    sync.Mutex // guards known: every call asks
	known map[netip.AddrPort]sight
}

type sight struct {
	tcp bool
	at  time.Time
}

func (s *streams) has(a netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[a].tcp
}

// asked says whether it is known, of late.
func (s *streams) asked(a netip.AddrPort, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.known[a]
	return ok && (k.tcp || now.Sub(k.at) < streamAgain)
}

func (s *streams) note(a netip.AddrPort, tcp bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxStreams {
		s.known = map[netip.AddrPort]sight{}
	}
	s.known[a] = sight{tcp, now}
}

// sound finds out whether a peer takes TCP.
func (e *engine) sound(ctx context.Context, a netip.AddrPort) {
	if e.streams.asked(a, time.Now()) {
		return
	}
	_, err := e.way(ctx, "tcp", a)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // that says nothing of the peer
	}
	e.streams.note(a, err == nil, time.Now())
}
