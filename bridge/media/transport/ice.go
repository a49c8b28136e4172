package transport

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/bridge/media"

	"github.com/pion/ice/v4"
)

const (
	// maxCheckers bounds the addresses that a peer may send checks from.
	maxCheckers = 64
	// maxEarly is how many of a peer's checks wait until it is known who it is.
	maxEarly = 4
)

// ErrNoWay says that ICE has found no way to the peer, or has lost it.
var ErrNoWay = errors.New("there is no way to the peer")

// AgentConfig is what an Agent needs to know.
type AgentConfig struct {
	// Component is 1 or 2.
	Component int
	// Bases are the sockets that it may use.
	Bases []*Base
	// Ours reports whether an address is a shared socket of ours: nobody's candidate, or
	// packets might go round. nil: none is.
	Ours func(netip.AddrPort) bool
	// Valid hears each time that a check has been answered: packets may come
	// from source to base and go back. It is called by Mux.Take.
	Valid func(base *Base, source netip.AddrPort)
	// Selected hears what way is to be used, the first time and whenever that
	// changes; Failed that there is none and will be none, once. They are called
	// from goroutines of the agent's and must not block.
	Selected func(base *Base, remote netip.AddrPort, way media.Pair)
	Failed   func(error)
}

// Agents are the ICE agents of a plane.
type Agents struct {
	// Patience is how long a way may take to be found, and how long it lasts without
	// an answer to a check; 0: thirty seconds (RFC 7675 section 5.1).
	Patience time.Duration

	running sync.WaitGroup

	mu     sync.Mutex // guards closed, and running against an Add after it
	closed bool
}

// New makes an agent that waits for checks at mux. Agent.Close ends it.
func (s *Agents) New(mux *Mux, c AgentConfig) *Agent {
	// 40 and 130 bits drawn at random (RFC 8445 section 5.3).
	return s.make(mux, c, rand.Text()[:8], rand.Text())
}

// Second makes an agent for another component of a's run.
func (s *Agents) Second(a *Agent, mux *Mux, c AgentConfig) *Agent {
	return s.make(mux, c, a.ufrag, a.pwd)
}

func (s *Agents) make(mux *Mux, c AgentConfig, ufrag, pwd string) *Agent {
	a := &Agent{owner: s, mux: mux, config: c, ufrag: ufrag, pwd: pwd}
	mux.enter(a)
	return a
}

// Close waits for the agents, each of which must have been closed.
func (s *Agents) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
}

// run starts a goroutine; false after Close.
func (s *Agents) run(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Go(f)
	return true
}

// An Agent finds the way to one component of one peer, in one run of ICE. The
// library's own begins when the peer's credentials are known.
type Agent struct {
	owner      *Agents
	mux        *Mux
	config     AgentConfig
	ufrag, pwd string

	sent []transactionID // the oldest first; guarded by mux.mu, as is left
	left bool

	library *ice.Agent // nil until it begins; belongs to whoever does todo

	mu      sync.Mutex // guards what follows
	remote  string     // the peer's password; "" as long as it is not known
	conns   bases      // nil until then
	sources []netip.AddrPort
	early   []early
	known   map[netip.AddrPort]struct{} // candidates that were tried
	todo    []func()
	busy    bool // somebody does it
	over    bool
}

// early is a check that came to a base before the library had begun.
type early struct {
	base *Base
	received
}

// Credentials are what the peer is to be told.
func (a *Agent) Credentials() (ufrag, pwd string) { return a.ufrag, a.pwd }

func (a *Agent) remotePassword() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.remote
}

// admits reports whether checks of the peer's may come from source: from not
// too many, for each is a candidate that is checked in turn, and from the machine
// itself only if that is where we are.
func (a *Agent) admits(source netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.reaches(source.Addr()) || a.ours(source):
		return false
	case slices.Contains(a.sources, source):
		return true
	case len(a.sources) == maxCheckers:
		return false
	}
	a.sources = append(a.sources, source)
	return true
}

// reaches reports whether an address is one that a peer may have: on one of
// our own only if we have no other.
func (a *Agent) reaches(addr netip.Addr) bool {
	return !addr.IsLoopback() ||
		slices.ContainsFunc(a.config.Bases, func(b *Base) bool { return b.Address.Addr().IsLoopback() })
}

func (a *Agent) ours(addr netip.AddrPort) bool { return a.config.Ours != nil && a.config.Ours(addr) }

// feed hands a message to the library; false: it has no room, or has ended.
func (a *Agent) feed(base *Base, source netip.AddrPort, b []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := received{slices.Clone(b), source}
	if a.conns == nil {
		if a.over || len(a.early) == maxEarly {
			return false
		}
		a.early = append(a.early, early{base, r})
		return true
	}
	for _, c := range a.conns {
		if c.base == base {
			return c.put(r)
		}
	}
	return false
}

func (c *conn) put(r received) bool {
	select {
	case c.in <- r:
		return true
	default:
		return false
	}
}

// Tell says what is known of the peer. The first time that begins the checks;
// later only candidates that are new matter. It returns at once.
func (a *Agent) Tell(peer media.ICE, controlling bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	if a.conns == nil {
		a.remote, a.known = peer.Pwd, map[netip.AddrPort]struct{}{}
		a.conns = make(bases, 0, len(a.config.Bases))
		for _, b := range a.config.Bases {
			a.conns = append(a.conns, newConn(a, b))
		}
		for _, e := range a.early {
			if i := slices.IndexFunc(a.conns, func(c *conn) bool { return c.base == e.base }); i >= 0 {
				a.conns[i].put(e.received)
			}
		}
		a.early = nil
		conns := a.conns
		a.do(func() { a.begin(conns, peer, controlling) })
	}
	if fresh := a.fresh(peer.Candidates); len(fresh) > 0 {
		a.do(func() { a.add(fresh) })
	}
}

// Close ends the agent without waiting. Nothing more is told by it, but a call
// that has begun may still be under way.
func (a *Agent) Close() {
	a.mux.leave(a)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.over, a.early = true, nil
	if a.conns != nil {
		a.do(a.end)
	}
}

// do has f called after those before it. Only as long as there is something to
// do is there a goroutine for it. a.mu is held.
func (a *Agent) do(f func()) {
	a.todo = append(a.todo, f)
	if !a.busy {
		a.busy = a.owner.run(a.work)
	}
}

// work does what is to be done.
func (a *Agent) work() {
	for {
		a.mu.Lock()
		if len(a.todo) == 0 {
			a.busy, a.todo = false, nil
			a.mu.Unlock()
			return
		}
		f := a.todo[0]
		a.todo = a.todo[1:]
		a.mu.Unlock()
		f()
	}
}

// ended reports whether Close has been called.
func (a *Agent) ended() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}
