package relay

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/bridge/media"
)

const (
	// remap is how often a STUN server is asked while there are legs with ICE: often
	// enough that a NAT on the way forgets nothing.
	remap = 20 * time.Second
	// A question is asked that many times, that far apart.
	asks    = 3
	between = 500 * time.Millisecond
	// stunPort is where STUN servers are (RFC 8489 section 18.6).
	stunPort = 3478
)

// A reflector finds out where a STUN server sees our shared sockets.
type reflector struct {
	server string // "" if there is none
	wake   chan struct{}

	mu   sync.Mutex // guards what follows
	legs int        // with ICE
	last time.Time  // when a round was over; zero: never
}

func newReflector(server string) *reflector {
	return &reflector{server: server, wake: make(chan struct{}, 1)}
}

// settled reports whether all is known that will be.
func (f *reflector) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.server == "" || time.Since(f.last) < 2*remap && !f.last.IsZero()
}

// want counts one more leg with ICE.
func (f *reflector) want() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.legs++
	if f.server == "" || time.Since(f.last) < remap {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// unwant counts one less.
func (f *reflector) unwant() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.legs--
}

func (f *reflector) wanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.legs > 0
}

// reflect asks as long as there are legs with ICE, until Shutdown.
func (r *Relay) reflect() {
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		<-r.done
		cancel()
	})
	defer waiting.Wait()
	tick := time.NewTicker(remap)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return
		case <-r.reflector.wake:
		case <-tick.C:
		}
		if r.reflector.wanted() {
			r.round(ctx)
		}
	}
}

// round asks for every shared socket, and says when no more answers are waited for.
func (r *Relay) round(ctx context.Context) {
	began := time.Now()
	servers := r.reflector.resolve(ctx)
	for range asks {
		if r.question(servers, began) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(between):
		}
	}
	r.reflector.mu.Lock()
	r.reflector.last = time.Now()
	r.reflector.mu.Unlock()
	for _, l := range r.loops {
		l.push(func() { l.spread(true) })
	}
}

// question asks for each socket that there was no answer for since the round began,
// and returns how many these are.
func (r *Relay) question(servers []netip.AddrPort, began time.Time) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.loops {
		for _, s := range l.sites {
			i := slices.IndexFunc(servers, func(a netip.AddrPort) bool { return a.Addr().Is4() == s.addr.Is4() })
			if i < 0 || s.addr.IsLoopback() != servers[i].Addr().IsLoopback() {
				continue
			}
			for _, one := range s.socks {
				if m := one.mapped.Load(); m != nil && m.at.After(began) {
					continue
				}
				n++
				_ = one.mux.Ask(&one.base, servers[i], func(mapped netip.AddrPort) { // it fails for want of chance only
					one.mapped.Store(&mapping{mapped, time.Now()})
					l.spread(false)
				})
			}
		}
	}
	return n
}

// resolve finds the addresses of the server.
func (f *reflector) resolve(ctx context.Context) []netip.AddrPort {
	host, port := strings.Trim(f.server, "[]"), uint64(stunPort)
	if h, p, err := net.SplitHostPort(f.server); err == nil {
		host = h
		if port, err = strconv.ParseUint(p, 10, 16); err != nil {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, remap)
	defer cancel()
	found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host) // none: there is nobody to ask, now
	list := make([]netip.AddrPort, 0, len(found))
	for _, a := range found {
		list = append(list, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	return list
}

// spread tells the peers of l's legs what candidates of ours are new; whole: there
// will be no more.
func (l *loop) spread(whole bool) {
	for _, g := range l.legs {
		if g.ice != nil {
			l.complement(g, whole)
		}
	}
}

// complement is spread for one leg.
func (l *loop) complement(g *leg, whole bool) {
	i := g.ice
	n := i.now
	if i.next != nil {
		n = i.next
	}
	d := media.ICE{Complete: whole && !i.whole}
	d.Ufrag, d.Pwd = n.agents[forRTP].Credentials()
	for which, a := range n.agents {
		for _, s := range i.sites {
			if m := s.socks[which].mapped.Load(); a != nil && m != nil {
				d.Candidates = append(d.Candidates, i.reflexive(s.socks[which], m.addr)...)
			}
		}
	}
	i.whole = i.whole || whole
	if len(d.Candidates) > 0 || d.Complete {
		l.teller.Post(&g.port.Listener, media.Gathered{ICE: d})
	}
}
