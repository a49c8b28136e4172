package xmpp

import (
	"strings"
	"testing"

	"gateway/bridge"
)

func TestOurIdentitiesAreKnownByTheirText(t *testing.T) {
	t.Parallel()
	k, other := newMarker([]byte("one")), newMarker([]byte("two"))
	id := k.wireID(testID, "hi", bridge.Name{Lead: "bob", Main: "b"})
	for _, tt := range []struct {
		name   string
		k      marker
		id     string
		body   string
		wanted bool
	}{
		{"ours", k, id, "hi", true},
		{"another text", k, id, "hi!", false},
		{"another gateway", other, id, "hi", false},
		{"cut", k, id[:len(id)-1], "hi", false},
		{"longer", k, id + "x", "hi", false},
		{"another id", k, strings.Replace(id, "0", "1", 1), "hi", false},
		{"none", k, "", "", false},
	} {
		if got := tt.k.ours(tt.id, tt.body); got != tt.wanted {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestOurIdentitiesAreKnownByTheirRecipient(t *testing.T) {
	t.Parallel()
	k, other := newMarker([]byte("one")), newMarker([]byte("two"))
	bob := bridge.Name{Lead: "bob", Main: "b", Tail: "desk"}
	id := k.wireID(testID, "hi", bob)
	eves := k.wireID(testID, "hi", bridge.Name{Lead: "eve", Main: "c"})
	for _, tt := range []struct {
		name   string
		k      marker
		id     string
		from   bridge.Name
		wanted bool
	}{
		{"the recipient", k, id, bob, true},
		{"another device", k, id, bridge.Name{Lead: "bob", Main: "b", Tail: "phone"}, true},
		{"the domain", k, id, bridge.Name{Main: "b"}, true},
		{"another party", k, id, bridge.Name{Lead: "eve", Main: "b"}, false},
		{"another domain", k, id, bridge.Name{Lead: "bob", Main: "c"}, false},
		{"another gateway", other, id, bob, false},
		{"another id", k, strings.Replace(id, "0", "1", 1), bob, false},
		{"the marks of another party", k, id[:len(id)-2*partyMark] + eves[len(id)-2*partyMark:], bob, false},
		{"only marks", k, id[idLength:], bob, false},
		{"none", k, "", bob, false},
	} {
		if got := tt.k.sentTo(tt.id, tt.from); got != tt.wanted {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestOnlyTheRecipientCanHaveReceived(t *testing.T) {
	t.Parallel()
	k := newMarker([]byte("one"))
	id := k.wireID(testID, "hi", bridge.Name{Lead: "bob", Main: "b"})
	bot := k.wireID(testID, "hi", bridge.Name{Main: "b"})
	for _, tt := range []struct {
		name   string
		id     string
		from   bridge.Name
		wanted bool
	}{
		{"a device of the recipient", id, bridge.Name{Lead: "bob", Main: "b", Tail: "desk"}, true},
		{"the recipient's server", id, bridge.Name{Main: "b"}, false},
		{"another party", id, bridge.Name{Lead: "eve", Main: "b"}, false},
		{"a recipient without a localpart", bot, bridge.Name{Main: "b", Tail: "x"}, true},
		{"not ours", "x" + id, bridge.Name{Lead: "bob", Main: "b"}, false},
		{"none", "", bridge.Name{Lead: "bob", Main: "b"}, false},
	} {
		if got := k.receivedBy(tt.id, tt.from); got != tt.wanted {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestTheBridgesIdentityIsFoundInTheWires(t *testing.T) {
	t.Parallel()
	id := newMarker([]byte("one")).wireID(testID, "hi", bridge.Name{Main: "b"})
	if got, ok := messageID(id); got != testID || !ok {
		t.Errorf("%q, %v", got, ok)
	}
	for _, bad := range []string{"", testID, strings.ToUpper(id), id[1:], "0" + id, strings.Replace(id, ".", "-", 1)} {
		if got, ok := messageID(bad); ok {
			t.Errorf("%q is found in %q", got, bad)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	k := newMarker([]byte("one"))
	f.Add(k.wireID(testID, "hi", bridge.Name{Lead: "bob", Main: "b"}), "hi", "bob@b")
	f.Add("."+strings.Repeat("0", allMarks), "", "b")
	f.Fuzz(func(t *testing.T, wire, body, from string) {
		id, _, ok := splitID(wire)
		n, err := parseAddress(from)
		if err != nil {
			return
		}
		// The domain's mark is not asked for where there is a localpart.
		forged := len(wire) > partyMark && !strings.HasPrefix(k.wireID(id, body, n), wire[:len(wire)-partyMark])
		if k.sentTo(wire, n) && !ok || k.ours(wire, body) && k.sentTo(wire, n) && n.Lead != "" && forged {
			t.Errorf("%q passes for %q and %q", wire, body, from)
		}
		if made := k.wireID(id, body, n); !k.sentTo(made, n) || !k.ours(made, body) || !k.sentTo(made, domainOf(n)) {
			t.Errorf("%q does not pass for %q and %q", made, body, from)
		}
	})
}
