package xmpp

import (
	"testing"

	"gateway/bridge"
)

func TestCausesComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	// What the other network has no word for, and what comes back instead.
	lossy := map[bridge.Cause]bridge.Cause{
		bridge.BadAddress:     bridge.NotFound,
		bridge.WrongType:      bridge.NotAcceptable,
		bridge.Looped:         bridge.NotAcceptable,
		bridge.TooLarge:       bridge.Policy,
		bridge.Busy:           bridge.Unavailable,
		bridge.BusyEverywhere: bridge.Unavailable,
		bridge.Declined:       bridge.Unavailable,
		bridge.Cancelled:      bridge.Unavailable,
		bridge.Overloaded:     bridge.Constrained,
		bridge.GatewayTimeout: bridge.Timeout,
	}
	for _, c := range bridge.Causes() {
		cond := toCondition(c)
		want := c
		if l, ok := lossy[c]; ok {
			want = l
		}
		if got, known := fromCondition(cond.name); got != want || !known {
			t.Errorf("%v goes as %s and comes back as %v (known %v), want %v", c, cond.name, got, known, want)
		}
		switch cond.kind {
		case "auth", "cancel", "modify", "wait":
		default:
			t.Errorf("%v has the error type %q", c, cond.kind)
		}
	}
}

// Every condition of RFC 6120 section 8.3.3, and one of RFC 3920.
func TestEveryConditionHasACause(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bridge.Cause{
		"bad-request": bridge.Malformed, "conflict": bridge.Malformed, "feature-not-implemented": bridge.Unsupported,
		"forbidden": bridge.Forbidden, "gone": bridge.Gone, "internal-server-error": bridge.Internal,
		"item-not-found": bridge.NotFound, "jid-malformed": bridge.Malformed, "not-acceptable": bridge.NotAcceptable,
		"not-allowed": bridge.Forbidden, "not-authorized": bridge.Unauthorized, "policy-violation": bridge.Policy,
		"recipient-unavailable": bridge.Unavailable, "redirect": bridge.Moved, "registration-required": bridge.Unregistered,
		"remote-server-not-found": bridge.NoRoute, "remote-server-timeout": bridge.Timeout,
		"resource-constraint": bridge.Constrained, "service-unavailable": bridge.Unavailable,
		"subscription-required": bridge.Malformed, "undefined-condition": bridge.Malformed, "unexpected-request": bridge.Conflict,
	} {
		if got, known := fromCondition(name); got != want || !known {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if _, known := fromCondition("made-up"); known {
		t.Error("a made-up condition is known")
	}
}

func TestTextsFromTheNetworkBecomeOneBoundedLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"  a\r\n\tb\x1b[31m \u0000c  ", "a b [31m c"},
		{"\xff\xfe", ""},
		{"ääääää", "ääääää"},
		{"1234567890 1234", "1234567890"},
	} {
		if got := oneLine(tt.in, 10); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTextsBecomeFitForXML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"a\r\nb\rc\nd\te", "a\nb\nc\nd\te"},
		{"a\x00b\x1bc\ufffed", "a\ufffdb\ufffdc\ufffdd"},
		{"\xffgrün 😀", "\ufffdgrün 😀"},
	} {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}
