package osc

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"
)

// joinAs is a member's configuration with one app.
func joinAs(user string, server netip.AddrPort, tx int, a *app) func(c *Config) {
	return func(c *Config) {
		c.Join, c.User, c.Password, c.Group, c.GroupPassword = server.String(), user, "pw", "g", "gpw"
		c.Apps = []App{{Tx: tx, Rx: a.port()}}
	}
}

func TestAppsPlayThroughServerAndMembers(t *testing.T) {
	t.Parallel()
	server, _ := start(t, func(c *Config) { c.Listen = []string{"udp:127.0.0.1:0"} }, false)
	at1, at2 := freePort(t), freePort(t)
	app1, app2, app3 := newApp(t), newApp(t), newApp(t)
	where := addrs(t, server)[0]
	start(t, func(c *Config) {
		joinAs("tim", where, at1, app1)(c)
		c.Echo = true
	}, true)
	start(t, func(c *Config) {
		joinAs("eva", where, at2, app2)(c)
		c.Apps = append(c.Apps, App{Tx: freePort(t), Rx: app3.port()})
	}, true)
	app1.sendUntil(at(at1), `/hello 1 2.5 world`, app2)
	app3.hear("/hello 1 2.5 world")
	app1.hear("/hello 1 2.5 world") // by echo
	app2.sendUntil(at(at2), "/back", app1)
	app3.hear("/back") // the other app at the same member
	for _, bad := range []string{"abc", "/no/tags", strings.Repeat("/big", 2000), "/groupclient/ping\x00\x00\x00,s\x00\x00tim\x00"} {
		app1.send(at(at1), []byte(bad))
	}
	app1.sendUntil(at(at1), "/still here", app2)
	// To one member only, and the question who is there.
	app1.send(at(at1), line(t, `/oscrouter/private eva /cue 1`))
	app2.hear(`/oscrouter/private tim /cue 1`)
	app1.send(at(at1), line(t, "/groupclient/peers"))
	for got := range app1.heard {
		if strings.HasPrefix(got, "/groupclient/peer eva private 127.0.0.1:") || strings.HasPrefix(got, "/groupclient/peer eva public 127.0.0.1:") {
			break
		}
	}
}

func TestTextsCrossAtAServer(t *testing.T) {
	t.Parallel()
	server, h := start(t, func(c *Config) {
		c.Listen, c.Chat = []string{"udp:127.0.0.1:0"}, "/chat"
	}, false)
	tx, app := freePort(t), newApp(t)
	start(t, joinAs("tim", addrs(t, server)[0], tx, app), true)
	h.WaitReachable(bridge.Address{Name: "tim@g"})
	for _, to := range []string{"tim@g", "g"} {
		if o, err := server.SendMessage(t.Context(), text("alice@g", to, "to "+to)); err != nil || o != bridge.Relayed {
			t.Errorf("%v, %v", o, err)
		}
		app.hear(`/chat alice "to ` + to + `"`)
	}
	if o, err := server.SendMessage(t.Context(), text("alice@g", "tim@g", "/cue 7")); err != nil || o != bridge.Taken {
		t.Errorf("%v, %v", o, err)
	}
	app.hear("/cue 7")
	app.meets(at(tx), "gateway")
	app.send(at(tx), line(t, "/chat tim hello"))
	got := map[string]bool{}
	for _, m := range h.Messages(2) {
		got[m.From.Name+" "+m.To.Name+" "+m.Body()] = true
	}
	if !got["tim@g g hello"] || !got["tim@g alice@g hello"] {
		t.Errorf("%v", got)
	}
	for name, m := range map[string]bridge.Message{
		"nobody": text("alice@g", "eva@g", "x"), "no group": text("alice@g", "h", "x"), "ourselves": text("alice@g", "gateway@g", "x"),
	} {
		_, err := server.SendMessage(t.Context(), m)
		if e := asError(err); e == nil || e.Cause != bridge.Unavailable || !e.Retry {
			t.Errorf("to %s: %v", name, err)
		}
	}
}

func TestMembersFindEachOtherWithoutAServer(t *testing.T) {
	t.Parallel()
	at1, at2 := freePort(t), freePort(t)
	app1, app2 := newApp(t), newApp(t)
	// Broadcast on the loopback network reaches every socket that shares a port.
	for _, m := range []struct {
		user, password string
		tx             int
		app            *app
	}{{"tim", "gpw", at1, app1}, {"eva", "gpw", at2, app2}, {"max", "other", freePort(t), newApp(t)}} {
		start(t, func(c *Config) {
			c.Broadcast, c.User, c.Group = true, m.user, "lan"
			c.GroupPassword = "gpw"
			if m.password != "gpw" {
				c.GroupPassword = "other"
			}
			c.Apps = []App{{Tx: m.tx, Rx: m.app.port()}}
		}, true)
	}
	app1.sendUntil(at(at1), "/on the network", app2)
	app2.sendUntil(at(at2), "/and back", app1)
}

func newTestMember(t *testing.T) (*member, *mail) {
	t.Helper()
	c := NewConfig()
	c.Join, c.User, c.Group = "192.0.2.1:22242", "gw", "g"
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	m := newMember(a, nopHandler{}, nil, newRoster(a.set.naming, nopHandler{}))
	m.socket, m.server = openSocket(t), netip.MustParseAddrPort("192.0.2.1:22242")
	return m, newMail()
}

// An info as a server tells it.
func info(t *testing.T, user, private, public string) wire.Message {
	t.Helper()
	var b wire.Builder
	b.UserInfo(user, netip.MustParseAddrPort(private), netip.MustParseAddrPort(public), 0, []string{"g"})
	m, ok := wire.First(b.Packet())
	if !ok {
		t.Fatal("no message")
	}
	return m
}

func TestAPeerIsWhereItsPingsComeFrom(t *testing.T) {
	t.Parallel()
	const private, public = "192.168.1.7:22300", "198.51.100.7:4000"
	for _, tt := range []struct {
		name  string
		pings []string
		want  string // "" if it is nowhere
		first bool   // of the last ping
	}{
		{"no pings", nil, "", false},
		{"from the public address", []string{public}, public, true},
		{"from both", []string{public, private}, private, true},
		{"from another port of the NAT", []string{"198.51.100.7:9999"}, "198.51.100.7:9999", true},
		{"from there, and the public one", []string{"198.51.100.7:9999", public}, public, true},
		{"from two other ports", []string{"198.51.100.7:9999", "198.51.100.7:9998"}, "198.51.100.7:9998", true},
		{"again", []string{public, public}, public, false},
		{"from somebody else", []string{"203.0.113.9:1"}, "", false},
		{"from somebody else, later", []string{public, "203.0.113.9:1"}, public, false},
		{"from another port of its own network", []string{"192.168.1.7:5"}, "192.168.1.7:5", true},
	} {
		p := &peer{name: "tim"}
		now := time.Unix(1000, 0)
		p.inform(netip.MustParseAddrPort(private), netip.MustParseAddrPort(public), now)
		first := false
		for _, from := range tt.pings {
			_, first = p.ping(netip.MustParseAddrPort(from), now)
		}
		to, ok := p.chosen(now.Add(time.Second), time.Minute)
		if ok != (tt.want != "") || ok && to.String() != tt.want || first != tt.first {
			t.Errorf("%s: %v %v, first %v; want %s, %v", tt.name, to, ok, first, tt.want, tt.first)
		}
	}
}

// What was told of a peer changes; where it has pinged from stays an address of
// its own as long as it may be one.
func TestAPeerThatIsToldOtherwiseIsStillReached(t *testing.T) {
	t.Parallel()
	const public = "198.51.100.7:4000"
	for _, tt := range []struct{ name, private, public, pinged, want string }{
		{"another private address", "192.168.1.7:1", public, public, public},
		{"the public one is private now", public, "198.51.100.7:5", public, public},
		{"another port of the NAT", "192.168.1.7:1", "198.51.100.7:5", public, public},
		{"another NAT", "192.168.1.7:1", "203.0.113.9:5", public, ""},
	} {
		p, now := &peer{name: "tim"}, time.Unix(1000, 0)
		p.inform(netip.MustParseAddrPort("203.0.113.1:9"), netip.MustParseAddrPort(public), now)
		p.ping(netip.MustParseAddrPort(tt.pinged), now)
		p.inform(netip.MustParseAddrPort(tt.private), netip.MustParseAddrPort(tt.public), now.Add(time.Second))
		to, ok := p.chosen(now.Add(2*time.Second), time.Minute)
		if ok != (tt.want != "") || ok && to.String() != tt.want {
			t.Errorf("%s: %v %v, want %s", tt.name, to, ok, tt.want)
		}
	}
}

func TestPingsKeepTheOriginalsTime(t *testing.T) {
	t.Parallel()
	m, out := newTestMember(t)
	began := time.Unix(1000, 0)
	tick := func(seconds float64) (pings int) {
		m.tickPeers(began.Add(time.Duration(seconds * float64(time.Second))))
		n := len(m.mail.Letters)
		m.mail.Letters = m.mail.Letters[:0]
		return n
	}
	m.fromServer(info(t, "tim", "192.168.1.7:22300", "198.51.100.7:4000"), began, out)
	if len(out.Letters) != 2 {
		t.Errorf("%d pings at first, want one to each address", len(out.Letters))
	}
	var when []float64
	for s := 0.0; s < 30; s += 0.5 {
		if tick(s) > 0 {
			when = append(when, s)
		}
	}
	if got := fmt.Sprint(when); got != "[2 5 9 15 21 27]" {
		t.Errorf("pings at %s", got)
	}
	// Once it is met, one ping goes to one address; while there is traffic less often.
	p := m.peers["tim"]
	now := began.Add(30 * time.Second)
	p.ping(netip.MustParseAddrPort("198.51.100.7:4000"), now)
	if n := tick(33); n != 1 {
		t.Errorf("%d pings when it is met, want 1", n)
	}
	m.set.apps = []appPorts{{from: loopback, to: at(9)}}
	m.fromApp(0, []datagram.Packet{{Data: line(t, "/fader/1 0.5"), From: at(5)}}, out)
	if n := tick(38) + tick(40); n != 0 {
		t.Errorf("%d pings while there is traffic", n)
	}
	// It is forgotten when neither it nor the server is heard.
	p.told, p.pinged[byPublic] = began, began
	if tick(179); m.peers["tim"] == nil {
		t.Error("it is forgotten too early")
	}
	if tick(181); m.peers["tim"] != nil {
		t.Error("it is not forgotten")
	}
}

func TestOnlyMembersAreHeard(t *testing.T) {
	t.Parallel()
	m, out := newTestMember(t)
	m.apps, m.set.apps = []*datagram.Socket{openSocket(t)}, []appPorts{{to: at(9)}}
	m.bridge = nopHandler{}
	now := time.Now()
	m.fromServer(info(t, "tim", "192.168.1.7:22300", "198.51.100.7:4000"), now, out)
	out.Letters = nil
	for _, tt := range []struct {
		name, from string
		packet     []byte
		heard      bool
	}{
		{"a member", "198.51.100.7:4000", line(t, "/a"), true},
		{"a member's ping", "198.51.100.7:4000", ping("tim"), true},
		{"a stranger", "203.0.113.9:1", line(t, "/a"), false},
		{"a ping of a stranger as a member", "203.0.113.9:1", ping("tim"), false},
		{"the stranger behind it", "203.0.113.9:1", line(t, "/a"), false},
		{"a ping of nobody", "198.51.100.7:4000", ping("nobody"), false},
		{"something else", "198.51.100.7:4000", []byte("abc"), false},
		{"a big packet", "198.51.100.7:4000", make([]byte, 5000), false},
		{"somebody who says what a server does", "198.51.100.7:4000", line(t, wire.AddressUserInfo), true},
	} {
		out.Letters = out.Letters[:0]
		m.arrive([]datagram.Packet{{Data: tt.packet, From: netip.MustParseAddrPort(tt.from)}}, out)
		heard := false
		for _, l := range out.Letters {
			heard = heard || l.To == at(9) && string(l.Data) == string(tt.packet)
		}
		if heard != tt.heard {
			t.Errorf("%s: heard %v, want %v", tt.name, heard, tt.heard)
		}
	}
	if len(m.peers) != 1 {
		t.Errorf("%d peers", len(m.peers))
	}
}

// A NAT that gives a member another port leaves the old one to others; and who pings
// from many ports is kept at the last one.
func TestAMemberIsAtOneUnknownPort(t *testing.T) {
	t.Parallel()
	m, out := newTestMember(t)
	m.bridge = nopHandler{}
	m.fromServer(info(t, "tim", "192.168.1.7:22300", "198.51.100.7:4000"), time.Now(), out)
	known := len(m.from)
	for port := range 100 {
		from := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), uint16(5000+port))
		m.arrive([]datagram.Packet{{Data: ping("tim"), From: from}}, out)
		if m.from[from] == nil || len(m.from) != known+1 {
			t.Fatalf("%d addresses after pings from %d ports, want one more than %d", len(m.from), port+1, known)
		}
	}
}

func TestPingsAreMeasuredBetweenGateways(t *testing.T) {
	t.Parallel()
	m, out := newTestMember(t)
	m.bridge = nopHandler{}
	const public = "198.51.100.7:4000"
	from := netip.MustParseAddrPort(public)
	now := time.Now()
	m.fromServer(info(t, "tim", "192.168.1.7:22300", public), now, out)
	m.arrive([]datagram.Packet{{Data: ping("tim"), From: from}}, out)
	m.peers["tim"].measure = time.Time{}
	out.Letters = nil
	m.pingPeer(m.peers["tim"], now, out)
	var asked []string
	wire.Each(out.Letters[0].Data, func(msg wire.Message) { asked = append(asked, string(msg.Address)) })
	same(t, "a ping that asks for the time", asked, []string{wire.AddressPing, wire.AddressPingSent})
	// tim is a gateway too: it sends our clock back.
	other, theirs := newTestMember(t)
	other.bridge, other.set.self = nopHandler{}, "tim"
	other.fromServer(info(t, "gw", "192.168.1.8:22300", public), now, theirs)
	theirs.Letters = nil
	other.arrive([]datagram.Packet{{Data: out.Letters[0].Data, From: from}}, theirs)
	for _, l := range theirs.Letters {
		m.arrive([]datagram.Packet{{Data: l.Data, From: from}}, out)
	}
	if m.peers["tim"].rtt <= 0 {
		t.Error("nothing was measured")
	}
}

func TestFanningOutAllocatesNothing(t *testing.T) {
	m, out := newTestMember(t)
	m.apps, m.set.apps = []*datagram.Socket{openSocket(t)}, []appPorts{{from: loopback, to: at(9)}}
	far := openSocket(t)
	targets := make([]netip.AddrPort, 7)
	for i := range targets {
		targets[i] = far.Addr()
	}
	m.targets.Store(&targets)
	packets := []datagram.Packet{{Data: line(t, "/fader/1 0.5"), From: at(5)}}
	if n := testing.AllocsPerRun(1000, func() {
		m.fromApp(0, packets, out)
		if len(out.Letters) != len(targets) {
			t.Fatalf("%d letters", len(out.Letters))
		}
		out.Send()
	}); n != 0 {
		t.Errorf("%v allocations for each packet", n)
	}
}
