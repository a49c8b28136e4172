package mesh

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/bridgetest"
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

// FuzzClient has its server, a peer and a stranger send a client anything.
func FuzzClient(f *testing.F) {
	var b wire.Builder
	b.Server(wire.Extended, 0, tim)
	b.MyTime(7)
	b.YourAddress(addr("192.0.2.5:1"))
	b.CC(wire.Part{List: 1, Parts: 2}.Append(nil))
	b.Entry(wire.Entry{External: addr("192.0.2.1:1000"), Internal: addr("10.0.0.1:5"), Identity: wire.Identity{UUID: tim, Version: 3, Port: 9, Name: "tim"}})
	b.Count(1)
	f.Add(append([]byte(nil), b.Packet()...))
	b.Server(wire.Extended, 0, tim)
	b.Behind(wire.Forward{UUID: tim}, []byte{8, 4, 0, 1, 96, 10, 'T', 1, 0, 0, 0, 1, 0, 1})
	f.Add(append([]byte(nil), b.Packet()...))
	b.Client(wire.Extended, 0, tim)
	b.MyTime(7)
	b.Meta([]byte(`{"peer": "x"}`))
	f.Add(append([]byte(nil), b.Packet()...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || len(data) > wire.MaxPacket {
			return
		}
		n := newTestNode(t)
		sum := wire.Checksum(data[:len(data)-2])
		data = append(append([]byte(nil), data[:len(data)-2]...), byte(sum>>8), byte(sum))
		m, now := newMail(), time.Unix(1_000_000, 0)
		for _, from := range []netip.AddrPort{n.server, addr("192.0.2.1:1000"), addr("203.0.113.1:1")} {
			n.receive(packetsOf(from, data), now, m)
			n.tick(now, m)
			now = now.Add(time.Second)
		}
		if len(n.peers) > len(n.listed) {
			t.Errorf("%d peers of %d that are listed", len(n.peers), len(n.listed))
		}
		for at, q := range n.from {
			if q.way(at) == nil {
				t.Errorf("%v is no address of the peer's that it leads to", at)
			}
		}
	})
}

// newTestNode is a client with a server that lists tim, and no sockets.
func newTestNode(t *testing.T) *node {
	t.Helper()
	c := NewConfig()
	c.Join = "192.0.2.9:23456"
	set, err := newSettings(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &Adapter{set: set, log: slog.New(slog.DiscardHandler), metrics: metrics}
	n := newNode(a, bridgetest.NewHandler(t), &part{roster: newRoster()})
	n.server = addr("192.0.2.9:23456")
	n.replace([]wire.Entry{{External: addr("192.0.2.1:1000"), Identity: wire.Identity{UUID: tim, Version: wire.Extended, Name: "tim"}}}, time.Unix(1_000_000, 0), newMail())
	return n
}

// FuzzTexts has a peer say anything that begins as texts do.
func FuzzTexts(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 1, 0, 2, 'h'}, []byte(`{"from": "a", "to": "b"}`), uint8(3))
	f.Add([]byte{2, 0, 0, 0, 1, 0, 1}, []byte(nil), uint8(1))
	f.Add([]byte{3, 0, 0, 0, 1, 0, 1, 'x'}, []byte(nil), uint8(9))
	f.Fuzz(func(t *testing.T, value, meta []byte, part uint8) {
		set, err := newSettings(NewConfig(), testEnv())
		if err != nil {
			t.Fatal(err)
		}
		x := newTexts(set, slog.New(slog.DiscardHandler), bridgetest.NewHandler(t), silentNet{})
		value = append([]byte{wire.OpText}, value...)
		x.take(Remote{UUID: tim, Version: wire.Extended}, meta, value)
		if len(value) > 6 {
			value[6] ^= part
			x.take(Remote{UUID: tim, Version: wire.Extended}, meta, value)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		held := 0
		for _, b := range x.boxes {
			for _, s := range b.texts {
				for _, p := range s.parts {
					if p != nil {
						held++
					}
				}
			}
		}
		if held != x.begun {
			t.Errorf("%d parts are held, and %d counted", held, x.begun)
		}
	})
}

// silentNet sends nothing.
type silentNet struct{}

func (silentNet) find(string) (Remote, error)             { return Remote{}, errAway }
func (silentNet) send(wire.UUID, []byte, ...[]byte) error { return nil }
