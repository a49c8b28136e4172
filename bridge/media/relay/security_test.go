package relay

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

func newKey(t testing.TB, s media.Suite) []byte {
	t.Helper()
	key, err := transport.NewKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A sealedPeer has keys for both ways, as a peer of the relay's has them.
type sealedPeer struct {
	t      testing.TB
	keys   media.SDES // as the relay has them
	opener *transport.Opener
	sealer *transport.Sealer
}

func newSealedPeer(t testing.TB, s media.Suite) *sealedPeer {
	t.Helper()
	p := &sealedPeer{t: t, keys: media.SDES{Suite: s, Send: newKey(t, s), Receive: newKey(t, s)}}
	var err error
	if p.opener, err = transport.NewOpener(s, p.keys.Send); err != nil {
		t.Fatal(err)
	}
	if p.sealer, err = transport.NewSealer(s, p.keys.Receive); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *sealedPeer) seal(b []byte, control bool) []byte {
	p.t.Helper()
	b = append(bytes.Clone(b), make([]byte, transport.Overhead)...)
	n, err := p.sealer.Seal(b, len(b)-transport.Overhead, control)
	if err != nil {
		p.t.Fatal(err)
	}
	return b[:n]
}

func (p *sealedPeer) open(b []byte, control bool) []byte {
	p.t.Helper()
	n, err := p.opener.Open(b, control)
	if err != nil {
		p.t.Fatalf("opening %x: %v", b, err)
	}
	return b[:n]
}

func (p *sealedPeer) security() *media.Security {
	keys := p.keys
	return &media.Security{SDES: &keys}
}

func TestWhatIsSealedPassesUntouchedInside(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		for _, suite := range transport.Suites() {
			for _, both := range []bool{false, true} {
				a, b := w.pair(t)
				alice, bob := newSealedPeer(t, suite), newSealedPeer(t, suite)
				s := a.setting(media.Payload{Format: pcmu, Type: 0})
				s.Security = alice.security()
				w.Set(a.port.ID, s)
				unseal := func(b []byte, _ bool) []byte { return b }
				if both {
					s := b.setting(media.Payload{Format: pcmu, Type: 96})
					s.Security = bob.security()
					w.Set(b.port.ID, s)
					unseal = bob.open
				}
				w.Stats(b.port.ID)
				for i := range uint16(2 * proof) {
					a.say(alice.seal(packet(0, i), false))
					got := unseal(hear(t, b.rtp), false)
					if want := packet(96, i); !bytes.Equal(got, want) {
						t.Fatalf("%s: got %x", suite, got)
					}
				}
				a.control(alice.seal(report(0x1234, 1), true))
				if got := unseal(hear(t, b.rtcp), true); !bytes.Equal(got, report(0x1234, 1)) {
					t.Errorf("%s: RTCP came as %x", suite, got)
				}
				if !both {
					b.say(packet(96, 77))
					if got := alice.open(hear(t, a.rtp), false); !bytes.Equal(got, packet(0, 77)) {
						t.Errorf("%s: got %x", suite, got)
					}
					b.control(report(0x1234, 1))
					if got := alice.open(hear(t, a.rtcp), true); !bytes.Equal(got, report(0x1234, 1)) {
						t.Errorf("%s: RTCP came as %x", suite, got)
					}
				}
				if e := a.event(); e != (media.Secured{Suite: suite}) {
					t.Errorf("got %#v", e)
				}
				if st := w.Close(a.port.ID); st.Suite != suite || st.Keys != media.KeysSDES {
					t.Errorf("the counts say %q by %q", st.Suite, st.Keys)
				}
				w.Close(b.port.ID)
			}
		}
	})
}

func TestWhatIsNotGenuineIsDroppedAndNothingEnds(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		alice := newSealedPeer(t, media.SuiteCM80)
		s := a.setting(media.Payload{Format: pcmu, Type: 0})
		s.Security = alice.security()
		w.Set(a.port.ID, s)
		w.Stats(a.port.ID)
		good := alice.seal(packet(0, 1), false)
		a.say(good)
		hear(t, b.rtp)
		a.say(good) // again
		broken := alice.seal(packet(0, 2), false)
		broken[20] ^= 1
		a.say(broken)
		a.say(packet(0, 3)) // plain
		st := a.taken(4)
		if st.In.Packets != 1 || st.Dropped[media.DropRepeat] != 1 || st.Dropped[media.DropAuth] != 2 {
			t.Errorf("counts: %+v", st)
		}
		b.say(packet(96, 5))
		hear(t, a.rtp)
		b.say(packet(96, 5)) // sealing it again would use the keystream twice
		b.say(packet(96, 6))
		if got := alice.open(hear(t, a.rtp), false); got[3] != 6 {
			t.Errorf("got %x", got)
		}
		if st, _ := w.Stats(b.port.ID); st.Dropped[media.DropRepeat] != 1 {
			t.Errorf("counts: %+v", st)
		}
		a.say(alice.seal(packet(0, 4), false))
		if got := hear(t, b.rtp); got[3] != 4 {
			t.Errorf("got %x", got)
		}
	})
}

func TestKeysThatStayTheSameGoOn(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		first, second := newSealedPeer(t, media.SuiteGCM128), newSealedPeer(t, media.SuiteGCM128)
		plain := a.setting(media.Payload{Format: pcmu, Type: 0})
		set := func(p *sealedPeer) {
			s := plain
			if p != nil {
				s.Security = p.security()
			}
			w.Set(a.port.ID, s)
			w.Stats(a.port.ID)
		}
		say := func(i uint16) []byte {
			b.say(packet(96, i))
			return hear(t, a.rtp)
		}
		set(first)
		first.open(say(1), false)
		old := first.seal(packet(0, 1), false)
		a.say(old)
		hear(t, b.rtp)
		set(first)
		set(second)
		second.open(say(2), false)
		set(nil)
		if got := say(3); !bytes.Equal(got, packet(0, 3)) {
			t.Errorf("got %x", got)
		}
		set(first)
		first.open(say(4), false)
		b.say(packet(96, 1)) // was sealed with that key before
		first.open(say(5), false)
		if got := pending(t, a.rtp); got != nil {
			t.Errorf("got %x", got)
		}
		a.say(old)
		a.say(first.seal(packet(0, 2), false))
		if got := hear(t, b.rtp); got[3] != 2 {
			t.Errorf("a packet of before was taken again: %x", got)
		}
	})
}

func TestKeysThatCannotBeAreTold(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		for _, row := range []struct {
			name string
			said media.Security
		}{
			{"a suite that nobody has", media.Security{SDES: &media.SDES{Suite: "F8_128_HMAC_SHA1_80", Send: make([]byte, 30), Receive: make([]byte, 30)}}},
			{"a key that is too short", media.Security{SDES: &media.SDES{Suite: media.SuiteCM80, Send: make([]byte, 30), Receive: make([]byte, 29)}}},
			{"DTLS with nobody", media.Security{DTLS: &media.DTLS{}}},
			{"DTLS with a broken hash", media.Security{DTLS: &media.DTLS{Peer: []media.Fingerprint{{Hash: "sha-1", Value: "AA"}}}}},
		} {
			s := a.setting(media.Payload{Format: pcmu, Type: 0})
			s.Security = &row.said
			w.Set(a.port.ID, s)
			if e, ok := a.event().(media.Insecure); !ok || e.Err == nil {
				t.Errorf("%s: got %#v", row.name, e)
			}
		}
		b.say(packet(96, 1))
		a.say(packet(0, 1))
		if st := a.taken(1); st.Dropped[media.DropEarly] != 1 {
			t.Errorf("counts: %+v", st)
		}
		if st := b.taken(1); st.Dropped[media.DropEarly] != 1 {
			t.Errorf("counts: %+v", st)
		}
		if got := pending(t, a.rtp); got != nil {
			t.Errorf("sent without a seal: %x", got)
		}
	})
}

func TestNothingIsLearnedFromWhatIsNotGenuine(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		alice, mallory := newSealedPeer(t, media.SuiteCM80), newSealedPeer(t, media.SuiteCM80)
		s.Security = alice.security()
		w.Set(a.port.ID, s)
		stranger := socketAt(t, loopback4)
		for i := range uint16(2 * proof) {
			sendTo(t, stranger, a.port.RTP, packet(0, i))
			sendTo(t, stranger, a.port.RTP, mallory.seal(packet(0, i), false))
		}
		if a.taken(4 * proof); true {
			if to, _ := remote(t, a); to != s.RTP {
				t.Errorf("packets go to %v", to)
			}
		}
		for i := range uint16(proof) {
			a.say(alice.seal(packet(0, i), false))
		}
		hear(t, b.rtp)
		if to, _ := remote(t, a); to != at(a.rtp) {
			t.Errorf("packets go to %v", to)
		}
	})
}

// A dtlsPeer shakes hands with a port.
type dtlsPeer struct {
	endpoint *transport.Endpoint
	hands    *transport.Handshake
	outcome  chan transport.Outcome
	rest     chan []byte // what came that is no DTLS
}

// shakeHands has p's peer do so; from then on its RTP socket is read.
func (p *party) shakeHands(d media.DTLS) *dtlsPeer {
	p.t.Helper()
	e, err := transport.NewEndpoint(transport.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	q := &dtlsPeer{endpoint: e, outcome: make(chan transport.Outcome, 1), rest: make(chan []byte, 1000)}
	q.hands, err = e.Start(d, func(b []byte) { p.rtp.WriteToUDPAddrPort(b, p.port.RTP) }, func(o transport.Outcome) { q.outcome <- o })
	if err != nil {
		p.t.Fatal(err)
	}
	done := q.listen(p.rtp)
	p.t.Cleanup(func() {
		q.hands.Close()
		e.Close()
		p.rtp.Close()
		<-done
	})
	return q
}

func TestDTLSGivesKeys(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		for _, client := range []bool{false, true} {
			a, b := w.pair(t)
			stranger := socketAt(t, other)
			peer, err := transport.NewEndpoint(transport.Config{})
			if err != nil {
				t.Fatal(err)
			}
			peer.Close()
			q := a.shakeHands(media.DTLS{Client: !client, Peer: []media.Fingerprint{w.Fingerprint()}})
			s := a.setting(media.Payload{Format: pcmu, Type: 0})
			s.Security = &media.Security{DTLS: &media.DTLS{Client: client, Peer: []media.Fingerprint{q.endpoint.Fingerprint()}}}
			w.Set(a.port.ID, s)
			garbage := make([]byte, 200)
			rand.Read(garbage)
			garbage[0] = 22
			for range 20 {
				sendTo(t, stranger, a.port.RTP, garbage)
				a.say(garbage) // a forger's, who names the peer as its source
			}
			o := <-q.outcome
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			if e := a.event(); e != (media.Secured{Suite: o.Suite}) {
				t.Fatalf("got %#v", e)
			}
			alice := &sealedPeer{t: t, opener: o.Opener, sealer: o.Sealer}
			w.Set(a.port.ID, s) // says nothing new
			a.say(alice.seal(packet(0, 1), false))
			if got := hear(t, b.rtp); !bytes.Equal(got, packet(96, 1)) {
				t.Errorf("got %x", got)
			}
			b.say(packet(96, 2))
			if got := alice.open(<-q.rest, false); !bytes.Equal(got, packet(0, 2)) {
				t.Errorf("got %x", got)
			}
			if got := pending(t, stranger); got != nil {
				t.Errorf("a stranger was sent %x", got)
			}
			w.Close(a.port.ID)
			w.Close(b.port.ID)
		}
	})
}

func TestAWrongFingerprintIsTold(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		a.shakeHands(media.DTLS{Client: false, Peer: []media.Fingerprint{w.Fingerprint()}})
		s := a.setting(media.Payload{Format: pcmu, Type: 0})
		s.Security = &media.Security{DTLS: &media.DTLS{Client: true, Peer: []media.Fingerprint{w.Fingerprint()}}}
		w.Set(a.port.ID, s)
		e, ok := a.event().(media.Insecure)
		if !ok || !errors.Is(e.Err, transport.ErrFingerprint) {
			t.Errorf("got %#v", e)
		}
		b.say(packet(96, 1))
		if st := b.taken(1); st.Dropped[media.DropEarly] != 1 {
			t.Errorf("counts: %+v", st)
		}
	})
}

// listen gives what comes to the handshake, or to rest. The channel is closed when
// nothing comes any more.
func (q *dtlsPeer) listen(from io.Reader) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b := make([]byte, 4096)
			n, err := from.Read(b)
			switch {
			case err != nil:
				return
			case b[0] >= 20 && b[0] < 64:
				q.hands.Feed(b[:n])
			default:
				q.rest <- b[:n]
			}
		}
	}()
	return done
}
