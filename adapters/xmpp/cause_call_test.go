package xmpp

import (
	"testing"

	"gateway/bridge"
)

func TestCausesOfCallsGoThereAndBack(t *testing.T) {
	t.Parallel()
	// What Jingle has one word for comes back as the first of them.
	lossy := map[bridge.Cause]bridge.Cause{
		bridge.Replaced: bridge.Normal, bridge.Forbidden: bridge.Declined, bridge.Unauthorized: bridge.Declined,
		bridge.Unregistered: bridge.Declined, bridge.Policy: bridge.Declined, bridge.Elsewhere: bridge.Cancelled,
		bridge.BusyEverywhere: bridge.Busy, bridge.GatewayTimeout: bridge.Timeout, bridge.Gone: bridge.Unavailable, bridge.NotFound: bridge.Unavailable,
		bridge.BadAddress: bridge.Unavailable, bridge.WrongType: bridge.NotAcceptable, bridge.TooLarge: bridge.NotAcceptable,
		bridge.Malformed: bridge.Internal, bridge.Looped: bridge.Internal, bridge.Conflict: bridge.Internal,
		bridge.Constrained: bridge.Internal, bridge.Overloaded: bridge.Internal, bridge.NoRoute: bridge.Internal,
	}
	listed := map[bridge.Cause]bool{}
	for _, r := range reasons {
		if listed[r.cause] {
			t.Errorf("%v is there twice", r.cause)
		}
		listed[r.cause] = true
	}
	for _, c := range append(bridge.Causes(), bridge.Endings()...) {
		if !listed[c] {
			t.Errorf("%v has no reason", c)
		}
		want := c
		if other, ok := lossy[c]; ok {
			want = other
		}
		word, _ := toReason(c)
		if got := fromReason(word, 0); got != want {
			t.Errorf("%v is said as %s, which comes back as %v", c, word, got)
		}
	}
	for word, want := range map[string]bridge.Cause{"expired": bridge.Timeout, "failed-transport": bridge.NoMedia, "dance": bridge.Busy, "": bridge.Busy} {
		if got := fromReason(word, bridge.Busy); got != want {
			t.Errorf("%q is %v, want %v", word, got, want)
		}
	}
}
