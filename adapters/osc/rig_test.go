package osc

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

// patience bounds every wait of a test.
const patience = time.Minute

// A rig is a hub whose network, and whose clock, the test plays: what the hub
// would send is looked at instead.
type rig struct {
	t      *testing.T
	hub    *hub
	v      *visit
	now    time.Time
	events []string
}

func (r *rig) joined(user, group string)            { r.events = append(r.events, "+"+user+"@"+group) }
func (r *rig) left(user, group string)              { r.events = append(r.events, "-"+user+"@"+group) }
func (r *rig) reached(user string, groups []string) { r.events = append(r.events, "!"+user) }

func newRig(t *testing.T, change func(c *Config)) *rig {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"udp:127.0.0.1:0"}
	if change != nil {
		change(c)
	}
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	set, err := newSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, now: time.Unix(1_000_000, 0), v: &visit{entry: openSocket(t)}}
	r.v.m = newMail()
	r.hub = newHub(set, slog.New(slog.DiscardHandler), m, r)
	r.hub.openPort = func(p *port) error {
		var err error
		p.socket, err = datagram.Open(netip.MustParseAddrPort("127.0.0.1:0"), false)
		return err
	}
	t.Cleanup(r.hub.closeAll)
	return r
}

func openSocket(t testing.TB) *datagram.Socket {
	t.Helper()
	s, err := datagram.Open(netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A told is a datagram that the hub would send.
type told struct {
	from  *datagram.Socket
	to    string
	bytes int
	lines []string
}

// serverIP is where the requests of a rig go.
var serverIP = netip.MustParseAddr("203.0.113.1")

// ask sends a packet to the server.
func (r *rig) ask(from string, packet []byte) []told {
	r.t.Helper()
	r.hub.ask([]datagram.Packet{{Data: packet, From: netip.MustParseAddrPort(from), To: serverIP}}, r.now, r.v)
	return r.sent()
}

// toPort sends a packet to a port that stands for a user.
func (r *rig) toPort(p *port, from string, packet []byte) []told {
	r.t.Helper()
	if p == nil {
		r.t.Fatal("there is no such port")
	}
	r.hub.arrive(p, []datagram.Packet{{Data: packet, From: netip.MustParseAddrPort(from), To: serverIP}}, r.now, r.v.m)
	return r.sent()
}

// sent takes what is in the mail.
func (r *rig) sent() []told {
	var all []told
	for _, l := range r.v.m.Letters {
		d := told{from: l.By, to: l.To.String(), bytes: len(l.Data)}
		if err := wire.Check(l.Data); err != nil {
			r.t.Errorf("%x is sent: %v", l.Data, err)
		}
		wire.Each(l.Data, func(m wire.Message) { d.lines = append(d.lines, readable(m)) })
		all = append(all, d)
	}
	r.v.m.Clear()
	return all
}

// readable is a message as a line, in which addresses are to be read.
func readable(m wire.Message) string {
	var info wire.UserInfo
	switch string(m.Address) {
	case wire.AddressUserInfo:
		if !info.Read(m) {
			return "bad info"
		}
		var groups []string
		for _, g := range info.Groups {
			groups = append(groups, string(g))
		}
		return fmt.Sprintf("info %s %v %v %d %s", info.User, info.Private, info.Public, info.Seconds, strings.Join(groups, ","))
	case wire.AddressUserStatus:
		s, _ := wire.ReadUserStatus(m)
		return fmt.Sprintf("user %s: %s", s.User.Name, s.Text)
	case wire.AddressGroupStatus:
		s, _ := wire.ReadGroupStatus(m)
		return fmt.Sprintf("group %s: %s", s.Group.Name, s.Text)
	}
	return wire.Line(m)
}

// alive is a registration, with its question who is there, of a user whose
// password is "pw" in groups whose password is "gpw".
func alive(user, private string, groups ...string) []byte {
	return aliveAs(user, "pw", private, groups...)
}

func aliveAs(user, password, private string, groups ...string) []byte {
	at := netip.MustParseAddrPort(private)
	var b wire.Builder
	b.BeginStrings(wire.AddressUserAlive, "ssii", 2*len(groups))
	b.String(user)
	b.String(wire.Hash(password))
	b.Int(wire.Invert(at.Addr()))
	b.Int(int32(at.Port()))
	for _, g := range groups {
		b.String(g)
		b.String(wire.Hash("gpw"))
	}
	b.End()
	for _, g := range groups {
		b.GetUsers(g, wire.Hash("gpw"))
	}
	return slices.Clone(b.Packet())
}

func ping(user string) []byte {
	var b wire.Builder
	b.Ping(user)
	return slices.Clone(b.Packet())
}

func line(t testing.TB, s string) []byte {
	t.Helper()
	p, err := wire.ParseLine(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return p
}

// flat is all lines that were sent to somebody.
func flat(all []told, to string) []string {
	var lines []string
	for _, d := range all {
		if d.to == to {
			lines = append(lines, d.lines...)
		}
	}
	return lines
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
