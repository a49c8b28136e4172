package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// fakeNamer stands for one adapter's table in the mapping file.
type fakeNamer struct {
	naming Naming
	own    []string
	domain string // ours: no home is in it, and every `as` is
}

func (f fakeNamer) Naming() Naming { return f.naming }
func (f fakeNamer) Own() []string  { return f.own }

func (f fakeNamer) CheckName(r Role, p Pattern) string {
	main := p.Main()
	switch {
	case f.domain == "":
	case r == RoleAs && !main.Match(f.domain):
		return "is outside " + f.domain
	case r == RoleHome && main.Match(f.domain):
		return "is inside " + f.domain
	}
	return ""
}

var errFake = errors.New("no name of a fake")

// foldFake takes text without control characters; hosts and people compare
// without regard to case.
func foldFake(n Name) (Name, error) {
	for _, s := range []string{n.Lead, n.Main, n.Tail} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return Name{}, errFake
		}
	}
	return Name{Lead: strings.ToLower(n.Lead), Main: strings.ToLower(n.Main), Tail: n.Tail}, nil
}

// mailNamer has names as in mail, of which a device may be meant; it speaks
// only from its own domain.
func mailNamer() fakeNamer {
	return fakeNamer{domain: "phones.example.org",
		naming: Naming{LeadSep: '@', TailSep: '/', Foreign: true, Fold: foldFake}}
}

// lineNamer has names of one part, byte for byte, without spaces.
func lineNamer(own ...string) fakeNamer {
	return fakeNamer{own: own, naming: Naming{Fold: func(n Name) (Name, error) {
		if strings.Contains(n.Main, " ") {
			return Name{}, errFake
		}
		return n, nil
	}}}
}

// groupNamer has groups, and members of them.
func groupNamer() fakeNamer { return fakeNamer{naming: Naming{LeadSep: '@'}} }

func fakes() map[string]Namer {
	return map[string]Namer{"chat": mailNamer(), "pbx": lineNamer("7001", "8000"), "flash": lineNamer(), "jam": groupNamer()}
}

// exampleSpecs is the example that the mapping file's description gives.
func exampleSpecs() []MapSpec {
	return []MapSpec{
		{
			Home: []string{"chat:alice@example.org", "pbx:2001", "flash:alice"},
			As:   map[string]string{"pbx": "7001", "chat": "alice@phones.example.org", "flash": "alice", "jam": "alice@orchestra"},
			Name: "Alice Example",
		}, {
			Home: []string{"pbx:{ext:[1-6][0-9]{3}}"},
			As:   map[string]string{"chat": "{ext}@phones.example.org", "flash": "{ext}", "jam": "{ext}@orchestra"},
		}, {
			Home: []string{"chat:{user:[a-z][a-z0-9._-]*}@example.org"},
			As:   map[string]string{"pbx": "{user}", "chat": "{user}@phones.example.org", "flash": "{user}"},
		}, {
			Home: []string{"jam:{member:[a-z][a-z0-9-]*}@orchestra"},
			As:   map[string]string{"chat": "grp+{member}@phones.example.org"},
		}, {
			Home:  []string{"pbx:0{number:[1-9][0-9]{5,14}}"},
			As:    map[string]string{"chat": "+49{number}@phones.example.org"},
			Allow: []string{"chat:{user}@example.org"},
			Shown: map[string]string{"pbx": "+4930123450"},
		},
	}
}

func newTestRouter(t testing.TB, specs []MapSpec, adapters map[string]Namer) *Router {
	t.Helper()
	r, problems := NewRouter(specs, adapters)
	if r == nil {
		t.Fatalf("no router: %v", problems)
	}
	return r
}

func party(t testing.TB, s string) Party {
	t.Helper()
	a, err := ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return Party{Address: a}
}

// outcome is what Route says, as one line of a table.
func outcome(r *Router, from Party, to Address) string {
	targets, err := r.Route(from, to)
	if again, err2 := r.Route(from, to); !slices.Equal(again, targets) || (err == nil) != (err2 == nil) {
		return fmt.Sprintf("once more it is %v, %v, and was %v", again, err2, targets) // it remembers
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Reason == "" {
			return fmt.Sprintf("a bare error: %v", err)
		}
		return e.Cause.String()
	}
	texts := make([]string, len(targets))
	for i, g := range targets {
		texts[i] = g.From.String() + " -> " + g.To.String()
	}
	return strings.Join(texts, ", ")
}

type routeRow struct{ name, from, to, want string }

func testRoutes(t *testing.T, r *Router, rows []routeRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := outcome(r, party(t, row.from), party(t, row.to).Address); got != row.want {
				t.Errorf("%s to %s:\n got %s\nwant %s", row.from, row.to, got, row.want)
			}
		})
	}
}

func TestTheExampleRoutes(t *testing.T) {
	t.Parallel()
	testRoutes(t, newTestRouter(t, exampleSpecs(), fakes()), []routeRow{
		{"a phone to a person rings all her places", "pbx:3001", "pbx:7001",
			"chat:3001@phones.example.org -> chat:alice@example.org, pbx:3001 -> pbx:2001, flash:3001 -> flash:alice"},
		{"a chat user to an extension", "chat:bob@example.org/desk", "chat:1001@phones.example.org", "pbx:bob -> pbx:1001"},
		{"a person is her own name on each network", "chat:alice@example.org/phone", "chat:1001@phones.example.org", "pbx:7001 -> pbx:1001"},
		{"from her second place too", "pbx:2001", "pbx:bob", "chat:alice@phones.example.org -> chat:bob@example.org"},
		{"her own name skips the place she writes from", "chat:alice@example.org", "chat:alice@phones.example.org",
			"pbx:7001 -> pbx:2001, flash:alice -> flash:alice"},
		{"one chat user to another goes by our domain", "chat:bob@example.org", "chat:carol@phones.example.org",
			"chat:bob@phones.example.org -> chat:carol@example.org"},
		{"a device of the name means the name", "chat:bob@example.org", "chat:1001@phones.example.org/desk", "pbx:bob -> pbx:1001"},
		{"names of hosts and people have no case", "chat:BOB@Example.Org", "chat:Carol@PHONES.example.org",
			"chat:bob@phones.example.org -> chat:carol@example.org"},
		{"a phone to a chat user", "pbx:1001", "pbx:bob", "chat:1001@phones.example.org -> chat:bob@example.org"},
		{"a member of a group is written to by whom it can see", "chat:alice@example.org", "chat:grp+tim@phones.example.org",
			"jam:alice@orchestra -> jam:tim@orchestra"},
		{"who has no name in the group is forbidden", "chat:bob@example.org", "chat:grp+tim@phones.example.org", "forbidden"},
		{"the outside for those who may", "chat:bob@example.org", "chat:+4930123456@phones.example.org", "pbx:+4930123450 -> pbx:030123456"},
		{"the outside not for others", "chat:bob@other.example", "chat:+4930123456@phones.example.org", "forbidden"},
		{"one's only place is oneself", "chat:bob@example.org/a", "chat:bob@phones.example.org/b", "forbidden"},
		{"our names are not extensions", "chat:bob@example.org", "chat:7001@phones.example.org", "not-found"},
		{"nobody has it", "pbx:1001", "pbx:9999", "not-found"},
		{"a stranger has no name anywhere", "chat:eve@other.example", "chat:1001@phones.example.org", "forbidden"},
		{"a name that is none", "pbx:1001", "pbx:a b", "malformed"},
		{"a sender that is none", "pbx:a b", "pbx:7001", "malformed"},
		{"an adapter that is none", "pbx:1001", "fax:1", "not-found"},
	})
}

func TestMapsAreTriedInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"chat:night@example.org"}, As: map[string]string{"pbx": "100"}, From: []string{"pbx:3{x}", "flash:{x}"}},
		{Home: []string{"chat:front@example.org"}, As: map[string]string{"pbx": "100"}},
		{Home: []string{"chat:desk{n:[0-9]}@example.org"}, As: map[string]string{"pbx": "10{n}"}, Allow: []string{"pbx:4001", "pbx:3{rest}"}},
		{Home: []string{"pbx:{ext:[34][0-9]{3}}"}, As: map[string]string{"chat": "{ext}@phones.example.org"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"from matches", "pbx:3001", "pbx:100", "chat:3001@phones.example.org -> chat:night@example.org"},
		{"from does not, the next takes it", "pbx:4001", "pbx:100", "chat:4001@phones.example.org -> chat:front@example.org"},
		{"the general comes after the particular", "pbx:3001", "pbx:101", "chat:3001@phones.example.org -> chat:desk1@example.org"},
		{"allow does not match and nothing else is tried", "pbx:4002", "pbx:101", "forbidden"},
	})
}

func TestNamesAreNotBorrowed(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"pbx:{ext:[0-9]{4}}"}, As: map[string]string{"chat": "{ext}@phones.example.org"}},
		{Home: []string{"chat:boss@example.org"}, As: map[string]string{"pbx": "2001"}},
		{Home: []string{"chat:{user:[a-z0-9]+}@example.org"}, As: map[string]string{"pbx": "{user}", "chat": "{user}@phones.example.org"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"a made name that is nobody's home", "chat:bob@example.org", "chat:1001@phones.example.org", "pbx:bob -> pbx:1001"},
		{"a made name that is another's home", "chat:3001@example.org", "chat:1001@phones.example.org", "forbidden"},
		{"a literal name may be one", "chat:boss@example.org", "chat:1001@phones.example.org", "pbx:2001 -> pbx:1001"},
		{"a name that leads to another party", "chat:3001@example.org", "chat:bob@phones.example.org", "forbidden"},
		{"on its own network a phone is itself", "pbx:3001", "pbx:2001", "chat:3001@phones.example.org -> chat:boss@example.org"},
	})
}

func TestANameThatDoesNotLeadBackIsRefused(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"pbx:1"}, As: map[string]string{"chat": "office@phones.example.org"}, From: []string{"chat:a@example.org"}},
		{Home: []string{"pbx:2"}, As: map[string]string{"chat": "office@phones.example.org"}},
		{Home: []string{"chat:{u}@example.org"}, As: map[string]string{"pbx": "9{u}"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"by from, the first", "chat:a@example.org", "chat:office@phones.example.org", "pbx:9a -> pbx:1"},
		{"by from, the second", "chat:b@example.org", "chat:office@phones.example.org", "pbx:9b -> pbx:2"},
		{"the first is called by its name", "pbx:1", "pbx:9b", "chat:office@phones.example.org -> chat:b@example.org"},
		{"the second is not, since from counts for nothing there", "pbx:2", "pbx:9b", "forbidden"},
	})
}

func TestHomesThatCannotBeAreLeftOut(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"pbx:{x}"}, As: map[string]string{"chat": "p-{x}@phones.example.org"}},
		{Home: []string{"pbx:b{y}", "jam:{y}"}, As: map[string]string{"chat": "b-{y}@phones.example.org"}},
		{Home: []string{"chat:c@example.org"}, As: map[string]string{"pbx": "c", "jam": "c"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"the only one", "chat:c@example.org", "chat:p-a b@phones.example.org", "malformed"},
		{"one of two", "chat:c@example.org", "chat:b-a b@phones.example.org", "jam:c -> jam:a b"},
		{"the sender's name is not known at the other", "jam:z", "chat:b-1@phones.example.org", "jam:z -> jam:1"},
		{"too long for a name", "chat:c@example.org", "chat:b-" + strings.Repeat("x", maxPart+1) + "@phones.example.org", "malformed"},
		{"so long that only one home's literal is too much", "chat:c@example.org",
			"chat:p-" + strings.Repeat("x", maxPart-2) + "@phones.example.org", "pbx:c -> pbx:" + strings.Repeat("x", maxPart-2)},
	})
}

func TestShownTakesItsVariablesFromWhoeverMatched(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"pbx:0{n:[0-9]+}"}, As: map[string]string{"chat": "{n}@phones.example.org"},
			Allow: []string{"chat:x{who:[a-z]+}@example.org", "chat:y{who}@example.org", "jam:{who}"},
			Shown: map[string]string{"pbx": "cc{who}"}},
		{Home: []string{"pbx:ccboss"}, As: map[string]string{"jam": "boss"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"the first allow", "chat:xanna@example.org", "chat:5@phones.example.org", "pbx:ccanna -> pbx:05"},
		{"the second", "chat:yanna@example.org", "chat:5@phones.example.org", "pbx:ccanna -> pbx:05"},
		{"another network", "jam:anna", "chat:5@phones.example.org", "pbx:ccanna -> pbx:05"},
		{"a constraint given once holds wherever it stands", "jam:Anna", "chat:5@phones.example.org", "forbidden"},
		{"another's home", "chat:xboss@example.org", "chat:5@phones.example.org", "forbidden"},
	})
}

func TestAVariableOfTheHomesIsWhatWasAddressed(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{{
		Home: []string{"pbx:0{n}"}, As: map[string]string{"chat": "{n}@phones.example.org"},
		Allow: []string{"chat:{n}@example.org"}, Shown: map[string]string{"pbx": "z{n}"},
	}}, fakes())
	testRoutes(t, r, []routeRow{
		{"not what the sender has there", "chat:7@example.org", "chat:5@phones.example.org", "pbx:z5 -> pbx:05"},
	})
}

func TestADisplayNameIsTheMapsOrTheSendersOwn(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, exampleSpecs(), fakes())
	for _, row := range []struct{ name, from, to, wantFrom, wantTo string }{
		{"the map's", "chat:alice@example.org", "chat:1001@phones.example.org", "Alice Example", ""},
		{"the sender's own", "chat:bob@example.org", "chat:1001@phones.example.org", "Bobby", ""},
		{"the recipient's map's", "pbx:1001", "pbx:7001", "Bobby", "Alice Example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			from := party(t, row.from)
			from.Display = "Bobby"
			targets, err := r.Route(from, party(t, row.to).Address)
			if err != nil {
				t.Fatal(err)
			}
			if got := targets[0]; got.From.Display != row.wantFrom || got.To.Display != row.wantTo {
				t.Errorf("from %q to %q, want %q and %q", got.From.Display, got.To.Display, row.wantFrom, row.wantTo)
			}
		})
	}
}

func TestTheSameHomeTwiceIsOneTarget(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, []MapSpec{
		{Home: []string{"pbx:{a}-{b}", "pbx:{b}-{a}"}, As: map[string]string{"chat": "{a}-{b}@phones.example.org"}},
		{Home: []string{"chat:c@example.org"}, As: map[string]string{"pbx": "c"}},
	}, fakes())
	testRoutes(t, r, []routeRow{
		{"equal", "chat:c@example.org", "chat:1-1@phones.example.org", "pbx:c -> pbx:1-1"},
		{"different", "chat:c@example.org", "chat:1-2@phones.example.org", "pbx:c -> pbx:1-2, pbx:c -> pbx:2-1"},
	})
}

func TestRoutesAreTheSameForEverybodyAtOnce(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, exampleSpecs(), fakes())
	from, to := party(t, "pbx:3001"), party(t, "pbx:7001").Address
	want := outcome(r, from, to)
	results := make(chan string)
	for range 8 {
		go func() { results <- outcome(r, from, to) }()
	}
	for range 8 {
		if got := <-results; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// manySpecs is n people with literal names, and the example behind them.
func manySpecs(n int) []MapSpec {
	specs := make([]MapSpec, 0, n+5)
	for i := range n {
		specs = append(specs, MapSpec{
			Home: []string{fmt.Sprintf("chat:person%d@example.org", i)},
			As:   map[string]string{"pbx": fmt.Sprintf("9%05d", i), "chat": fmt.Sprintf("person%d@phones.example.org", i)},
		})
	}
	return slices.Concat(specs, exampleSpecs())
}

func BenchmarkRoute(b *testing.B) {
	for _, row := range []struct {
		name, from, to string
		n              int
	}{
		{"a literal among 5", "pbx:3001", "pbx:7001", 0},
		{"a literal among 5000", "pbx:3001", "pbx:904321", 5000},
		{"variables behind 5000", "chat:bob@example.org", "chat:1001@phones.example.org", 5000},
	} {
		r := newTestRouter(b, manySpecs(row.n), fakes())
		from, to := party(b, row.from), party(b, row.to).Address
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.route(from.Address, from, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewRouter(b *testing.B) {
	specs := manySpecs(5000)
	for b.Loop() {
		NewRouter(specs, fakes())
	}
}
