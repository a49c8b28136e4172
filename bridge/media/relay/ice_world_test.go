package relay

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

// newICEWorld is a relay whose candidates are on the loopback interface.
func newICEWorld(t testing.TB, n network, o Options) *world {
	t.Helper()
	if o.Addresses == nil {
		o.Addresses = []netip.Addr{loopback4}
	}
	return newWorld(t, n, o)
}

// forICENetworks runs a test with each kind of network.
func forICENetworks(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for _, row := range []struct {
		name string
		make func() network
	}{
		{"the system's best", newNetwork},
		{"plain sockets", func() network { return newPlain() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f(t, newICEWorld(t, row.make(), Options{}))
		})
	}
}

// A nomad is a port of the relay with ICE, and the peer behind it, which is the
// library's agent with sockets of its own.
type nomad struct {
	t      testing.TB
	w      *world
	manner manner
	port   media.Port
	events chan media.Event
	agent  *ice.Agent
	conn   *ice.Conn // nil until it is connected

	mu   sync.Mutex // guards said, and keeps Sets in order
	said media.Setting
}

// A manner is how a peer is.
type manner struct {
	separate    bool // the port has a second component
	controlling bool // the peer is
	network     []ice.NetworkType
	conflict    bool // both think that they are what the peer is
	own         []ice.AgentOption
}

func quietly() *logging.DefaultLoggerFactory {
	return &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
}

// roam opens a port with ICE and a peer, who know nothing of each other yet.
func (w *world) roam(t testing.TB, m manner) *nomad {
	t.Helper()
	p := &nomad{t: t, w: w, manner: m, events: make(chan media.Event, 100)}
	port, err := w.Open(media.Open{ICE: true, Separate: m.separate, Call: "test"}, func(e media.Event) { p.events <- e })
	if err != nil {
		t.Fatal(err)
	}
	p.port = port
	p.said = media.Setting{Mux: !m.separate, Send: true, Receive: true, Controlling: m.controlling == m.conflict}
	p.agent = newPeerAgent(t, m)
	return p
}

func newPeerAgent(t testing.TB, m manner) *ice.Agent {
	t.Helper()
	if m.network == nil {
		m.network = []ice.NetworkType{ice.NetworkTypeUDP4}
	}
	agent, err := ice.NewAgentWithOptions(append([]ice.AgentOption{
		ice.WithNetworkTypes(m.network), ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithIncludeLoopback(), ice.WithInterfaceFilter(func(name string) bool { return name == "lo" }),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithLoggerFactory(quietly()),
	}, m.own...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.GracefulClose() })
	return agent
}

// set tells the relay what is known of the peer by now.
func (p *nomad) set(change func(*media.Setting)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.said)
	s := p.said
	if s.ICE != nil {
		i := *s.ICE
		i.Candidates = append([]media.Candidate(nil), i.Candidates...)
		s.ICE = &i
	}
	p.w.Set(p.port.ID, s)
}

// endpoint is the peer's certificate.
func (p *nomad) endpoint() *transport.Endpoint {
	p.t.Helper()
	e, err := transport.NewEndpoint(transport.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// trickle tells the relay each candidate of the peer's when it is found.
func (p *nomad) trickle() {
	p.t.Helper()
	ufrag, pwd, err := p.agent.GetLocalUserCredentials()
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(func(s *media.Setting) { s.ICE = &media.ICE{Ufrag: ufrag, Pwd: pwd} })
	p.agent.OnCandidate(func(c ice.Candidate) {
		if c != nil {
			p.set(func(s *media.Setting) { s.ICE.Candidates = append(s.ICE.Candidates, candidateOf(p.t, c)) })
		}
	})
	if err := p.agent.GatherCandidates(); err != nil {
		p.t.Fatal(err)
	}
}

func candidateOf(t testing.TB, c ice.Candidate) media.Candidate {
	addr, err := netip.ParseAddr(c.Address())
	if err != nil {
		t.Error(err)
	}
	return media.Candidate{
		Foundation: c.Foundation(), Component: 1, Priority: c.Priority(), Type: media.CandidateType(c.Type().String()),
		Address: netip.AddrPortFrom(addr, uint16(c.Port())),
	}
}

// hear tells the peer of candidates of the relay's.
func (p *nomad) told(agent *ice.Agent, list []media.Candidate, component int) {
	p.t.Helper()
	for _, c := range list {
		if c.Component != component {
			continue
		}
		line := fmt.Sprintf("%s %d udp %d %s %d typ %s", c.Foundation, c.Component, c.Priority, c.Address.Addr(), c.Address.Port(), c.Type)
		if c.Related.IsValid() {
			line += fmt.Sprintf(" raddr %s rport %d", c.Related.Addr(), c.Related.Port())
		}
		remote, err := ice.UnmarshalCandidate(line)
		if err != nil {
			p.t.Fatalf("%q: %v", line, err)
		}
		if err := agent.AddRemoteCandidate(remote); err != nil {
			p.t.Fatal(err)
		}
	}
}

// meet has the peer and the relay find each other.
func (p *nomad) meet() {
	p.t.Helper()
	p.trickle()
	p.told(p.agent, p.port.ICE.Candidates, 1)
	p.conn = p.connect(p.agent, p.port.ICE, p.manner.controlling)
	p.await(func(e media.Event) bool { _, ok := e.(media.Connected); return ok })
}

// connect has an agent go on until it is connected.
func (p *nomad) connect(agent *ice.Agent, to media.ICE, controlling bool) *ice.Conn {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := agent.Accept
	if controlling {
		start = agent.Dial
	}
	conn, err := start(ctx, to.Ufrag, to.Pwd)
	if err != nil {
		p.t.Fatalf("the peer finds no way: %v", err)
	}
	return conn
}

// await is the next event that fits; those before it are thrown away.
func (p *nomad) await(fits func(media.Event) bool) media.Event {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-p.events:
			if fits(e) {
				return e
			}
		case <-late:
			p.t.Fatal("no such event came")
		}
	}
}

// say sends a datagram the chosen way.
func (p *nomad) say(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// hears is the next datagram that comes the chosen way.
func (p *nomad) hears() []byte {
	p.t.Helper()
	b := make([]byte, 4096)
	p.conn.SetReadDeadline(time.Now().Add(patience))
	n, err := p.conn.Read(b)
	if err != nil {
		p.t.Fatalf("nothing came: %v", err)
	}
	return b[:n]
}

// call joins a nomad to a party, each with PCMU under a number of its own.
func (w *world) call(t testing.TB, m manner) (*nomad, *party) {
	t.Helper()
	p, q := w.roam(t, m), w.open(t, loopback4)
	pcm := func(kind uint8) []media.Payload { return []media.Payload{{Format: pcmu, Type: kind}} }
	p.set(func(s *media.Setting) { s.In, s.Out = pcm(0), pcm(0) })
	w.Set(q.port.ID, q.setting(pcm(96)...))
	w.Join(q.port.ID, p.port.ID)
	return p, q
}

// shakeHands has the peer do so the chosen way; from then on only it reads.
func (p *nomad) shakeHands(e *transport.Endpoint, d media.DTLS) *dtlsPeer {
	p.t.Helper()
	q := &dtlsPeer{endpoint: e, outcome: make(chan transport.Outcome, 1), rest: make(chan []byte, 64)}
	var err error
	q.hands, err = e.Start(d, func(b []byte) { p.conn.Write(b) }, func(o transport.Outcome) { q.outcome <- o })
	if err != nil {
		p.t.Fatal(err)
	}
	done := q.listen(p.conn)
	p.t.Cleanup(func() {
		q.hands.Close()
		e.Close()
		p.agent.GracefulClose()
		<-done
	})
	return q
}
