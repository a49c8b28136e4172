package bridge

import (
	"strings"
	"testing"
)

func TestAddressesAreSplitAtTheFirstColon(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		want       Address
	}{
		{"plain", "chat:alice@example.org", Address{"chat", "alice@example.org"}},
		{"colons in the name", "pbx:a@[2001:db8::1]", Address{"pbx", "a@[2001:db8::1]"}},
		{"no adapter", ":alice", Address{}},
		{"no name", "chat:", Address{}},
		{"no colon", "alice", Address{}},
		{"nothing", "", Address{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, err := ParseAddress(row.text)
			if a != row.want || (err != nil) != row.want.IsZero() {
				t.Errorf("got %v, %v", a, err)
			}
			if err == nil && a.String() != row.text {
				t.Errorf("String is %q", a)
			}
		})
	}
}

// roundTrips are names whose text form must come back.
var roundTrips = []struct {
	name string
	in   Name
	text string // in the naming with all three parts
}{
	{"plain", Name{Lead: "alice", Main: "example.org"}, "alice@example.org"},
	{"a number", Name{Lead: "+49301234", Main: "example.org"}, "+49301234@example.org"},
	{"umlauts", Name{Lead: "tschüss", Main: "bücher.example"}, "tschüss@bücher.example"},
	{"an apostrophe and an ampersand", Name{Lead: "o'malley&co", Main: "h"}, "o'malley&co@h"},
	{"separators in the lead", Name{Lead: "a/b@c", Main: "h"}, `a\/b\@c@h`},
	{"separators in the tail", Name{Lead: "a", Main: "h", Tail: "x/y@z"}, `a@h/x\/y\@z`},
	{"separators in the main", Name{Main: "a@b/c"}, `a\@b\/c`},
	{"a colon", Name{Lead: "a:b", Main: "h"}, "a:b@h"},
	{"an address of numbers", Name{Lead: "a", Main: "[2001:db8::1]"}, "a@[2001:db8::1]"},
	{"no lead", Name{Main: "h", Tail: "t"}, "h/t"},
	{"braces", Name{Lead: "{x}", Main: "}h{"}, `\{x\}@\}h\{`},
	{"backslashes", Name{Lead: `a\`, Main: `\27\@`}, `a\\@\\27\\\@`},
	{"a space and a tail of spaces", Name{Lead: "a b", Main: "h", Tail: " "}, "a b@h/ "},
	{"bytes that are no text", Name{Lead: "\xff\x00", Main: "\x80"}, "\xff\x00@\x80"},
}

func TestTextAndParseAreInverse(t *testing.T) {
	t.Parallel()
	full := Naming{LeadSep: '@', TailSep: '/'}
	for _, row := range roundTrips {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := full.Text(row.in); got != row.text {
				t.Errorf("Text is %q, want %q", got, row.text)
			}
			for _, naming := range []Naming{full, {LeadSep: '@'}, {TailSep: '/'}, {}, {LeadSep: '%', TailSep: '#'}} {
				in := row.in
				if naming.LeadSep == 0 {
					in.Lead = ""
				}
				if naming.TailSep == 0 {
					in.Tail = ""
				}
				if got, err := naming.Parse(naming.Text(in)); err != nil || got != in {
					t.Errorf("%q came back as %q, %v", in, got, err)
				}
			}
		})
	}
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	full := Naming{LeadSep: '@', TailSep: '/'}
	lead := Naming{LeadSep: '@', NeedLead: true}
	long := strings.Repeat("x", maxPart+1)
	erase := Naming{Fold: func(Name) (Name, error) { return Name{}, nil }}
	for _, row := range []struct {
		name   string
		naming Naming
		text   string
	}{
		{"nothing", full, ""},
		{"no lead before its separator", full, "@h"},
		{"no main", full, "a@"},
		{"no main before a tail", full, "a@/t"},
		{"no tail behind its separator", full, "a@h/"},
		{"no lead where one must be", lead, "h"},
		{"a lead too long", full, long + "@h"},
		{"a main too long", full, long},
		{"a tail too long", full, "h/" + long},
		{"much too long", full, strings.Repeat(`\\`, 4*maxPart)},
		{"by folding", mailNamer().naming, "a\nb@h"},
		{"nothing is left by folding", erase, "h"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if name, err := row.naming.Parse(row.text); err == nil || name != (Name{}) {
				t.Errorf("got %q, %v", name, err)
			}
		})
	}
	if _, err := full.Parse(long[1:] + "@" + long[1:] + "/" + long[1:]); err != nil {
		t.Errorf("the longest name: %v", err)
	}
}

func FuzzNamingParse(f *testing.F) {
	for _, row := range roundTrips {
		f.Add(row.text)
	}
	f.Add(`a\`)
	f.Add(`a{@b}/c`)
	namings := []Naming{{LeadSep: '@', TailSep: '/'}, mailNamer().naming, groupNamer().naming, lineNamer().naming, {LeadSep: '%', TailSep: 'x'}}
	f.Fuzz(func(t *testing.T, s string) {
		for _, naming := range namings {
			name, err := naming.Parse(s)
			if err != nil {
				continue
			}
			if again, err := naming.Parse(naming.Text(name)); err != nil || again != name {
				t.Fatalf("%q is %q, and comes back as %q, %v", s, name, again, err)
			}
			p, err := NewPattern(naming, naming.Text(name))
			if len(naming.Text(name)) > maxPattern {
				continue
			}
			if lit, ok := p.Literal(); err != nil || !ok || lit != name {
				t.Fatalf("%q as a pattern is %q, %v", name, lit, err)
			}
		}
	})
}
