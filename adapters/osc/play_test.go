package osc

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// Each member hears what an app has played in its order, with what was for that member
// alone at its place, though packets to one place are sent one after the other.
func TestEachMemberHearsAnAppInItsOrder(t *testing.T) {
	m, out := newTestMember(t)
	m.apps = []*datagram.Socket{openSocket(t), openSocket(t)}
	m.set.apps = []appPorts{{from: loopback, to: at(9)}, {from: loopback, to: at(10)}}
	now := time.Now()
	m.fromServer(info(t, "tim", "198.51.100.7:4000", "198.51.100.7:4000"), now, out)
	out.Clear()
	tim := netip.MustParseAddrPort("198.51.100.7:4000")
	m.peers["tim"].ping(tim, now)
	ann := netip.MustParseAddrPort("198.51.100.8:4000")
	m.targets.Store(&[]netip.AddrPort{ann, tim})
	var packets []datagram.Packet
	for _, text := range []string{"/a 1", "/b 2", "/oscrouter/private tim /c 3", "/d 4", "/a 5"} {
		packets = append(packets, datagram.Packet{Data: line(t, text), From: at(5)})
	}
	m.fromApp(0, packets, out)
	heard := map[netip.AddrPort][]string{}
	for _, l := range out.Letters {
		msg, ok := wire.First(l.Data)
		if !ok {
			t.Fatalf("%q is no message", l.Data)
		}
		heard[l.To] = append(heard[l.To], wire.Line(msg))
	}
	group := []string{"/a 1", "/b 2", "/d 4", "/a 5"}
	for to, want := range map[netip.AddrPort][]string{
		ann: group, at(10): group, at(9): nil, tim: slices.Insert(slices.Clone(group), 2, "/oscrouter/private gw /c 3"),
	} {
		if fmt.Sprintf("%q", heard[to]) != fmt.Sprintf("%q", want) {
			t.Errorf("%v hears %q, want %q", to, heard[to], want)
		}
	}
	if len(out.group) != 0 {
		t.Errorf("%d packets would be played again", len(out.group))
	}
}
