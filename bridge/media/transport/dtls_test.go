package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge/media"

	"github.com/pion/dtls/v3"
)

// A side is one end of a handshake in a test: its endpoint, and what has come of it.
type side struct {
	*Endpoint
	handshake *Handshake
	outcomes  chan Outcome
	validated bool // its handshakes are such
}

func newSide(t *testing.T, c Config) *side {
	t.Helper()
	e, err := NewEndpoint(c)
	if err != nil {
		t.Fatal(err)
	}
	return &side{Endpoint: e, outcomes: make(chan Outcome, 1)}
}

func (s *side) start(t *testing.T, d media.DTLS, send func([]byte)) {
	t.Helper()
	start := s.Start
	if s.validated {
		start = s.StartValidated
	}
	h, err := start(d, send, func(o Outcome) { s.outcomes <- o })
	if err != nil {
		t.Fatal(err)
	}
	s.handshake = h
}

func (s *side) end() {
	s.handshake.Close()
	s.Close()
}

// keys waits for an outcome that must be good.
func (s *side) keys(t *testing.T) Outcome {
	t.Helper()
	o := <-s.outcomes
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	return o
}

// A lane carries datagrams one way as long as nobody interferes.
type lane struct {
	to     atomic.Pointer[Handshake]
	sent   atomic.Int64 // octets
	count  atomic.Int64
	meddle func(n int64, b []byte) bool // false: it is lost
}

func (l *lane) send(b []byte) {
	l.sent.Add(int64(len(b)))
	n := l.count.Add(1)
	if h := l.to.Load(); h != nil && (l.meddle == nil || l.meddle(n, b)) {
		h.Feed(b)
	}
}

// join starts a handshake between two sides, the first being the client.
func join(t *testing.T, client, server *side, up, down *lane) {
	t.Helper()
	server.start(t, media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}}, down.send)
	up.to.Store(server.handshake)
	client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{server.Fingerprint()}}, up.send)
	down.to.Store(client.handshake)
}

// carries checks that what one seals the other opens, both ways.
func carries(t *testing.T, a, b Outcome) {
	t.Helper()
	for range 2 {
		for _, control := range []bool{false, true} {
			plain := packet(1, 2)
			if control {
				plain = report(1, 2)
			}
			sealed := seal(t, a.Sealer, plain, control)
			n, err := b.Opener.Open(sealed, control)
			if err != nil || !bytes.Equal(sealed[:n], plain) {
				t.Errorf("control %v: %v", control, err)
			}
		}
		a, b = b, a
	}
}

func TestAHandshakeEndsWithKeysForBothWays(t *testing.T) {
	t.Parallel()
	for _, validated := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newSide(t, Config{}), newSide(t, Config{})
			client.validated, server.validated = validated, validated
			asked := false
			var up lane
			down := lane{meddle: func(_ int64, b []byte) bool {
				asked = asked || offeredCookie(b) != nil
				return true
			}}
			join(t, client, server, &up, &down)
			c, s := client.keys(t), server.keys(t)
			if c.Suite != media.SuiteGCM256 || s.Suite != c.Suite {
				t.Errorf("%s and %s", c.Suite, s.Suite)
			}
			if asked == validated {
				t.Errorf("validated %v, but a cookie was asked for: %v", validated, asked)
			}
			carries(t, c, s)
			client.end()
			server.end()
		})
	}
}

func TestDataHoldNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cert := identityFor(t)
		us := newSide(t, Config{})
		var in lane
		said := make(chan []byte, 8)
		out, conn := peer(t, true, in.send, dtls.WithCertificates(cert.Certificate), dtls.WithSRTPProtectionProfiles(profiles()...))
		us.start(t, media.DTLS{Peer: []media.Fingerprint{cert.fingerprint}}, func(b []byte) {
			if r, _, ok := nextRecord(b); ok && r.epoch > 0 {
				said <- bytes.Clone(b)
			}
			out.feed(bytes.Clone(b))
		})
		in.to.Store(us.handshake)
		if err := conn.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		us.keys(t)
		for range 10 {
			if _, err := conn.Write([]byte("nobody reads this")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		_ = conn.Close() // which says so, and hears the same
		<-said
		us.end()
	})
}

func TestLostDatagramsAreSentAgain(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]func(n int64) bool{
		"the first of each": func(n int64) bool { return n == 1 },
		"every other":       func(n int64) bool { return n%2 == 1 },
		"every third":       func(n int64) bool { return n%3 == 0 },
	} {
		for _, validated := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, validated %v", name, validated), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client, server := newSide(t, Config{Timeout: time.Minute}), newSide(t, Config{Timeout: time.Minute})
					server.validated = validated
					keep := func(n int64, _ []byte) bool { return !lost(n) }
					up, down := lane{meddle: keep}, lane{meddle: keep}
					join(t, client, server, &up, &down)
					carries(t, client.keys(t), server.keys(t))
					client.end()
					server.end()
				})
			})
		}
	}
}

// peer is what the library makes of the other end when it is alone with a pipe.
func peer(t *testing.T, client bool, send func([]byte), options ...dtls.Option) (*pipe, *dtls.Conn) {
	t.Helper()
	p := newPipe(send)
	options = append(options, dtls.WithInsecureSkipVerify(true))
	var conn *dtls.Conn
	var err error
	if client {
		list := make([]dtls.ClientOption, len(options))
		for i, o := range options {
			list[i] = o
		}
		conn, err = dtls.ClientWithOptions(p, nowhere{}, list...)
	} else {
		list := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
		for _, o := range options {
			list = append(list, o)
		}
		conn, err = dtls.ServerWithOptions(p, nowhere{}, list...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, conn
}

func TestEverySuiteCanBeAgreedOn(t *testing.T) {
	t.Parallel()
	for _, s := range Suites() {
		for _, client := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				p, _ := suite(s)
				cert := identityFor(t)
				us := newSide(t, Config{})
				var in lane
				out, conn := peer(t, !client, in.send, dtls.WithCertificates(cert.Certificate),
					dtls.WithSRTPProtectionProfiles(dtls.SRTPProtectionProfile(p.id)))
				us.start(t, media.DTLS{Client: client, Peer: []media.Fingerprint{cert.fingerprint}},
					func(b []byte) { out.feed(bytes.Clone(b)) })
				in.to.Store(us.handshake)
				if err := conn.HandshakeContext(t.Context()); err != nil {
					t.Fatal(err)
				}
				o := us.keys(t)
				if o.Suite != s {
					t.Errorf("%s, want %s", o.Suite, s)
				}
				carries(t, o, agreed(conn, !client))
				us.end()
				if n, err := conn.Read(make([]byte, 10)); err == nil {
					t.Errorf("%d bytes instead of the end", n)
				}
				_ = conn.Close()
			})
		}
	}
}

func TestACertificateMustBeTheAnnouncedOne(t *testing.T) {
	t.Parallel()
	for _, client := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			us, them, third := newSide(t, Config{}), newSide(t, Config{}), newSide(t, Config{})
			var out, in lane
			us.start(t, media.DTLS{Client: client, Peer: []media.Fingerprint{third.Fingerprint()}}, out.send)
			in.to.Store(us.handshake)
			them.start(t, media.DTLS{Client: !client, Peer: []media.Fingerprint{us.Fingerprint()}}, in.send)
			out.to.Store(them.handshake)
			if o := <-us.outcomes; !errors.Is(o.Err, ErrFingerprint) || o.Sealer != nil || o.Opener != nil {
				t.Errorf("client %v: %+v", client, o)
			}
			us.end()
			them.end()
			third.Close()
		})
	}
}

func TestAHandshakeThatCouldNotBeCheckedIsNotBegun(t *testing.T) {
	t.Parallel()
	us := newSide(t, Config{})
	sha1 := media.Fingerprint{Hash: "sha-1", Value: "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"}
	for _, given := range [][]media.Fingerprint{nil, {sha1}} {
		if _, err := us.Start(media.DTLS{Peer: given}, func([]byte) {}, func(Outcome) {}); !errors.Is(err, ErrFingerprint) {
			t.Errorf("%v: %v", given, err)
		}
	}
	us.Close()
	own := []media.Fingerprint{us.Fingerprint()}
	if _, err := us.Start(media.DTLS{Peer: own}, func([]byte) {}, func(Outcome) {}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestAPeerThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		us := newSide(t, Config{Timeout: 40 * time.Second})
		start := time.Now()
		var out lane
		us.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{us.Fingerprint()}}, out.send)
		o := <-us.outcomes
		if !errors.Is(o.Err, ErrHandshake) || !errors.Is(o.Err, context.DeadlineExceeded) {
			t.Error(o.Err)
		}
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("after %v", took)
		}
		if n := out.count.Load(); n < 5 || n > 20 {
			t.Errorf("%d hellos", n)
		}
		us.end()
	})
}

func TestAServerWaitsForAsLongAsNobodyBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := newSide(t, Config{}), newSide(t, Config{})
		var up, down lane
		server.start(t, media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}}, down.send)
		time.Sleep(10 * time.Minute)
		up.to.Store(server.handshake)
		client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{server.Fingerprint()}}, up.send)
		down.to.Store(client.handshake)
		carries(t, client.keys(t), server.keys(t))
		client.end()
		server.end()
	})
}

func TestClosingMidwayLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for after := range int64(6) {
		synctest.Test(t, func(t *testing.T) {
			client, server := newSide(t, Config{}), newSide(t, Config{})
			var up lane
			down := lane{meddle: func(n int64, _ []byte) bool { return n <= after }}
			join(t, client, server, &up, &down)
			synctest.Wait()
			client.end()
			server.end()
		})
	}
}

func TestOnlySoManyHandshakesRunAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const all, few = 10, 2
		clients := newSide(t, Config{Timeout: time.Minute, AtOnce: few})
		servers := newSide(t, Config{Timeout: time.Minute})
		outcomes := make(chan Outcome, 2*all)
		var handshakes []*Handshake
		for range all {
			var up, down lane
			begin := func(s, other *side, client bool, l *lane) *Handshake {
				h, err := s.Start(media.DTLS{Client: client, Peer: []media.Fingerprint{other.Fingerprint()}},
					func(b []byte) {
						if n := len(clients.slots); n > few {
							t.Errorf("%d at once", n)
						}
						l.send(b)
					}, func(o Outcome) { outcomes <- o })
				if err != nil {
					t.Fatal(err)
				}
				handshakes = append(handshakes, h)
				return h
			}
			up.to.Store(begin(servers, clients, false, &down))
			down.to.Store(begin(clients, servers, true, &up))
		}
		for range 2 * all {
			if o := <-outcomes; o.Err != nil {
				t.Error(o.Err)
			}
		}
		if len(clients.slots) != 0 {
			t.Error("slots are not given back")
		}
		for _, h := range handshakes {
			h.Close()
		}
		clients.Close()
		servers.Close()
	})
}

func TestSmallAndSwappedDatagramsArePutTogether(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		client, swap bool
		mtu          int
	}{{true, true, 100}, {false, true, 250}, {false, false, 60}} {
		synctest.Test(t, func(t *testing.T) {
			client := row.client
			cert := identityFor(t)
			us := newSide(t, Config{Timeout: time.Minute})
			var in lane
			var held []byte
			out, conn := peer(t, !client, func(b []byte) {
				// Of two datagrams, the second comes first.
				if row.swap && held == nil && in.count.Load() > 2 {
					held = bytes.Clone(b)
					in.count.Add(1)
					return
				}
				in.send(b)
				if held != nil {
					in.send(held)
					held = nil
				}
			}, dtls.WithCertificates(cert.Certificate), dtls.WithSRTPProtectionProfiles(profiles()...), dtls.WithMTU(row.mtu))
			us.start(t, media.DTLS{Client: client, Peer: []media.Fingerprint{cert.fingerprint}},
				func(b []byte) { out.feed(bytes.Clone(b)) })
			in.to.Store(us.handshake)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := conn.HandshakeContext(ctx); err != nil {
				t.Error(row, err)
			} else if o := <-us.outcomes; o.Err != nil {
				t.Error(o.Err)
			} else {
				carries(t, o, agreed(conn, !client))
			}
			us.end()
			_ = conn.Close()
		})
	}
}
