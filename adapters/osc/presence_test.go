package osc

import (
	"slices"
	"testing"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

func TestARosterSaysWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	r := k.chat.calls.roster
	step := func(what string, do func(), want ...string) {
		t.Helper()
		do()
		same(t, what, k.changed, want)
		k.changed = nil
	}
	step("the first", func() { r.joined("tim", "g") }, "tim@g", "g")
	step("again", func() { r.joined("tim", "g") })
	step("another", func() { r.joined("eva", "g") }, "eva@g")
	step("a name that none can be", func() { r.joined("a\x01b", "g") })
	step("gone", func() { r.left("tim", "g") }, "tim@g")
	step("gone already", func() { r.left("tim", "g") })
	step("from nowhere", func() { r.left("tim", "h") })
	step("the last", func() { r.left("eva", "g") }, "eva@g", "g")
	if len(r.groups) > 0 {
		t.Errorf("kept %v", r.groups)
	}
}

func TestMembersOfAServerAreSeen(t *testing.T) {
	t.Parallel()
	a, h := start(t, func(c *Config) {
		c.Listen, c.Chat, c.Presence = []string{"tcp:127.0.0.1:0"}, "/chat", "/presence"
	}, false)
	seen := func(name string) bridge.Availability { return a.PresenceOf(bridge.Address{Name: name}).State }
	tim := dialStream(t, addrs(t, a)[0], wire.Prefixed)
	tim.send(line(t, "/oscrouter/register tim pw g gpw"))
	tim.hear("/oscrouter/register/tim/g")
	h.WaitChanged("g")
	if seen("tim@g") != bridge.Available || seen("g") != bridge.Available || seen("eva@g") != bridge.Offline || seen("@") != bridge.Offline {
		t.Error("tim is not there")
	}

	tim.send(line(t, "/presence/watch alice"))
	w := h.Watches(1)[0]
	if w.By.Name != "tim@g" || w.To.Name != "alice@g" || !w.On {
		t.Errorf("watches %+v", w)
	}
	a.ShowPresence(w.To, w.By, bridge.Presence{State: bridge.Away, Note: "out\nto lunch"})
	tim.hear(`/presence alice away "out to lunch"`)
	a.ShowPresence(bridge.Address{Name: "bad@@"}, w.By, bridge.Presence{})

	tim.close()
	h.WaitChanged("g")
	if seen("tim@g") != bridge.Offline || seen("g") != bridge.Offline {
		t.Error("tim is still there")
	}
}

func TestAWatchIsAskedFor(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	for _, s := range []string{"/presence", "/presence/watch", "/presence/watch a b", "/presence/watch 1", "/presence/see a", "/presencewatch a"} {
		k.hear(s)
	}
	if len(k.watched) > 0 {
		t.Errorf("watches %+v", k.watched)
	}
	k.hear("/presence/watch alice")
	k.hear("/presence/unwatch alice")
	if on := []bool{k.watched[0].On, k.watched[1].On}; !slices.Equal(on, []bool{true, false}) || k.watched[1].By.Name != "tim@g" {
		t.Errorf("watches %+v", k.watched)
	}
	k.refusal = &bridge.Error{Op: "t", Cause: bridge.NotFound}
	k.hear("/presence/watch nobody")
	same(t, "told", k.told(), []string{`tim: /presence/failed nobody not-found ""`})
}
