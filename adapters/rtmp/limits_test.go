package rtmp

import (
	"net/netip"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"of an address": func(c *Config) { c.MaxPerAddress = 2 }, "of all": func(c *Config) { c.MaxClients = 2 },
	} {
		r := run(t, change)
		first := r.phone("alice")
		r.connect("call")
		if _, err := r.dial("call"); err == nil {
			t.Errorf("%s: a third connection is served", name)
		}
		_ = first.Close()
		r.eventually("there is room again", func() bool {
			_, err := r.dial("call")
			return err == nil
		})
	}
}

// TestStrangersAreBounded: a client that has connected without showing who it is may
// say little; one that has logged in, more.
func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	large := wire.Message{Type: wire.TypeVideo, Body: make([]byte, 100<<10)}
	for _, app := range []string{"phone", "call"} {
		c := r.connect(app)
		if err := c.Write(large); err != nil {
			t.Fatal(err)
		}
		c.ended()
	}
	c := r.connect("call")
	c.publishes("bob?user=alice&password=secret")
	if err := c.Write(large); err != nil {
		t.Fatal(err)
	}
	c.say("createStream") // the connection goes on
}

func TestANetworkOfIPv6IsOneSource(t *testing.T) {
	t.Parallel()
	r := run(t, func(c *Config) { c.MaxPerAddress = 1 })
	hub := r.a.house.Load().hub
	a, b, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2:1"), netip.MustParseAddr("2001:db8:0:1::1")
	if !hub.enter(a) || hub.enter(b) || !hub.enter(other) {
		t.Error("connections are not counted by networks")
	}
	hub.leave(a)
	if !hub.enter(b) {
		t.Error("there is no room again")
	}
	hub.leave(b)
	hub.leave(other)
}

func TestStreamsOfOneConnectionAreBounded(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	for range maxStreams {
		c.say("createStream")
	}
	if _, err := c.Call(t.Context(), "createStream"); err == nil {
		t.Error("there is one more")
	}
	c.say("deleteStream", 1.0)
	c.say("createStream")
}

// TestAFaultEndsOneConnection: a client whose command finds a fault of ours loses
// its connection; another's call goes on.
func TestAFaultEndsOneConnection(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	bob := r.phone("bob")
	call := r.rings("bob")
	bob.told("invited")
	bob.say("accept", "pcmu")
	bob.told("accepted")
	alice := r.phone("alice")
	client := r.a.house.Load().hub.there("alice")[0]
	client.mu.Lock()
	client.streams = nil // as nothing can do that we know of
	client.mu.Unlock()
	_ = alice.Notify(0, "createStream")
	alice.ended()
	port := r.port(call)
	bob.plays("remote")
	r.eventually("bob hears", func() bool {
		r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{1}})
		return len(bob.sound) > 0
	})
	call.Leg.Hangup(bridge.Normal)
	bob.told("byed")
	bridgetest.Await[bridge.Ended](call)
}

// FuzzCommands: whatever a client that is logged in says, it is answered, or its
// connection ends, and the adapter goes on.
func FuzzCommands(f *testing.F) {
	for _, c := range []wire.Command{
		{Name: "invite", ID: 2, Args: []any{"sip:bob@127.0.0.1", "pcmu", 7.0, nil}}, {Name: "accept", Args: []any{wire.Obj("a", 1.0)}}, {Name: "sendDTMF", Args: []any{"12#"}},
		{Name: "hold", Args: []any{"true"}}, {Name: "publish", Stream: 1, Args: []any{false}}, {Name: "publish", Args: []any{"bob?user=x", "live"}}, {Name: "play", Args: []any{"a/b"}},
		{Name: "sendMessage", Args: []any{"bob", "hi"}}, {Name: "deleteStream", Args: []any{-1.0}}, {Name: "_result", ID: 3}, {Name: "connect", Object: wire.Obj("app", "sip/x")},
	} {
		f.Add(uint8(wire.TypeCommandAMF0), c.Message().Body)
	}
	f.Add(uint8(wire.TypeDataAMF0), wire.Data{Name: "message", Args: []any{"hi"}}.Message().Body)
	f.Add(uint8(wire.TypeAudio), []byte{0xb2, 1})
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		r := run(t, nil)
		r.h.TakeCalls(nil)
		c := r.phone("alice")
		stream := c.publishes("local")
		for _, id := range []uint32{0, stream} {
			if err := c.Write(wire.Message{Type: wire.Type(kind), Stream: id, Body: body}); err != nil {
				break // it has ended already
			}
		}
		_, _ = c.Call(t.Context(), "bye") // answered, or the connection has ended
		r.phone("bob").say("bye")
	})
}
