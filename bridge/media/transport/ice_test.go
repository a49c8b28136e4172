package transport

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge/media"

	"github.com/pion/stun/v4"
)

// ours is another socket of the plane's.
var ours = netip.MustParseAddrPort("10.0.0.77:77")

// A shore is an agent whose datagrams go straight to that of the other.
type shore struct {
	mux      *Mux
	base     *Base
	agent    *Agent
	selected chan media.Pair
	failed   chan error

	mu    sync.Mutex // guards what follows
	other *shore
	sent  map[netip.AddrPort]int // datagrams, by where to
	valid []netip.AddrPort
}

func newShore(agents *Agents, address string) *shore {
	s := &shore{
		mux: NewMux(), selected: make(chan media.Pair, 100), failed: make(chan error, 100),
		sent: map[netip.AddrPort]int{},
	}
	s.base = &Base{Address: netip.MustParseAddrPort(address), Send: s.send}
	s.agent = agents.New(s.mux, AgentConfig{
		Component: 1, Bases: []*Base{s.base}, Ours: func(a netip.AddrPort) bool { return a == ours },
		Valid: func(_ *Base, source netip.AddrPort) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.valid = append(s.valid, source)
		},
		Selected: func(_ *Base, _ netip.AddrPort, way media.Pair) { s.selected <- way },
		Failed:   func(err error) { s.failed <- err },
	})
	return s
}

func (s *shore) send(b []byte, to netip.AddrPort) {
	s.mu.Lock()
	s.sent[to]++
	other := s.other
	s.mu.Unlock()
	if other != nil && other.base.Address == to {
		other.mux.Take(other.base, s.base.Address, b)
	}
}

// description is what the other is told.
func (s *shore) description() media.ICE {
	d := media.ICE{Candidates: []media.Candidate{HostCandidate(s.base.Address, 0, 1)}}
	d.Ufrag, d.Pwd = s.agent.Credentials()
	return d
}

const soon = time.Minute

func (s *shore) way(t *testing.T) media.Pair {
	t.Helper()
	select {
	case p := <-s.selected:
		return p
	case err := <-s.failed:
		t.Fatal(err)
	case <-time.After(soon):
		t.Fatal("no way was found")
	}
	return media.Pair{}
}

func TestTwoAgentsFindEachOther(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		one  bool // is controlling
		both bool // are the same
	}{
		{"one chooses", true, false},
		{"the other chooses", false, false},
		{"both want to choose", true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var agents Agents
			a, b := newShore(&agents, "10.0.0.1:1000"), newShore(&agents, "10.0.0.2:2000")
			a.other, b.other = b, a
			b.agent.Tell(a.description(), row.one == row.both) // its checks come early
			a.agent.Tell(b.description(), row.one)
			for _, s := range []*shore{a, b} {
				way := s.way(t)
				if way.Local.Address != s.base.Address || way.Remote.Address != s.other.base.Address {
					t.Errorf("the way is %+v", way)
				}
				s.mu.Lock()
				if !slices.Contains(s.valid, s.other.base.Address) {
					t.Error("it is not valid")
				}
				s.mu.Unlock()
			}
			a.agent.Close()
			b.agent.Close()
			a.agent.Close() // again, which is nothing
			agents.Close()
			if n := len(a.mux.agents) + len(a.mux.checks) + len(b.mux.agents) + len(b.mux.checks); n != 0 {
				t.Errorf("%d things are still known", n)
			}
			a.agent.Tell(b.description(), true) // too late, which is nothing
		})
	}
}

func TestAnAgentThatFindsNobodySaysSo(t *testing.T) {
	t.Parallel()
	agents := Agents{Patience: 500 * time.Millisecond}
	defer agents.Close()
	for _, row := range []struct {
		name string
		peer media.ICE
		want error
	}{
		{"nobody answers", media.ICE{Ufrag: "them", Pwd: strings.Repeat("p", 22), Candidates: []media.Candidate{
			HostCandidate(netip.MustParseAddrPort("10.0.0.9:9"), 0, 1)}}, ErrNoWay},
		{"no user name", media.ICE{Pwd: strings.Repeat("p", 22)}, ErrCredentials},
		{"a password that is none", media.ICE{Ufrag: "them", Pwd: "a\nb"}, ErrCredentials},
		{"one that is too long", media.ICE{Ufrag: "them", Pwd: strings.Repeat("p", 257)}, ErrCredentials},
	} {
		s := newShore(&agents, "10.0.0.1:1000")
		s.agent.Tell(row.peer, true)
		select {
		case err := <-s.failed:
			if !errors.Is(err, row.want) || !errors.Is(err, ErrNoWay) {
				t.Errorf("%s: got %v", row.name, err)
			}
		case <-time.After(soon):
			t.Errorf("%s: nothing was said", row.name)
		}
		s.agent.Close()
	}
}

func TestAPeersCandidatesAreBounded(t *testing.T) {
	t.Parallel()
	agents := Agents{Patience: 3 * time.Second} // until it fails all of them have had their turn
	defer agents.Close()
	s := newShore(&agents, "10.0.0.1:1000")
	defer s.agent.Close()
	peer := media.ICE{Ufrag: "them", Pwd: strings.Repeat("p", 22)}
	for i := range 1000 {
		for _, kind := range []media.CandidateType{media.Relayed, media.PeerReflexive, media.ServerReflexive, media.Host, "other"} {
			at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 99)
			peer.Candidates = append(peer.Candidates, media.Candidate{Component: 1, Type: kind, Address: at, Related: at})
		}
	}
	own := media.Candidate{Component: 1, Type: media.Host, Address: netip.MustParseAddrPort("127.0.0.1:22")}
	peer.Candidates = append([]media.Candidate{own, HostCandidate(ours, 0, 1)}, peer.Candidates...)
	s.agent.Tell(peer, true)
	s.agent.Tell(peer, true)
	<-s.failed
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.sent); n != maxCandidates {
		t.Errorf("checks went to %d places", n)
	}
	if s.sent[own.Address]+s.sent[ours] > 0 {
		t.Error("some went to this machine")
	}
}

func TestChecksThatAreNotGenuineReachNobody(t *testing.T) {
	t.Parallel()
	var agents Agents
	defer agents.Close()
	s := newShore(&agents, "10.0.0.1:1000")
	defer s.agent.Close()
	ufrag, pwd := s.agent.Credentials()
	build := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	name, signed := stun.NewUsername(ufrag+":them"), stun.NewShortTermIntegrity(pwd)
	success, err := stun.Build(stun.TransactionID, stun.BindingSuccess, signed)
	if err != nil {
		t.Fatal(err)
	}
	source := netip.MustParseAddrPort("10.0.0.2:2000")
	for _, row := range []struct {
		name   string
		b      []byte
		source netip.AddrPort
		want   bool
	}{
		{"genuine", build(name, signed, stun.Fingerprint), source, true},
		{"genuine, without a fingerprint", build(name, signed), source, true},
		{"from this machine", build(name, signed), netip.MustParseAddrPort("127.0.0.1:2000"), false},
		{"from a socket of ours", build(name, signed), ours, false},
		{"no name", build(signed), source, false},
		{"another's name", build(stun.NewUsername("us:them"), signed), source, false},
		{"not signed", build(name), source, false},
		{"wrongly signed", build(name, stun.NewShortTermIntegrity("wrong")), source, false},
		{"with something behind the signature", build(signed, name), source, false},
		{"two names", build(name, name, signed), source, false},
		{"cut short", build(name, signed)[:40], source, false},
		{"an answer to nothing", success.Raw, source, false},
		{"nothing", nil, source, false},
	} {
		if got := s.mux.Take(s.base, row.source, row.b); got != row.want {
			t.Errorf("%s: got %v", row.name, got)
		}
	}
}

func TestOnlyWhoWasAskedCanAnswer(t *testing.T) {
	t.Parallel()
	var question []byte
	m, server := NewMux(), netip.MustParseAddrPort("192.0.2.1:3478")
	base := &Base{Address: netip.MustParseAddrPort("10.0.0.1:1000"), Send: func(b []byte, to netip.AddrPort) {
		if to == server {
			question = slices.Clone(b)
		}
	}}
	var found []netip.AddrPort
	if err := m.Ask(base, server, func(a netip.AddrPort) { found = append(found, a) }); err != nil {
		t.Fatal(err)
	}
	asked := &stun.Message{Raw: question}
	if err := asked.Decode(); err != nil {
		t.Fatal(err)
	}
	answer, err := stun.Build(asked, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(203, 0, 113, 7), Port: 77})
	if err != nil {
		t.Fatal(err)
	}
	if m.Take(base, netip.MustParseAddrPort("192.0.2.2:3478"), answer.Raw) || len(found) > 0 {
		t.Error("another has answered")
	}
	if m.Take(&Base{}, server, answer.Raw) || len(found) > 0 {
		t.Error("the answer came by another socket")
	}
	if !m.Take(base, server, answer.Raw) || !slices.Equal(found, []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:77")}) {
		t.Errorf("found %v", found)
	}
	if m.Take(base, server, answer.Raw) || len(found) != 1 {
		t.Error("it was answered twice")
	}
}

// What is taken for genuine the library takes too.
func FuzzSTUN(f *testing.F) {
	const pwd = "password"
	for _, setters := range [][]stun.Setter{
		{stun.TransactionID, stun.BindingRequest, stun.NewUsername("a:b"), stun.NewShortTermIntegrity(pwd), stun.Fingerprint},
		{stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(1, 2, 3, 4), Port: 5}, stun.NewShortTermIntegrity(pwd)},
		{stun.TransactionID, stun.BindingRequest},
	} {
		m, err := stun.Build(setters...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := parseSTUN(b)
		if !ok {
			return
		}
		theirs := &stun.Message{Raw: slices.Clone(b)}
		if err := theirs.Decode(); err != nil {
			t.Fatalf("the library does not read it: %v", err)
		}
		var name stun.Username
		if name.GetFrom(theirs) == nil && string(name) != m.username || theirs.TransactionID != m.id {
			t.Errorf("got %+v, the library %q, %x", m, name, theirs.TransactionID)
		}
		if got, want := m.signed(b, pwd), stun.NewShortTermIntegrity(pwd).Check(theirs) == nil; got && !want {
			t.Error("the library does not take it for genuine")
		}
		mappedAddress(b)
	})
}
