//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"gateway/internal/peer"
)

// sees waits until a user is shown a party of the gateway's with a type of
// presence, "" for one who is there, behind the first mark lines.
func (w *oscTextWorld) sees(mark int, user, who, kind string) {
	w.t.Helper()
	w.seesAt(w.chat, mark, user, who, kind)
}

func (w *world) seesAt(chat *peer.Chat, mark int, user, who, kind string) {
	w.t.Helper()
	_, err := chat.WaitAfter(w.ctx, mark, func(e peer.ChatEvent) bool {
		return e.Event == "presence" && e.As == user && e.From == who && e.Type == kind
	})
	if err != nil {
		w.t.Fatalf("%s is not shown as %q: %v", who, kind, err)
	}
}

// Members of a group come and go, and an XMPP user who has asked for it sees
// them, and the group while somebody is in it; a member sees the user.
func TestPresenceCrossesBetweenOSCAndXMPP(t *testing.T) {
	w := newOSCTextWorld(t)
	const tim, group = "osc+tim@" + component, "orchestra@" + component
	mark := w.chat.Out.Len()
	for _, who := range []string{tim, group} {
		w.must(w.chat.Raw(alice, fmt.Sprintf("<presence type='subscribe' to='%s'/>", who)))
		w.sees(mark, alice, who+"/gateway", "")
	}

	w.tim.Send(peer.OSCMessage{Address: "/presence/watch", Args: []any{"alice"}}.Packet())
	w.wait(w.tim, "/presence", "alice", "available", "")
	// Her client says once more that she is there to each of ours that asks to see
	// her, and may do so late.
	away := peer.OSCMessage{Address: "/presence", Args: []any{"alice", "away", "at lunch"}}
	w.must(w.poll(func() bool {
		w.must(w.chat.Raw(alice, "<presence><show>away</show><status>at lunch</status></presence>"))
		return oscHas(w.tim, away) > 0
	}))

	mark = w.chat.Out.Len()
	w.tim.Close()
	w.sees(mark, alice, tim+"/gateway", "unavailable") // after timeout
	mark = w.chat.Out.Len()
	again := w.original("tim", oscHost, w.At(peer.GatewayHost, oscPort))
	w.sees(mark, alice, tim+"/gateway", "")
	w.heard(again, "gateway")
	again.Send(peer.OSCMessage{Address: "/presence/watch", Args: []any{"nobody"}}.Packet())
	w.wait(again, "/presence/failed", "nobody", "not-found", "nobody has that address")
}
