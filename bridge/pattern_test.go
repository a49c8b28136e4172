package bridge

import (
	"errors"
	"strings"
	"testing"
)

var matches = []struct {
	name    string
	pattern string
	text    string // of the name, or "!" and what does not match
	want    string // the variables' values in order
}{
	{"a literal", "alice@example.org", "alice@example.org", ""},
	{"a literal in other letters", "Alice@Example.Org", "aLICE@eXAMPLE.oRG", ""},
	{"every Tail", "alice@example.org", "alice@example.org/desk 1", ""},
	{"one Tail", "alice@example.org/desk", "alice@example.org/desk", ""},
	{"another Tail", "alice@example.org/desk", "!alice@example.org/car", ""},
	{"no Tail where one is meant", "alice@example.org/desk", "!alice@example.org", ""},
	{"a Tail is a variable", "alice@example.org/{d}", "alice@example.org/a/b@c", "a/b@c"},
	{"a host alone", "example.org", "example.org", ""},
	{"a host is nobody on it", "example.org", "!alice@example.org", ""},
	{"a variable stays within its part", "{x}", "!alice@example.org", ""},
	{"a variable takes any character", "{x}@example.org", "ü \\@\\/:'&\\{@example.org", "ü @/:'&{"},
	{"one or more", "a{x}@example.org", "!a@example.org", ""},
	{"whole", "a{x:[0-9]}@example.org", "!a12@example.org", ""},
	{"whole at the start too", "a{x:[0-9]}@example.org", "!ba1@example.org", ""},
	{"alternatives stay together", "{x:a|bc}@example.org", "bc@example.org", "bc"},
	{"alternatives match whole", "{x:a|bc}@example.org", "!ac@example.org", ""},
	{"a repetition in braces", "{x:[0-9]{3}}@example.org", "123@example.org", "123"},
	{"a separator in a constraint", "{x:[a-z@]+}@example.org", "a\\@b@example.org", "a@b"},
	{"a brace in a constraint", `{x:[\{]+}@example.org`, `\{\{@example.org`, "{{"},
	{"groups in a constraint", "{x:(a)(?P<n>b)}-{y:(c)}@example.org", "ab-c@example.org", "ab,c"},
	{"anchors in a constraint", "{x:^[0-9]+$}@example.org", "12@example.org", "12"},
	{"a constraint may match nothing", "a{x:[0-9]*}@example.org", "a@example.org", ""},
	{"a dot stops at a line's end", "{x:.+}", "!a\nb", ""},
	{"the left takes the shortest", "{x}-{y}@h", "a-b-c@h", "a,b-c"},
	{"the shortest is not empty", "{x}-{y}@h", "--b-c@h", "-,b-c"},
	{"the shortest with which the rest matches", "{x}-{y:[0-9]+}@h", "a-b-12@h", "a-b,12"},
	{"the shortest of alternatives, whatever their order", "{x:ab-c|ab}-{y}@h", "ab-c-d@h", "ab,c-d"},
	{"the shortest of what repeats", "{x:[a-z-]+}-{y:[a-z-]+}-{z}@h", "a-b-c-d@h", "a,b,c-d"},
	{"three", "{a}.{b}.{c:[x-z]+}@h", "1.2.3.z@h", "1,2.3,z"},
	{"longer literals between", "{x}--{y}@h", "a---b@h", "a,-b"},
	{"one variable in two parts", "{x}@{x}", "a@a", "a"},
	{"and not the same there", "{x}@{x}", "!a@b", ""},
	{"an escaped separator", `a\@b@h`, `a\@b@h`, ""},
	{"escaped braces", `a\{b\}@h`, `a\{b\}@h`, ""},
	{"an escaped colon", `a\:b@h`, `a:b@h`, ""},
	{"a backslash that escapes nothing", `o\27malley@h`, `o\27malley@h`, ""},
	{"an address of numbers", "{x}@[2001:db8::1]", "a@[2001:DB8::1]", "a"},
	{"letters beside variables fold", "GRP+{x}@Sub.{y}.Example.ORG", "grp+tim@sub.a.example.org", "tim,a"},
	{"a plus sign", "+49{n:[0-9]+}@h", "+4930@h", "30"},
}

func TestPatternsMatch(t *testing.T) {
	t.Parallel()
	for _, row := range matches {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			naming := mailNamer().naming
			if strings.Contains(row.text, "\n") {
				naming.Fold = nil
			}
			p, err := NewPattern(naming, row.pattern)
			if err != nil {
				t.Fatal(err)
			}
			text, not := strings.CutPrefix(row.text, "!")
			name, err := naming.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			b := make([]string, p.width)
			if ok := p.match(name, b); ok == not {
				t.Fatalf("match is %v", ok)
			}
			if not {
				return
			}
			if got := strings.Join(b, ","); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if built, err := p.build(naming, b); err != nil || built.bare() != name.bare() {
				t.Errorf("built %v, %v", built, err)
			}
		})
	}
}

func TestAPatternTellsOfItsParts(t *testing.T) {
	t.Parallel()
	naming := mailNamer().naming
	p, err := NewPattern(naming, "{x:[0-9]+}@Phones.Example.org")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := p.Main().Literal(); !ok || got != "phones.example.org" {
		t.Errorf("Main is %q, %v", got, ok)
	}
	if _, ok := p.Lead().Literal(); ok || !p.Lead().Match("12") || p.Lead().Match("a") {
		t.Error("Lead is wrong")
	}
	if got, ok := p.Tail().Literal(); !ok || got != "" || !p.Tail().Match("") || p.Tail().Match("x") {
		t.Error("Tail is wrong")
	}
	if _, ok := p.Literal(); ok {
		t.Error("it has a variable")
	}
	if p.String() != "{x:[0-9]+}@Phones.Example.org" {
		t.Errorf("String is %q", p)
	}
	if !p.Match(Name{Lead: "1", Main: "phones.example.org", Tail: "t"}) || p.Match(Name{Main: "phones.example.org"}) {
		t.Error("Match is wrong")
	}
	lit, err := NewPattern(naming, "Alice@Example.org/Desk")
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := lit.Literal(); !ok || name != (Name{Lead: "alice", Main: "example.org", Tail: "Desk"}) {
		t.Errorf("literal is %v, %v", name, ok)
	}
	var zero Pattern
	if zero.Match(Name{Main: "x"}) || zero.String() != "" {
		t.Error("the zero Pattern matches")
	}
}

func TestAConstraintHoldsInTheWholeMap(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{{
		Home: []string{"pbx:{x}", "flash:f{x}"}, As: as("chat", "{x:[0-9]+}@phones.example.org"),
	}}, fakes())
	for _, h := range r.maps[0].homes {
		if h.p.Match(Name{Main: "fa"}) || h.p.open() {
			t.Errorf("%s has no constraint", h)
		}
	}
}

func TestOverlapsAreFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, p, q, want string }{
		{"digits and letters", "{x:[0-9]+}", "{x:[a-z]+}", ""},
		{"a plain one of many", "{x}", "{y}", "a"},
		{"prefixes", "a{x}", "ab{x}", "aba"},
		{"other prefixes", "a{x}", "b{x}", ""},
		{"suffixes", "{x}a", "{x}ba", "aba"},
		{"other suffixes", "{x}a", "{x}b", ""},
		{"lengths", "{x:[0-9]{3}}", "{x:[0-9]{4}}", ""},
		{"lengths that meet", "{x:[0-9]{3,4}}", "{x:[0-9]{4,5}}", "0000"},
		{"without case", "{x:(?i:k)}1", "k{x}", "k1"},
		{"a literal", "b7", "{x:[a-z]}7", "b7"},
		{"alternatives", "{x:ab|cd|ef}", "{x:.d}", "cd"},
		{"several variables", "{x:[a-c]+}-{y}", "{x:[c-e]+}-9{y}", "c-9a"},
		{"nothing but a line's end", "{x:[\\n]}", "{x:.}", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p, err := NewPattern(Naming{}, row.p)
			if err != nil {
				t.Fatal(err)
			}
			q, err := NewPattern(Naming{}, row.q)
			if err != nil {
				t.Fatal(err)
			}
			for _, two := range [][2]*Pattern{{&p, &q}, {&q, &p}} {
				name, ok := newOverlapper().names(two[0], two[1], Naming{})
				if ok != (row.want != "") || ok && name.Main != row.want {
					t.Errorf("got %q, %v, want %q", name.Main, ok, row.want)
				}
			}
		})
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"alice@example.org", "{ext:[1-6][0-9]{3}}@h", `\@{x}\{@h/{y}`, "{a}-{b:(x|y)*}-{c}@{a}", "{x:[\\}]}", "}{", `{x:(?i)a(?m:$)}@h`, "{x:}", "{x:a{1000}}",
	} {
		f.Add(s, "a-x-b@a/c")
	}
	namings := []Naming{mailNamer().naming, lineNamer().naming, groupNamer().naming}
	f.Fuzz(func(t *testing.T, text, other string) {
		for _, naming := range namings {
			p, err := NewPattern(naming, text)
			if err != nil {
				continue
			}
			if lit, ok := p.Literal(); ok {
				if !p.Match(lit) {
					t.Fatalf("%q does not match itself", text)
				}
				continue
			}
			name, err := naming.Parse(other)
			b := make([]string, p.width)
			if err != nil || !p.match(name, b) {
				continue
			}
			if built, err := p.build(naming, b); err != nil || built.bare() != name.bare() {
				t.Fatalf("%q matches %q and makes %v of it: %v", text, other, built, err)
			}
		}
	})
}

// TestWhatVariablesMakeIsLookedAt: an adapter may refuse a name that a caller has made of
// a pattern, and has no word in what the mapping file says itself.
func TestWhatVariablesMakeIsLookedAt(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	naming := Naming{Made: func(pattern string, n Name) error {
		if pattern != "to-{x}" || n.Main == "to-there" {
			return refused
		}
		return nil
	}}
	for text, want := range map[string]error{"to-{x}": nil, "{x}": refused, "literal": nil} {
		p, err := NewPattern(naming, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.build(naming, []string{"here"}); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	p, err := NewPattern(naming, "to-{x}")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.build(naming, []string{"there"}); !errors.Is(err, refused) || n != (Name{}) {
		t.Errorf("%v, %v", n, err)
	}
}
