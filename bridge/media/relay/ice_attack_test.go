package relay

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"

	"github.com/pion/stun/v4"
)

// request is a check for whoever has that user name fragment.
func request(t testing.TB, ufrag, pwd string, more ...stun.Setter) []byte {
	t.Helper()
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag + ":them")}
	setters = append(setters, more...)
	if pwd != "" {
		setters = append(setters, stun.NewShortTermIntegrity(pwd))
	}
	m, err := stun.Build(append(setters, stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// clientHello is the first datagram of a DTLS client.
func clientHello(t testing.TB, peer media.Fingerprint) []byte {
	t.Helper()
	e, err := transport.NewEndpoint(transport.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	first := make(chan []byte, 100)
	h, err := e.Start(media.DTLS{Client: true, Peer: []media.Fingerprint{peer}},
		func(b []byte) { first <- bytes.Clone(b) }, func(transport.Outcome) {})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return <-first
}

// attacks are what a stranger sends who knows everything but the password.
func attacks(t testing.TB, p *nomad) [][]byte {
	t.Helper()
	ufrag := p.port.ICE.Ufrag
	answer, err := stun.Build(stun.TransactionID, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IPv4(127, 0, 0, 1), Port: 9}, stun.NewShortTermIntegrity(p.port.ICE.Pwd), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	junk := make([]byte, 500)
	rand.Read(junk)
	junk[0] = 22
	return [][]byte{
		clientHello(t, p.w.Fingerprint()), packet(0, 1), report(0x1234, 1), junk, {0}, {22}, {128}, bytes.Repeat([]byte{1}, 3000),
		request(t, ufrag, "wrong"), request(t, ufrag, ""), request(t, "nobody", p.port.ICE.Pwd),
		request(t, ufrag, "wrong", stun.RawAttribute{Type: 0x0025}), // USE-CANDIDATE
		answer.Raw, answer.Raw[:19],
	}
}

func TestAStrangerGetsNothingAndTheCallGoesOn(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		stranger, door := socketAt(t, loopback4), p.port.ICE.Candidates[0].Address
		all := attacks(t, p)
		attack := func(times int) {
			for range times {
				for _, b := range all {
					sendTo(t, stranger, door, b)
				}
			}
		}
		attack(1) // when nobody is known
		e := p.endpoint()
		p.set(func(s *media.Setting) {
			s.Security = &media.Security{DTLS: &media.DTLS{Peer: []media.Fingerprint{e.Fingerprint()}}}
		})
		attack(1) // when DTLS may begin
		p.meet()
		attack(3) // when there is a way
		hands := p.shakeHands(e, media.DTLS{Client: true, Peer: []media.Fingerprint{w.Fingerprint()}})
		o := <-hands.outcome
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		p.await(func(e media.Event) bool { return e == media.Secured{Suite: o.Suite} })
		alice := &sealedPeer{t: t, opener: o.Opener, sealer: o.Sealer}
		for i := range uint16(20) {
			attack(5)
			p.say(alice.seal(packet(0, i), false))
			if got := hear(t, q.rtp); !bytes.Equal(got, packet(96, i)) {
				t.Fatalf("got %x", got)
			}
			q.say(packet(96, i))
			if got := alice.open(<-hands.rest, false); !bytes.Equal(got, packet(0, i)) {
				t.Fatalf("got %x", got)
			}
		}
		if got := pending(t, stranger); got != nil {
			t.Errorf("the stranger was sent %x", got)
		}
		st, _ := w.Stats(p.port.ID)
		if st.In.Packets != 20 || len(st.Dropped) > 0 {
			t.Errorf("the counts are %+v", st)
		}
	})
}

// A check that was overheard is genuine wherever it comes from; but its answer
// goes astray, and so nothing else is taken from there.
func TestWhoRepeatsACheckIsNotThePeer(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		p.meet()
		ufrag, _, _ := p.agent.GetLocalUserCredentials()
		overheard, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(p.port.ICE.Ufrag+":"+ufrag),
			stun.RawAttribute{Type: 0x0025}, stun.NewShortTermIntegrity(p.port.ICE.Pwd), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := w.Stats(p.port.ID)
		stranger, door := socketAt(t, loopback4), p.port.ICE.Candidates[0].Address
		sendTo(t, stranger, door, overheard.Raw)
		if got := hear(t, stranger); got[0] > 1 {
			t.Errorf("the stranger was sent %x", got)
		}
		sendTo(t, stranger, door, packet(0, 77))
		passes(t, p, q, 0)
		if st, _ := w.Stats(p.port.ID); st.Remote != before.Remote || st.In.Packets != 3 {
			t.Errorf("the counts are %+v", st)
		}
	})
}

func TestAPeerThatIsEverywhereIsBounded(t *testing.T) {
	t.Parallel()
	forICENetworks(t, func(t *testing.T, w *world) {
		p, q := w.call(t, manner{controlling: true})
		p.meet()
		ufrag, pwd, _ := p.agent.GetLocalUserCredentials()
		door := p.port.ICE.Candidates[0].Address
		crowd := make([]*net.UDPConn, 100)
		for i := range crowd {
			crowd[i] = socketAt(t, loopback4)
			b, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(p.port.ICE.Ufrag+":"+ufrag),
				stun.NewShortTermIntegrity(p.port.ICE.Pwd), stun.Fingerprint)
			if err != nil {
				t.Fatal(err)
			}
			sendTo(t, crowd[i], door, b.Raw)
			answerChecks(crowd[i], pwd)
		}
		passes(t, p, q, 0)
		w.loops[0].ask(func() bool {
			for _, s := range w.loops[0].shared {
				if n := len(s.tenants); n > maxSources {
					t.Errorf("packets are taken from %d places", n)
				}
			}
			return true
		})()
	})
}

// answerChecks answers the checks that have come to a socket by now.
func answerChecks(c *net.UDPConn, pwd string) {
	for range 2 {
		b := make([]byte, 2048)
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // some are not checked
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: b[:n]}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		reply, err := stun.Build(m, stun.BindingSuccess,
			&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
		if err == nil {
			c.WriteToUDPAddrPort(reply.Raw, from)
		}
	}
}

// Two gateways whose calls all go by the same two sockets can have one at a time.
func TestAnAddressBelongsToTheFirstCall(t *testing.T) {
	t.Parallel()
	a, b := newICEWorld(t, newNetwork(), Options{}), newICEWorld(t, newNetwork(), Options{})
	pcm := []media.Payload{{Format: pcmu}}
	meet := func() (x, y media.Port, xs, ys chan media.Event) {
		t.Helper()
		xs, ys = make(chan media.Event, 100), make(chan media.Event, 100)
		x, err := a.Open(media.Open{ICE: true}, func(e media.Event) { xs <- e })
		if err != nil {
			t.Fatal(err)
		}
		y, err = b.Open(media.Open{ICE: true}, func(e media.Event) { ys <- e })
		if err != nil {
			t.Fatal(err)
		}
		a.Set(x.ID, media.Setting{ICE: &y.ICE, Mux: true, Controlling: true, Send: true, Receive: true, In: pcm, Out: pcm})
		b.Set(y.ID, media.Setting{ICE: &x.ICE, Mux: true, Send: true, Receive: true, In: pcm, Out: pcm})
		return x, y, xs, ys
	}
	await := func(events chan media.Event, fits func(media.Event) bool) {
		t.Helper()
		(&nomad{t: t, events: events}).await(fits)
	}
	x, y, xs, ys := meet()
	await(xs, isConnected)
	await(ys, isConnected)
	one, other, more, others := meet()
	for done := false; !done; { // when one has failed the other gets no answers
		var ev media.Event
		select {
		case ev = <-more:
		case ev = <-others:
		case <-time.After(patience):
			t.Fatal("the second call has not failed")
		}
		done = isFailed(ev)
	}
	a.Close(one.ID)
	b.Close(other.ID)
	p, q := a.open(t, loopback4), b.open(t, loopback4)
	a.Set(p.port.ID, p.setting(pcm...))
	b.Set(q.port.ID, q.setting(pcm...))
	a.Join(p.port.ID, x.ID)
	b.Join(q.port.ID, y.ID)
	a.Stats(x.ID)
	b.Stats(y.ID)
	for i := range uint16(3) {
		p.say(packet(0, i))
		if got := hear(t, q.rtp); !bytes.Equal(got, packet(0, i)) {
			t.Fatalf("got %x", got)
		}
	}
}

func FuzzWhatComesToASharedSocket(f *testing.F) {
	w := newICEWorld(f, newPlain(), Options{})
	p := w.roam(f, manner{})
	p.set(func(s *media.Setting) { s.In = []media.Payload{{Format: pcmu}} })
	for _, b := range attacks(f, p) {
		f.Add(b, uint16(9))
	}
	f.Add(request(f, p.port.ICE.Ufrag, p.port.ICE.Pwd), uint16(9))
	l := w.loops[0]
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		ok := l.ask(func() bool {
			for _, s := range l.shared {
				n := copy(l.buf[:], b)
				l.common(s, n, netip.AddrPortFrom(loopback4, port))
				if len(s.tenants) > 0 {
					t.Error("a stranger's packets are taken")
				}
			}
			return true
		})()
		if st, open := w.Stats(p.port.ID); !ok || !open || st.In.Packets != 0 || st.Remote.IsValid() {
			t.Errorf("the counts are %+v", st)
		}
	})
}
