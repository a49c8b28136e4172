package rtmp

import (
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// TestTheEndOfAConnectionEndsItsCalls is also for clients that could not be called: they have
// never registered, do not any more, or have logged in for calls by URL.
func TestTheEndOfAConnectionEndsItsCalls(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		enter func(r *rig) *client
		calls string
	}{
		{"never registered", func(r *rig) *client { return r.switchPhone("alice", "secret") }, "makeCall"},
		{"not any more", func(r *rig) *client {
			c := r.switchPhone("alice", "secret")
			c.say("register", "", "a")
			c.say("unregister", "", "a")
			return c
		}, "makeCall"},
		{"by URL", func(r *rig) *client { return r.connect("call/alice", "alice", "secret") }, "invite"},
		{"siprtmp's", func(r *rig) *client { return r.phone("alice") }, "invite"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, nil)
			r.h.TakeCalls(nil)
			c := row.enter(r)
			c.say(row.calls, "bob")
			call := r.takes(0)
			_ = c.Close()
			if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Normal {
				t.Errorf("ended by %v", end.Cause)
			}
		})
	}
}
