package sip

import (
	"testing"

	"gateway/bridge"
)

// lossy are the causes that SIP has one status for, or none that helps.
var lossy = map[bridge.Cause]bridge.Cause{
	bridge.Unauthorized: bridge.Forbidden,
	bridge.Unregistered: bridge.Forbidden,
	bridge.Policy:       bridge.Forbidden,
	bridge.Moved:        bridge.Gone,
	bridge.Constrained:  bridge.Internal,
	bridge.Overloaded:   bridge.Unavailable,
}

func TestCausesSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range bridge.Causes() {
		want := c
		if l, ok := lossy[c]; ok {
			want = l
		}
		s, ok := statuses[c]
		switch {
		case !ok:
			t.Errorf("%v has no status", c)
		case s == 401 || s == 407:
			t.Errorf("%v is %d, which needs a challenge", c, s)
		case phrases[s] == "":
			t.Errorf("%d has no phrase", s)
		case causeOf(s) != want:
			t.Errorf("%v came back from %d as %v, want %v", c, s, causeOf(s), want)
		}
	}
}

func TestEveryStatusMeansSomething(t *testing.T) {
	t.Parallel()
	for s := 300; s < 700; s++ {
		if causeOf(s) == 0 {
			t.Errorf("%d means nothing", s)
		}
	}
}
