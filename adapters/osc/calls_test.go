package osc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// called has somebody elsewhere call a name.
func (k *talk) called(from, to string, offer *bridge.Offer) *bridgetest.Call {
	c := bridgetest.NewCall(k.t)
	c.Invite = bridge.Invite{
		Offer: offer, From: bridge.Party{Address: bridge.Address{Name: from}, Display: "Alice E."},
		To: bridge.Party{Address: bridge.Address{Name: to}},
	}
	c.Leg = k.chat.calls.dial(c.Invite, c)
	return c
}

func sound() *bridge.Offer {
	return &bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu", "telephone-event")}
}

// ended is why a leg has, 0 if it has not.
func ended(c *bridgetest.Call) bridge.Cause {
	for _, ev := range c.Events() {
		if e, ok := ev.(bridge.Ended); ok {
			return e.Cause
		}
	}
	return 0
}

func TestAGroupTakesACallAndHearsItsKeys(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	c := k.called("2001@g", "g", sound())
	id := c.Leg.ID()
	same(t, "at first", k.told(), []string{": /call/incoming " + id + ` "2001" g "Alice E."`, ": /call/answered " + id + ` "2001" g`})
	if got := c.String(); got != "[bridge.Answered bridge.Accepted]" {
		t.Errorf("the leg says %s", got)
	}
	if a := c.Events()[0].(bridge.Answered); bridgetest.Words(a.Desc) != "0 recvonly pcmu/8000 telephone-event/8000" || a.Seq != 1 {
		t.Errorf("it answers %s", bridgetest.Words(a.Desc))
	}
	for _, key := range "1#A" {
		c.Leg.Digit(key, 160*time.Millisecond)
	}
	same(t, "keys", k.told(), []string{": /call/dtmf " + id + ` "1" 160`, ": /call/dtmf " + id + " # 160", ": /call/dtmf " + id + " A 160"})
	hold := bridgetest.Stream("0", bridge.SendOnly, "pcmu")
	c.Leg.Offer(bridge.Offer{Seq: 2, Desc: append(hold, bridge.Stream{ID: "1", Kind: 2})})
	if a := c.Events()[2].(bridge.Answered); bridgetest.Words(a.Desc) != "0 recvonly pcmu/8000, 1 refused" || a.Seq != 2 {
		t.Errorf("it answers %s", bridgetest.Words(a.Desc))
	}
	k.now = k.now.Add(1500 * time.Millisecond)
	c.Leg.Hangup(bridge.NoMedia)
	c.Leg.Hangup(bridge.Normal)
	c.Leg.Digit('1', time.Second)
	same(t, "the end", k.told(), []string{": /call/ended " + id + ` "2001" g no-media 1.5`})
	if got := ended(c); got != bridge.NoMedia || len(k.chat.calls.all()) != 0 {
		t.Errorf("ended by %v", got)
	}
}

func TestACallWithoutAnOfferIsMadeOne(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	c := k.called("alice@g", "tim@g", nil)
	c.Leg.Answer(1, bridgetest.Sound("pcmu"))
	if got := c.String(); got != "[bridge.Offered bridge.Accepted]" {
		t.Errorf("the leg says %s", got)
	}
	if got := k.told(); len(got) != 2 || !strings.HasPrefix(got[0], "tim: /call/incoming ") {
		t.Errorf("told %q", got)
	}
}

func TestACallIsNotTaken(t *testing.T) {
	t.Parallel()
	still := &bridge.Offer{Seq: 1, Desc: bridge.Description{{ID: "0", Kind: 2}}}
	for _, tt := range []struct {
		name, from, to string
		offer          *bridge.Offer
		change         func(k *talk)
		want           bridge.Cause
	}{
		{"nobody is there", "alice@g", "g", sound(), func(k *talk) { k.away = errAway("nobody is in the group") }, bridge.Unavailable},
		{"there are no calls", "alice@g", "g", sound(), func(k *talk) { k.chat.calls.address = "" }, bridge.Unsupported},
		{"a bad name", "alice@g", "@", sound(), func(*talk) {}, bridge.BadAddress},
		{"no sound", "alice@g", "g", still, func(*talk) {}, bridge.NotAcceptable},
		{"the end is near", "alice@g", "g", sound(), func(k *talk) { k.chat.calls.drain() }, bridge.Unavailable},
		{"too many", "alice@g", "g", sound(), func(k *talk) {
			for range maxLegsOf {
				k.called("alice@g", "g", sound())
			}
			k.told()
		}, bridge.Busy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := newTalk(t)
			tt.change(k)
			before := len(k.chat.calls.all())
			c := k.called(tt.from, tt.to, tt.offer)
			c.Leg.Hangup(bridge.Normal)
			if got := ended(c); got != tt.want || len(k.told()) > 0 || len(k.chat.calls.all()) != before {
				t.Errorf("ended by %v, told %q", got, k.replies)
			}
		})
	}
}

func TestAMemberDialsAndHearsWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.hear("/call/dial 2002 lights")
	if len(k.calls) != 1 {
		t.Fatalf("%d calls, told %q", len(k.calls), k.told())
	}
	c := k.calls[0]
	if c.Invite.From.Name != "tim@g" || c.Invite.To.Name != "2002@g" || c.Invite.Hops != maxHops ||
		!strings.HasPrefix(bridgetest.Words(c.Invite.Offer.Desc), "0 recvonly opus/48000/2 ") {
		t.Errorf("%+v", c.Invite)
	}
	k.hear("/call/dtmf lights 1") // nobody hears that yet
	c.Leg.Ring(false)
	c.Leg.Ring(true)
	c.Leg.Answer(1, bridgetest.Sound("pcmu"))
	c.Leg.Accept()
	c.Leg.Digit('7', 100*time.Millisecond)
	same(t, "what becomes of it", k.told(), []string{
		`tim: /call/ringing lights tim "2002"`, `tim: /call/answered lights tim "2002"`, `tim: /call/dtmf lights "7" 100`,
	})
	k.hear("/call/dtmf lights 1x#a")
	k.hear("/call/dtmf other 5")
	k.hear("/call/dtmf lights " + strings.Repeat("1", maxKeys+1))
	var pressed []rune
	for _, ev := range c.Events() {
		if d, ok := ev.(bridge.Digit); ok {
			pressed = append(pressed, d.Digit)
		}
	}
	if string(pressed) != "1#A" {
		t.Errorf("pressed %q", string(pressed))
	}
	k.chat.hear("eva", []string{"g"}, line(t, "/call/hangup lights"))
	if got := ended(c); got != 0 {
		t.Error("somebody else has ended the call")
	}
	k.now = k.now.Add(2 * time.Second)
	k.hear("/call/hangup lights")
	k.hear("/call/hangup lights")
	same(t, "at the end", k.told(), []string{`tim: /call/ended lights tim "2002" normal 2.0`})
	if got := ended(c); got != bridge.Normal {
		t.Errorf("ended by %v", got)
	}
	if got := k.said(); len(got) != 0 {
		t.Errorf("shown as text: %q", got)
	}
}

func TestADialledCallFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(k *talk)
		want []string
	}{
		{"refused at once", func(k *talk) {
			k.refusal = &bridge.Error{Op: "t", Cause: bridge.Forbidden, Reason: "not you"}
			k.hear("/call/dial 2002 a")
		}, []string{`tim: /call/failed a "2002" forbidden "not you"`}},
		{"busy", func(k *talk) {
			k.hear("/call/dial 2002 a")
			k.calls[0].Leg.Hangup(bridge.Busy)
		}, []string{`tim: /call/failed a "2002" busy ""`}},
		{"given up", func(k *talk) {
			k.hear("/call/dial ,ii 2002 7")
			k.hear("/call/hangup ,f 7")
			if got := ended(k.calls[0]); got != bridge.Cancelled {
				k.t.Errorf("ended by %v", got)
			}
		}, []string{`tim: /call/failed "7" "2002" cancelled ""`}},
		{"a tag twice", func(k *talk) {
			k.hear("/call/dial 2002 a")
			k.hear("/call/dial 2003 a")
		}, []string{`tim: /call/failed a "2003" conflict ""`}},
		{"the end is near", func(k *talk) {
			k.chat.calls.drain()
			k.hear("/call/dial 2002 a")
		}, []string{`tim: /call/failed a "2002" unavailable ""`}},
		{"the gateway ends", func(k *talk) {
			k.hear("/call/dial 2002 a")
			k.chat.calls.close()
		}, []string{`tim: /call/failed a "2002" unavailable ""`}},
		{"nobody in one of two groups", func(k *talk) {
			k.refusal = &bridge.Error{Op: "t", Cause: bridge.NotFound}
			k.chat.hear("tim", []string{"f", "g"}, line(k.t, "/call/dial 2002 a"))
		}, []string{`tim: /call/failed a "2002" not-found ""`}},
		{"nobody's name", func(k *talk) { k.hear(`/call/dial "a\nb" a`) }, []string{`tim: /call/failed a "a\nb" bad-address ""`}},
		{"what is no command", func(k *talk) {
			for _, s := range []string{"/call", "/call/dial", "/call/dial true", "/call/dial a b c", "/call/answered x y z", "/call/dance x"} {
				k.hear(s)
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := newTalk(t)
			tt.do(k)
			same(t, "told", k.told(), tt.want)
		})
	}
}

func TestACallIsHungUpBeforeItHasBegun(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	l := k.chat.calls.newLeg(bridge.Name{Lead: "tim", Main: "g"}, "tim", "2002", "a")
	if cause := k.chat.calls.add(l); cause != 0 {
		t.Fatal(cause)
	}
	k.hear("/call/hangup a")
	c := bridgetest.NewCall(t)
	l.begin(c)
	l.Hangup(bridge.Normal)
	same(t, "told", k.told(), []string{`tim: /call/failed a "2002" cancelled ""`})
	if got := ended(c); got != bridge.Cancelled {
		t.Errorf("ended by %v", got)
	}
}

func TestDiallingIsBounded(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	for i := range 3 * dialBurst {
		k.hear(fmt.Sprintf("/call/dial 2002 t%d", i))
	}
	if len(k.calls) != maxDialled {
		t.Errorf("one member has %d calls", len(k.calls))
	}
	if got := k.told(); len(got) != 3*dialBurst-maxDialled || !strings.HasSuffix(got[0], `busy ""`) {
		t.Errorf("told %q", got)
	}
	for range 2 * dialBurst {
		k.hear("/call/hangup t0")
		k.hear("/call/dial 2002 t0")
	}
	if got := k.told(); len(k.calls) != dialBurst || !strings.HasSuffix(got[len(got)-1], `overloaded ""`) {
		t.Errorf("%d calls, told %q", len(k.calls), got)
	}
}

func TestACallEndsWithWhoIsInIt(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	r := k.chat.calls.roster
	r.joined("tim", "g")
	k.hear("/call/dial 2002 a")
	group := k.called("alice@g", "g", sound())
	mine := k.calls[0]
	step := func(d time.Duration, tim, all bridge.Cause) {
		t.Helper()
		k.now = k.now.Add(d)
		k.chat.calls.sweep()
		if got := []bridge.Cause{ended(mine), ended(group)}; !slices.Equal(got, []bridge.Cause{tim, all}) {
			t.Errorf("ended by %v", got)
		}
	}
	step(time.Minute, 0, 0)
	r.left("tim", "g")
	step(time.Second, 0, 0)
	r.joined("tim", "g") // by another address
	step(time.Minute, 0, 0)
	r.joined("eva", "g")
	r.left("tim", "g")
	step(time.Second, 0, 0)
	step(deserted, bridge.Unavailable, 0)
	r.left("eva", "g")
	step(time.Second, bridge.Unavailable, 0)
	step(deserted, bridge.Unavailable, bridge.Unavailable)
}

func TestAWithheldCallerIsNotNamed(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	c := bridgetest.NewCall(t)
	inv := bridge.Invite{Private: true, Offer: sound()}
	inv.From.Name, inv.From.Display, inv.To.Name = "alice@g", "Alice", "g"
	c.Leg = k.chat.calls.dial(inv, c)
	if got := k.told(); strings.Contains(strings.ToLower(got[0]), "alice") || !strings.Contains(got[0], "anonymous") {
		t.Errorf("told %q", got)
	}
}
