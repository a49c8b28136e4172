package xmpp

import (
	"strings"
	"testing"

	"golang.org/x/text/secure/precis"

	"gateway/bridge"
)

func TestAddressesOfTheWireAreNamesOfTheBridge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wire string
		name bridge.Name
		back string // on the wire, if not as it came
	}{
		{"alice@example.org", bridge.Name{Lead: "alice", Main: "example.org"}, ""},
		{"Alice@Example.ORG/Home PC", bridge.Name{Lead: "alice", Main: "example.org", Tail: "Home PC"}, "alice@example.org/Home PC"},
		{"example.org", bridge.Name{Main: "example.org"}, ""},
		{"example.org.", bridge.Name{Main: "example.org"}, "example.org"},
		{"example.org/a@b/c", bridge.Name{Main: "example.org", Tail: "a@b/c"}, ""},
		{`o\27malley@example.org`, bridge.Name{Lead: "o'malley", Main: "example.org"}, ""},
		{`m\26m@example.org`, bridge.Name{Lead: "m&m", Main: "example.org"}, ""},
		{`space\20cowboy@example.org`, bridge.Name{Lead: "space cowboy", Main: "example.org"}, ""},
		{`user\40host\2fx@example.org`, bridge.Name{Lead: "user@host/x", Main: "example.org"}, ""},
		{`c\3a\5c5commas@example.org`, bridge.Name{Lead: `c:\5commas`, Main: "example.org"}, ""},
		{`back\slash@example.org`, bridge.Name{Lead: `back\slash`, Main: "example.org"}, ""},
		{`\5c20@example.org`, bridge.Name{Lead: `\20`, Main: "example.org"}, ""},
		{"tsch\u00fcss@m\u00fcnchen.example", bridge.Name{Lead: "tschüss", Main: "münchen.example"}, ""},
		{"a@xn--mnchen-3ya.example", bridge.Name{Lead: "a", Main: "münchen.example"}, "a@münchen.example"},
		{"u@under_score.localhost", bridge.Name{Lead: "u", Main: "under_score.localhost"}, ""},
		{"u@-dash.example", bridge.Name{Lead: "u", Main: "-dash.example"}, ""},
		{"u@192.0.2.1", bridge.Name{Lead: "u", Main: "192.0.2.1"}, ""},
		{"u@[2001:DB8::1]/x", bridge.Name{Lead: "u", Main: "[2001:db8::1]", Tail: "x"}, "u@[2001:db8::1]/x"},
	} {
		got, err := parseAddress(tt.wire)
		back := tt.back
		if back == "" {
			back = tt.wire
		}
		if err != nil || got != tt.name || formatAddress(got) != back {
			t.Errorf("%s: got %+v, back %s, error %v; want %+v, back %s", tt.wire, got, formatAddress(got), err, tt.name, back)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1024)
	for _, s := range []string{
		"", "@", "@example.org", "alice@", "alice@example.org/", "/x", "a b@example.org", `“q”@example.org`,
		`\20a@example.org`, `a\20@example.org`, `a\20b\20@example.org`, `a"b@example.org`, "a<b@example.org", "a@b@c",
		"a@exa mple.org", "a@exam\x00ple.org", "a@example..org", "a@.example.org", "a@b:c", "a@[::1", "a@[x]", "a@'b'",
		"a\xff@example.org", "a@\xffexample.org", "a@example.org/\xff", "a@example.org/\x07",
		`a\5cb@example.org`, long + "@example.org", "a@" + long, "a@example.org/" + long, "a@b\\c",
	} {
		if n, err := parseAddress(s); err == nil {
			t.Errorf("%q was taken for %+v", s, n)
		}
	}
}

func TestNamesOfOtherNetworksFoldToWhatCanBeAnAddress(t *testing.T) {
	t.Parallel()
	naming := NewConfig().Naming()
	for _, tt := range []struct{ text, wire string }{
		{`O'Malley@Phones.example.org`, `o\27malley@phones.example.org`},
		{`a\@b\/c"<x>@phones.example.org`, `a\40b\2fc\22\3cx\3e@phones.example.org`},
		{`+49301234@phones.example.org/desk`, `+49301234@phones.example.org/desk`},
		{`*98@phones.example.org`, `*98@phones.example.org`},
		{` x@phones.example.org`, ""},
		{`x @phones.example.org`, ""},
		{`@phones.example.org`, ""},
		{`phones.example.org`, "phones.example.org"},
	} {
		n, err := naming.Parse(tt.text)
		if err != nil {
			if tt.wire != "" {
				t.Errorf("%s: %v", tt.text, err)
			}
			continue
		}
		if got := formatAddress(n); got != tt.wire {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.wire)
		}
	}
}

// FuzzAddress checks that an address means one name, that the name leads back
// to the same address, and that folding twice is folding once.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"alice@example.org/x", `o\27malley@example.org`, `\5c20@x`, `a\5c5c20@x`, "u@under_score", "u@xn--x", "u@xn--mnchen-3ya",
		"ＦＵＬＬ＠@x", "u@ＦＵＬＬ．x", "u@x/ﬁ", "u@İ.x", "İ@x", "u@ß.x", "ß@x", "ς@ς", "u@[::1]", "\u200d@x", "u@a\u3002b", `＼27@x`, "ſ@x",
	} {
		f.Add(s)
	}
	naming := NewConfig().Naming()
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseAddress(s)
		if err != nil {
			return
		}
		wire := formatAddress(n)
		again, err := parseAddress(wire)
		if err != nil || again != n {
			t.Fatalf("%q is %+v, that is %q, and that %+v, %v", s, n, wire, again, err)
		}
		text := naming.Text(n)
		folded, err := naming.Parse(text)
		if err != nil || folded != n {
			t.Fatalf("%q is %+v, that is %q, and that %+v, %v", s, n, text, folded, err)
		}
		if strings.ContainsAny(wire, "\x00\n\r<>\"'&") && n.Tail == "" {
			t.Fatalf("%q gives %q", s, wire)
		}
	})
}

// FuzzEscape checks that every text has one encoding.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{`\20`, `\5c20`, `\\20`, ` "&'/:<>@\`, `\5c5c20`, `\5`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		local := escapeLocal(s)
		if got := unescapeLocal(local); got != s {
			t.Fatalf("%q is written %q, which is read %q", s, local, got)
		}
		if strings.ContainsAny(local, ` "&'/:<>@`) {
			t.Fatalf("%q is written %q", s, local)
		}
	})
}

// FuzzPlain checks that no profile changes, or refuses, what is passed by them.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"a", "bob.smith-1_2", "0", "a--b", "-", "xn--a", "a.b.example.org", "ab--cd.example", "1.2.3.4", "_a._b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isPlain(s) {
			return
		}
		if got, err := precis.UsernameCaseMapped.String(s); got != s || err != nil {
			t.Errorf("a localpart %q becomes %q, %v", s, got, err)
		}
		if got, err := precis.OpaqueString.String(s); got != s || err != nil {
			t.Errorf("a resourcepart %q becomes %q, %v", s, got, err)
		}
		if got := mapDomain(s); got != s && !strings.Contains(s, "xn--") {
			t.Errorf("a domainpart %q becomes %q", s, got)
		}
		if escapeLocal(s) != s || unescapeLocal(s) != s {
			t.Errorf("%q is escaped", s)
		}
	})
}
