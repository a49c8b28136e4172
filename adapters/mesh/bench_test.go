package mesh

import (
	"fmt"
	"net/netip"
	"testing"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"
)

// BenchmarkBeacon is what a beacon costs a server's hub, without the system's part.
func BenchmarkBeacon(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n, " clients"), func(b *testing.B) {
			t := &testing.T{}
			r := newRig(t, func(c *Config) { c.PerHost = 2000 })
			var all []*testClient
			for i := range n {
				all = append(all, r.client(i, fmt.Sprintf("192.0.2.1:%d", 1000+i), original))
			}
			for _, c := range all {
				r.play(c.beacon(), c)
			}
			packets := make([]datagram.Packet, n)
			for i, c := range all {
				var w wire.Builder
				w.Client(c.version, 0, c.uuid)
				w.Local(netip.MustParseAddrPort("10.0.0.1:5"))
				w.MyTime(7)
				w.Meta([]byte(`{"127.0.0.1-23456": {"stats": {"rcvd": 0, "rtt": 0, "ackd": 0, "sent": 0}, "sin": ["127.0.0.1", 23456], "ts": 1795303652.672}}`))
				packets[i] = datagram.Packet{Data: w.Packet(), From: c.at}
			}
			b.ReportAllocs()
			for i := range b.N {
				at := i % n
				r.hub.receive(r.door, packets[at:at+1], r.now, r.m)
				r.m.Clear()
			}
		})
	}
}
