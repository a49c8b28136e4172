package relay

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"

	"github.com/pion/ice/v4"
)

// passes checks that packets go both ways between a nomad and a party.
func passes(t *testing.T, p *nomad, q *party, sequence uint16) {
	t.Helper()
	for i := range uint16(3) {
		p.say(packet(0, sequence+i))
		if got := hear(t, q.rtp); !bytes.Equal(got, packet(96, sequence+i)) {
			t.Fatalf("got %x", got)
		}
		q.say(packet(96, sequence+i))
		if got := p.hears(); !bytes.Equal(got, packet(0, sequence+i)) {
			t.Fatalf("got %x", got)
		}
	}
}

func isConnected(e media.Event) bool { _, ok := e.(media.Connected); return ok }

func isFailed(e media.Event) bool { _, ok := e.(media.Failed); return ok }

func isGathered(e media.Event) bool { _, ok := e.(media.Gathered); return ok }

func TestICEFindsTheWay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		manner
	}{
		{"the peer chooses", manner{controlling: true}},
		{"we choose", manner{}},
		{"both want to choose", manner{controlling: true, conflict: true}},
		{"nobody wants to choose", manner{conflict: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			forICENetworks(t, func(t *testing.T, w *world) {
				p, q := w.call(t, row.manner)
				p.meet()
				passes(t, p, q, 0)
				st, _ := w.Stats(p.port.ID)
				pair, err := p.agent.GetSelectedCandidatePair()
				if err != nil {
					t.Fatal(err)
				}
				if want := candidateOf(t, pair.Local).Address; st.Remote != want || st.Pair.Remote.Address != want || st.Learned {
					t.Errorf("media go to %v by %+v, not to %v", st.Remote, st.Pair, want)
				}
				if st.Pair.Local.Type != media.Host || st.Pair.Local.Address != p.port.ICE.Candidates[0].Address {
					t.Errorf("the pair is %+v", st.Pair)
				}
				if st := w.Close(p.port.ID); st.In.Packets != 3 || st.Out.Packets != 3 {
					t.Errorf("the counts are %+v", st)
				}
			})
		})
	}
}

func TestCandidatesTrickleBothWays(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		// The peer knows of no candidate of ours, and we of none of its.
		if _, err := p.agent.StartDial(p.port.ICE.Ufrag, p.port.ICE.Pwd); err != nil {
			t.Fatal(err)
		}
		ufrag, pwd, _ := p.agent.GetLocalUserCredentials()
		junk := []media.Candidate{
			{Component: 1, Type: media.Host},
			{Component: 1, Type: media.Host, Address: netip.MustParseAddrPort("0.0.0.0:9")},
			{Component: 1, Type: media.Host, Address: netip.MustParseAddrPort("224.0.0.1:9")},
			{Component: 1, Type: media.Host, Address: netip.MustParseAddrPort("127.0.0.1:0")},
			{Component: 1, Type: media.Host, Address: netip.MustParseAddrPort("[fe80::1%lo]:99")},
			{Component: 1, Type: "tcp", Address: netip.MustParseAddrPort("127.0.0.1:9")},
			{Component: 3, Type: media.Host, Address: netip.MustParseAddrPort("127.0.0.1:9")},
			{Component: 1, Type: media.Host, Address: at(socketAt(t, loopback4))}, // nobody answers there
		}
		p.set(func(s *media.Setting) { s.ICE = &media.ICE{Ufrag: ufrag, Pwd: pwd, Candidates: junk} })
		p.trickle()
		p.set(func(s *media.Setting) {}) // says nothing new
		p.told(p.agent, p.port.ICE.Candidates, 1)
		p.await(isConnected)
		st, _ := w.Stats(p.port.ID)
		if !st.Remote.IsValid() {
			t.Error("media go nowhere")
		}
		q.say(packet(96, 1))
		until(t, "a packet goes out", func() bool { st, _ := w.Stats(p.port.ID); return st.Out.Packets == 1 })
	})
}

func TestICEOverIPv6(t *testing.T) {
	t.Parallel()
	w := newICEWorld(t, newNetwork(), Options{Addresses: []netip.Addr{loopback6, loopback4}})
	// The library does not gather ::1 by itself.
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socketAt(t, loopback6), Logger: quietly().NewLogger("")})
	t.Cleanup(func() { mux.Close() })
	p, q := w.call(t, manner{
		controlling: true, network: []ice.NetworkType{ice.NetworkTypeUDP6}, own: []ice.AgentOption{ice.WithUDPMux(mux)},
	})
	p.meet()
	passes(t, p, q, 0)
	if st, _ := w.Stats(p.port.ID); !st.Remote.Addr().Is6() {
		t.Errorf("media go to %v", st.Remote)
	}
	if c := p.port.ICE.Candidates; len(c) != 2 || !c[0].Address.Addr().Is6() || c[0].Priority <= c[1].Priority {
		t.Errorf("the candidates are %+v", c)
	}
}

func TestKeysBeginWhenThereIsAWay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		client bool // we are
	}{
		{"we begin", true},
		{"the peer begins", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			forICENetworks(t, func(t *testing.T, w *world) {
				p, q := w.call(t, manner{controlling: true})
				e := p.endpoint()
				p.set(func(s *media.Setting) {
					s.Security = &media.Security{DTLS: &media.DTLS{Client: row.client, Peer: []media.Fingerprint{e.Fingerprint()}}}
				})
				q.say(packet(96, 0))
				if st := q.taken(1); st.Dropped[media.DropEarly]+st.Dropped[media.DropNowhere] != 1 {
					t.Errorf("counts: %+v", st)
				}
				p.meet()
				hands := p.shakeHands(e, media.DTLS{Client: !row.client, Peer: []media.Fingerprint{w.Fingerprint()}})
				o := <-hands.outcome
				if o.Err != nil {
					t.Fatal(o.Err)
				}
				p.await(func(e media.Event) bool { return e == media.Secured{Suite: o.Suite} })
				if st, _ := w.Stats(p.port.ID); st.Suite != o.Suite || st.Keys != media.KeysDTLS {
					t.Errorf("the counts say %q by %q", st.Suite, st.Keys)
				}
				alice := &sealedPeer{t: t, opener: o.Opener, sealer: o.Sealer}
				p.say(alice.seal(packet(0, 1), false))
				if got := hear(t, q.rtp); !bytes.Equal(got, packet(96, 1)) {
					t.Errorf("got %x", got)
				}
				q.say(packet(96, 2))
				if got := alice.open(<-hands.rest, false); !bytes.Equal(got, packet(0, 2)) {
					t.Errorf("got %x", got)
				}
				p.say(alice.seal(report(0x1234, 2), true))
				if got := hear(t, q.rtcp); !bytes.Equal(got, report(0x1234, 2)) {
					t.Errorf("got %x", got)
				}
			})
		})
	}
}

func TestKeysFromTheSignallingGoWithICE(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		alice := newSealedPeer(t, media.SuiteGCM128)
		p.set(func(s *media.Setting) { s.Security = alice.security() })
		p.meet()
		p.say(alice.seal(packet(0, 1), false))
		if got := hear(t, q.rtp); !bytes.Equal(got, packet(96, 1)) {
			t.Errorf("got %x", got)
		}
		q.say(packet(96, 2))
		if got := alice.open(p.hears(), false); !bytes.Equal(got, packet(0, 2)) {
			t.Errorf("got %x", got)
		}
		// A source that begins anew is sealed as another.
		for i := range uint16(300) {
			q.say(packet(96, 1000+i))
			p.hears()
		}
		for i := range uint16(5) {
			q.say(packet(96, 3+i))
		}
		until(t, "the counts say so", func() bool { st, _ := w.Stats(p.port.ID); return st.Renamed })
	})
}

func TestAPeerBeginsAnew(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		alice := newSealedPeer(t, media.SuiteCM80)
		p.set(func(s *media.Setting) { s.Security = alice.security() })
		p.meet()
		p.say(alice.seal(packet(0, 1), false))
		hear(t, q.rtp)
		before, _ := w.Stats(p.port.ID)
		if err := p.agent.Restart("", ""); err != nil {
			t.Fatal(err)
		}
		p.trickle()
		ours := p.await(isGathered).(media.Gathered).ICE
		if ours.Ufrag == p.port.ICE.Ufrag || ours.Pwd == p.port.ICE.Pwd || len(ours.Candidates) != len(p.port.ICE.Candidates) {
			t.Fatalf("our part of the new run is %+v", ours)
		}
		if st, _ := w.Stats(p.port.ID); st.Remote != before.Remote {
			t.Errorf("media go to %v while there is no new way", st.Remote)
		}
		if err := p.agent.SetRemoteCredentials(ours.Ufrag, ours.Pwd); err != nil {
			t.Fatal(err)
		}
		p.told(p.agent, ours.Candidates, 1)
		p.await(isConnected)
		until(t, "the peer has a way", func() bool {
			pair, err := p.agent.GetSelectedCandidatePair()
			return err == nil && pair != nil
		})
		p.say(alice.seal(packet(0, 2), false))
		if got := hear(t, q.rtp); !bytes.Equal(got, packet(96, 2)) {
			t.Errorf("got %x", got)
		}
		q.say(packet(96, 3))
		if got := alice.open(p.hears(), false); !bytes.Equal(got, packet(0, 3)) {
			t.Errorf("got %x", got)
		}
		st, _ := w.Stats(p.port.ID)
		if st.Remote == before.Remote {
			t.Error("media go the old way")
		}
		if n := len(w.loops[0].muxes[forRTP].Names()); n != 1 {
			t.Errorf("%d runs are known", n)
		}
	})
}

func TestRTCPHasAWayOfItsOwn(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true, separate: true})
		if n := len(p.port.ICE.Candidates); n != 2 {
			t.Fatalf("%d candidates", n)
		}
		ufrag, pwd, _ := p.agent.GetLocalUserCredentials()
		second := newPeerAgent(t, manner{own: []ice.AgentOption{ice.WithLocalCredentials(ufrag, pwd)}})
		second.OnCandidate(func(c ice.Candidate) {
			if c != nil {
				candidate := candidateOf(t, c)
				candidate.Component = 2
				p.set(func(s *media.Setting) { s.ICE.Candidates = append(s.ICE.Candidates, candidate) })
			}
		})
		p.meet()
		if err := second.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
		p.told(second, p.port.ICE.Candidates, 2)
		control := &nomad{t: t, conn: p.connect(second, p.port.ICE, true)}
		passes(t, p, q, 0)
		until(t, "RTCP has a way", func() bool {
			q.control(report(0x1234, 1))
			b := make([]byte, 2048)
			control.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			n, err := control.conn.Read(b)
			return err == nil && bytes.Equal(b[:n], report(0x1234, 1))
		})
		control.say(report(0x1234, 2))
		if got := hear(t, q.rtcp); !bytes.Equal(got, report(0x1234, 2)) {
			t.Errorf("got %x", got)
		}
	})
}

func TestAPeerWhoTakesBothByOnePortHasOneComponent(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true, separate: true})
		p.set(func(s *media.Setting) { s.Mux = true })
		p.meet()
		passes(t, p, q, 0)
		q.control(report(0x1234, 1))
		if got := p.hears(); !bytes.Equal(got, report(0x1234, 1)) {
			t.Errorf("got %x", got)
		}
		if n := len(w.loops[0].muxes[forRTCP].Names()); n != 0 {
			t.Errorf("%d agents wait for RTCP", n)
		}
	})
}

func TestAWayThatIsNeverFoundOrLostIsTold(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		w.agents.Patience = 5 * time.Second
		p, q := w.call(t, manner{controlling: true})
		p.meet()
		passes(t, p, q, 0)
		never := w.roam(t, manner{})
		never.set(func(s *media.Setting) { s.ICE = &media.ICE{Ufrag: "abcd", Pwd: "abcdefghijklmnopqrstuv"} })
		bad := w.roam(t, manner{})
		bad.set(func(s *media.Setting) { s.ICE = &media.ICE{Ufrag: "a b", Pwd: "abcdefghijklmnopqrstuv"} })
		one, other := w.roam(t, manner{}), w.roam(t, manner{}) // of each other, by our own socket
		one.set(func(s *media.Setting) { s.ICE = &other.port.ICE })
		other.set(func(s *media.Setting) { s.ICE, s.Controlling = &one.port.ICE, false })
		p.agent.GracefulClose() // as one that is gone
		bad.await(isFailed)
		for _, self := range []*nomad{one, other} {
			self.await(func(e media.Event) bool {
				if isConnected(e) {
					t.Error("a leg is its own peer")
				}
				return isFailed(e)
			})
		}
		never.await(isFailed)
		p.await(isFailed)
		st, _ := w.Stats(p.port.ID)
		if st.Remote.IsValid() || st.Pair != (media.Pair{}) {
			t.Errorf("media go to %v by %+v", st.Remote, st.Pair)
		}
		q.say(packet(96, 50))
		until(t, "packets have nowhere to go", func() bool { st, _ := w.Stats(q.port.ID); return st.Dropped[media.DropNowhere] > 0 })
	})
}

func TestNothingStaysOfALegWithICE(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		for range 2 {
			p, q := w.call(t, manner{controlling: true, separate: true})
			p.meet()
			passes(t, p, q, 0)
			w.Close(p.port.ID)
			w.Close(q.port.ID)
		}
		w.loops[0].ask(func() bool {
			l := w.loops[0]
			for which, m := range l.muxes {
				if n := m.Names(); len(n) > 0 {
					t.Errorf("component %d still has %v", which+1, n)
				}
			}
			for _, s := range l.shared {
				if len(s.tenants) > 0 {
					t.Errorf("packets are still taken from %v", s.tenants)
				}
			}
			if len(l.shared) != 2 {
				t.Errorf("there are %d shared sockets", len(l.shared))
			}
			return true
		})()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range w.loops[0].sites {
			if s.users != 0 {
				t.Errorf("%d legs use %v", s.users, s.addr)
			}
		}
	})
}

func TestLegsWithICEOfTwoLoopsAreJoined(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		both bool // have ICE
	}{
		{"one has sockets of its own", false},
		{"both have ICE", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newICEWorld(t, newNetwork(), Options{Loops: 2})
			crowd := func(number, by int) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.loops[number].ports += by
			}
			pcm := func(s *media.Setting) {
				s.In, s.Out = []media.Payload{{Format: pcmu}}, []media.Payload{{Format: pcmu}}
			}
			p := w.roam(t, manner{controlling: true})
			p.set(pcm)
			p.meet()
			crowd(0, full)
			defer crowd(0, -full)
			if !row.both {
				q := w.open(t, loopback4)
				w.Set(q.port.ID, q.setting(media.Payload{Format: pcmu, Type: 96}))
				w.Join(q.port.ID, p.port.ID)
				passes(t, p, q, 0)
				return
			}
			q := w.roam(t, manner{controlling: true})
			q.set(pcm)
			q.meet()
			if p.port.ID.Loop == q.port.ID.Loop {
				t.Fatal("both are on one loop")
			}
			w.Join(p.port.ID, q.port.ID)
			w.Stats(q.port.ID)
			for i := range uint16(3) {
				p.say(packet(0, i))
				if got := q.hears(); !bytes.Equal(got, packet(0, i)) {
					t.Fatalf("got %x", got)
				}
				q.say(packet(0, i))
				if got := p.hears(); !bytes.Equal(got, packet(0, i)) {
					t.Fatalf("got %x", got)
				}
			}
			w.Close(p.port.ID)
			w.Close(q.port.ID)
		})
	}
}
