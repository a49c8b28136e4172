package relay

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"
)

// A recorder is a poller without sockets: what is sent is kept.
type recorder struct{ sent []sending }

type sending struct {
	to netip.AddrPort
	b  []byte
}

func (*recorder) add(int32, uint64) error { return nil }
func (*recorder) remove(int32)            {}
func (*recorder) closing(int32)           {}
func (*recorder) connect(*socket) bool    { return true }
func (*recorder) disconnect(*socket)      {}
func (*recorder) arm(time.Duration)       {}
func (*recorder) waited() time.Duration   { return 0 }
func (*recorder) wake()                   {}
func (*recorder) run(sink) error          { return nil }
func (*recorder) close()                  {}

func (r *recorder) send(s *socket, b []byte) bool {
	r.sent = append(r.sent, sending{s.to, bytes.Clone(b)})
	return true
}

// The addresses of a fuzzed call: where its parties say they are, and where the
// first one sends from.
var (
	aliceAt = netip.MustParseAddrPort("192.0.2.1:4000")
	aliceIs = netip.MustParseAddrPort("198.51.100.1:7000")
	bobAt   = netip.MustParseAddrPort("192.0.2.2:5000")
)

// newQuietCall is a loop without a goroutine that has two joined legs.
func newQuietCall(secure *media.Security) (l *loop, a, b *leg, r *recorder) {
	r = &recorder{}
	t := &table{}
	l = &loop{poller: r, table: t, formats: &formats{}, teller: NewTeller(), now: startAt}
	leg := func(at netip.AddrPort, learn netip.Addr, kind uint8) *leg {
		g := t.take()
		g.port = &port{four: true}
		l.adopt(g)
		payloads := []media.Payload{{Format: pcmu, Type: kind}, {Format: keys8, Type: 101}}
		s := media.Setting{
			RTP: at, RTCP: netip.AddrPortFrom(at.Addr(), at.Port()+1), Learn: learn, Send: true, Receive: true,
			In: payloads, Out: payloads,
		}
		if learn.IsValid() {
			s.Security = secure
		}
		l.apply(g, s, l.formats.hold(s.In), l.formats.hold(s.Out))
		return g
	}
	a, b = leg(aliceAt, aliceIs.Addr(), 0), leg(bobAt, netip.Addr{}, 8)
	l.join(a, b)
	return l, a, b, r
}

// FuzzPackets has anything come from where a peer is, or may be: nothing panics,
// each datagram is counted once or is RTCP that went on, and whatever goes out goes
// to the other peer.
func FuzzPackets(f *testing.F) {
	f.Add(uint8(0), packet(0, 1), packet(0, 2))
	f.Add(uint8(1), report(0x1234, 7), packet(101, 3, 1, 2, 3, 4))
	f.Add(uint8(2), event(101, 1, 1, 5, false, 100), event(101, 2, 1, 5, true, 200))
	f.Add(uint8(6), append([]byte{22, 254, 253}, make([]byte, 40)...), []byte{})
	sealed := newSealedPeer(f, media.SuiteCM80)
	f.Add(uint8(8), sealed.seal(packet(0, 1), false), sealed.seal(report(0x1234, 7), true))
	f.Fuzz(func(t *testing.T, how uint8, one, two []byte) {
		var secure *media.Security
		if how&8 != 0 {
			secure = sealed.security()
		}
		l, a, b, r := newQuietCall(secure)
		source := aliceAt
		if how&4 != 0 {
			source = aliceIs
		}
		if how&2 != 0 {
			l.press(b, '5', time.Second)
		}
		for i, datagram := range [][]byte{one, two, one, two, one, two} {
			if len(datagram) > maxPacket+1 {
				return
			}
			l.now += 20 * time.Millisecond
			r.sent = nil
			before := tally(a)
			n := copy(l.buf[:maxPacket], datagram)
			l.take(a, int(how&1), max(n, len(datagram)), source)
			l.tend(b)
			if d := tally(a) - before; d > 2 || d == 0 && len(r.sent) == 0 && len(datagram) > 0 && datagram[0] < 128 {
				t.Errorf("datagram %d counts %d times", i, d)
			}
			for _, s := range r.sent {
				if s.to.Addr() != bobAt.Addr() {
					t.Errorf("sent to %v: %x", s.to, s.b)
				}
				if source == aliceIs && i < proof-1 && len(s.b) == len(datagram) && how&2 == 0 {
					t.Errorf("datagram %d of a source that is not known passed", i)
				}
			}
		}
	})
}

// tally is how many datagrams a leg has counted.
func tally(g *leg) uint64 {
	n := g.got.packets
	if g.dropped == nil {
		return n
	}
	for _, d := range g.dropped {
		n += d
	}
	return n
}

// FuzzUntouched: whatever RTP comes from a peer that is known leaves as it came,
// but for its type, or not at all.
func FuzzUntouched(f *testing.F) {
	f.Add(packet(0, 1))
	padded := packet(0, 2)
	padded[0] |= 0x20
	padded[len(padded)-1] = 4
	f.Add(padded)
	f.Add(packet(101, 3, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > maxPacket {
			return
		}
		l, a, _, r := newQuietCall(nil)
		copy(l.buf[:], datagram)
		l.take(a, forRTP, len(datagram), aliceAt)
		for _, s := range r.sent {
			want := bytes.Clone(datagram)
			if want[1]&0x7f == 0 {
				want[1] |= 8
			}
			if !bytes.Equal(s.b, want) {
				t.Errorf("%x left as %x", datagram, s.b)
			}
		}
		if a.got.packets != uint64(len(r.sent)) {
			t.Errorf("%d packets came, %d went", a.got.packets, len(r.sent))
		}
	})
}
