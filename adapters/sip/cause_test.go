package sip

import (
	"slices"
	"testing"

	"gateway/adapters/sip/dialog"
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

// lossyCalls are those that come back as another from a refused call, by its
// status alone.
var lossyCalls = map[bridge.Cause]bridge.Cause{
	bridge.Normal:    bridge.Unavailable,
	bridge.Elsewhere: bridge.Cancelled,
	bridge.Replaced:  bridge.Cancelled,
	bridge.NoMedia:   bridge.Unavailable,
	bridge.Insecure:  bridge.NotAcceptable,
}

func TestCausesOfCallsSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(bridge.Causes(), bridge.Endings()) {
		s := callStatusOf(c)
		want := c
		for _, table := range []map[bridge.Cause]bridge.Cause{lossy, lossyCalls} {
			if l, ok := table[c]; ok {
				want = l
			}
		}
		if phrases[s] == "" || causeOf(s) != want {
			t.Errorf("%v came back from %d %q as %v, want %v", c, s, phrases[s], causeOf(s), want)
		}
		// With its reason it is the same, but for what has no name in Q.850.
		ended := dialog.Ended{Why: dialog.HungUp, Reasons: dialog.ParseReason([]string{reason(c).Value})}
		want = c
		if _, named := releases[c]; !named && c != bridge.BusyEverywhere || c == bridge.Replaced {
			want = bridge.Normal
		}
		if got, _ := endOf(ended, 0); got != want {
			t.Errorf("%v came back by %q as %v, want %v", c, reason(c).Value, got, want)
		}
	}
}

func TestEveryReleaseMeansOneThing(t *testing.T) {
	t.Parallel()
	seen := map[int]bridge.Cause{}
	for c, n := range releases {
		if other, ok := seen[n]; ok {
			t.Errorf("%d is %v and %v", n, c, other)
		}
		if _, ok := released[n]; ok && c != bridge.Replaced {
			t.Errorf("%d means two things", n)
		}
		seen[n] = c
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
