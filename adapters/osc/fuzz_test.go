package osc

import (
	"testing"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// Whatever a member says: what others are told of it is OSC that all members
// take, and calls stay within their bounds.
func FuzzWhatAMemberSays(f *testing.F) {
	for _, s := range []string{
		"/chat tim hi", "/chat/alice tim hi", "/chat/failed alice busy no", "/call/dial 2002 a", "/call/dial ,if 1 2.5", "/call/hangup a",
		"/call/dtmf ,ss a 123#", "/presence/watch alice", "/presence/unwatch alice", "/fader/1 0.5", `/chat "a" "b" "c"`,
	} {
		p, err := wire.ParseLine(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > wire.MaxMember || wire.Check(packet) != nil {
			return // it is dropped before
		}
		k := newTalk(t)
		k.said()
		k.chat.hear("tim", []string{"g"}, packet)
		for _, c := range k.calls {
			c.Leg.Ring(false)
			c.Leg.Accept()
		}
		k.chat.hear("tim", []string{"g"}, packet)
		for _, to := range []string{"/call", "/chat"} {
			k.chat.tellFailed(to, bridge.Name{Lead: "a", Main: "g"}, bridge.Name{Lead: "tim", Main: "g"}, bridge.Busy, string(packet))
		}
		if n := len(k.chat.calls.all()); n > maxDialled {
			t.Errorf("%d calls", n)
		}
		k.chat.calls.close()
	})
}
