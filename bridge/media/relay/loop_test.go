package relay

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
)

func TestPortsOfTwoLoopsAreJoinedOnOne(t *testing.T) {
	t.Parallel()
	first, last := portRange()
	for _, n := range []network{newNetwork(), newPlain()} {
		w := newWorld(t, n, Options{First: first, Last: last, Loops: 2})
		a := w.open(t, loopback4)
		w.mu.Lock()
		w.loops[0].ports = full
		w.mu.Unlock()
		b := w.open(t, loopback4)
		if a.port.ID.Loop != 0 || b.port.ID.Loop != 1 {
			t.Fatalf("the loops are %d and %d", a.port.ID.Loop, b.port.ID.Loop)
		}
		w.Set(a.port.ID, a.setting(media.Payload{Format: pcmu, Type: 0}))
		w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 8}))
		b.say(packet(8, 1))
		b.taken(1)
		w.Join(a.port.ID, b.port.ID)
		w.Stats(a.port.ID)
		a.say(packet(0, 1))
		if got := hear(t, b.rtp); !bytes.Equal(got, packet(8, 1)) {
			t.Errorf("got %x", got)
		}
		b.say(packet(8, 2))
		if got := hear(t, a.rtp); !bytes.Equal(got, packet(0, 2)) {
			t.Errorf("got %x", got)
		}
		if s := w.Close(b.port.ID); s.In.Packets != 2 {
			t.Errorf("the counts are %+v", s)
		}
		w.Close(a.port.ID)
		w.Shutdown()
	}
}

func TestAPortThatJoinsAnotherIsPartedFromTheFirst(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		c := w.open(t, loopback4)
		w.Set(c.port.ID, c.setting(media.Payload{Format: pcmu, Type: 5}))
		w.Join(c.port.ID, b.port.ID)
		w.Stats(c.port.ID)
		a.say(packet(0, 1))
		if s := a.taken(1); s.Dropped[media.DropNowhere] != 1 {
			t.Errorf("dropped %v", s.Dropped)
		}
		c.say(packet(5, 2))
		if got := hear(t, b.rtp); !bytes.Equal(got, packet(96, 2)) {
			t.Errorf("got %x", got)
		}
		w.Part(b.port.ID)
		w.Part(b.port.ID)
		w.Stats(b.port.ID)
		c.say(packet(5, 3))
		if s := c.taken(2); s.Dropped[media.DropNowhere] != 1 {
			t.Errorf("dropped %v", s.Dropped)
		}
		w.Join(b.port.ID, b.port.ID)
		w.Join(b.port.ID, media.PacketPort{Slot: 1 << 31, Generation: 1})
	})
}

func TestWhoMayNotSpeakOrHear(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		for _, row := range []struct {
			name          string
			speaks, hears bool
			passes        bool
		}{
			{"both", true, true, true},
			{"it may not speak", false, true, false},
			{"the other does not hear", true, false, false},
		} {
			a, b := w.pair(t)
			s := a.setting(media.Payload{Format: pcmu, Type: 0})
			s.Receive = row.speaks
			r := b.setting(media.Payload{Format: pcmu, Type: 96})
			r.Send = row.hears
			w.Set(a.port.ID, s)
			w.Set(b.port.ID, r)
			w.Stats(b.port.ID)
			a.say(packet(0, 1))
			st := a.taken(1)
			if passed := st.Dropped[media.DropNowhere] == 0; passed != row.passes {
				t.Errorf("%s: dropped %v", row.name, st.Dropped)
			}
			a.control(report(0x1234, 1)) // RTCP is for both, always
			hear(t, b.rtcp)
		}
	})
}

func TestAPanicCostsOnePortOnly(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		c, d := w.pair(t)
		w.do(a.port.ID, func(*loop, *leg) { panic("a fault") })
		e, ok := a.event().(media.Lost)
		if !ok || !strings.Contains(e.Err.Error(), "a fault") {
			t.Fatalf("got %#v", e)
		}
		c.say(packet(0, 1))
		hear(t, d.rtp)
		b.say(packet(96, 1))
		if s := b.taken(1); s.Dropped[media.DropNowhere] != 1 {
			t.Errorf("dropped %v", s.Dropped)
		}
		if _, ok := w.Stats(a.port.ID); ok {
			t.Error("the port that was lost has counts")
		}
		w.Close(a.port.ID)
		again := w.open(t, loopback4)
		if again.port.ID.Slot != a.port.ID.Slot {
			t.Errorf("the slot %d was not given back", a.port.ID.Slot)
		}
	})
}

// An unfit poller ends its loop at once.
type unfit struct{ poller }

var errUnfit = errors.New("unfit")

func (unfit) run(sink) error { return errUnfit }

type unfitNetwork struct{ network }

func (n unfitNetwork) poller() (poller, error) {
	p, err := n.network.poller()
	return unfit{p}, err
}

func TestALoopThatCannotWaitLosesItsPorts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unfitNetwork{newNetwork()}, Options{})
	<-w.loops[0].done
	p, err := w.Open(media.Open{Local: loopback4}, func(media.Event) {})
	if err != nil {
		return // that is an answer as well
	}
	if _, ok := w.Stats(p.ID); ok {
		t.Error("there are counts of a port that nobody has")
	}
	w.Join(p.ID, p.ID)
	w.Close(p.ID)
}

func TestClosedPortsTakeNoCommands(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		first := w.Close(a.port.ID)
		if second := w.Close(a.port.ID); second.In.Packets != 0 || second.Remote.IsValid() || !first.Remote.IsValid() {
			t.Errorf("closed twice: %+v, %+v", first, second)
		}
		w.Set(a.port.ID, a.setting())
		w.Join(a.port.ID, b.port.ID)
		w.Part(a.port.ID)
		w.Digit(a.port.ID, '1', time.Second)
		if _, ok := w.Stats(a.port.ID); ok {
			t.Error("a closed port has counts")
		}
		b.say(packet(96, 1))
		if s := b.taken(1); s.Dropped[media.DropNowhere] != 1 {
			t.Errorf("dropped %v", s.Dropped)
		}
		if n := w.Count(); n != 1 {
			t.Errorf("%d ports are open, want the other's", n)
		}
		w.Shutdown()
		w.Shutdown()
		if n := w.Count(); n != 0 {
			t.Errorf("%d ports are open after the end", n)
		}
		w.Set(b.port.ID, b.setting())
		if s := w.Close(b.port.ID); s.In.Packets != 0 {
			t.Errorf("counts after the end: %+v", s)
		}
		if _, err := w.Open(media.Open{Local: loopback4}, func(media.Event) {}); err == nil {
			t.Error("a port was opened after the end")
		}
	})
}

func TestManyAtOnceOpenAndClose(t *testing.T) {
	t.Parallel()
	first, last := portRange()
	w := newWorld(t, newNetwork(), Options{First: first, Last: last, Loops: 3})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 50 {
				w.mu.Lock()
				w.loops[i%3].ports += full // so that all loops get some
				w.mu.Unlock()
				a, err := w.Open(media.Open{Local: loopback4}, func(media.Event) {})
				b, err2 := w.Open(media.Open{Local: loopback4}, func(media.Event) {})
				w.mu.Lock()
				w.loops[i%3].ports -= full
				w.mu.Unlock()
				if err != nil || err2 != nil {
					t.Error(err, err2)
					return
				}
				w.Set(a.ID, media.Setting{RTP: b.RTP, Send: true, Receive: true, In: []media.Payload{{Format: pcmu}}})
				w.Join(a.ID, b.ID)
				w.Stats(b.ID)
				w.Close(b.ID)
				w.Close(a.ID)
			}
		})
	}
	group.Wait()
	for _, l := range w.loops {
		if l.ports != 0 {
			t.Errorf("loop %d thinks that it has %d ports", l.number, l.ports)
		}
	}
	if n := len(w.formats.ids); n != 0 {
		t.Errorf("%d formats are still in use", n)
	}
}

func TestPairsOfPortsRestAndRunOut(t *testing.T) {
	t.Parallel()
	p := newPorts(5001, 5008, 2*time.Second, func(int, func(i, j int)) {})
	var got []uint16
	for {
		port, ok := p.take(time.Second)
		if !ok {
			break
		}
		got = append(got, port)
	}
	if want := []uint16{5002, 5004, 5006}; !slices.Equal(got, want) {
		t.Fatalf("the pairs are %v, want %v", got, want)
	}
	p.give(5004, time.Second)
	p.give(5002, 2*time.Second)
	if port, ok := p.take(3*time.Second - 1); ok {
		t.Errorf("%d was given and has not rested", port)
	}
	if port, _ := p.take(3 * time.Second); port != 5004 {
		t.Errorf("%d was given, though 5004 has rested longer", port)
	}
	if port, ok := p.take(3 * time.Second); ok {
		t.Errorf("%d was given and has not rested", port)
	}
}

func TestWhereNoPortIsLeft(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		local := ownLoopback()
		var open []*party
		for range rangeSize / 2 {
			open = append(open, w.open(t, local))
		}
		if _, err := w.Open(media.Open{Local: local}, func(media.Event) {}); !errors.Is(err, media.ErrNoPorts) {
			t.Errorf("got %v", err)
		}
		w.Close(open[3].port.ID)
		taken := socketAtPort(t, netip.AddrPortFrom(local, open[3].port.RTP.Port()+1))
		if _, err := w.Open(media.Open{Local: local}, func(media.Event) {}); !errors.Is(err, media.ErrNoPorts) {
			t.Errorf("somebody else has the second port: got %v", err)
		}
		taken.Close()
		w.open(t, local)
	})
}

func TestPortsThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		for _, row := range []struct {
			name  string
			local netip.Addr
		}{
			{"no address", netip.Addr{}},
			{"an address that is not ours", netip.MustParseAddr("192.0.2.1")},
			{"an interface that is not there", netip.MustParseAddr("fe80::1%nowhere")},
		} {
			if _, err := w.Open(media.Open{Local: row.local}, func(media.Event) {}); err == nil || errors.Is(err, media.ErrNoPorts) {
				t.Errorf("%s: got %v", row.name, err)
			}
		}
		if n := w.Relay.ports.n; n != rangeSize/2 {
			t.Errorf("%d pairs are free, want %d", n, rangeSize/2)
		}
	})
	if _, err := New(Options{First: 10, Last: 10}); err == nil {
		t.Error("a range without a pair is taken")
	}
}

func TestAPortForAllAddressesIsNotConnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.open(t, loopback4), w.open(t, loopback4)
	w.Close(a.port.ID)
	port, err := w.Open(media.Open{Local: netip.IPv4Unspecified()}, func(media.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	a.port = port
	w.Set(a.port.ID, a.setting(media.Payload{Format: pcmu, Type: 0}))
	w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 0}))
	w.Join(a.port.ID, b.port.ID)
	w.Stats(a.port.ID)
	a.port.RTP = netip.AddrPortFrom(loopback4, port.RTP.Port())
	a.say(packet(0, 1))
	hear(t, b.rtp)
	b.say(packet(0, 1))
	hear(t, a.rtp)
	if w.table.at(port.ID.Slot).sock[forRTP].connected {
		t.Error("it is connected")
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h264 := codec.Format{Kind: codec.Video, Name: "h264", Rate: 90000, Params: "packetization-mode=1"}
	other := h264
	other.Params = "packetization-mode=0"
	var f formats
	in := f.hold([]media.Payload{{Format: pcmu, Type: 0}, {Format: opus, Type: 111}, {Format: keys8, Type: 101},
		{Format: keys48, Type: 110}, {Format: h264, Type: 100}, {Format: pcmu, Type: 200}})
	out := f.hold([]media.Payload{{Format: keys48, Type: 98}, {Format: pcmu, Type: 127}, {Format: other, Type: 100}})
	want := map[uint8]uint8{0: 127, 111: noType, 101: 98, 110: 98, 100: noType}
	table := f.routes(nil, in, out)
	if len(table) != len(want) {
		t.Errorf("%d routes: %+v", len(table), table)
	}
	for _, r := range table {
		if r.out != want[r.in] {
			t.Errorf("%d goes to %d, want %d", r.in, r.out, want[r.in])
		}
	}
	if r := f.routes(nil, in, nil); len(r) != len(want) || r[0].out != noType {
		t.Errorf("without a peer: %+v", r)
	}
	f.release(in, out)
	if len(f.ids) != 0 || len(f.free) != len(f.all) {
		t.Errorf("%d formats are still in use", len(f.ids))
	}
	if again := f.hold([]media.Payload{{Format: opus, Type: 1}}); int(again[0].format) >= len(f.all) {
		t.Error("a number was not used again")
	}
}

func TestTheTableGrowsAndIsFull(t *testing.T) {
	t.Parallel()
	var tb table
	seen := map[*leg]bool{}
	var last *leg
	for range chunkSize + 1 {
		last = tb.take()
		if seen[last] {
			t.Fatal("a leg was given twice")
		}
		seen[last] = true
	}
	if tb.size != 2*chunkSize {
		t.Errorf("the table has %d legs", tb.size)
	}
	slot, generation := last.slot, last.generation
	tb.give(last)
	if again := tb.take(); again.slot != slot || again.generation == generation {
		t.Errorf("slot %d generation %d came again as %d, %d", slot, generation, again.slot, again.generation)
	}
	last.generation = 1<<32 - 1
	tb.give(last)
	if last.generation == 0 {
		t.Error("the zero port is somebody's")
	}
	tb.free, tb.size = nil, maxChunks<<chunkBits
	if g := tb.take(); g != nil {
		t.Error("a leg beyond the last")
	}
	if g := tb.at(1 << 31); g != nil {
		t.Error("a leg that can't be")
	}
}
