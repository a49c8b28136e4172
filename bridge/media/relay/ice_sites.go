package relay

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

const (
	// firstShared is the key of a loop's first shared socket; below it are
	// those of the poller itself. Such keys have no generation, and legs have.
	firstShared = 16
	// maxSites bounds the addresses that candidates are offered on.
	maxSites = 8
	// freshAddresses is how long the machine is believed to have the addresses
	// that it had.
	freshAddresses = 5 * time.Second
)

// A site is one address of ours where a loop has a pair of sockets for all its legs
// with ICE.
type site struct {
	addr   netip.Addr
	number uint16 // of the even port
	users  int    // legs that were opened with it; guarded by Relay.mu
	socks  [2]*shared
}

// A shared socket is one of a site's two. Its loop alone touches what is
// not marked.
type shared struct {
	base  transport.Base // immutable
	which int            // forRTP or forRTCP
	order int            // of its address among ours, for priorities
	key   uint64
	mux   *transport.Mux

	tenants map[netip.AddrPort]*tenant // where valid pairs lead to
	mapped  atomic.Pointer[mapping]    // any goroutine's

	network network
	mu      sync.RWMutex // guards that handle is not closed while somebody sends
	handle  int32        // -1: closed
}

// A mapping is where a STUN server has seen a socket.
type mapping struct {
	addr netip.AddrPort
	at   time.Time
}

// send sends a STUN message, from any goroutine.
func (s *shared) send(b []byte, to netip.AddrPort) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.handle >= 0 {
		s.network.sendTo(s.handle, b, to) // what is lost is sent again
	}
}

func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle >= 0 {
		s.network.close(s.handle)
		s.handle = -1
	}
}

// doors are the addresses of all shared sockets.
type doors struct {
	mu  sync.RWMutex // guards all
	all map[netip.AddrPort]struct{}
}

func (d *doors) has(a netip.AddrPort) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, ok := d.all[a]
	return ok
}

func (d *doors) add(a netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[netip.AddrPort]struct{}{}
	}
	d.all[a] = struct{}{}
}

func (d *doors) remove(a netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.all, a)
}

// hostAddresses are those of this machine, for host candidates.
type hostAddresses struct {
	fixed []netip.Addr // by configuration; nil: those of the interfaces

	mu   sync.Mutex // guards what follows
	list []netip.Addr
	at   time.Time
}

// now are the addresses of this moment, IPv6 first (RFC 8421 section 4).
func (h *hostAddresses) now() ([]netip.Addr, error) {
	if h.fixed != nil {
		return h.fixed, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.list != nil && time.Since(h.at) < freshAddresses {
		return h.list, nil
	}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("addresses of this machine: %w", err)
	}
	var all []netip.Addr
	for _, a := range found {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Addr())
		}
	}
	h.list, h.at = offered(all), time.Now()
	return h.list, nil
}

// offered are those of all that a peer can be told of: loopback ones only where
// there is nothing else, link-local ones never, for they say nothing elsewhere.
func offered(all []netip.Addr) []netip.Addr {
	var list, loopback []netip.Addr
	for _, a := range all {
		switch a = a.Unmap().WithZone(""); {
		case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast():
		case a.IsLoopback():
			loopback = append(loopback, a)
		default:
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		list = loopback
	}
	slices.SortStableFunc(list, func(a, b netip.Addr) int {
		switch {
		case a.Is6() == b.Is6():
			return 0
		case a.Is6():
			return -1
		default:
			return 1
		}
	})
	return list[:min(len(list), maxSites)]
}

// settle gives a loop sockets on the addresses of ours that it has none on yet,
// closes those on addresses that are gone, and returns the sites that there are.
// r.mu is held.
func (r *Relay) settle(l *loop, addrs []netip.Addr) ([]*site, error) {
	l.sites = slices.DeleteFunc(l.sites, func(s *site) bool {
		gone := s.users == 0 && !slices.Contains(addrs, s.addr)
		if gone {
			r.leaveSite(l, s)
		}
		return gone
	})
	var sites []*site
	var failed error
	for order, addr := range addrs {
		i := slices.IndexFunc(l.sites, func(s *site) bool { return s.addr == addr })
		if i < 0 {
			s, err := r.found(l, addr, order)
			if err != nil {
				failed = err
				continue
			}
			l.sites = append(l.sites, s)
			i = len(l.sites) - 1
		}
		sites = append(sites, l.sites[i])
	}
	if len(sites) == 0 {
		if failed == nil {
			failed = fmt.Errorf("%w: no address", media.ErrNoPorts)
		}
		return nil, failed
	}
	return sites, nil
}

// found opens a site. r.mu is held.
func (r *Relay) found(l *loop, addr netip.Addr, order int) (*site, error) {
	number, handles, err := r.bind(addr, 0)
	if err != nil {
		return nil, err
	}
	s := &site{addr: addr, number: number}
	for which, handle := range handles {
		r.network.deepen(handle)
		one := &shared{
			which: which, order: order, mux: l.muxes[which], network: r.network, handle: handle,
			tenants: map[netip.AddrPort]*tenant{}, key: firstShared + uint64(l.shares),
		}
		l.shares++
		one.base = transport.Base{Address: netip.AddrPortFrom(addr, number+uint16(which)), Send: one.send}
		s.socks[which] = one
		r.doors.add(one.base.Address)
	}
	l.push(func() {
		for _, one := range s.socks {
			l.shared[one.key] = one
			if err := l.poller.add(one.handle, one.key); err != nil {
				l.log.Error("media socket is deaf", errAttr(err))
			}
		}
	})
	return s, nil
}

// leaveSite closes a site that nobody uses. r.mu is held.
func (r *Relay) leaveSite(l *loop, s *site) {
	number := s.number
	for _, one := range s.socks {
		r.doors.remove(one.base.Address)
	}
	l.push(func() {
		for _, one := range s.socks {
			l.poller.remove(one.handle)
			delete(l.shared, one.key)
			one.close()
		}
		r.ports.give(number, r.clock())
	})
}
