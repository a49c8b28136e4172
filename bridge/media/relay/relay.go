package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

// full is how many ports a loop has when the next one gets some. It is some 60
// percent of what a core of today carries: a hundred thousand packets a second.
const full = 2000

// maxTries is how many pairs of ports, which others may have, are tried for one.
const maxTries = 64

// Options are what a Relay needs to know.
type Options struct {
	// First and Last are the range of ports. A pair is an even one and the next.
	First, Last uint16
	// Dead is how long a peer that may speak can be silent before it is told;
	// 0: it is never told.
	Dead time.Duration
	// Rest is how long a pair is not used again after it was closed.
	Rest time.Duration
	// Loops is how many there are at most; 0: one for each CPU. The
	// second has nothing to do before the first one is full.
	Loops int
	// Addresses are those of ours that candidates of ICE are offered on; nil: those of
	// the machine's interfaces.
	Addresses []netip.Addr
	// STUN is "host:port" of a STUN server, which says where we are seen from
	// outside; "": none.
	STUN string
	Log  *slog.Logger
}

// A Relay is a media.Plane in this process.
type Relay struct {
	start   time.Time            // when the loops' clock was at startAt
	clock   func() time.Duration // the loops'
	network network
	ports   *ports
	formats formats
	teller  *Teller
	loops   []*loop
	workers []*worker
	dtls    *transport.Endpoint
	done    chan struct{} // closed by Shutdown
	work    sync.WaitGroup

	agents    transport.Agents
	addresses hostAddresses
	reflector *reflector
	doors     doors

	mu     sync.Mutex // guards what follows, leg.home, loop.ports, sites, and legs that are nobody's
	table  table
	wiring *wiring
	closed bool
}

// startAt keeps 0 for moments that never were.
const startAt = time.Second

// New starts a relay. Shutdown ends it.
func New(o Options) (*Relay, error) {
	start := time.Now()
	return newRelay(o, newNetwork(), start, func() time.Duration { return startAt + time.Since(start) })
}

func newRelay(o Options, n network, start time.Time, clock func() time.Duration) (*Relay, error) {
	if o.Last <= o.First {
		return nil, fmt.Errorf("media ports: %d-%d is no range", o.First, o.Last)
	}
	endpoint, err := transport.NewEndpoint(transport.Config{})
	if err != nil {
		return nil, fmt.Errorf("media certificate: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Relay{
		start: start, clock: clock, network: n, ports: newPorts(o.First, o.Last, o.Rest, rand.Shuffle), wiring: newWiring(o.First, o.Last),
		teller: NewTeller(), dtls: endpoint, done: make(chan struct{}),
		addresses: hostAddresses{fixed: o.Addresses}, reflector: newReflector(o.STUN),
	}
	r.wiring.own(o.Addresses...)
	if o.Loops <= 0 {
		o.Loops = runtime.NumCPU()
	}
	for range o.Loops {
		r.workers = append(r.workers, newWorker(r, o.Log))
	}
	for i := range o.Loops {
		l := &loop{
			number: uint32(i), table: &r.table, formats: &r.formats, network: n, teller: r.teller,
			endpoint: endpoint, do: r.do, log: o.Log, clock: clock, dead: o.Dead, done: make(chan struct{}),
			moment: r.moment, workers: r.workers,
			commons: commons{
				shared: map[uint64]*shared{}, newRun: r.newRun,
				muxes: [2]*transport.Mux{transport.NewMux(), transport.NewMux()},
			},
		}
		if l.poller, err = n.poller(); err != nil {
			r.abandon()
			return nil, err
		}
		r.loops = append(r.loops, l)
	}
	for _, l := range r.loops {
		l.all = r.loops
	}
	for _, l := range r.loops {
		r.work.Go(l.run)
	}
	for _, w := range r.workers {
		r.work.Go(func() { w.run(r.done) })
	}
	r.work.Go(func() { r.teller.Run(r.done) })
	if o.STUN != "" {
		r.work.Go(r.reflect)
	}
	return r, nil
}

// abandon gives back what the loops have that are not running yet.
func (r *Relay) abandon() {
	for _, l := range r.loops {
		l.poller.close()
	}
}

// moment is t of the loops' clock as a time; zero for what never was.
func (r *Relay) moment(t time.Duration) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return r.start.Add(t - startAt)
}

// Shutdown shuts all ports and returns when everything has ended. Commands do
// nothing afterwards.
func (r *Relay) Shutdown() {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		for _, l := range r.loops {
			l.push(func() { l.ended.Store(true) })
		}
		close(r.done)
	}
	r.work.Wait()
	r.agents.Close()
	for _, l := range r.loops {
		for _, s := range l.sites {
			s.socks[forRTP].close()
			s.socks[forRTCP].close()
		}
	}
	r.dtls.Close()
}

// Fingerprint is that of the certificate that the relay shows in DTLS.
func (r *Relay) Fingerprint() media.Fingerprint { return r.dtls.Fingerprint() }

var errClosed = errors.New("the media relay is closed")

// Open binds a pair of ports, or finds room on those that are shared.
func (r *Relay) Open(o media.Open, events func(media.Event)) (media.Port, error) {
	if o.ICE {
		port, err := r.openICE(o, events)
		if err != nil {
			return media.Port{}, fmt.Errorf("open a media port with ICE: %w", err)
		}
		return port, nil
	}
	if o.Frames != nil {
		port, err := r.openFrames(o, events)
		if err != nil {
			return media.Port{}, fmt.Errorf("open a media port for frames: %w", err)
		}
		return port, nil
	}
	local := o.Local.Unmap()
	if !local.IsValid() {
		return media.Port{}, errors.New("open a media port: no address")
	}
	scope, err := scopeOf(local.Zone())
	if err != nil {
		return media.Port{}, fmt.Errorf("open a media port: %w", err)
	}
	bare := local.WithZone("")
	number, handles, err := r.bind(bare, scope)
	if err != nil {
		return media.Port{}, fmt.Errorf("open a media port: %w", err)
	}
	p := &port{Listener: Listener{events: events}, call: o.Call, number: number, four: bare.Is4(), anywhere: bare.IsUnspecified()}
	id, err := r.enter(p, bare, handles, scope)
	if err != nil {
		r.network.close(handles[forRTP])
		r.network.close(handles[forRTCP])
		r.ports.give(number, r.clock())
		return media.Port{}, fmt.Errorf("open a media port: %w", err)
	}
	return media.Port{
		ID: id, RTP: netip.AddrPortFrom(local, number), RTCP: netip.AddrPortFrom(local, number+1),
	}, nil
}

// scopeOf is the number of the interface that a zone names, 0 if it names none
// (RFC 4007 section 11.2).
func scopeOf(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}

// bind opens the next pair of ports that nobody has.
func (r *Relay) bind(local netip.Addr, scope uint32) (number uint16, handles [2]int32, err error) {
	var taken []uint16
	defer func() {
		for _, n := range taken {
			r.ports.give(n, r.clock())
		}
	}()
	for range maxTries {
		number, ok := r.ports.take(r.clock())
		if !ok {
			break
		}
		if handles, err = r.pair(netip.AddrPortFrom(local, number), scope); err == nil {
			return number, handles, nil
		}
		taken = append(taken, number)
		switch {
		case exhausted(err):
			return 0, handles, fmt.Errorf("%w: %w", media.ErrNoPorts, err)
		case !inUse(err):
			return 0, handles, err
		}
	}
	return 0, handles, media.ErrNoPorts
}

// exhausted reports whether the system has no room for another socket.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// pair opens the port of RTP and the next.
func (r *Relay) pair(local netip.AddrPort, scope uint32) (handles [2]int32, err error) {
	if handles[forRTP], err = r.network.open(local, scope); err != nil {
		return handles, err
	}
	if handles[forRTCP], err = r.network.open(netip.AddrPortFrom(local.Addr(), local.Port()+1), scope); err != nil {
		r.network.close(handles[forRTP])
	}
	return handles, err
}

// enter gives sockets a leg, and the leg to a loop.
func (r *Relay) enter(p *port, local netip.Addr, handles [2]int32, scope uint32) (media.PacketPort, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return media.PacketPort{}, errClosed
	}
	g := r.table.take()
	if g == nil {
		return media.PacketPort{}, media.ErrNoPorts
	}
	l := r.choose()
	l.ports++
	g.home, g.port = l, p
	r.wiring.own(local)
	if p.anywhere {
		hosts, _ := r.addresses.now() // without them a ring has to keep to the ceiling
		r.wiring.own(hosts...)
	}
	for which := range g.sock {
		g.sock[which] = socket{handle: handles[which], scope: scope}
	}
	// Nobody is sent there before the Set that follows.
	l.later(func() {
		l.at = g
		g.good = l.now
		l.adopt(g)
	})
	return media.PacketPort{Loop: l.number, Slot: g.slot, Generation: g.generation}, nil
}

// choose is the first loop that is not full, or else the one with the least to
// do. r.mu is held.
func (r *Relay) choose() *loop {
	best := r.loops[0]
	for _, l := range r.loops {
		if l.ports < full {
			return l
		}
		if l.ports < best.ports {
			best = l
		}
	}
	return best
}

// find is the leg that p names and the loop that has it; nil if it is closed.
// r.mu is held.
func (r *Relay) find(p media.PacketPort) (*leg, *loop) {
	g := r.table.at(p.Slot)
	if g == nil || g.home == nil || g.generation != p.Generation || r.closed {
		return nil, nil
	}
	return g, g.home
}
