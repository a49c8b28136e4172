package relay

import (
	"bytes"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"gateway/bridge/media"
)

// The buffers that the system writes to stay where they are, however often
// memory is collected meanwhile.
func TestBuffersLiveThroughCollections(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.pair(t)
	var ballast [][]byte
	for i := range uint16(200) {
		a.say(packet(0, i))
		if got := hear(t, b.rtp); !bytes.Equal(got[2:], packet(96, i)[2:]) {
			t.Fatalf("packet %d came as %x", i, got)
		}
		if i%20 == 0 {
			runtime.GC()
			ballast = ballast[:0]
		}
		ballast = append(ballast, make([]byte, 64<<10))
	}
	runtime.KeepAlive(ballast)
}

// A loop that waits must not keep the collector from its work.
func TestCollectionsEndWithoutTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{Loops: 2 * runtime.GOMAXPROCS(0)})
	w.pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			runtime.GC()
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the collector does not come to an end")
	}
}

// The epoll is told of to the runtime only when it gets something new: what is left over
// from a batch that was full must not wait for more to come.
func TestMorePacketsThanABatchHoldsAllPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.pair(t)
	const burst = 3 * maxEvents
	hold := make(chan struct{})
	w.loops[0].push(func() { <-hold }) // so that they pile up
	for i := range uint16(burst) {
		a.say(packet(0, i))
	}
	close(hold)
	for i := range uint16(burst) {
		if got := hear(t, b.rtp); got[3] != byte(i) {
			t.Fatalf("packet %d came as number %d", i, got[3])
		}
	}
}

// More sockets than a batch holds are ready at once.
func TestMoreSocketsThanABatchHoldsAllPass(t *testing.T) {
	t.Parallel()
	first, last := portRanges(6)
	w := newWorld(t, newNetwork(), Options{First: first, Last: last})
	hold := make(chan struct{})
	var parties []*party
	for range maxEvents {
		a, b := w.pair(t)
		parties = append(parties, a, b)
	}
	w.loops[0].push(func() { <-hold })
	for _, p := range parties {
		p.say(packet(0, 1))
		p.say(packet(96, 1))
	}
	close(hold)
	for _, p := range parties {
		p.taken(2)
	}
}

// An event for a socket that was closed in the same batch is nobody's, even if
// its number in the table has a new owner, whose socket has a packet waiting.
func TestAnEventOfAClosedSocketIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, _ := w.pair(t)
	stale := w.table.at(a.port.ID.Slot).key(forRTP)
	w.Close(a.port.ID)
	fresh := w.open(t, loopback4)
	if fresh.port.ID.Slot != a.port.ID.Slot || fresh.port.ID == a.port.ID {
		t.Fatalf("the slot is not used again: %v, then %v", a.port.ID, fresh.port.ID)
	}
	w.Set(fresh.port.ID, fresh.setting(media.Payload{Format: pcmu, Type: 0}))
	w.loops[0].ask(func() bool {
		l := w.loops[0]
		if h := l.handle(stale); h != -1 {
			t.Errorf("the stale event leads to socket %d", h)
		}
		l.received(stale, 172, at(fresh.rtp))
		return true
	})()
	if s, _ := w.Stats(fresh.port.ID); s.In.Packets != 0 || len(s.Dropped) != 0 {
		t.Errorf("the new owner was given the packet: %+v", s)
	}
}

// What lies in a socket when it is connected was not looked at by the system.
func TestAPacketFromBeforeTheConnectIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.pair(t)
	said := a.setting(media.Payload{Format: pcmu, Type: 0})
	said.Learn = loopback4 // so that it is not connected from the start
	w.Set(a.port.ID, said)
	w.Stats(a.port.ID)
	stranger := socketAt(t, loopback4)
	hold := make(chan struct{})
	w.loops[0].push(func() { <-hold })
	for i := range uint16(proof) {
		a.say(packet(0, i))
	}
	sendTo(t, stranger, a.port.RTP, packet(0, proof, 6, 6, 6))
	a.say(packet(0, proof))
	close(hold)
	for i := range uint16(proof + 1) {
		if got := hear(t, b.rtp); !bytes.Equal(got[2:], packet(0, i)[2:]) {
			t.Fatalf("got %x", got)
		}
	}
	if s := a.taken(proof + 2); s.Dropped[media.DropSource] != 1 {
		t.Errorf("the stranger's packet was not dropped: %v", s.Dropped)
	}
}

// An error that the network reports is no packet and no end.
func TestARefusedPacketCostsOnlyItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.pair(t)
	for i := range uint16(2 * proof) { // both are connected
		a.say(packet(0, i))
		hear(t, b.rtp)
		b.say(packet(96, i))
		hear(t, a.rtp)
	}
	gone := at(b.rtp)
	b.rtp.Close()
	for i := range uint16(5) {
		a.say(packet(0, 100+i))
	}
	a.taken(2*proof + 5)
	b.rtp = socketAtPort(t, gone)
	for i := range uint16(3) {
		a.say(packet(0, 200+i))
		if got := hear(t, b.rtp); got[3] != byte(200+i) {
			t.Fatalf("got %x", got)
		}
	}
	b.say(packet(96, 300))
	hear(t, a.rtp)
}

// The counts of what is closed over and over go back to where they were.
func TestThousandPortsLeaveNothing(t *testing.T) {
	descriptors := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	for _, row := range []struct {
		name    string
		network network
	}{{"the system's best", newNetwork()}, {"plain sockets", newPlain()}} {
		first, last := portRange()
		before, goroutines := descriptors(), runtime.NumGoroutine()
		r, err := newRelay(Options{First: first, Last: last, Loops: 2}, row.network, time.Now(), func() time.Duration { return startAt })
		if err != nil {
			t.Fatal(err)
		}
		idle, waiting := descriptors(), runtime.NumGoroutine()
		var open []media.PacketPort
		for i := range 1000 {
			p, err := r.Open(media.Open{Local: loopback4}, func(media.Event) {})
			if err != nil {
				t.Fatalf("%s: %d: %v", row.name, i, err)
			}
			if open = append(open, p.ID); len(open) > 1 {
				r.Join(p.ID, open[len(open)-2])
			}
			if len(open) == rangeSize/2 {
				for _, id := range open {
					r.Close(id)
				}
				open = open[:0]
			}
		}
		for _, id := range open {
			r.Close(id)
		}
		if n := descriptors(); n != idle {
			t.Errorf("%s: %d descriptors open, before %d", row.name, n, idle)
		}
		until(t, row.name+": the readers end", func() bool { return runtime.NumGoroutine() <= waiting })
		if size := r.table.size; size > rangeSize {
			t.Errorf("%s: the table has grown to %d", row.name, size)
		}
		if n := r.ports.n; n != rangeSize/2 {
			t.Errorf("%s: %d pairs of ports are free, want %d", row.name, n, rangeSize/2)
		}
		r.Shutdown()
		if n := descriptors(); n != before {
			t.Errorf("%s: %d descriptors open after the end, before %d", row.name, n, before)
		}
		until(t, row.name+": no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	}
}

func TestARawAddressIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"192.0.2.1:5004", "[2001:db8::1]:65535", "[fe80::1]:2"} {
		var r rawAddress
		want := netip.MustParseAddrPort(a)
		r.put(want, 3)
		if got := r.source(); got != want {
			t.Errorf("%s came back as %s", want, got)
		}
	}
}
