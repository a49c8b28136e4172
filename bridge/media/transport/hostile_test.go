package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge/media"

	"github.com/pion/dtls/v3"
)

// A forger makes datagrams that could come from the peer, by one that was seen.
type forger struct{ random *rand.Rand }

// hello is like the ClientHello seen, but for what was drawn at random.
func (f forger) hello(seen []byte) []byte {
	b := bytes.Clone(seen)
	for i := range 32 {
		b[recordHeader+handshakeHeader+2+i] = byte(f.random.Uint32())
	}
	return b
}

// record is a record of that kind.
func (f forger) record(content uint8, epoch uint16, body ...byte) []byte {
	b := make([]byte, recordHeader, recordHeader+len(body))
	b[0], b[1], b[2] = content, 254, 253
	binary.BigEndian.PutUint16(b[3:], epoch)
	binary.BigEndian.PutUint32(b[7:], f.random.Uint32N(100))
	binary.BigEndian.PutUint16(b[11:], uint16(len(body)))
	return append(b, body...)
}

// anything is one of what strangers send.
func (f forger) anything(seen []byte) []byte {
	if f.random.IntN(9) == 0 {
		return f.hello(seen)
	}
	return f.nuisance(seen)
}

// nuisance is one of them that is no hello to be answered.
func (f forger) nuisance(seen []byte) []byte {
	switch f.random.IntN(8) {
	case 0: // a cookie that nobody gave out
		return withCookie(f.hello(seen), []byte("01234567890123456789"))
	case 1: // the end
		return f.record(contentAlert, 0, 2, 40)
	case 2:
		return f.record(contentAlert, 0, 1, 0)
	case 3: // data that is not encrypted
		return f.record(contentData, 0, 1, 2, 3)
	case 4: // encrypted, so it seems
		return f.record(contentHandshake, 1, make([]byte, 40)...)
	case 5:
		return f.record(contentChangeCipher, 0, 1)
	case 6: // another epoch
		return f.record(contentHandshake, 2, make([]byte, 40)...)
	default:
		b := make([]byte, f.random.IntN(200))
		for i := range b {
			b[i] = byte(f.random.Uint32())
		}
		if len(b) > 0 {
			b[0] = 20 + b[0]%44
		}
		return b
	}
}

// withCookie puts a cookie into a ClientHello that has none.
func withCookie(b, cookie []byte) []byte {
	const at = recordHeader + handshakeHeader + 34
	at2 := at + 1 + int(b[at])
	out := append(bytes.Clone(b[:at2]), byte(len(cookie)))
	out = append(append(out, cookie...), b[at2+1:]...)
	grow := len(cookie)
	binary.BigEndian.PutUint16(out[11:], binary.BigEndian.Uint16(out[11:])+uint16(grow))
	for _, field := range []int{recordHeader + 1, recordHeader + 9} {
		n := uint24(out[field:]) + grow
		out[field], out[field+1], out[field+2] = byte(n>>16), byte(n>>8), byte(n)
	}
	binary.BigEndian.PutUint16(out[recordHeader+4:], 1)
	return out
}

// firstHello is what a client of ours sends first.
func firstHello(t *testing.T) []byte {
	t.Helper()
	client := newSide(t, Config{})
	seen := make(chan []byte, 1)
	client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{client.Fingerprint()}}, func(b []byte) {
		select {
		case seen <- bytes.Clone(b):
		default:
		}
	})
	b := <-seen
	client.end()
	return b
}

func TestForgedDatagramsDoNotSpoilAHandshake(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			seen := firstHello(t)
			client, server := newSide(t, Config{}), newSide(t, Config{})
			server.validated = seed%2 == 1
			var up, down lane
			// The forger's come in front of each of the genuine ones.
			spray := func(l *lane, stream uint64) func(int64, []byte) bool {
				f := forger{rand.New(rand.NewPCG(seed, stream))}
				return func(_ int64, b []byte) bool {
					h, ok := parseHello(b)
					for range 3 {
						forged := f.nuisance(seen)
						if !ok || len(h.cookie) > 0 {
							// Not before: the cookie, or the hello, that it
							// gets would be taken by the peer for its own.
							forged = f.anything(seen)
						}
						l.to.Load().Feed(forged)
					}
					return true
				}
			}
			up.meddle, down.meddle = spray(&up, 1), spray(&down, 2)
			join(t, client, server, &up, &down)
			carries(t, client.keys(t), server.keys(t))
			client.end()
			server.end()
		})
	}
}

func TestAForgedHelloBeforeTheGenuineOneChangesNothing(t *testing.T) {
	t.Parallel()
	for _, validated := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := forger{rand.New(rand.NewPCG(1, 1))}
			seen := firstHello(t)
			nothing := bytes.Clone(seen)
			suites := recordHeader + handshakeHeader + 34 + 1 + 1
			for i := range int(binary.BigEndian.Uint16(nothing[suites:])) {
				nothing[suites+2+i] = 0 // no cipher at all
			}
			client, server := newSide(t, Config{}), newSide(t, Config{})
			server.validated = validated
			var up, down lane
			server.start(t, media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}}, down.send)
			for _, b := range [][]byte{nothing, f.hello(seen), f.hello(seen), withCookie(seen, make([]byte, 20))} {
				server.handshake.Feed(b)
				synctest.Wait()
			}
			up.to.Store(server.handshake)
			client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{server.Fingerprint()}}, up.send)
			down.to.Store(client.handshake)
			carries(t, client.keys(t), server.keys(t))
			client.end()
			server.end()
		})
	}
}

// A peer that is known to be where it is may be forged all the same, by who knows
// its address; what that costs is bounded.
func TestAFloodOfHellosIsBoundedWherePeersAreValidated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := forger{rand.New(rand.NewPCG(1, 1))}
		seen := firstHello(t)
		server := newSide(t, Config{})
		server.validated = true
		var down lane
		server.start(t, media.DTLS{Peer: []media.Fingerprint{server.Fingerprint()}}, down.send)
		const seconds = 5
		for range seconds * 200 {
			server.handshake.Feed(f.anything(seen))
			time.Sleep(5 * time.Millisecond)
			if n := len(server.slots); n > candidates+1 {
				t.Fatalf("%d attempts for one port", n)
			}
		}
		// Each has its flight sent at once, and once more in a second.
		if n := down.count.Load(); n == 0 || n > seconds*candidates*2 {
			t.Errorf("%d datagrams in answer", n)
		}
		server.end()
	})
}

func TestAFloodOfHellosGetsLessThanItSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := forger{rand.New(rand.NewPCG(1, 1))}
		seen := firstHello(t)
		client, server := newSide(t, Config{}), newSide(t, Config{})
		var up, down lane
		server.start(t, media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}}, down.send)
		in := 0
		for range 3000 {
			b := f.anything(seen)
			in += len(b)
			server.handshake.Feed(b)
			time.Sleep(time.Millisecond)
			if n := len(server.slots); n > candidates+1 {
				t.Fatalf("%d attempts for one port", n)
			}
		}
		if out := down.sent.Load(); int(out) > in/4 {
			t.Errorf("%d octets for %d", out, in)
		}
		time.Sleep(fresh)
		up.to.Store(server.handshake)
		client.start(t, media.DTLS{Client: true, Peer: []media.Fingerprint{server.Fingerprint()}}, up.send)
		down.to.Store(client.handshake)
		carries(t, client.keys(t), server.keys(t))
		client.end()
		server.end()
	})
}

func TestAStrangerHearsNothingButACookie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := firstHello(t)
		server := newSide(t, Config{})
		var out [][]byte
		server.start(t, media.DTLS{Peer: []media.Fingerprint{server.Fingerprint()}}, func(b []byte) {
			out = append(out, bytes.Clone(b))
		})
		server.handshake.Feed(seen)
		time.Sleep(20 * time.Second)
		server.end()
		if len(out) != 1 || offeredCookie(out[0]) == nil || len(out[0]) > len(seen) {
			t.Errorf("%d datagrams: %x", len(out), out)
		}
	})
}

func TestAnAssociationCannotBeBegunAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := firstHello(t)
		client, server := newSide(t, Config{}), newSide(t, Config{})
		var up, down lane
		join(t, client, server, &up, &down)
		c, s := client.keys(t), server.keys(t)
		synctest.Wait()
		before := down.count.Load()
		f := forger{rand.New(rand.NewPCG(1, 1))}
		for range 500 {
			server.handshake.Feed(seen)
			server.handshake.Feed(f.anything(seen))
			synctest.Wait()
		}
		if n := down.count.Load() - before; n != 0 {
			t.Errorf("%d datagrams in answer", n)
		}
		carries(t, c, s)
		client.end()
		server.end()
	})
}

func TestFeedingNeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := firstHello(t)
		server := newSide(t, Config{})
		release := make(chan struct{})
		server.start(t, media.DTLS{Peer: []media.Fingerprint{server.Fingerprint()}}, func([]byte) { <-release })
		for range 1000 {
			server.handshake.Feed(seen) // the bubble would see it wait
		}
		close(release)
		server.end()
	})
}

func TestWhatNobodyReadsIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := forger{rand.New(rand.NewPCG(1, 1))}
		farewell := f.record(contentHandshake, 0, messageServerHelloDone, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		h := &Handshake{said: media.DTLS{Client: true}}
		h.session.chosen = &attempt{client: true, pipe: newPipe(nil)}
		for i := range 3 * queued {
			if taken := h.Feed(farewell); taken != (i < queued) {
				t.Fatalf("datagram %d: %v", i, taken)
			}
		}
	})
}

func TestDatagramsFitThePath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := newSide(t, Config{}), newSide(t, Config{})
		fits := func(_ int64, b []byte) bool {
			if len(b) > mtu+recordHeader+handshakeHeader {
				t.Errorf("%d bytes", len(b))
			}
			return true
		}
		up, down := lane{meddle: fits}, lane{meddle: fits}
		join(t, client, server, &up, &down)
		client.keys(t)
		server.keys(t)
		client.end()
		server.end()
	})
}

func TestAPeerWithoutACertificateGetsNoKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSide(t, Config{Timeout: 5 * time.Second})
		var in lane
		out, conn := peer(t, true, in.send, dtls.WithSRTPProtectionProfiles(profiles()...))
		server.start(t, media.DTLS{Peer: []media.Fingerprint{server.Fingerprint()}},
			func(b []byte) { out.feed(bytes.Clone(b)) })
		in.to.Store(server.handshake)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := conn.HandshakeContext(ctx); err == nil {
			t.Error("it thinks that it is in")
		}
		if o := <-server.outcomes; o.Err == nil {
			t.Error("it is in")
		}
		_ = conn.Close()
		server.end()
	})
}

func FuzzWhateverIsFedIsSifted(f *testing.F) {
	g := forger{rand.New(rand.NewPCG(1, 1))}
	f.Add(g.record(contentHandshake, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), true, false)
	f.Add(append(g.record(contentAlert, 0, 2, 40), g.record(contentHandshake, 1, 1, 2, 3)...), false, true)
	f.Add(g.record(contentData, 2, 1), false, false)
	f.Fuzz(func(t *testing.T, b []byte, fromClient, done bool) {
		kept, _ := sift(b, fromClient, done)
		if len(kept) > len(b) {
			t.Fatal("more than there was")
		}
		for rest := kept; len(rest) > 0; {
			r, more, ok := nextRecord(rest)
			if !ok || r.epoch > 1 || r.epoch == 0 && (done || r.content == contentAlert || r.content == contentData) {
				t.Fatalf("%x is let through", rest)
			}
			rest = more
		}
		if again, _ := sift(kept, fromClient, done); !bytes.Equal(again, kept) {
			t.Fatal("not the same twice")
		}
		var p puzzle
		for range 3 {
			if whole := p.add(kept); len(whole) > maxDatagram {
				t.Fatal("longer than what the library reads")
			}
		}
		var q feed
		for _, keyed := range []bool{false, true} {
			if out := q.order(kept, !fromClient, keyed); len(out) > 2*len(kept)+14 {
				t.Fatal("more than came")
			}
		}
		if h, ok := parseHello(b); ok && len(h.random) != 32 {
			t.Fatal("a hello without its random")
		}
		offeredCookie(b)
	})
}
