package rtmp

import (
	"testing"

	"gateway/bridge"
)

func TestEveryCauseHasAStatus(t *testing.T) {
	t.Parallel()
	for _, c := range bridge.Causes() {
		want := c
		if other, ok := lossy()[c]; ok {
			want = other
		}
		text := statusText(c, "")
		if got := causeOf(text); got != want {
			t.Errorf("%v is told as %q, which means %v, want %v", c, text, got, want)
		}
		if _, ok := phrases[statuses[c]]; !ok {
			t.Errorf("%v is told without a phrase", c)
		}
	}
	for _, c := range bridge.Endings() {
		if _, ok := statuses[c]; !ok {
			t.Errorf("%v has no status", c)
		}
	}
}

func TestReasonsOfClients(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bridge.Cause{
		"": bridge.Declined, "Decline": bridge.Declined, "486 Busy Here": bridge.Busy, " 404": bridge.NotFound, "480 x y": bridge.Unavailable,
		"399 ?": bridge.Moved, "499 ?": bridge.Malformed, "599 ?": bridge.Internal, "699 ?": bridge.Declined, "9999": bridge.Declined, "200 OK": bridge.Declined,
	} {
		if got := causeOf(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestStatusText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cause        bridge.Cause
		reason, want string
	}{
		{bridge.Busy, "", "486 Busy Here"},
		{bridge.NotFound, "no\r\nsuch\x00 thing", "404 no such thing"},
		{bridge.Cause(200), "", "500 Internal Server Error"},
	} {
		if got := statusText(c.cause, c.reason); got != c.want {
			t.Errorf("%v with %q: %q, want %q", c.cause, c.reason, got, c.want)
		}
	}
}

func TestCodesOfStreams(t *testing.T) {
	t.Parallel()
	for _, c := range append(bridge.Causes(), bridge.Endings()...) {
		for _, publish := range []bool{true, false} {
			code := streamCode(publish, c)
			if _, bad := causeOfCode("", code); !bad {
				t.Errorf("%v is told as %s, which no client takes for a refusal", c, code)
			}
		}
	}
	for _, c := range []struct {
		publish bool
		cause   bridge.Cause
		want    string
	}{
		{true, bridge.Busy, codePublishBad}, {true, bridge.Unauthorized, codePublishDenied}, {true, bridge.Timeout, codePublishFailed},
		{false, bridge.NotFound, codePlayNotFound}, {false, bridge.Busy, codePlayFailed},
	} {
		if got := streamCode(c.publish, c.cause); got != c.want {
			t.Errorf("publish %v, %v: %s, want %s", c.publish, c.cause, got, c.want)
		}
	}
	if c, bad := causeOfCode("status", codePlayStart); bad {
		t.Errorf("%s is a refusal for %v", codePlayStart, c)
	}
	if c, bad := causeOfCode("error", "made up"); !bad || c != bridge.Internal {
		t.Errorf("an unknown error is %v, %v", c, bad)
	}
}

func TestNamesOfReleases(t *testing.T) {
	t.Parallel()
	for c, name := range releases {
		if got := causeOfRelease(name); got != c {
			t.Errorf("%v is called %s, which means %v", c, name, got)
		}
	}
	if got := releaseOf(bridge.Looped); got != "NORMAL_UNSPECIFIED" {
		t.Errorf("looped is %s", got)
	}
	if got := causeOfRelease("16"); got != bridge.Declined {
		t.Errorf("16 is %v", got)
	}
}
