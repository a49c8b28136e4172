package mesh

import (
	"net/netip"
	"testing"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func packetsOf(from netip.AddrPort, data []byte) []datagram.Packet {
	return []datagram.Packet{{Data: data, From: from}}
}

// FuzzServer has a client that is there, and a stranger, send anything.
func FuzzServer(f *testing.F) {
	var b wire.Builder
	b.Client(2, 0, tim)
	b.Local(addr("10.0.0.1:5"))
	b.MyTime(7)
	b.Meta([]byte(`{"peer": "x"}`))
	f.Add(append([]byte(nil), b.Packet()...))
	b.Client(3, 0, tim)
	b.CC(wire.Text{Kind: wire.TextSaid, Message: 1, Parts: 1, Body: []byte("hi")}.Append(nil))
	b.Behind(wire.Forward{UUID: tim}, []byte{8, 3, 1})
	f.Add(append([]byte(nil), b.Packet()...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || len(data) > wire.MaxPacket {
			return
		}
		r := newRig(t, nil)
		a := r.client(1, "192.0.2.1:1000", wire.Extended)
		r.join(a)
		sum := wire.Checksum(data[:len(data)-2])
		data = append(append([]byte(nil), data[:len(data)-2]...), byte(sum>>8), byte(sum))
		for _, from := range []netip.AddrPort{a.at, addr("203.0.113.1:1")} {
			r.raw(from, data)
			for _, v := range r.m.heard {
				if len(v.value) == 0 {
					t.Error("a value of nothing is heard")
				}
			}
		}
	})
}
