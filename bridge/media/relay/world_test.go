package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

var (
	loopback4 = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.MustParseAddr("::1")

	pcmu   = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	opus   = codec.Format{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}
	keys8  = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1}
	keys48 = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 48000, Channels: 1}
)

// ownLoopback is an address at which no other process has ports.
func ownLoopback() netip.Addr {
	if runtime.GOOS != "linux" {
		return loopback4 // others have but one
	}
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, 100 | byte(pid>>16&3), byte(pid >> 8), byte(pid)})
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// nextRange gives each relay of these tests ports of its own.
var nextRange atomic.Uint32

// ranges of ports: below those that the system gives out by itself.
const rangeSize = 64

func portRange() (first, last uint16) { return portRanges(1) }

// portRanges is a range of n times the size.
func portRanges(n uint32) (first, last uint16) {
	const low, high = 12000, 27000
	next := (nextRange.Add(n) - n) * rangeSize % (high - low)
	return uint16(low + next), uint16(low + next + n*rangeSize - 1)
}

// forNetworks runs a test with each kind of network.
func forNetworks(t *testing.T, f func(t *testing.T, w *world)) {
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
			f(t, newWorld(t, row.make(), Options{}))
		})
	}
}

// A world is a relay whose clock stands still but for what a test adds.
type world struct {
	*Relay
	ahead atomic.Int64
}

func newWorld(t testing.TB, n network, o Options) *world {
	t.Helper()
	if o.First == 0 {
		o.First, o.Last = portRange()
	}
	if o.Loops == 0 {
		o.Loops = 1
	}
	w := &world{}
	r, err := newRelay(o, n, time.Now(), func() time.Duration { return startAt + time.Duration(w.ahead.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	w.Relay = r
	t.Cleanup(r.Shutdown)
	return w
}

// pass lets time go by, and has every loop look at its legs.
func (w *world) pass(d time.Duration) {
	w.ahead.Add(int64(d))
	for _, l := range w.loops {
		l.ask(func() bool {
			l.now = l.clock()
			l.ticked()
			return true
		})()
	}
}

// A party is a port of the relay and the peer behind it.
type party struct {
	t      testing.TB
	w      *world
	port   media.Port
	events chan media.Event
	rtp    *net.UDPConn
	rtcp   *net.UDPConn
}

// open opens a port and its peer's sockets.
func (w *world) open(t testing.TB, local netip.Addr) *party {
	t.Helper()
	p := &party{t: t, w: w, events: make(chan media.Event, 100), rtp: socketAt(t, local), rtcp: socketAt(t, local)}
	port, err := w.Open(media.Open{Local: local}, func(e media.Event) { p.events <- e })
	if err != nil {
		t.Fatal(err)
	}
	p.port = port
	return p
}

func socketAt(t testing.TB, local netip.Addr) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// socketAtPort takes a port that has become free.
func socketAtPort(t testing.TB, a netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func at(c *net.UDPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// setting is one for a peer that is where its sockets are.
func (p *party) setting(payloads ...media.Payload) media.Setting {
	return media.Setting{
		RTP: at(p.rtp), RTCP: at(p.rtcp), Send: true, Receive: true, In: payloads, Out: payloads,
	}
}

// pair opens and joins two ports with pcmu and telephone events, numbered differently.
func (w *world) pair(t testing.TB) (a, b *party) {
	t.Helper()
	a, b = w.open(t, loopback4), w.open(t, loopback4)
	w.Set(a.port.ID, a.setting(media.Payload{Format: pcmu, Type: 0}, media.Payload{Format: keys8, Type: 101}))
	w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 96}, media.Payload{Format: keys8, Type: 97}))
	w.Join(a.port.ID, b.port.ID)
	w.Stats(b.port.ID) // all of it is done
	return a, b
}

// packet is an RTP packet of a stream.
func packet(kind uint8, sequence uint16, payload ...byte) []byte {
	if payload == nil {
		payload = make([]byte, 160)
	}
	p := rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: kind, SequenceNumber: sequence, Timestamp: uint32(sequence) * 160, SSRC: 0x1234,
		},
		Payload: payload,
	}
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// report is a sender report of a stream, with a reception report of another.
func report(ssrc, of uint32) []byte {
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: ssrc, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: of, FractionLost: 64, TotalLost: 7, Jitter: 80}}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}}}}},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// say sends RTP to the party's port.
func (p *party) say(b []byte) { sendTo(p.t, p.rtp, p.port.RTP, b) }

// control sends RTCP to the party's port.
func (p *party) control(b []byte) { sendTo(p.t, p.rtcp, p.port.RTCP, b) }

func sendTo(t testing.TB, from *net.UDPConn, to netip.AddrPort, b []byte) {
	t.Helper()
	if _, err := from.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}

// hear is the next datagram that comes to a socket.
func hear(t testing.TB, c *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 4096)
	c.SetReadDeadline(time.Now().Add(patience))
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("nothing came: %v", err)
	}
	return b[:n]
}

// pending is what a socket has got that nobody has read: a datagram, or nil.
func pending(t testing.TB, c *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 4096)
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, err := c.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return b[:n]
}

// until waits for something that the relay's goroutines do, and leaves them the
// processor if it takes some time.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for tries := 0; !ok(); tries++ {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		if runtime.Gosched(); tries > 100 {
			<-time.After(100 * time.Microsecond)
		}
	}
}

// taken waits until a port has dealt with n datagrams.
func (p *party) taken(n uint64) media.Stats {
	p.t.Helper()
	var s media.Stats
	until(p.t, "datagrams are dealt with", func() bool {
		s, _ = p.w.Stats(p.port.ID)
		sum := s.In.Packets
		for why, d := range s.Dropped {
			if why != media.DropNowhere && why != media.DropSend && why != media.DropCeiling {
				sum += d
			}
		}
		return sum >= n
	})
	return s
}

// event is the next event of a port.
func (p *party) event() media.Event {
	p.t.Helper()
	select {
	case e := <-p.events:
		return e
	case <-time.After(patience):
		p.t.Fatal("no event came")
		return nil
	}
}
