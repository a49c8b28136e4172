package xmpp

import (
	"fmt"
	"testing"

	"gateway/bridge"
)

// short tells what a presence says.
func (n node) short() string {
	return fmt.Sprintf("%s %s %s>%s %s %s", n.XMLName.Local, n.attr("type"), n.attr("from"), n.attr("to"), n.kid("show").Text, n.kid("status").Text)
}

func (r *rig) next(want string) {
	r.t.Helper()
	if n := <-r.got; n.short() != want {
		r.t.Errorf("got %q, want %q", n.short(), want)
	}
}

func TestASubscriptionIsGrantedAndAskedBack(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.send("<presence type='subscribe' id='p' from='a@b/c' to='x@gw.example/y'/>")
		want := bridge.Watch{By: bridge.Address{Adapter: "chat", Name: "a@b"}, To: bridge.Address{Adapter: "chat", Name: "x@gw.example"}, On: true}
		if w := <-r.h.watches; w != want {
			r.t.Errorf("got %+v", w)
		}
		r.next("presence subscribed x@gw.example>a@b  ")
		r.next("presence subscribe x@gw.example>a@b  ")
		r.send("<presence type='unsubscribe' from='a@b' to='x@gw.example'/>")
		want.On = false
		if w := <-r.h.watches; w != want {
			r.t.Errorf("got %+v", w)
		}
		r.next("presence unsubscribed x@gw.example>a@b  ")
	})
}

func TestWhoMayNotSeeAPartyIsDeclined(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.h.unwatched = &bridge.Error{Cause: bridge.NotFound}
		for _, kind := range []string{"subscribe", "probe"} {
			r.send("<presence type='%s' from='a@b' to='x@gw.example'/>", kind)
			r.next("presence unsubscribed x@gw.example>a@b  ")
		}
	})
}

func TestAFaultOfOursDeclinesNobody(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.h.unwatched = &bridge.Error{Cause: bridge.Internal, Retry: true}
		r.send("<presence type='probe' from='a@b' to='x@gw.example'/>")
		r.alive()
	})
}

func TestPartiesAreShown(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		of, to := bridge.Address{Adapter: "chat", Name: "x@gw.example"}, bridge.Address{Adapter: "chat", Name: "a@b"}
		r.a.ShowPresence(of, to, bridge.Presence{State: bridge.Available})
		r.next("presence probe x@gw.example>a@b  ")
		r.next("presence  x@gw.example/gateway>a@b  ")
		r.a.ShowPresence(of, to, bridge.Presence{State: bridge.Occupied, Note: "on the\nphone"})
		r.next("presence  x@gw.example/gateway>a@b dnd on the phone")
		r.a.ShowPresence(of, to, bridge.Presence{State: bridge.Away})
		r.next("presence  x@gw.example/gateway>a@b away ")
		r.a.ShowPresence(of, to, bridge.Presence{})
		r.next("presence unavailable x@gw.example/gateway>a@b  ")
		for _, bad := range []bridge.Address{{Name: "x@elsewhere"}, {Name: "a b@"}} {
			r.a.ShowPresence(bad, to, bridge.Presence{})
		}
		r.alive()
	})
}

func TestTheMostReachableClientCounts(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		alice := bridge.Address{Adapter: "chat", Name: "a@b"}
		for _, tt := range []struct {
			send string
			want bridge.Presence
		}{
			{"<presence from='a@b/1' to='x@gw.example'><show>away</show></presence>", bridge.Presence{State: bridge.Away}},
			{"<presence from='a@b/2' to='x@gw.example'><status>here</status></presence>", bridge.Presence{State: bridge.Available, Note: "here"}},
			{"<presence type='unavailable' from='a@b/2' to='x@gw.example'/>", bridge.Presence{State: bridge.Away}},
			{"<presence from='a@b/1' to='x@gw.example'><show>dnd</show></presence>", bridge.Presence{State: bridge.Occupied}},
			{"<presence type='unsubscribed' from='a@b' to='x@gw.example'/>", bridge.Presence{}},
		} {
			r.send("%s", tt.send)
			if who := <-r.h.changes; who != alice {
				r.t.Errorf("%s: %v has changed", tt.send, who)
			}
			if got := r.a.PresenceOf(alice); got != tt.want {
				r.t.Errorf("%s: got %+v, want %+v", tt.send, got, tt.want)
			}
		}
		r.send("<presence from='room@gw.example/nick' to='x@gw.example'/><presence from='a@b' to='x@gw.example' type='error'/>")
		r.alive()
	})
}

func TestNoMoreIsKnownThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	var k known
	for i := range maxKnown + 10 {
		k.note(bridge.Name{Lead: fmt.Sprint(i), Main: "b", Tail: "c"}, bridge.Presence{State: bridge.Away}, capability{})
	}
	for i := range maxDevices + 10 {
		k.note(bridge.Name{Lead: "0", Main: "b", Tail: fmt.Sprint(i)}, bridge.Presence{State: bridge.Away}, capability{})
	}
	if n, m := len(k.users), len(k.users[bridge.Name{Lead: "0", Main: "b"}]); n != maxKnown || m != maxDevices {
		t.Errorf("%d users are known, one with %d clients", n, m)
	}
	if p := k.of(bridge.Name{Lead: fmt.Sprint(maxKnown + 1), Main: "b"}); p.State != bridge.Offline {
		t.Errorf("got %+v", p)
	}
}

func TestJoiningARoomIsRefused(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.send("<presence from='a@b/c' to='room@gw.example/nick'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
		if n := <-r.got; n.XMLName.Local != "presence" || n.brief() != "cancel service-unavailable text=there are no rooms here" {
			r.t.Errorf("got %+v", n)
		}
	})
}
