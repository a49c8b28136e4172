package rtmp

import (
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

func TestConnectIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	for _, c := range []struct {
		app  string
		args []any
		want string // part of the description
	}{
		{"sip/alice@127.0.0.1", []any{"alice", "wrong", "A"}, "401 "},
		{"sip/nobody@127.0.0.1", []any{"nobody", "secret", "A"}, "401 "},
		{"sip/alice@elsewhere.example", []any{"alice", "secret", "A"}, "404 Not Found"},
		{"sip/alice", nil, "code=403 need auth; authmod=adobe"},
		{"live", nil, "want an application"},
		{"sip", nil, "want an application"},
		{"call/alice", []any{"alice", "wrong"}, "401 "},
	} {
		_, err := r.dial(c.app, c.args...)
		code, description := refusal(t, err)
		if code != codeRejected || !strings.Contains(description, c.want) {
			t.Errorf("%s %v: %s, %q; want %q", c.app, c.args, code, description, c.want)
		}
	}
}

func TestWrongPasswordsHaveToWait(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	for range freeTries {
		if _, err := r.dial("sip/alice", "alice", "wrong"); err == nil {
			t.Fatal("a wrong password is taken")
		}
	}
	_, err := r.dial("sip/alice", "alice", "secret")
	if _, description := refusal(t, err); !strings.HasPrefix(description, "608 too many tries") {
		t.Errorf("after too many tries: %q", description)
	}
	r.connect("sip/bob", "bob", "secret") // whom that is no concern of
}

func TestAllCommandsAreAnswered(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	for _, name := range []string{"accept", "reject", "bye", "sendDTMF", "hold", "register", "madeUp", "_checkbw"} {
		if got := c.say(name, "x"); len(got) != 1 || got[0] != nil {
			t.Errorf("%s is answered with %v", name, got)
		}
	}
}

func TestAClientCalls(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.phone("alice")
	c.say("invite", `"Bob" <sip:bob@127.0.0.1:1935>`, "wideband", "pcmu", "dtmf", "h264")
	call := r.h.Call(0)
	if inv := call.Invite; inv.From.Name != "alice" || inv.From.Display != "alice" || inv.To.Name != "bob" {
		t.Errorf("a call by %+v", inv)
	}
	if first := call.Invite.Offer.Desc[0].Formats[0]; first.String() != "speex/16000" {
		t.Errorf("offered first: %v", first)
	}
	call.Leg.Ring(false)
	c.told("ringing", "180 Ringing")
	call.Leg.Ring(true)
	c.told("ringing", "183 Session Progress")
	c.say("invite", "sip:carol@127.0.0.1")
	c.told("rejected", "Already in an active or pending call")
	r.takes(0)
	c.told("accepted", "pcmu", nil)
	call.Leg.Digit('5', time.Second)
	c.told("receivedDTMF", "5")
	c.say("sendDTMF", "*")
	if ev := bridgetest.Await[bridge.Digit](call); ev.Digit != '*' {
		t.Errorf("the digit %c", ev.Digit)
	}
	call.Leg.Hangup(bridge.Normal)
	c.told("byed")
	bridgetest.Await[bridge.Ended](call)
	c.say("invite", "carol") // without a list
	r.takes(1)
	if got := c.told("accepted"); len(got) != 0 {
		t.Errorf("accepted%v", got)
	}
	c.say("bye")
	if end := bridgetest.Await[bridge.Ended](r.h.Call(1)); end.Cause != bridge.Normal {
		t.Errorf("ended by %v", end.Cause)
	}
}

func TestACallIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, func(c *Config) { c.Domains = []string{"gw.example"} })
	c := r.phone("alice")
	c.say("invite", "bob@elsewhere.example")
	c.told("rejected", "404 Not Found")
	c.say("invite", "a b")
	c.told("rejected", "484 Address Incomplete")
	r.h.TakeCalls(func(bridge.Invite) error {
		return &bridge.Error{Op: "test", Cause: bridge.Forbidden, Reason: "not you"}
	})
	c.say("invite", "bob@gw.example")
	c.told("rejected", "403 not you")
	r.h.TakeCalls(nil)
	c.say("invite", "bob@GW.example")
	call := r.h.Call(0)
	call.Leg.Hangup(bridge.Busy)
	c.told("rejected", "486 Busy Here")
}

func TestTwoClientsOfOneAccountRing(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	first, second := r.phone("alice"), r.connect("sip/alice/two", "alice", "secret")
	r.eventually("both are there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 2 })
	call := r.rings("alice")
	bridgetest.Await[bridge.Ringing](call)
	first.told("invited", "sip:carol", "sip:alice")
	second.told("invited", "sip:carol", "sip:alice")
	second.say("accept", "pcmu")
	second.told("accepted", "pcmu", nil)
	first.told("cancelled", "sip:carol", "sip:alice")
	bridgetest.Await[bridge.Accepted](call)
	// The first can be called meanwhile; both together are busy.
	other := r.rings("alice")
	first.told("invited")
	if end := bridgetest.Await[bridge.Ended](r.rings("alice")); end.Cause != bridge.Busy {
		t.Errorf("with all in calls: %v", end.Cause)
	}
	first.say("reject", "486 Busy Here")
	if end := bridgetest.Await[bridge.Ended](other); end.Cause != bridge.Busy {
		t.Errorf("rejected as busy: %v", end.Cause)
	}
	if err := second.Close(); err == nil {
		if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Normal {
			t.Errorf("gone in a call: %v", end.Cause)
		}
	}
}

func TestOneOfTwoDoesNotWantTo(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	first, second := r.phone("alice"), r.connect("sip/alice/two", "alice", "secret")
	r.eventually("both are there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 2 })
	call := r.rings("alice")
	first.told("invited")
	second.told("invited")
	first.say("reject", "486 Busy Here") // the other rings on
	hub := r.a.house.Load().hub
	r.eventually("the first is out", func() bool { return hub.phoneOf(hub.there("alice")[0]) == nil })
	_ = second.Close()
	if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Unavailable {
		t.Errorf("nobody is left: %v", end.Cause)
	}
	third := r.connect("sip/alice/three", "alice", "secret")
	r.eventually("both are there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 2 })
	call = r.rings("alice")
	third.told("invited")
	first.told("invited")
	third.say("reject") // a person's no is everybody's
	first.told("cancelled")
	if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Declined {
		t.Errorf("declined: %v", end.Cause)
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	call := r.rings("alice")
	c.told("invited")
	c.say("accept")
	c.told("accepted")
	bridgetest.Await[bridge.Accepted](call)
	for _, hold := range []bool{true, false} {
		want := bridge.SendReceive
		if hold {
			want = bridge.SendOnly
		}
		c.say("hold", hold)
		offer := bridgetest.Await[bridge.Offered](call).Offer
		if offer.Desc[0].Dir != want {
			t.Errorf("hold %v: %v", hold, offer.Desc[0].Dir)
		}
		d := bridgetest.Sound("pcmu")
		d[0].Dir = want.Reverse()
		call.Leg.Answer(offer.Seq, d)
	}
	for n, dir := range []bridge.Dir{bridge.SendOnly, bridge.SendReceive} {
		d := bridgetest.Sound("pcmu")
		d[0].Dir = dir
		call.Leg.Offer(bridge.Offer{Seq: uint32(2 + n), Desc: d})
		if got := bridgetest.Await[bridge.Answered](call); got.Seq != uint32(2+n) || got.Desc[0].Dir != dir.Reverse() {
			t.Errorf("answered %+v", got)
		}
		c.told("holded", dir == bridge.SendOnly)
	}
}

// TestOffersCross: while one offer is open, another is refused.
func TestOffersCross(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	call := r.rings("alice")
	c.told("invited")
	c.say("accept")
	bridgetest.Await[bridge.Accepted](call)
	c.say("hold", true)
	offer := bridgetest.Await[bridge.Offered](call).Offer
	call.Leg.Offer(bridge.Offer{Seq: 2, Desc: bridgetest.Sound("pcmu")})
	if got := bridgetest.Await[bridge.Refused](call); got.Cause != bridge.Conflict {
		t.Errorf("refused for %v", got.Cause)
	}
	call.Leg.Refuse(offer.Seq, bridge.Conflict)
	call.Leg.Offer(bridge.Offer{Seq: 3, Desc: bridgetest.Sound("gsm")})
	if got := bridgetest.Await[bridge.Refused](call); got.Cause != bridge.NotAcceptable {
		t.Errorf("refused for %v", got.Cause)
	}
}

func TestACallWithoutAnOffer(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	call := bridgetest.NewCall(t)
	call.Leg = r.a.Dial(bridge.Invite{ID: "id", Hops: 1, From: party("carol"), To: party("alice"), Private: true}, call)
	c.told("invited", `"Anonymous" <sip:anonymous@anonymous.invalid>`, "sip:alice")
	c.say("accept", "narrowband", "pcma")
	c.told("accepted")
	offer := bridgetest.Await[bridge.Offered](call).Offer
	bridgetest.Await[bridge.Accepted](call)
	call.Leg.Answer(offer.Seq, bridgetest.Sound("pcma"))
	bridgetest.Await[bridge.MediaReady](call)
	call.Leg.Hangup(bridge.Normal)
	c.told("byed")
}

// TestSoundOfPhones: streams begin before the call or in it, and serve the next one.
func TestSoundOfPhones(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	local, remote := c.publishes("local"), c.plays("remote")
	for range 2 {
		call := r.rings("alice")
		c.told("invited")
		c.say("accept", "pcmu")
		c.told("accepted")
		port := bridgetest.Await[bridge.MediaReady](call).Port
		bridgetest.Await[bridge.Accepted](call)
		c.utter(local, 1000, 0x82, 1, 2, 3)
		r.eventually("sound arrives", func() bool { return len(r.plane.Fed(port)) > 0 })
		fed := r.plane.Fed(port)[0]
		setting, _ := r.plane.Setting(port)
		if in := setting.In[0]; fed.Type != in.Type || in.Format.String() != "pcmu/8000" || fed.Time != 8000 || string(fed.Data) != "\x01\x02\x03" {
			t.Errorf("fed %+v by %+v", fed, setting)
		}
		r.plane.Give(port, media.Frame{Type: setting.Out[0].Type, Time: 160, Data: []byte{9, 8}})
		if m := c.hears(); m.Stream != remote || string(m.Body) != "\x82\x09\x08" {
			t.Errorf("heard %+v", m)
		}
		call.Leg.Hangup(bridge.Normal)
		c.told("byed")
	}
}

func TestPresenceOfClients(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	there := func(name string) bridge.Availability { return r.a.PresenceOf(bridge.Address{Name: name}).State }
	if got := there("alice"); got != bridge.Offline {
		t.Errorf("before: %v", got)
	}
	c := r.phone("alice")
	r.h.WaitChanged("alice")
	r.h.WaitReachable(bridge.Address{Name: "alice"})
	if got := there("alice"); got != bridge.Available {
		t.Errorf("connected: %v", got)
	}
	call := r.rings("alice")
	c.told("invited")
	r.h.WaitChanged("alice")
	if got := there("alice"); got != bridge.Occupied {
		t.Errorf("in a call: %v", got)
	}
	call.Leg.Hangup(bridge.Cancelled)
	c.told("cancelled")
	r.h.WaitChanged("alice")
	_ = c.Close()
	r.eventually("alice is gone", func() bool { return there("alice") == bridge.Offline })
}

func TestDrainRefusesCallsAndClients(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.phone("alice")
	r.a.Drain(t.Context())
	c.say("invite", "bob")
	c.told("rejected", "480 the gateway is about to end")
	if _, err := r.dial("sip/bob", "bob", "secret"); err == nil {
		t.Error("a client is let in")
	}
}
