package rtmp

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// switchPhone is an account's client that speaks mod_rtmp's commands.
func (r *rig) switchPhone(name, password string) *client {
	r.t.Helper()
	c := r.connect("phone")
	session := wire.Text(c.told("connected")[0])
	c.session = session
	c.logsIn(name, password)
	return c
}

func (c *client) logsIn(name, password string) {
	c.t.Helper()
	who := name + "@127.0.0.1"
	sum := md5.Sum([]byte(c.session + ":" + who + ":" + password))
	c.say("login", who, hex.EncodeToString(sum[:]))
}

// caller is alice's client, which has logged in and can be called. Whom it calls there is.
func (r *rig) caller() *client {
	r.t.Helper()
	r.h.TakeCalls(nil)
	c := r.switchPhone("alice", "secret")
	c.told("onLogin")
	c.say("register", "", "")
	return c
}

// placed waits until the client has been told of a call that it makes, and gives that.
func (c *client) placed() any {
	c.t.Helper()
	id := c.told("onMakeCall")[0]
	c.told("onAttach", id)
	return id
}

// callBy has the client make call n of all, which is taken.
func (r *rig) callBy(c *client, n int, to string) (any, *bridgetest.Call) {
	r.t.Helper()
	c.say("makeCall", to, "", nil)
	id := c.placed()
	call := r.takes(n)
	c.told("callState", id, stateActive)
	return id, call
}

func TestSwitchLogin(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "wrong")
	c.told("onLogin", "failure", "alice", "127.0.0.1")
	c.say("makeCall", "bob", "", nil) // is answered, and does nothing
	c = r.switchPhone("alice", "secret")
	c.told("onLogin", "success", "alice", "127.0.0.1")
	if all := r.a.house.Load().hub.names(); len(all) != 0 {
		t.Errorf("%v can be called before they have registered", all)
	}
	c.say("register", "", "a")
	c.say("register", "", "a")
	if all := r.a.house.Load().hub.there("alice"); len(all) != 1 {
		t.Errorf("%d can be called", len(all))
	}
	c.say("unregister", "", "a")
	c.say("createStream") // what was said before has been heard
	if all := r.a.house.Load().hub.names(); len(all) != 0 {
		t.Errorf("%v can still be called", all)
	}
}

func TestSwitchCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	c.told("onLogin")
	c.say("makeCall", "bob", "", nil)
	id := c.placed()
	c.told("onAttach", "")
	c.told("onHangup", id, "UNALLOCATED_NUMBER")
	r.h.TakeCalls(nil)
	c.say("makeCall", "bob", "alice@127.0.0.1", wire.Obj("x", "y"))
	id = c.placed()
	call := r.h.Call(0)
	call.Leg.Ring(false)
	c.told("callState", id, stateRinging)
	r.takes(0)
	c.told("callState", id, stateActive)
	c.say("attach", "")
	if offer := bridgetest.Await[bridge.Offered](call).Offer; offer.Desc[0].Dir != bridge.SendOnly {
		t.Errorf("detached: %v", offer.Desc[0].Dir)
	}
	c.told("onAttach", "")
	c.say("transfer", id, "carol")
	if ask := bridgetest.Await[bridge.TransferAsked](call); ask.To.Name != "carol" {
		t.Errorf("transfer to %v", ask.To)
	}
	c.say("sendDTMF", "12", 2000.0)
	for _, want := range "12" {
		if got := bridgetest.Await[bridge.Digit](call); got.Digit != want {
			t.Errorf("the digit %c", got.Digit)
		}
	}
	c.say("hangup", id, "NORMAL_CLEARING")
	c.told("onAttach", "")
	c.told("onHangup", id, "NORMAL_CLEARING")
	bridgetest.Await[bridge.Ended](call)
}

// TestSwitchLogsOut: calls go on, and there are no others until the client logs in again.
func TestSwitchLogsOut(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.caller()
	id, call := r.callBy(c, 0, "bob")
	c.say("logout", "bob@127.0.0.1") // who it is not
	c.say("logout", "alice@127.0.0.1")
	c.told("onLogout", "alice", "127.0.0.1")
	if all := r.a.house.Load().hub.names(); len(all) != 0 {
		t.Errorf("%v can still be called", all)
	}
	c.say("makeCall", "carol", "", nil)
	c.say("register", "", "")
	c.say("sendDTMF", "5", 100.0)
	bridgetest.Await[bridge.Digit](call)
	if n := len(r.a.house.Load().hub.names()); n != 0 {
		t.Error("who has logged out can be called")
	}
	c.logsIn("alice", "secret")
	c.told("onLogin", "success", "alice", "127.0.0.1")
	r.callBy(c, 1, "carol")
	call.Leg.Hangup(bridge.Normal)
	c.told("onHangup", id, "NORMAL_CLEARING")
}

func TestSwitchIsCalled(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	c.told("onLogin")
	c.say("register", "alice@127.0.0.1", "")
	r.eventually("alice can be called", func() bool {
		return r.a.PresenceOf(bridge.Address{Name: "alice"}).State == bridge.Available
	})
	call := r.rings("alice")
	got := c.told("incomingCall")
	if got[2] != "carol" || got[3] != "alice" {
		t.Errorf("incomingCall%v", got)
	}
	c.say("answer", got[0])
	c.told("callState", got[0], stateActive)
	c.told("onAttach", got[0])
	bridgetest.Await[bridge.Accepted](call)
	d := bridgetest.Sound("pcmu")
	d[0].Dir = bridge.SendOnly
	call.Leg.Offer(bridge.Offer{Seq: 2, Desc: d})
	c.told("callState", got[0], stateHeld)
	call.Leg.Hangup(bridge.Normal)
	c.told("onAttach", "")
	c.told("onHangup", got[0], "NORMAL_CLEARING")
	other := r.rings("alice")
	got = c.told("incomingCall")
	c.say("hangup", got[0], "USER_BUSY")
	c.told("onHangup", got[0], "USER_BUSY")
	if end := bridgetest.Await[bridge.Ended](other); end.Cause != bridge.Busy {
		t.Errorf("ended by %v", end.Cause)
	}
}

// offers waits until a leg has offered a way n times in all.
func (r *rig) offers(call *bridgetest.Call, n int, want bridge.Dir) {
	r.t.Helper()
	r.eventually(want.String(), func() bool {
		var all []bridge.Offer
		for _, ev := range call.Events() {
			if o, ok := ev.(bridge.Offered); ok {
				all = append(all, o.Offer)
			}
		}
		return len(all) == n && all[n-1].Desc[0].Dir == want
	})
}

// agrees has the other side take the last offer.
func agrees(call *bridgetest.Call, seq uint32, way bridge.Dir) {
	d := bridgetest.Sound("pcmu")
	d[0].Dir = way
	call.Leg.Answer(seq, d)
}

// TestSwitchHasSeveralCalls: one is spoken in, the others are held; two of them can go on with
// each other.
func TestSwitchHasSeveralCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.caller()
	one, bob := r.callBy(c, 0, "bob")
	two, carol := r.callBy(c, 1, "carol")
	r.offers(bob, 1, bridge.SendOnly)
	agrees(bob, 2, bridge.ReceiveOnly)

	c.say("attach", one)
	c.told("onAttach", one)
	r.offers(carol, 1, bridge.SendOnly)
	r.offers(bob, 2, bridge.SendReceive)
	c.say("sendDTMF", "5", 100.0)
	bridgetest.Await[bridge.Digit](bob)

	// A third rings meanwhile; there is a bound on them.
	dave := r.rings("alice")
	three := c.told("incomingCall")[0]
	bridgetest.Await[bridge.Ringing](dave)
	agrees(bob, 3, bridge.SendReceive)
	c.say("answer", three)
	c.told("callState", three, stateActive)
	c.told("onAttach", three)
	r.offers(bob, 3, bridge.SendOnly)
	c.say("makeCall", "erin", "", nil)
	c.placed()
	c.say("makeCall", "fred", "", nil)
	c.told("onMakeCall")
	if got := c.told("onHangup"); got[1] != "USER_BUSY" {
		t.Errorf("the fifth: %v", got)
	}
	if end := bridgetest.Await[bridge.Ended](r.rings("alice")); end.Cause != bridge.Busy {
		t.Errorf("who rings at four calls: %v", end.Cause)
	}

	c.say("join", one, two)
	ask := bridgetest.Await[bridge.TransferAsked](bob)
	if ask.Leg != carol.Leg.ID() || ask.To.Name != "carol" {
		t.Errorf("asked for %+v", ask)
	}
	bob.Leg.Transfer(ask.ID, 0)
	bob.Leg.Hangup(bridge.Normal)
	c.told("onHangup", one, "NORMAL_CLEARING")
	carol.Leg.Hangup(bridge.Replaced)
	c.told("onHangup", two, "ATTENDED_TRANSFER")
	if _, err := c.Call(t.Context(), "join", three, one); err == nil { // which is over
		t.Error("a call that is over is joined")
	}
}

// TestWhatSwitchCant is said.
func TestWhatSwitchCant(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.switchPhone("alice", "secret")
	c.told("onLogin")
	id, _ := r.callBy(c, 0, "bob")
	for _, row := range []struct {
		name string
		args []any
		want string
	}{
		{"three_way", []any{id, id}, "404 there are no two such calls"},
		{"three_way", []any{id, "x"}, "404 "},
		{"join", []any{id, id}, "404 there are no two such calls"},
		{"join", []any{id, "x"}, "404 "},
		{"sendevent", []any{wire.Obj("a", "b")}, "501 want a call of yours"},
		{"sendevent", []any{"x", wire.Obj("_body", "b")}, "501 "},
		{"sendevent", []any{id, wire.Obj("a", "b")}, "400 Bad Request"},
	} {
		_, err := c.Call(t.Context(), row.name, row.args...)
		if code, text := refusal(t, err); code != codeCallFailed || !strings.HasPrefix(text, row.want) {
			t.Errorf("%s%v: %s, %q, want %q", row.name, row.args, code, text, row.want)
		}
	}
}

// TestSwitchWrites: an event of a call is a text to its other side, and a text an event.
func TestSwitchWrites(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.caller()
	id, _ := r.callBy(c, 0, "bob")
	c.say("sendevent", id, wire.Obj("_body", "hello"))
	if m := r.h.Messages(1)[0]; m.To.Name != "bob" || m.Body() != "hello" {
		t.Errorf("written: %+v", m)
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.text("alice", "bob", "and back")
		done <- err
	}()
	got, _ := c.told("event")[0].(wire.Object)
	if got.Get("_body") != "and back" || got.Get("from") != "sip:bob" || got.Get("Event-Name") != "MESSAGE" {
		t.Errorf("event(%v)", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
