package osc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"
)

// bundled is one packet of several.
func bundled(packets ...[]byte) []byte {
	p := append([]byte("#bundle\x00"), 0, 0, 0, 0, 0, 0, 0, 1)
	for _, one := range packets {
		p = append(binary.BigEndian.AppendUint32(p, uint32(len(one))), one...)
	}
	return p
}

// Several users in one packet, or refusals before somebody who is known: what is
// answered is three times the packet at most, whoever pays for it.
func TestAPacketOfSeveralUsersIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	const victim = "203.0.113.77:1"
	for _, tt := range []struct {
		name   string
		packet []byte
	}{
		{"the second pays for the first", bundled(alive("eva", inside, "g"), alive("max", inside))},
		{"the first again behind the second", bundled(alive("eva", inside), alive("max", inside), alive("eva", inside, "g"))},
		{"refused before it is known", bundled(aliveAs("user0", "wrong", inside), aliveAs("user1", "wrong", inside), alive("eva", inside, "g"))},
		{"asked before it is known", bundled(line(t, wire.AddressGetUsers+" ,ss g "+wire.Hash("gpw")), alive("eva", inside, "g"))},
	} {
		r := newRig(t, nil)
		for i := range 40 {
			r.ask(fmt.Sprintf("198.51.100.%d:22300", i+1), alive(fmt.Sprint("user", i), inside, "g"))
		}
		in, out := 0, 0
		for range 20 {
			in += len(tt.packet)
			for _, d := range r.ask(victim, tt.packet) {
				if d.to == victim {
					out += d.bytes
				}
			}
		}
		if out > 3*in || out == 0 {
			t.Errorf("%s: %d bytes for %d", tt.name, out, in)
		}
	}
}

// A connection that becomes another user in the same group leaves it as the first, who
// was alone there: the group lives on.
func TestAGroupLivesWhenItsOnlyMemberIsCalledOtherwise(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	g := newGuest(wire.Prefixed)
	for _, user := range []string{"tim", "eva"} {
		r.hub.listen(g, line(t, "/oscrouter/register "+user+" pw g gpw"), r.now, r.v)
	}
	if live, u := r.hub.groups["g"], r.hub.users["eva"]; u == nil || len(u.groups) != 1 || u.groups[0] != live || len(live.members) != 1 {
		t.Errorf("eva %+v is in a group that nobody else finds", u)
	}
}

// The name of who writes privately is longer than that of who is written to: no member
// is sent more than all take.
func TestAPrivateMessageIsNotLongerThanMembersTake(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", maxName)
	packet, err := wire.Compose(wire.AddressPrivate, "e", "/x", strings.Repeat("x", wire.MaxMember-37))
	if err != nil || len(packet) != wire.MaxMember {
		t.Fatalf("%d bytes, %v", len(packet), err)
	}
	r := newRig(t, nil)
	from, to := newGuest(wire.Prefixed), newGuest(wire.Prefixed)
	r.hub.listen(from, line(t, "/oscrouter/register "+long+" pw g gpw"), r.now, r.v)
	r.hub.listen(to, line(t, "/oscrouter/register e pw g gpw"), r.now, r.v)
	to.take(nil)
	r.hub.listen(from, packet, r.now, r.v)
	if frames, _ := to.take(nil); len(frames) != 0 {
		t.Errorf("a message of %d bytes is handed on as %d", len(packet), len(frames)-4)
	}
	m, out := newTestMember(t)
	m.set.self, m.set.apps = long, []appPorts{{from: loopback, to: at(9)}}
	m.apps = []*datagram.Socket{openSocket(t)}
	m.fromServer(info(t, "e", "192.168.1.7:22300", evaAt), time.Now(), out)
	m.arrive([]datagram.Packet{{Data: ping("e"), From: netip.MustParseAddrPort(evaAt)}}, out)
	out.Clear()
	m.fromApp(0, []datagram.Packet{{Data: packet, From: at(5)}}, out)
	if len(out.Letters) != 0 {
		t.Errorf("an app's message is handed on as %d bytes", len(out.Letters[0].Data))
	}
}

// A connection ends within a message: what has come of it is none, even if it looks whole.
func TestHalfAMessageOfAWebSocketIsNone(t *testing.T) {
	t.Parallel()
	server, _ := start(t, func(c *Config) { c.Listen = []string{"ws:127.0.0.1:0", "tcp:127.0.0.1:0"} }, false)
	where := addrs(t, server)
	tim := dialStream(t, where[1], wire.Prefixed)
	tim.send(line(t, "/oscrouter/register tim pw g gpw"))
	tim.hear("/oscrouter/register/tim/g")
	conn, err := net.Dial("tcp", where[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	frame := func(size int, p []byte) {
		head := []byte{0x82, 0x80 | 126, byte(size >> 8), byte(size), 0, 0, 0, 0} // RFC 6455 section 5.2: binary, whole, masked by zeros
		if _, err := conn.Write(append(head, p...)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	register := line(t, "/oscrouter/register eva pw g gpw")
	frame(len(register), register)
	tim.hear("/oscrouter/userlist tim eva")
	half := line(t, "/half 1")
	frame(2*len(half), half)
	conn.Close()
	for late := time.After(patience); ; {
		select {
		case got := <-tim.heard:
			if strings.HasPrefix(got, "/half") {
				t.Error("half a message is handed on")
			}
			if got == "/oscrouter/userlist tim" { // eva has left
				return
			}
		case <-late:
			t.Fatal("eva does not leave")
		}
	}
}

// There are only so many pairs: who come then are told of each other as without a relay.
func TestPairsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Relay = "22300-22309" })
	const last = "198.51.100.3:4003"
	r.hub.met = maxPairs - 1
	for i, at := range []string{timAt, evaAt, last} {
		r.ask(at, alive(fmt.Sprint("user", i), inside, "g"))
		r.hub.users[fmt.Sprint("user", i)].budget.prove(r.now)
	}
	direct := "info user0 " + timAt + " " + timAt + " 0 g"
	if got := flat(r.ask(last, alive("user2", inside, "g")), last); r.hub.met != maxPairs || !slices.Contains(got, direct) {
		t.Errorf("%d pairs, told %q", r.hub.met, got)
	}
	u := r.hub.users["user2"]
	if got := r.toPort(r.port("user0"), last, ping("user2")); len(got) != 0 || r.port("user0").callers[u] != nil {
		t.Errorf("a port that it was not told of takes its ping: %v", got)
	}
	r.hub.remove(r.hub.users["user0"])
	if r.hub.met != maxPairs-1 {
		t.Errorf("%d pairs when one is gone", r.hub.met)
	}
	if r.ask(last, alive("user2", inside, "g")); r.hub.met != maxPairs || u.pairs[r.hub.users["user1"]] == nil {
		t.Error("there is no room for another one")
	}
}

// Somebody else has all the ports, or there are no more sockets: that is found out a few at
// a time, and each is tried in the end.
func TestFewPortsAreTriedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Relay = "20000-20099" })
	open, tried := r.hub.openPort, map[uint16]int{}
	r.hub.openPort = func(p *port) error {
		if tried[p.number]++; p.number != 20050 {
			return errors.New("the port is taken")
		}
		return open(p)
	}
	u := &user{name: "tim", at: netip.MustParseAddrPort(timAt)}
	for calls := 1; r.hub.portFor(u) == nil; calls++ {
		if len(tried) > calls*maxOpening || calls > 10 {
			t.Fatalf("%d ports are tried by %d members", len(tried), calls)
		}
	}
	if len(r.hub.free) != 99 || u.port.number != 20050 {
		t.Errorf("%d ports are free, and it has %d", len(r.hub.free), u.port.number)
	}
	r.hub.closePort(u)
}

// A counter counts what is logged.
type counter struct {
	slog.Handler
	lines int
}

func (c *counter) Handle(context.Context, slog.Record) error { c.lines++; return nil }
func (c *counter) Enabled(context.Context, slog.Level) bool  { return true }

// There are as many pairs as members, squared: not each that does not meet is a line.
func TestPairsThatDoNotMeetDoNotFloodTheLog(t *testing.T) {
	t.Parallel()
	const n = 20
	r := newRig(t, func(c *Config) { c.Relay = "22300-22399" })
	log := &counter{Handler: slog.DiscardHandler}
	r.hub.log = slog.New(log)
	from := func(i, port int) string { return fmt.Sprintf("198.51.100.%d:%d", i+1, port) }
	name := func(i int) string { return fmt.Sprint("user", i) }
	for i := range n {
		r.ask(from(i, 4000), alive(name(i), inside, "g"))
	}
	relayed := 0
	for i := range n {
		for k := range n {
			if i != k {
				r.toPort(r.port(name(k)), from(i, 5000+k), ping(name(i)))
			}
		}
	}
	for _, u := range r.hub.users {
		for _, p := range u.pairs {
			if p.relay {
				relayed++
			}
		}
	}
	if relayed != n*(n-1) || log.lines > relayed/4 {
		t.Errorf("%d lines for %d pairs", log.lines, relayed/2)
	}
}

// The only other member was silent for so long that nothing went to it, though the
// server still tells of it; when it pings again it is played to again.
func TestAMemberThatComesBackIsPlayedTo(t *testing.T) {
	t.Parallel()
	m, out := newTestMember(t)
	now := time.Now()
	m.fromServer(info(t, "tim", "192.168.1.7:22300", timAt), now, out)
	m.arrive([]datagram.Packet{{Data: ping("tim"), From: netip.MustParseAddrPort(timAt)}}, out)
	m.peers["tim"].pinged[byPublic] = now.Add(-m.set.pace.dead)
	m.tick(now)
	if got := *m.targets.Load(); len(got) != 0 {
		t.Fatalf("%v is still played to", got)
	}
	m.arrive([]datagram.Packet{{Data: ping("tim"), From: netip.MustParseAddrPort(timAt)}}, out)
	m.tick(now)
	if got := *m.targets.Load(); len(got) != 1 || got[0].String() != timAt {
		t.Errorf("%v is played to, want %s", got, timAt)
	}
}

// A member whose patch hangs up at the word that somebody calls: the call is not taken
// behind that.
func TestACallIsHungUpAtItsFirstWord(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	deliver := k.chat.calls.deliver
	k.chat.calls.deliver = func(to bridge.Name, p []byte) error {
		err := deliver(to, p)
		if bytes.HasPrefix(p, []byte("/call/incoming")) {
			for _, l := range k.chat.calls.all() {
				k.hear("/call/hangup " + l.tag)
			}
		}
		return err
	}
	c := k.called("2001@g", "tim@g", sound())
	id := c.Leg.ID()
	same(t, "told", k.told(), []string{"tim: /call/incoming " + id + ` "2001" tim "Alice E."`, "tim: /call/failed " + id + ` tim cancelled ""`})
	if got := c.String(); got != "[bridge.Ended]" {
		t.Errorf("the leg says %s", got)
	}
}
