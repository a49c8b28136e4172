package rtmp

import (
	"crypto/md5"
	"encoding/hex"
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
	who := name + "@127.0.0.1"
	sum := md5.Sum([]byte(session + ":" + who + ":" + password))
	c.say("login", who, hex.EncodeToString(sum[:]))
	return c
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
	c.told("onMakeCall")
	if got := c.told("onHangup"); got[1] != "UNALLOCATED_NUMBER" {
		t.Errorf("onHangup%v", got)
	}
	r.h.TakeCalls(nil)
	c.say("makeCall", "bob", "alice@127.0.0.1", wire.Obj("x", "y"))
	id := c.told("onMakeCall")[0]
	call := r.h.Call(0)
	call.Leg.Ring(false)
	c.told("callState", id, stateRinging)
	r.takes(0)
	c.told("callState", id, stateActive)
	c.told("onAttach", id)
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
	c.told("onHangup", id, "NORMAL_CLEARING")
	bridgetest.Await[bridge.Ended](call)
}

func TestSwitchIsCalled(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	c.told("onLogin")
	c.say("register", "alice@127.0.0.1", "")
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
	c.told("onHangup", got[0], "NORMAL_CLEARING")
	other := r.rings("alice")
	got = c.told("incomingCall")
	c.say("hangup", got[0], "USER_BUSY")
	c.told("onHangup", got[0], "USER_BUSY")
	if end := bridgetest.Await[bridge.Ended](other); end.Cause != bridge.Busy {
		t.Errorf("ended by %v", end.Cause)
	}
}
