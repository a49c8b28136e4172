package mesh

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge/datagram"
)

// A rig is a hub whose network, and whose clock, the test plays: what the hub
// would send is looked at instead.
type rig struct {
	t    *testing.T
	hub  *hub
	door *datagram.Socket
	now  time.Time
	m    *mail
}

func newRig(t *testing.T, change func(c *Config)) *rig {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"udp:127.0.0.1:0"}
	if change != nil {
		change(c)
	}
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	set, err := newSettings(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &Adapter{set: set, log: slog.New(slog.DiscardHandler), metrics: metrics}
	return &rig{t: t, hub: newHub(a, newRoster()), door: openSocket(t), now: time.Unix(1_000_000, 0), m: newMail()}
}

// A testClient is one at an address.
type testClient struct {
	r       *rig
	at      netip.AddrPort
	inside  netip.AddrPort
	uuid    wire.UUID
	version uint8
	name    string
	list    []wire.Entry // the last that was whole
	lists   int          // how many came
	part    map[uint8][]wire.Entry
	cc      [][]byte // that came
	far     [][]byte // that was handed on
	echoes  bool     // it answers with the UUID that it was asked by, as the original does
}

// client makes one, who has sent nothing yet.
func (r *rig) client(n int, at string, version uint8) *testClient {
	c := &testClient{r: r, at: netip.MustParseAddrPort(at), version: version}
	binary.BigEndian.PutUint32(c.uuid[:], uint32(n+1))
	return c
}

// send gives the hub a packet of the client's.
func (c *testClient) send(add func(b *wire.Builder)) []told {
	var b wire.Builder
	b.Client(c.version, 0, c.uuid)
	add(&b)
	return c.r.raw(c.at, b.Packet())
}

func (r *rig) raw(from netip.AddrPort, data []byte) []told {
	r.hub.receive(r.door, []datagram.Packet{{Data: data, From: from, To: r.door.Addr().Addr()}}, r.now, r.m)
	return r.sent()
}

// beacon is the original's.
func (c *testClient) beacon() []told {
	return c.send(func(b *wire.Builder) {
		b.Local(c.inside)
		b.MyTime(uint64(c.r.now.UnixNano()))
		if c.name != "" {
			b.Meta(wire.AppendNames(nil, [2]string{wire.KeyPeer, c.name}))
		} else {
			b.Meta([]byte(`{"127.0.0.1-23456": {"stats": {"sent": 1}, "sin": ["127.0.0.1", 23456]}}`))
		}
	})
}

// told is a packet that the hub has sent.
type told struct {
	to     netip.AddrPort
	size   int
	packet wire.Packet
}

// sent takes what is in the mail.
func (r *rig) sent() []told {
	r.t.Helper()
	var all []told
	for _, l := range r.m.Letters {
		d := told{to: l.To, size: len(l.Data)}
		if err := d.packet.Read(append([]byte(nil), l.Data...)); err != nil {
			r.t.Errorf("%x is sent: %v", l.Data, err)
		}
		all = append(all, d)
	}
	r.m.Clear()
	return all
}

// join has clients send their beacons, and do what clients do until nothing comes any more.
func (r *rig) join(all ...*testClient) {
	r.t.Helper()
	for _, c := range all {
		r.play(c.beacon(), all...)
	}
	r.pass(time.Second, all...)
}

// pass lets time pass.
func (r *rig) pass(d time.Duration, all ...*testClient) {
	r.t.Helper()
	r.now = r.now.Add(d)
	r.hub.tick(r.now, r.m)
	r.play(r.sent(), all...)
}

// play gives packets to clients, who answer time stamps and keep lists.
func (r *rig) play(packets []told, all ...*testClient) {
	r.t.Helper()
	for len(packets) > 0 {
		d := packets[0]
		packets = packets[1:]
		for _, c := range all {
			if c.at == d.to {
				packets = append(packets, c.get(&d.packet)...)
			}
		}
	}
}

func (c *testClient) get(p *wire.Packet) (answers []told) {
	if p.MyTime != 0 {
		own := c.uuid
		if c.echoes {
			c.uuid = p.UUID
		}
		answers = c.send(func(b *wire.Builder) { b.YourTime(p.MyTime) })
		c.uuid = own
	}
	if p.HasForward {
		c.far = append(c.far, p.Behind)
	}
	for _, v := range p.CC {
		if part, ok := wire.ReadPart(v); ok {
			if c.part == nil || part.Part == 0 {
				c.part = map[uint8][]wire.Entry{}
			}
			c.part[part.Part] = p.List
			if len(c.part) < int(part.Parts) {
				return answers
			}
			c.list, c.lists = nil, c.lists+1
			for _, some := range c.part {
				c.list = append(c.list, some...)
			}
			return answers
		}
		c.cc = append(c.cc, v)
	}
	if p.Count >= 0 {
		if p.Count != len(p.List) {
			c.r.t.Errorf("a list of %d says %d", len(p.List), p.Count)
		}
		c.list, c.lists = p.List, c.lists+1
	}
	return answers
}

// sees reports whether a client is in another's list.
func (c *testClient) sees(o *testClient) bool {
	for _, e := range c.list {
		if e.External == o.at {
			return true
		}
	}
	return false
}
