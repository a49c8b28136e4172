//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// The gateway with nothing but an [osc] table is the server, and three times
// the client, each with programs beside it.
func TestOSCProgramsPlayThroughTheGatewayAsServerAndAsClient(t *testing.T) {
	w := newWorld(t)
	w.oscServer()
	server := w.At(peer.GatewayHost, oscPort)
	p := w.ports(9)
	one, err := peer.StartOSCDump(w.ctx, w.Lab, p[1])
	w.must(err)
	other, err := peer.StartOSCDump(w.ctx, w.Lab, p[3])
	w.must(err)
	pd, err := peer.StartPureData(w.ctx, w.Lab, p[5], p[4], p[6])
	w.must(err)
	t.Cleanup(pd.Close)
	echoed, err := peer.StartOSCDump(w.ctx, w.Lab, p[8])
	w.must(err)
	w.oscMember("ann", server, apps(p[0], p[1], p[2], p[3]))
	w.oscMember("bob", server, apps(p[4], p[5]))
	w.oscMember("cid", server, apps(p[7], p[8]), "echo = true")
	tim := w.original("tim", oscHost, server)
	w.heard(tim, "ann", "bob", "cid")

	// Until all have heard each other, what is sent is lost.
	err = w.poll(func() bool {
		w.must(peer.SendOSC(w.ctx, udp(p[0]), "/are/you", "s", "there"))
		w.must(pd.Send("me too"))
		there := `/are/you s "there"`
		return slices.Contains(echoed.Messages(), there) && slices.Contains(one.Messages(), `/pd/msg ss "me" "too"`) &&
			slices.Contains(pd.Out.All(), "OSC: are you there") && slices.Contains(echoed.Messages(), `/pd/msg ss "me" "too"`)
	})
	if err != nil {
		t.Fatalf("not all have met: ann's %q, cid's %q, pd %q", one.Messages(), echoed.Messages(), pd.Out.All())
	}

	w.must(peer.SendOSC(w.ctx, udp(p[0]), "/mix/1", "sifTFNhd", "Grüße \"👋\"", "-7", "0.5", "1099511627776", "0.25"))
	w.must(echoed.WaitMessage(w.ctx, `/mix/1 sifTFNhd "Grüße "👋"" -7 0.500000 #T #F Nil 1099511627776 0.250000`))
	w.must(peer.SendOSC(w.ctx, udp(p[2]), "/from/anns/second", "i", "2"))
	w.must(pd.WaitMessage(w.ctx, "from anns second 2"))
	w.must(pd.Send("fader 0.75"))
	for _, d := range []*peer.OSCDump{one, other, echoed} { // both of ann's programs
		w.must(d.WaitMessage(w.ctx, `/pd/msg sf "fader" 0.750000`))
	}
	w.must(peer.SendOSC(w.ctx, udp(p[7]), "/echo", "i", "3"))
	w.must(echoed.WaitMessage(w.ctx, "/echo i 3"))
	w.must(one.WaitMessage(w.ctx, "/echo i 3"))
	if slices.Contains(one.Messages(), `/mix/1 sifTFNhd "Grüße "👋"" -7 0.500000 #T #F Nil 1099511627776 0.250000`) {
		t.Error("ann's program hears itself without having asked for it")
	}
}

// Traffic crosses byte for byte, the time tags of bundles too, and so do the
// pings that programs know each other by.
func TestOSCTrafficIsNotTouched(t *testing.T) {
	w := newWorld(t)
	w.oscServer()
	server := w.At(peer.GatewayHost, oscPort)
	p := w.ports(2)
	app, err := peer.NewOSCWire(fmt.Sprintf("127.0.0.1:%d", p[1]), fmt.Sprintf("127.0.0.1:%d", p[0]))
	w.must(err)
	t.Cleanup(app.Close)
	w.oscMember("ann", server, apps(p...))
	tim := w.original("tim", oscHost, server)
	w.heard(tim, "ann")
	tagged := append([]byte("#bundle\x00\xe9\x3c\x12\x34\x56\x78\x9a\xbc\x00\x00\x00\x10"), peer.OSCMessage{Address: "/t", Args: []any{"x", int32(1)}}.Packet()...)
	for _, packet := range [][]byte{
		tagged,
		peer.OSCMessage{Address: "/blob", Args: []any{[]byte{1, 2, 3}}}.Packet(),
		peer.OSCMessage{Address: "/fader/{1,2}/*", Args: []any{float32(0.5)}}.Packet(),
		peer.OSCMessage{Address: "/long", Args: []any{bytes.Repeat([]byte("x"), 3000)}}.Packet(),
		append([]byte("/tags\x00\x00\x00,crmI[i]\x00\x00\x00\x00"), bytes.Repeat([]byte{1}, 16)...),
	} {
		err := w.poll(func() bool {
			w.must(app.Send(packet))
			return slices.ContainsFunc(tim.Got(), func(g peer.OSCPacket) bool { return bytes.Equal(g.Data, packet) })
		})
		if err != nil {
			t.Fatalf("tim is not given %q", packet)
		}
		tim.Send(packet)
		for {
			got, err := app.Receive(w.ctx)
			if err != nil {
				t.Fatalf("ann's program is not given %q: %v", packet, err)
			}
			if bytes.Equal(got, packet) {
				break
			}
		}
	}
	ping := peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{"tim"}})
	for {
		got, err := app.Receive(w.ctx)
		if err != nil {
			t.Fatalf("no ping for ann's program: %v", err)
		}
		if bytes.Equal(got, ping) {
			break
		}
	}
}

// As a client the gateway gets on with the original's server, which answers and
// never speaks first, and says what the original says.
func TestOSCClientKnowsTheOriginalsServer(t *testing.T) {
	w := newWorld(t)
	conn, err := peer.ListenOSC(w.At(oscHost+9, oscPort))
	w.must(err)
	server := peer.ServeOSC(conn)
	t.Cleanup(server.Close)
	at := server.Addr().String()
	p := w.ports(2)
	dump, err := peer.StartOSCDump(w.ctx, w.Lab, p[1])
	w.must(err)
	tim := w.original("tim", oscHost, at)
	w.oscMember("ann", at, apps(p...))
	w.heard(tim, "ann")
	err = w.poll(func() bool {
		tim.Send(peer.OSCMessage{Address: "/hello", Args: []any{int32(1), float32(2.5), "world"}}.Packet())
		w.must(peer.SendOSC(w.ctx, udp(p[0]), "/hello", "s", "tim"))
		want := peer.OSCMessage{Address: "/hello", Args: []any{"tim"}}.Packet()
		return slices.Contains(dump.Messages(), `/hello ifs 1 2.500000 "world"`) &&
			slices.ContainsFunc(tim.Got(), func(g peer.OSCPacket) bool { return bytes.Equal(g.Data, want) })
	})
	if err != nil {
		t.Fatalf("they don't hear each other: %q, %v", dump.Messages(), tim.Peers())
	}
	asked := 0
	for _, request := range server.Requests() {
		messages, err := peer.ParseOSC(request)
		w.must(err)
		if messages[0].Args[0] != "ann" {
			continue
		}
		asked++
		var private netip.AddrPort
		for _, u := range server.Users() {
			if u.Name == "ann" {
				private = u.Private
			}
		}
		want := peer.OSCBundle(peer.OSCAlive("ann", "ann-pw", private, [2]string{oscGroup, oscGroupPass}), peer.OSCWho(oscGroup, oscGroupPass))
		if !bytes.Equal(request, want) {
			t.Errorf("ann says  %q\nnot %q", request, want)
		}
	}
	if asked == 0 {
		t.Error("ann says nothing")
	}
}

// A group may be larger than fits in one answer, and who joins is heard of
// before anybody asks again.
func TestOSCGroupOfManyIsToldWholeAndAtOnce(t *testing.T) {
	w := newWorld(t)
	w.oscServer()
	tim := w.original("tim", oscHost, w.At(peer.GatewayHost, oscPort))
	const many = 60
	atOnce := 0
	for i := range many {
		name := fmt.Sprintf("a-member-with-a-long-name-%02d", i)
		before := tim.Polls()
		if s := w.alive(w.oscWire(oscHost+1+i), name, "pw", [2]string{oscGroup, oscGroupPass}); !slices.Equal(s, []string{"ok", "ok"}) {
			t.Fatalf("%s is told %q", name, s)
		}
		err := w.poll(func() bool { _, there := tim.Peers()[name]; return there })
		if err != nil {
			t.Fatalf("tim knows %d others, not %s", len(tim.Peers()), name)
		}
		if tim.Polls() == before {
			atOnce++
		}
	}
	if atOnce < many-5 { // while some of them came, tim may have asked by chance
		t.Errorf("%d of %d were told of at once", atOnce, many)
	}
	told, sizes := tim.Told()
	if len(told) < many || slices.Max(sizes) > 1400 {
		t.Errorf("%d words in datagrams of up to %d bytes", len(told), slices.Max(sizes))
	}
	// Who comes last, asks, and is told of all.
	last := w.original("last", oscHost+many+1, w.At(peer.GatewayHost, oscPort))
	if err := w.poll(func() bool { return len(last.Peers()) == many+1 }); err != nil {
		t.Errorf("the last one knows %d others, want %d", len(last.Peers()), many+1)
	}
	if _, sizes := last.Told(); slices.Max(sizes) > 1400 {
		t.Errorf("a datagram of %d bytes", slices.Max(sizes))
	}
}

func TestOSCServerRefusesInTheOriginalsWords(t *testing.T) {
	w := newWorld(t)
	w.oscServer("max_users = 3", "max_groups = 2", `timeout = "10s"`)
	one, two := w.oscWire(oscHost), w.oscWire(oscHost+1)
	g1, g2, g3 := [2]string{"g1", "p1"}, [2]string{"g2", "p2"}, [2]string{"g3", "p3"}
	for _, row := range []struct {
		name           string
		wire           *peer.OSCWire
		user, password string
		groups         [][2]string
		want           string
	}{
		{"somebody new", one, "ann", "pw", nil, "ok"},
		{"who comes again", one, "ann", "pw", nil, "ok"},
		{"under another's name", two, "ann", "not it", nil, "wrong password"},
		{"a group, made by joining it", one, "ann", "pw", [][2]string{g1}, "ok ok"},
		{"its password", two, "bob", "pw", [][2]string{{"g1", "not it"}, g2}, "ok wrong password ok"},
		{"more groups than there may be", one, "ann", "pw", [][2]string{g1, g3}, "ok ok user limit reached"},
		{"none", two, "bob", "pw", nil, "ok"},
		{"one in place of that which nobody is left in", two, "bob", "pw", [][2]string{g3}, "ok ok"},
		{"the third user", w.oscWire(oscHost + 2), "cid", "pw", nil, "ok"},
		{"more users than there may be", w.oscWire(oscHost + 3), "dora", "pw", [][2]string{g1}, "user limit reached"},
		{"who is there already, from somewhere else", w.oscWire(oscHost + 4), "cid", "pw", nil, "ok"},
	} {
		if got := strings.Join(w.alive(row.wire, row.user, row.password, row.groups...), " "); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	// Whoever is silent is forgotten, and leaves room.
	w.original("dora", oscHost+5, w.At(peer.GatewayHost, oscPort))
}
