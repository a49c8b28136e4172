package relay

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// A waiting is a sink that has its one socket's packets say how long they waited.
type waiting struct {
	poller poller
	socket int32
	buf    [maxPacket + room]byte
	again  func() // sends another
	waited time.Duration
	until  time.Time
}

func (w *waiting) over() bool          { return w.waited > 0 || time.Now().After(w.until) }
func (*waiting) batch()                {}
func (*waiting) rest()                 {}
func (w *waiting) buffer() []byte      { return w.buf[:] }
func (w *waiting) handle(uint64) int32 { return w.socket }
func (*waiting) woken()                {}
func (*waiting) ticked()               {}
func (w *waiting) received(uint64, int, netip.AddrPort) {
	if w.waited = w.poller.waited(); w.waited <= 0 {
		w.again() // to be asked has the socket take note of the time
	}
}

// TestASocketSaysHowLongAPacketWaited, once it has been asked.
func TestASocketSaysHowLongAPacketWaited(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	p, err := n.poller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	h, err := n.open(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close(h)
	n.sendTo(h, []byte("x"), from.LocalAddr().(*net.UDPAddr).AddrPort())
	_, at, err := from.ReadFromUDPAddrPort(make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	w := &waiting{poller: p, socket: h, until: time.Now().Add(20 * time.Second)}
	w.again = func() {
		if _, err := from.WriteToUDPAddrPort([]byte("x"), at); err != nil {
			t.Error(err)
		}
	}
	if err := p.add(h, 1<<32); err != nil {
		t.Fatal(err)
	}
	w.again()
	if err := p.run(w); err != nil {
		t.Fatal(err)
	}
	if w.waited <= 0 || w.waited > time.Minute {
		t.Errorf("a packet waited %v", w.waited)
	}
}
