package rtmp

import (
	"strings"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

const asAlice = "?user=alice&password=secret"

func TestPublishingCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.connect("call")
	stream := c.publishes("bob" + asAlice)
	c.utter(stream, 0, 0x82, 1, 2)
	call := r.h.Call(0)
	if inv := call.Invite; inv.From.Name != "alice" || inv.To.Name != "bob" || inv.Offer.Desc[0].Dir != bridge.SendOnly {
		t.Errorf("a call by %+v, %+v", inv, inv.Offer)
	}
	if f := call.Invite.Offer.Desc[0].Formats[0]; f.String() != "pcmu/8000" {
		t.Errorf("what is published is not offered first, but %v", f)
	}
	r.takes(0)
	port := bridgetest.Await[bridge.MediaReady](call).Port
	r.eventually("sound arrives", func() bool {
		c.utter(stream, 20, 0x82, 3, 4)
		return len(r.plane.Fed(port)) > 0
	})
	// Who plays the same hears the call, and the other side is told.
	player := r.connect("call", "alice", "secret")
	heard := player.plays("bob")
	offer := bridgetest.Await[bridge.Offered](call).Offer
	if offer.Desc[0].Dir != bridge.SendReceive {
		t.Errorf("with a player: %v", offer.Desc[0].Dir)
	}
	call.Leg.Answer(offer.Seq, bridgetest.Sound("pcmu"))
	r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{7}})
	if m := player.hears(); m.Stream != heard || string(m.Body) != "\x82\x07" || m.Time != 0 {
		t.Errorf("heard %+v", m)
	}
	// The publisher goes; the call goes on until the player does, too.
	_ = c.Close()
	offer = bridgetest.Await[bridge.Offered](call).Offer
	if offer.Desc[0].Dir != bridge.ReceiveOnly {
		t.Errorf("without a publisher: %v", offer.Desc[0].Dir)
	}
	_ = player.Close()
	if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Normal {
		t.Errorf("ended by %v", end.Cause)
	}
}

func TestPlayingCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.connect("call/alice?user=alice&password=secret")
	c.plays("bob")
	call := r.h.Call(0)
	if dir := call.Invite.Offer.Desc[0].Dir; dir != bridge.ReceiveOnly {
		t.Errorf("offered %v", dir)
	}
	r.takes(0)
	bridgetest.Await[bridge.MediaReady](call)
	call.Leg.Hangup(bridge.Normal)
	c.status(codePlayStop)
	c.ended()
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	for _, row := range []struct {
		name  string
		cause bridge.Cause // by the bridge; 0: it is not asked
		code  string
		text  string
	}{
		{"bob", 0, codePublishDenied, "401 who are you?"},
		{"bob?user=alice&password=wrong", 0, codePublishDenied, "401 Unauthorized"},
		{"bob@elsewhere" + asAlice, 0, codePublishBad, "404 Not Found"},
		{"bob" + asAlice, bridge.NotFound, codePublishBad, "404 Not Found"},
		{"bob" + asAlice, bridge.Busy, codePublishBad, "486 Busy Here"},
		{"bob" + asAlice, bridge.Timeout, codePublishFailed, "408 Request Timeout"},
		{"bob" + asAlice, bridge.Forbidden, codePublishDenied, "403 Forbidden"},
	} {
		r.h.TakeCalls(func(bridge.Invite) error { return &bridge.Error{Op: "test", Cause: row.cause} })
		c := r.connect("call")
		stream, err := c.Publish(t.Context(), row.name)
		if row.cause == 0 {
			code, text := refusal(t, err)
			if code != row.code || !strings.HasPrefix(text, row.text) {
				t.Errorf("%s: %s %q, want %s %q", row.name, code, text, row.code, row.text)
			}
		} else {
			c.utter(stream, 0, 0xb2, 1)
			if text := c.status(row.code); text != row.text {
				t.Errorf("%s: %q, want %q", row.name, text, row.text)
			}
		}
		c.ended()
	}
}

func TestABusyNameTakesNoSecondPublisher(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	first := r.connect("call", "alice", "secret")
	first.publishes("bob")
	_, err := r.connect("call", "alice", "secret").Publish(t.Context(), "bob")
	if code, text := refusal(t, err); code != codePublishBad || text != "486 the name is published already" {
		t.Errorf("%s %q", code, text)
	}
	r.connect("call", "bob", "secret").publishes("bob") // another party's business
}

func TestAPublisherOfPicturesCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.connect("call", "alice", "secret")
	stream := c.publishes("bob")
	for _, ms := range []uint32{500, 1500, 500 + pictureTime} {
		if err := c.Write(wire.Message{Type: wire.TypeVideo, Stream: stream, Time: ms, Body: []byte{0x17, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	r.h.Call(0)
}

// TestWhoWaitsByURLTakesCalls: an account that plays and publishes its own name.
func TestWhoWaitsByURLTakesCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	if end := bridgetest.Await[bridge.Ended](r.rings("alice")); end.Cause != bridge.Unavailable {
		t.Errorf("before: %v", end.Cause)
	}
	player := r.connect("call", "alice", "secret")
	stream := player.plays("alice")
	r.h.WaitChanged("alice")
	for n := range 2 {
		call := r.rings("alice")
		bridgetest.Await[bridge.Accepted](call)
		if end := bridgetest.Await[bridge.Ended](r.rings("alice")); end.Cause != bridge.Busy {
			t.Errorf("in a call: %v", end.Cause)
		}
		var port media.PacketPort
		for _, ev := range call.Events() {
			switch ev := ev.(type) {
			case bridge.MediaReady:
				port = ev.Port
			case bridge.Answered:
				if dir := ev.Desc[0].Dir; dir != bridge.ReceiveOnly {
					t.Errorf("answered %v", dir)
				}
			}
		}
		r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{byte(n)}})
		if m := player.hears(); m.Stream != stream || m.Body[1] != byte(n) {
			t.Errorf("heard %+v", m)
		}
		call.Leg.Hangup(bridge.Normal)
		bridgetest.Await[bridge.Ended](call)
	}
	call := r.rings("alice")
	bridgetest.Await[bridge.Accepted](call)
	publisher := r.connect("call", "alice", "secret")
	publisher.publishes("alice")
	if offer := bridgetest.Await[bridge.Offered](call).Offer; offer.Desc[0].Dir != bridge.SendReceive {
		t.Errorf("with a publisher: %v", offer.Desc[0].Dir)
	}
	_ = publisher.Close()
	_ = player.Close()
	bridgetest.Await[bridge.Ended](call)
}

// TestEncodersLogIn is the dance of OBS and ffmpeg, with user:password in the URL.
func TestEncodersLogIn(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	for _, row := range []struct {
		password string
		in       bool
	}{{"secret", true}, {"wrong", false}} {
		to := target{user: "alice", password: bridge.Secret(row.password)}
		app, in := "call/alice", false
		for range 4 {
			_, err := r.dial(app)
			if in = err == nil; in {
				break
			}
			_, description := refusal(t, err)
			query, ok := to.respond(description)
			if !ok {
				if !strings.Contains(description, "authfailed") {
					t.Errorf("%q", description)
				}
				break
			}
			app = "call/alice" + query
		}
		if in != row.in {
			t.Errorf("with the password %s: in %v", row.password, in)
		}
	}
	_, err := r.dial("call/alice?authmod=adobe&user=bob&response=x")
	if _, description := refusal(t, err); !strings.Contains(description, "authfailed") {
		t.Errorf("as another: %q", description)
	}
}

// TestOldChallenges: nobody answers a challenge that we have not made, or not for
// them, or long ago.
func TestOldChallenges(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	h := r.a.house.Load()
	now := h.tries.now()
	good := h.opaque("alice", now)
	if !h.fresh(good, "alice", now) {
		t.Error("a new one is not taken")
	}
	for name, opaque := range map[string]string{
		"old": h.opaque("alice", now.Add(-2*challengeTime)), "of tomorrow": h.opaque("alice", now.Add(2*challengeTime)), "another's": h.opaque("bob", now),
		"none": "", "no time": ".x", "changed": good + "0",
	} {
		if h.fresh(opaque, "alice", now) {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTheClientsWordOnFormats(t *testing.T) {
	t.Parallel()
	for bits, want := range map[float64]string{
		0: "speex", 3191: "speex", 0x0180: "pcmu", 0x0080: "pcma", 0x0004: "speex", -1: "speex", 1e9: "speex",
	} {
		if got := masked(bits).hear[0].Name; got != want {
			t.Errorf("%v: %s, want %s", bits, got, want)
		}
	}
}

// TestAListenerIsOne: a player that joins between the ring of a call and its beginning
// is named by both.
func TestAListenerIsOne(t *testing.T) {
	t.Parallel()
	var s sound
	a, b := new(wire.Conn), new(wire.Conn)
	for _, to := range []*wire.Conn{a, a, b} {
		s.listen(to, 1, nil)
	}
	s.listen(a, 2, nil)
	if len(s.taps) != 3 {
		t.Errorf("%d hear", len(s.taps))
	}
	if s.deafen(a, 1); len(s.taps) != 2 {
		t.Errorf("%d hear when one has left", len(s.taps))
	}
}

// TestALegIsWholeWhenItIsSeen: others find it by the hub as soon as it rings.
func TestALegIsWholeWhenItIsSeen(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.phone("alice")
	hub := r.a.house.Load().hub
	ev := bridgetest.NewCall(t)
	l, err := hub.ring(bridge.Invite{ID: "id", From: party("carol"), To: party("alice")}, "alice", ev)
	if err != nil {
		t.Fatal(err)
	}
	s := hub.there("alice")[0]
	if p := hub.phoneOf(s); p == nil || p.leg != l || !l.out || l.ev != bridge.Events(ev) {
		t.Errorf("it is seen as %+v", l)
	}
	hub.release(hub.phoneOf(s), nil)
}
