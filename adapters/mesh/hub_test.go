package mesh

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
)

// original is the version of the original's client.
const original = 2

func TestClientsAreToldOfEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b, c := r.client(1, "192.0.2.1:1000", original), r.client(2, "192.0.2.1:2000", original), r.client(3, "198.51.100.1:1000", original)
	a.inside, b.inside, c.inside = addr("10.0.0.1:5"), addr("10.0.0.2:5"), addr("10.0.0.1:5")

	got := a.beacon()
	if len(got) != 2 || got[0].packet.YourTime != uint64(r.now.UnixNano()) || got[0].packet.UUID != a.uuid || got[0].size != 40 {
		t.Fatalf("the first answer is %+v", got)
	}
	list := got[1].packet
	if list.MyTime == 0 || list.YourAddress != a.at || list.Count != 0 || list.UUID != a.uuid {
		t.Errorf("the first list is %+v", list)
	}
	r.play(got, a)
	r.join(b, a)
	r.join(c, a, b)
	if !slices.Equal(a.list, []wire.Entry{{External: b.at, Internal: b.inside}, {External: c.at}}) {
		t.Errorf("a is told %+v", a.list)
	}
	if !slices.Equal(c.list, []wire.Entry{{External: a.at}, {External: b.at}}) {
		t.Errorf("c is told %+v", c.list)
	}
	r.pass(time.Second, a, b, c)
	before := a.lists
	r.play(b.send(func(b *wire.Builder) { b.Shutdown() }), a, c)
	if r.pass(leaveTime, a, c); a.sees(b) || a.lists != before+1 {
		t.Errorf("after b's end a is told %+v", a.list)
	}
	r.pass(r.hub.set.pace.list, a, c)
	if a.lists != before+2 {
		t.Errorf("%d lists, want one more after 13 s", a.lists-before)
	}
	for range 5 {
		r.pass(7*time.Second, a)
		r.play(a.beacon(), a)
	}
	if a.sees(c) {
		t.Error("c was not heard for more than 30 s, and is there")
	}
}

func TestWhoIsNotWhereItSaysIsToldToNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, forged := r.client(1, "192.0.2.1:1000", original), r.client(2, "203.0.113.1:1000", original)
	r.join(a)
	in, out := 0, 0
	for i := range 10 {
		for _, d := range forged.beacon() {
			out += d.size
		}
		in += 40
		if i == 5 {
			forged.send(func(b *wire.Builder) { b.YourTime(uint64(r.now.UnixNano())) }) // a guess
		}
		r.pass(100*time.Millisecond, a)
	}
	if a.sees(forged) {
		t.Error("it is told of")
	}
	if out > 3*in {
		t.Errorf("%d bytes for at least %d", out, in)
	}
	if r.pass(proofTime, a); len(r.hub.clients) != 1 {
		t.Errorf("%d clients are remembered", len(r.hub.clients))
	}
}

func TestManyClientsOfOneHostCostLittleAndHideNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", original), r.client(2, "198.51.100.1:1000", wire.Extended)
	r.join(a, b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fakes := make([]*testClient, 10_000)
	for i := range fakes {
		fakes[i] = r.client(10+i, fmt.Sprintf("203.0.113.66:%d", 10_000+i), original)
		r.play(fakes[i].beacon(), a, b, fakes[i])
	}
	r.pass(time.Second, a, b)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := len(r.hub.listed); n != 2+defaultPerHost {
		t.Errorf("%d clients, want %d of the host", n, defaultPerHost)
	}
	const most = 4 << 20 // the 10,000 themselves are the test's
	if grown := int(after.HeapAlloc) - int(before.HeapAlloc) - 10_000*300; grown > most {
		t.Errorf("%d bytes more", grown)
	}
	late := r.client(3, "192.0.2.7:1", original)
	r.join(late, a, b)
	if !a.sees(b) || !b.sees(a) || !a.sees(late) || !late.sees(a) || !late.sees(b) {
		t.Errorf("somebody is hidden: %d, %d, %d in the lists", len(a.list), len(b.list), len(late.list))
	}
}

// Who makes up its address makes up many: they push each other out, not those who
// are there.
func TestManyForgedHostsCostLittleAndHideNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", original), r.client(2, "198.51.100.1:1000", original)
	r.join(a)
	for i := range 10_000 {
		r.client(10+i, fmt.Sprintf("203.%d.%d.1:1", i>>8, i&255), original).beacon()
	}
	if n := len(r.hub.clients); n > maxUnlisted+1 || len(r.hub.hosts) > maxUnlisted+1 {
		t.Errorf("%d clients at %d hosts are remembered", n, len(r.hub.hosts))
	}
	if r.join(b, a); !a.sees(b) || !b.sees(a) {
		t.Error("a client who comes now is not told of")
	}
}

func TestListsThatAreLongerThanAPacket(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.PerHost = 1000 })
	old, knows := r.client(1, "192.0.2.1:1000", original), r.client(2, "192.0.2.2:1000", wire.Extended)
	all := []*testClient{old, knows}
	for i := range 500 {
		all = append(all, r.client(10+i, fmt.Sprintf("198.51.%d.%d:7", 100+i/250, i%250), original))
	}
	r.join(all...)
	if len(old.list) != 168 {
		t.Errorf("the original's client is told of %d, want as many as there is room for", len(old.list))
	}
	if len(knows.list) != len(all)-1 {
		t.Errorf("a client that knows of parts is told of %d, want %d", len(knows.list), len(all)-1)
	}
	seen := map[netip.AddrPort]bool{}
	for _, e := range knows.list {
		seen[e.External] = true
		if e.Identity.Version != original {
			t.Errorf("%+v has no identity", e)
		}
	}
	if len(seen) != len(all)-1 {
		t.Errorf("%d different ones", len(seen))
	}
}

// The first packets here end the original's server, or have it forget a client.
func TestNothingThatIsNoPacketChangesAnything(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", original), r.client(2, "198.51.100.1:1000", original)
	r.join(a, b)
	sum := func(b ...byte) []byte { return append(b, byte(wire.Checksum(b)>>8), byte(wire.Checksum(b))) }
	for _, data := range [][]byte{
		sum(1, 200, 4, 1, 2), sum(1, 3, 5, 1, 2, 3), sum(1, 35, 5, '{', '{', '{'), sum(1, 32, 7, 1, 2, 3, 4, 5),
		{1}, {}, {1, 3, 3, 7, 0, 0}, sum(1), sum(1, 2, 3, 2), sum(1, 64, 2), sum(1, 67, 8, 1, 2, 3, 4, 5, 6), make([]byte, 1401),
		sum(1, 96, 2), sum(1, 96, 3, 'F'), sum(1, 96, 3, 'R'), sum(1, 96, 4, 'R', 1), sum(1, 96, 3, 'T'),
	} {
		for _, from := range []netip.AddrPort{a.at, addr("203.0.113.1:1")} {
			r.raw(from, data)
		}
	}
	r.pass(r.hub.set.pace.list, a, b)
	if !a.sees(b) || !b.sees(a) || len(r.hub.clients) != 2 {
		t.Errorf("%d clients are left", len(r.hub.clients))
	}
}

// Who says that it is somebody who is there is listed, and is nobody.
func TestAUUIDAndANameBelongToWhoHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, thief := r.client(1, "192.0.2.1:1000", wire.Extended), r.client(1, "203.0.113.1:1", wire.Extended)
	a.name, thief.name = "lab-3", "lab-3"
	r.join(a)
	r.join(thief, a)
	if who, err := r.hub.find("lab-3"); err != nil || who.UUID != a.uuid || r.hub.byUUID[a.uuid].at != a.at {
		t.Errorf("%+v, %v", who, err)
	}
	r.play(a.send(func(b *wire.Builder) { b.Shutdown() }), thief)
	r.pass(leaveTime, thief)
	if r.hub.byUUID[a.uuid].at != thief.at {
		t.Error("who is left with the UUID is not found by it")
	}
	self := r.client(5, "192.0.2.5:1", wire.Extended)
	self.name = defaultPeer
	r.join(self)
	if _, err := r.hub.find(defaultPeer); err == nil {
		t.Error("a client has our own name")
	}
}

func TestPacketsAreHandedOnForWhoIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.RelayRate = 2000 })
	a, b, old := r.client(1, "192.0.2.1:1000", wire.Extended), r.client(2, "198.51.100.1:1000", wire.Extended), r.client(3, "192.0.2.3:1", original)
	r.join(a, b, old)
	stranger := r.client(9, "203.0.113.1:1", wire.Extended)
	inner := func() []byte {
		var b wire.Builder
		b.Client(wire.Extended, 0, a.uuid)
		b.MyTime(7)
		b.CC([]byte("Bulk"))
		return b.Values()
	}()
	hand := func(from *testClient, to wire.UUID) {
		r.play(from.send(func(b *wire.Builder) { b.Behind(wire.Forward{UUID: to}, inner) }), a, b, old)
	}
	hand(a, b.uuid)
	if len(b.far) != 1 || !slices.Equal(b.far[0], inner) {
		t.Fatalf("b got %q", b.far)
	}
	hand(stranger, b.uuid)
	hand(a, stranger.uuid)
	hand(a, old.uuid)
	hand(a, a.uuid)
	if len(b.far) != 1 || len(old.far) != 0 || len(a.far) != 0 {
		t.Errorf("handed on: %d, %d, %d", len(b.far), len(old.far), len(a.far))
	}
	for range 1000 {
		hand(a, b.uuid)
	}
	if most := relayBurst*2000/len(inner) + 1; len(b.far) > most || len(b.far) < most/2 {
		t.Errorf("%d packets at once, want %d", len(b.far), most)
	}
	if s := r.hub.snapshot(r.now); s.Relayed.Packets != len(b.far) {
		t.Errorf("%+v were handed on, want %d", s.Relayed, len(b.far))
	}
}

func TestASnapshotTellsWhatClientsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", wire.Extended), r.client(2, "198.51.100.1:1000", wire.Extended)
	a.name = "lab-3"
	r.join(a, b)
	a.send(func(w *wire.Builder) {
		w.CC(wire.NAT{Mapping: wire.EndpointIndependent, Filtering: wire.AddressDependent, Seen: a.at}.Append(nil))
		w.CC(wire.AppendReaches(nil, []wire.Reach{{UUID: b.uuid, Path: wire.Direct, RTT: time.Millisecond}, {UUID: wire.UUID{9}, Path: wire.Direct}}))
	})
	s := r.hub.snapshot(r.now)
	want := LinkState{From: a.uuid.String(), To: b.uuid.String(), Path: "direct", RTT: time.Millisecond, At: r.now}
	if len(s.Links) != 1 || s.Links[0] != want {
		t.Errorf("%+v", s.Links)
	}
	if p := s.Peers[0]; p.Name != "lab-3" || p.NAT.Filtering != "address-dependent" || p.NAT.Seen != "192.0.2.1:1000" || p.Measure.Answered == 0 {
		t.Errorf("%+v", p)
	}
	b.send(func(w *wire.Builder) { w.Shutdown() })
	r.pass(leaveTime, a)
	if s := r.hub.snapshot(r.now); len(s.Links) != 0 || len(s.Peers) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestABeaconAllocatesNothing(t *testing.T) {
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", original), r.client(2, "198.51.100.1:1000", wire.Extended)
	a.name = "lab-3"
	r.join(a, b)
	var w wire.Builder
	w.Client(a.version, 0, a.uuid)
	w.Local(addr("10.0.0.1:5"))
	w.MyTime(7)
	w.Meta([]byte(`{"127.0.0.1-23456": {"stats": {"sent": 1}, "sin": ["127.0.0.1", 23456]}, "peer": "lab-3"}`))
	packets := slices.Repeat(packetsOf(a.at, w.Packet()), batch)
	r.hub.receive(r.door, packets, r.now, r.m)
	r.m.Clear()
	if n := testing.AllocsPerRun(100, func() {
		r.hub.receive(r.door, packets, r.now, r.m)
		r.m.Clear()
	}); n != 0 {
		t.Errorf("%v allocations for %d beacons", n, batch)
	}
}
