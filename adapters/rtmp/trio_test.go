package rtmp

import (
	"slices"
	"strings"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// twoCalls has a client of mod_rtmp call bob and then carol, who take it.
func (r *rig) twoCalls(c *client) (ids [2]any, calls [2]*bridgetest.Call) {
	r.t.Helper()
	r.h.TakeCalls(nil)
	c.told("onLogin")
	for i, name := range []string{"bob", "carol"} {
		ids[i], calls[i] = r.callBy(c, i, name)
	}
	r.offers(calls[0], 1, bridge.SendOnly)
	agrees(calls[0], 2, bridge.ReceiveOnly)
	return ids, calls
}

// TestACallOfAClientThatIsGoneEnds, whether it could be called or not.
func TestACallOfAClientThatIsGoneEnds(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	_, calls := r.twoCalls(c)
	_ = c.Close()
	for _, call := range calls {
		bridgetest.Await[bridge.Ended](call)
	}
}

// mixes has two calls of a client's in a trio. own is the port of the client's sound, mixer its other end.
func (r *rig) mixes(c *client) (ids [2]any, calls [2]*bridgetest.Call, own, mixer media.PacketPort) {
	r.t.Helper()
	ids, calls = r.twoCalls(c)
	c.say("three_way", ids[0], ids[1])
	c.told("onAttach", ids[0])
	r.offers(calls[0], 2, bridge.SendReceive) // it was held
	agrees(calls[0], 3, bridge.SendReceive)
	ports := r.plane.Ports()
	if len(ports) != 4 || r.plane.Joined(ports[2]) != ports[3] {
		r.t.Fatalf("%d ports are open", len(ports))
	}
	for _, call := range calls {
		if set, _ := r.plane.Setting(r.port(call)); len(set.Out) != 1 || set.Out[0].Format != mixed {
			r.t.Errorf("a call is heard as %v", set.Out)
		}
		r.converts(call, true)
	}
	return ids, calls, ports[2], ports[3]
}

// converts waits until the bridge knows whether a call's sound is decoded and encoded.
func (r *rig) converts(call *bridgetest.Call, want bool) {
	r.t.Helper()
	r.eventually("it is known how sound passes", func() bool {
		on := false
		for _, ev := range call.Events() {
			if t, ok := ev.(bridge.Transcodes); ok {
				on = t.On
			}
		}
		return on == want
	})
}

// heardAt waits until what the client says is fed to a port.
func (c *client) heardAt(r *rig, stream uint32, port media.PacketPort) {
	c.t.Helper()
	r.eventually("the client is heard", func() bool {
		c.utter(stream, 0, wire.HeadMuLaw, 1, 2, 3)
		return slices.ContainsFunc(r.plane.Fed(port), func(f media.Frame) bool { return string(f.Data) == "\x01\x02\x03" })
	})
}

// TestThreeWayEnds: what is left is a call as before, in which the client speaks.
func TestThreeWayEnds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		end  func(c *client, ids [2]any, calls [2]*bridgetest.Call)
		left int
	}{
		"by the second": {func(_ *client, _ [2]any, calls [2]*bridgetest.Call) { calls[1].Leg.Hangup(bridge.Normal) }, 0},
		"by the first":  {func(_ *client, _ [2]any, calls [2]*bridgetest.Call) { calls[0].Leg.Hangup(bridge.Normal) }, 1},
		"by the client, which hangs up the first":  {func(c *client, ids [2]any, _ [2]*bridgetest.Call) { c.say("hangup", ids[0], "") }, 1},
		"by the client, which hangs up the second": {func(c *client, ids [2]any, _ [2]*bridgetest.Call) { c.say("hangup", ids[1], "") }, 0},
		"by the client, which hangs up":            {func(c *client, _ [2]any, _ [2]*bridgetest.Call) { c.say("hangup", "", "") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, nil)
			c := r.switchPhone("alice", "secret")
			stream := c.publishes("local")
			ids, calls, own, _ := r.mixes(c)
			c.heardAt(r, stream, own)
			row.end(c, ids, calls)
			if row.left == 1 {
				c.told("onAttach", ids[1]) // for the first stood in front
			}
			c.told("onHangup", ids[1-row.left], "NORMAL_CLEARING")
			left := r.port(calls[row.left])
			r.eventually("the mixer is closed", func() bool { return r.plane.Count() == 2 || r.plane.Count() == 1 })
			c.heardAt(r, stream, left)
			if set, _ := r.plane.Setting(left); len(set.Out) != 1 || set.Out[0].Format == mixed {
				t.Errorf("what is left is heard as %v", set.Out)
			}
			r.converts(calls[row.left], false)
			c.say("hangup", ids[row.left], "")
			c.told("onAttach", "")
			c.told("onHangup", ids[row.left], "NORMAL_CLEARING")
		})
	}
}

// TestThreeWayOfAClientThatIsGoneEnds.
func TestThreeWayOfAClientThatIsGoneEnds(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	_, calls, _, _ := r.mixes(c)
	_ = c.Close()
	for _, call := range calls {
		bridgetest.Await[bridge.Ended](call)
	}
	r.eventually("all is closed", func() bool { return r.plane.Count() == 0 })
}

// TestThreeWayRests while the client speaks in a third call, or in none: both are held, and by either the client
// comes back to both.
func TestThreeWayRests(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	stream := c.publishes("local")
	c.say("register", "", "")
	ids, calls, own, _ := r.mixes(c)
	seq := [2]uint32{3, 1}
	both := func(way bridge.Dir) {
		t.Helper()
		for i, call := range calls {
			seq[i]++
			r.offers(call, int(seq[i])-1, way)
			answer := bridge.SendReceive
			if way == bridge.SendOnly {
				answer = bridge.ReceiveOnly
			}
			agrees(call, seq[i], answer)
		}
	}
	c.say("attach", "")
	c.told("onAttach", "")
	both(bridge.SendOnly)
	c.say("attach", ids[1]) // is that of both, as it stands in front
	c.told("onAttach", ids[0])
	both(bridge.SendReceive)
	c.say("attach", ids[1])
	c.told("onAttach", ids[0])
	c.heardAt(r, stream, own)

	dave := r.rings("alice")
	third := c.told("incomingCall")[0]
	c.say("answer", third)
	c.told("callState", third, stateActive)
	c.told("onAttach", third)
	both(bridge.SendOnly)
	c.heardAt(r, stream, r.port(dave))
	if _, err := c.Call(t.Context(), "three_way", ids[0], third); err == nil {
		t.Error("four would talk")
	}
	for _, call := range calls {
		r.converts(call, true) // they keep their places
	}
	c.say("attach", ids[0])
	c.told("onAttach", ids[0])
	both(bridge.SendReceive)
	r.offers(dave, 1, bridge.SendOnly)

	// One of the two ends while the client is elsewhere: the other stays held.
	agrees(dave, 2, bridge.ReceiveOnly)
	c.say("attach", third)
	c.told("onAttach", third)
	both(bridge.SendOnly)
	calls[0].Leg.Hangup(bridge.Normal)
	c.told("onHangup", ids[0], "NORMAL_CLEARING")
	r.eventually("the mixer is closed", func() bool { return r.plane.Count() <= 3 })
	c.say("sendDTMF", "7", 100.0)
	bridgetest.Await[bridge.Digit](dave)
	c.say("attach", ids[1])
	c.told("onAttach", ids[1])
	r.offers(calls[1], int(seq[1]), bridge.SendReceive)
}

// TestThreeWayAndKeys: what the client presses goes to the one in front, as in mod_rtmp; it is told of both others'
// keys.
func TestThreeWayAndKeys(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	_, calls, _, _ := r.mixes(c)
	c.say("sendDTMF", "5", 100.0)
	if got := bridgetest.Await[bridge.Digit](calls[0]); got.Digit != '5' {
		t.Errorf("the digit %c", got.Digit)
	}
	for i, call := range calls {
		call.Leg.Digit(rune('1'+i), 0)
		c.told("receivedDTMF", string(rune('1'+i)))
	}
	for _, ev := range calls[1].Events() {
		if d, ok := ev.(bridge.Digit); ok {
			t.Errorf("the second is told of %c", d.Digit)
		}
	}
}

// TestThreeWayIsJoined: the others go on with each other, and the client is out.
func TestThreeWayIsJoined(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	ids, calls, _, _ := r.mixes(c)
	c.say("join", ids[0], ids[1])
	ask := bridgetest.Await[bridge.TransferAsked](calls[0])
	if ask.Leg != calls[1].Leg.ID() {
		t.Errorf("asked for %+v", ask)
	}
	calls[0].Leg.Transfer(ask.ID, 0)
	calls[0].Leg.Hangup(bridge.Normal)
	c.told("onAttach", ids[1])
	c.told("onHangup", ids[0], "NORMAL_CLEARING")
	calls[1].Leg.Hangup(bridge.Replaced)
	c.told("onAttach", "")
	c.told("onHangup", ids[1], "ATTENDED_TRANSFER")
}

// TestThreeWayThatCantBe leaves all as it was.
func TestThreeWayThatCantBe(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	stream := c.publishes("local")
	ids, calls := r.twoCalls(c)
	c.say("makeCall", "dave", "", nil)
	placed := c.placed() // nobody has taken it
	c.say("attach", ids[1])
	c.told("onAttach", ids[1])
	for _, row := range []struct {
		change func(on bool)
		other  any
		want   string
	}{
		{func(bool) {}, placed, "404 there are no two such calls"},
		{r.h.Crowd, ids[1], "500 too many calls are transcoded"},
		{r.plane.SetFull, ids[1], "500 "},
	} {
		row.change(true)
		_, err := c.Call(t.Context(), "three_way", ids[0], row.other)
		row.change(false)
		if code, text := refusal(t, err); code != codeCallFailed || !strings.HasPrefix(text, row.want) {
			t.Errorf("%s, %q, want %q", code, text, row.want)
		}
	}
	c.heardAt(r, stream, r.port(calls[1]))
	if n := r.plane.Count(); n != 3 {
		t.Errorf("%d ports are open", n)
	}
	c.say("three_way", ids[1], ids[0]) // the first is that in front already
	if _, err := c.Call(t.Context(), "three_way", ids[0], ids[1]); err == nil {
		t.Error("three talk twice")
	}
}
