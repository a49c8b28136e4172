package relay

import (
	"net/netip"
	"testing"
	"unsafe"

	"gateway/bridge/media"

	"golang.org/x/sys/unix"
)

// A passage brings packets to a port and has them read, all in the loop's goroutine.
type passage struct {
	loop *loop
	poll *epoll
	from socket
	key  uint64
}

// newPassage is one from a's peer, whose socket is another's now.
func newPassage(t testing.TB, w *world, a *party) *passage {
	t.Helper()
	a.rtp.Close()
	fd, err := sockets{}.open(at(a.rtp), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(int(fd)) })
	l := w.loops[0]
	p := &passage{loop: l, poll: l.poller.(*epoll), from: socket{handle: fd, to: a.port.RTP}}
	p.key = w.table.at(a.port.ID.Slot).key(forRTP)
	return p
}

func (p *passage) pass(b []byte) {
	p.loop.now += soundGap // the world's clock stands still
	p.poll.send(&p.from, b)
	p.poll.receive(p.loop, p.key)
}

// in has f called by the loop's goroutine.
func (p *passage) in(f func()) {
	p.loop.ask(func() bool { f(); return true })()
}

func TestPacketsCostNoMemory(t *testing.T) {
	for _, row := range []struct {
		name   string
		secure bool
		local  netip.Addr
	}{{"plain", false, loopback4}, {"IPv6", false, loopback6}, {"sealed on both sides", true, loopback4}} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, newNetwork(), Options{})
			a, b := w.open(t, row.local), w.open(t, row.local)
			alice := newSealedPeer(t, media.SuiteCM80)
			s := a.setting(media.Payload{Format: pcmu, Type: 0})
			r := b.setting(media.Payload{Format: pcmu, Type: 8})
			if row.secure {
				s.Security, r.Security = alice.security(), newSealedPeer(t, media.SuiteGCM128).security()
			}
			w.Set(a.port.ID, s)
			w.Set(b.port.ID, r)
			w.Join(a.port.ID, b.port.ID)
			w.Stats(a.port.ID)
			const runs = 1000
			var packets [][]byte
			for i := range uint16(runs + 10) {
				p := packet(0, i)
				if row.secure {
					p = alice.seal(p, false)
				}
				packets = append(packets, p)
			}
			p := newPassage(t, w, a)
			i := 0
			next := func() {
				p.pass(packets[i])
				i++
			}
			p.in(func() {
				for range 5 {
					next()
				}
				if n := testing.AllocsPerRun(runs, next); n != 0 {
					t.Errorf("%v allocations a packet", n)
				}
			})
			if st, _ := w.Stats(b.port.ID); st.Out.Packets < runs {
				t.Errorf("only %d packets went out", st.Out.Packets)
			}
		})
	}
}

// TestACallIsSmall holds the memory of a call to 2 KB: two legs with their
// formats and routes, and what stands beside them.
func TestACallIsSmall(t *testing.T) {
	t.Parallel()
	const payloads, routes = 4 * 3 * unsafe.Sizeof(payload{}), 2 * 3 * unsafe.Sizeof(route{})
	size := 2*(unsafe.Sizeof(leg{})+unsafe.Sizeof(port{})+unsafe.Sizeof(search{})+unsafe.Sizeof((*leg)(nil))) + payloads + routes
	t.Logf("a leg has %d bytes, a call %d", unsafe.Sizeof(leg{}), size)
	if size >= 2048 {
		t.Errorf("a call has %d bytes", size)
	}
}

func benchmarkPackets(b *testing.B, sealed bool) {
	w := newWorld(b, newNetwork(), Options{})
	x, y := w.open(b, loopback4), w.open(b, loopback4)
	r := y.setting(media.Payload{Format: pcmu, Type: 8})
	if sealed {
		r.Security = newSealedPeer(b, media.SuiteCM80).security()
	}
	w.Set(x.port.ID, x.setting(media.Payload{Format: pcmu, Type: 0}))
	w.Set(y.port.ID, r)
	w.Join(x.port.ID, y.port.ID)
	w.Stats(x.port.ID)
	p := newPassage(b, w, x)
	b.ReportAllocs()
	p.in(func() {
		packet := packet(0, 0)
		b.ResetTimer()
		for i := range b.N {
			packet[2], packet[3] = byte(i>>8), byte(i)
			p.pass(packet)
		}
		b.StopTimer()
	})
}

// The sender's own part, some half of it, is in these.
func BenchmarkPlainPackets(b *testing.B) { benchmarkPackets(b, false) }

func BenchmarkSealedPackets(b *testing.B) { benchmarkPackets(b, true) }
