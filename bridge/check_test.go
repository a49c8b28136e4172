package bridge

import (
	"fmt"
	"strings"
	"testing"
)

// problemLines is one problem in each line, as "MAP KEY: MSG", a "?" before warnings.
func problemLines(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		if p.Warn {
			b.WriteString("?")
		}
		fmt.Fprintf(&b, "%d %s: %s\n", p.Map, p.Key, p.Msg)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestTheExampleMayConfuseAMemberWithAPerson(t *testing.T) {
	t.Parallel()
	want := `?3 home[0]: matches as.jam = "alice@orchestra" of [[map]] 1 (Alice Example), such as jam:alice@orchestra: what is addressed to it goes elsewhere`
	if _, problems := NewRouter(exampleSpecs(), fakes()); problemLines(problems) != want {
		t.Errorf("got\n%s\nwant\n%s", problemLines(problems), want)
	}
}

// as is a map's names elsewhere: adapters and names in turn.
func as(list ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// chat is a map's name on one adapter.
func chat(user string) map[string]string { return as("chat", user+"@phones.example.org") }

var mistakes = []struct {
	name string
	spec MapSpec
	want string // the problems, each as "KEY: a part of its text"
}{
	{"nothing at all", MapSpec{}, "home: needs a home|as: needs a name"},
	{"no home", MapSpec{As: chat("{x}")}, "home: needs a home"},
	{"no names", MapSpec{Home: []string{"pbx:{x}"}}, "as: needs a name"},
	{"no adapter", MapSpec{Home: []string{"{x}"}, As: chat("{x}")}, "home[0]: want ADAPTER:NAME"},
	{"unknown adapters everywhere", MapSpec{Home: []string{"a:1"}, As: as("b", "1"), From: []string{"c:1"}, Allow: []string{"pbx:1", "d:1"}, Shown: as("e", "1")},
		`home[0]: no adapter is called "a"|as.b: "b"|from[0]: "c"|allow[1]: "d"|shown.e: "e"`},
	{"other variables", MapSpec{Home: []string{"pbx:{x}"}, As: as("chat", "{y}@phones.example.org")}, "as.chat: has {y}, but home[0] has {x}"},
	{"none in one home", MapSpec{Home: []string{"pbx:{x}", "pbx:1"}, As: chat("{x}")}, "home[1]: has no variable, but home[0] has {x}"},
	{"a variable in as only", MapSpec{Home: []string{"pbx:1"}, As: chat("{x}")}, "as.chat: has {x}, but home[0] has no variable"},
	{"two constraints", MapSpec{Home: []string{"pbx:{x:[0-9]+}"}, As: as("chat", "{x:[a-z]+}@phones.example.org")},
		`as.chat: {x} has two constraints, "[0-9]+" and "[a-z]+"`},
	{"an open brace", MapSpec{Home: []string{"pbx:{x"}, As: chat("{x}")}, "home[0]: unbalanced brace"},
	{"a closed brace", MapSpec{Home: []string{"pbx:x}"}, As: as("chat", "x@phones.example.org")}, "home[0]: unbalanced brace"},
	{"a brace too many", MapSpec{Home: []string{"pbx:{x}}"}, As: chat("{x}")}, "home[0]: unbalanced brace"},
	{"no name of a variable", MapSpec{Home: []string{"pbx:{}"}, As: chat("{x}")}, "home[0]: is no name of a variable"},
	{"an odd name of a variable", MapSpec{Home: []string{"pbx:{a b}"}, As: chat("{x}")}, "home[0]: is no name of a variable"},
	{"side by side", MapSpec{Home: []string{"pbx:{x}{y}"}, As: chat("{x}")}, "home[0]: {x} and {y} need a literal between them"},
	{"twice in a part", MapSpec{Home: []string{"pbx:{x}-{x}"}, As: chat("{x}")}, "home[0]: {x} stands twice in one part"},
	{"no constraint behind the colon", MapSpec{Home: []string{"pbx:{x:}"}, As: chat("{x}")}, "home[0]: the constraint of {x} is empty"},
	{"no regexp", MapSpec{Home: []string{"pbx:{x:*}"}, As: chat("{x}")}, "home[0]: the constraint of {x}: error parsing regexp"},
	{"a regexp that leaves its parenthesis", MapSpec{Home: []string{"pbx:{x:a)|(b}"}, As: chat("{x}")}, "home[0]: error parsing regexp"},
	{"a regexp that only backtracking can do", MapSpec{Home: []string{`pbx:{x:(a)\1}`}, As: chat("{x}")}, "home[0]: error parsing regexp"},
	{"a regexp too long", MapSpec{Home: []string{"pbx:{x:" + strings.Repeat("a", 257) + "}"}, As: chat("{x}")}, "home[0]: longer than 256 bytes"},
	{"a regexp too large", MapSpec{Home: []string{"pbx:{x:((a{100}){100}){100}}"}, As: chat("{x}")}, "home[0]: error parsing regexp"},
	{"a name too long", MapSpec{Home: []string{"pbx:{x}" + strings.Repeat("a", 1024)}, As: chat("{x}")}, "home[0]: longer than 1024 bytes"},
	{"a part is empty", MapSpec{Home: []string{"pbx:{x}"}, As: as("chat", "@phones.example.org")}, "as.chat: a part of the name is empty"},
	{"the last part is empty", MapSpec{Home: []string{"pbx:{x}"}, As: as("chat", "{x}@phones.example.org/")}, "as.chat: a part of the name is empty"},
	{"a literal that is no name", MapSpec{Home: []string{"pbx:a b"}, As: as("chat", "x@phones.example.org")}, "home[0]: no good name"},
	{"outside our domain", MapSpec{Home: []string{"pbx:{x}"}, As: as("chat", "{x}@example.org")}, "as.chat: is outside phones.example.org"},
	{"inside our domain", MapSpec{Home: []string{"chat:{x:[a-z]+}@Phones.Example.Org"}, As: as("pbx", "{x}")}, "home[0]: is inside phones.example.org"},
	{"the same home", MapSpec{Home: []string{"pbx:{x}", "flash:{x}", "pbx:{x}"}, As: chat("{x}")}, "home[2]: is the same as home[0]"},
	{"the same home in other letters", MapSpec{Home: []string{"chat:a@example.org", "chat:A@EXAMPLE.org"}, As: as("pbx", "1")}, "home[1]: is the same as home[0]"},
	{"shown has a variable of nobody", MapSpec{Home: []string{"pbx:{x}"}, As: chat("{x}"), Allow: []string{"chat:{y}@a", "chat:b@a"}, Shown: as("pbx", "{y}")},
		"shown.pbx: {y} stands in no home"},
	{"a name of two lines", MapSpec{Home: []string{"pbx:{x}"}, As: chat("{x}"), Name: "a\nb"}, "name: want one line"},
	{"several at once", MapSpec{Home: []string{"pbx:{x"}, As: as("chat", "{x}@elsewhere")}, "home[0]: unbalanced|as.chat: is outside"},
}

func TestMistakesOfOneMap(t *testing.T) {
	t.Parallel()
	for _, row := range mistakes {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, problems := NewRouter([]MapSpec{row.spec}, fakes())
			if r != nil {
				t.Error("there is a router")
			}
			want := strings.Split(row.want, "|")
			if len(problems) != len(want) {
				t.Fatalf("want %d problems, got\n%s", len(want), problemLines(problems))
			}
			for i, w := range want {
				key, text, _ := strings.Cut(w, ": ")
				if p := problems[i]; p.Key != key || p.Warn || !strings.Contains(p.Msg, text) {
					t.Errorf("want %s, got\n%s", w, problemLines(problems[i:i+1]))
				}
			}
		})
	}
}

func TestMistakesOfAllMapsComeAtOnce(t *testing.T) {
	t.Parallel()
	r, problems := NewRouter([]MapSpec{
		{Home: []string{"pbx:7001"}, As: as("chat", "a@phones.example.org")},
		{Home: []string{"pbx:{"}, As: as("chat", "b@phones.example.org")},
		{Home: []string{"pbx:3"}, As: as("chat", "a@phones.example.org")},
		{Home: []string{"pbx:4"}},
	}, fakes())
	want := strings.Join([]string{
		"?0 home[0]: matches pbx:7001, which is a line of ours there",
		`1 home[0]: unbalanced brace (a literal one is written \{ or \})`,
		`?2 as.chat: is never reached: [[map]] 1 comes first, with "a@phones.example.org"`,
		"3 as: a map needs a name for its party elsewhere",
	}, "\n")
	if got := problemLines(problems); r != nil || got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var mapsTogether = []struct {
	name  string
	specs []MapSpec
	want  string
}{
	{"the particular before the general", []MapSpec{
		{Home: []string{"pbx:1"}, As: chat("one")},
		{Home: []string{"pbx:{x:[0-9]}"}, As: chat("{x}")},
	}, ""},
	{"the particular before the general, which can make its name", []MapSpec{
		{Home: []string{"pbx:1"}, As: chat("one")},
		{Home: []string{"pbx:{x}"}, As: chat("{x}")},
	}, "?1 as.chat: can't be shown where it does not lead back: chat:one@phones.example.org for pbx:one, " +
		`but [[map]] 1 comes first, with "one@phones.example.org"`},
	{"the general first takes the name, and the sender", []MapSpec{
		{Home: []string{"pbx:{x:[a-z0-9]+}"}, As: chat("p{x}")},
		{Home: []string{"pbx:1"}, As: chat("pone")},
	}, `?1 home[0]: is never shown by this map's as.chat: [[map]] 1 comes first, with "{x:[a-z0-9]+}"` + "\n" +
		`?1 as.chat: is never reached: [[map]] 1 comes first, with "p{x}@phones.example.org"`},
	{"the same pattern with other names of variables", []MapSpec{
		{Home: []string{"pbx:1{x:[0-9]+}"}, As: chat("{x}"), Name: "Ones"},
		{Home: []string{"pbx:2{y:[0-9]+}"}, As: chat("{y}")},
	}, `?1 as.chat: is never reached: [[map]] 1 (Ones) comes first, with "{x}@phones.example.org"`},
	{"one without constraints covers one with", []MapSpec{
		{Home: []string{"pbx:1{x}"}, As: chat("{x}")},
		{Home: []string{"pbx:2{y:[0-9]+}"}, As: chat("a-{y}")},
	}, `?1 as.chat: is never reached: [[map]] 1 comes first, with "{x}@phones.example.org"`},
	{"one without constraints that covers no more than a part", []MapSpec{
		{Home: []string{"pbx:1{x}"}, As: chat("a-{x}")},
		{Home: []string{"pbx:2{y:[0-9]+}"}, As: chat("{y}")},
	}, ""},
	{"the earlier is only for some, and not led back to", []MapSpec{
		{Home: []string{"pbx:1"}, As: chat("office"), From: []string{"chat:{x}@example.org"}},
		{Home: []string{"pbx:2"}, As: chat("office")},
	}, "?1 as.chat: can't be shown where it does not lead back: chat:office@phones.example.org for pbx:2, " +
		`but [[map]] 1 comes first, with "office@phones.example.org"`},
	{"a person of two maps leads back all the same", []MapSpec{
		{Home: []string{"pbx:1"}, As: chat("office"), From: []string{"chat:{x}@example.org"}},
		{Home: []string{"pbx:1", "flash:1"}, As: chat("office")},
	}, `?1 home[0]: is never shown by this map's as.chat: [[map]] 1 comes first, with "1"` + "\n" +
		"?1 as.chat: can't be shown where it does not lead back: chat:office@phones.example.org for flash:1, " +
		`but [[map]] 1 comes first, with "office@phones.example.org"`},
	{"two patterns share names", []MapSpec{
		{Home: []string{"pbx:{x:[0-9]+}"}, As: chat("{x}")},
		{Home: []string{"chat:{u:[a-z0-9]{2,8}}@example.org"}, As: chat("{u}")},
	}, "?1 as.chat: can't be shown where it does not lead back: chat:00@phones.example.org for chat:00@example.org, " +
		`but [[map]] 1 comes first, with "{x}@phones.example.org"`},
	{"two patterns share no name", []MapSpec{
		{Home: []string{"pbx:{x:[0-9]+}"}, As: chat("{x}")},
		{Home: []string{"chat:{u:[a-z][a-z0-9]*}@example.org"}, As: as("pbx", "{u}", "chat", "{u}@phones.example.org")},
	}, ""},
	{"a made name may be another's home", []MapSpec{
		{Home: []string{"pbx:2001"}, As: chat("x")},
		{Home: []string{"chat:{u:[a-z0-9]+}@example.org"}, As: as("pbx", "{u}")},
	}, "?1 as.pbx: can't be shown where it is another party's home: pbx:2001 for chat:2001@example.org, by home[0] of [[map]] 1"},
	{"a made name may be one of another's homes with a constraint", []MapSpec{
		{Home: []string{"pbx:{e:[0-9]{4}}"}, As: chat("{e}")},
		{Home: []string{"chat:{u:[a-z0-9]+}@example.org"}, As: as("pbx", "{u}")},
	}, "?1 as.pbx: can't be shown where it is another party's home: pbx:0000 for chat:0000@example.org, by home[0] of [[map]] 1"},
	{"a made name and homes open to all", []MapSpec{
		{Home: []string{"pbx:{e}"}, As: chat("{e}")},
		{Home: []string{"chat:{u:[a-z]+}@example.org"}, As: as("pbx", "{u}")},
		{Home: []string{"chat:{u:[0-9]+}@example.org"}, As: as("pbx", "{u}")},
	}, "0 home[0]: takes every name, also those that as.pbx of [[map]] 2 makes, such as pbx:a: give its variable a constraint"},
	{"homes that are open, but not to those names", []MapSpec{
		{Home: []string{"pbx:0{e}"}, As: chat("{e}")},
		{Home: []string{"chat:{u:[a-z]+}@example.org"}, As: as("pbx", "{u}")},
	}, ""},
	{"a literal name that is a home may be one, but leads elsewhere", []MapSpec{
		{Home: []string{"pbx:2001"}, As: chat("x")},
		{Home: []string{"chat:u@example.org"}, As: as("pbx", "2001")},
	}, `?0 home[0]: matches as.pbx = "2001" of [[map]] 2, such as pbx:2001: what is addressed to it goes elsewhere`},
	{"phones that dial each other", []MapSpec{
		{Home: []string{"pbx:{ext:[0-9]+}"}, As: as("pbx", "{ext}")},
	}, ""},
	{"phones that dial each other, and a name of another", []MapSpec{
		{Home: []string{"pbx:{ext}"}, As: as("pbx", "{ext}")},
		{Home: []string{"chat:u@example.org"}, As: as("pbx", "u")},
	}, `?1 as.pbx: is never reached: [[map]] 1 comes first, with "{ext}"`},
	{"a made name may be the home of another party of the map", []MapSpec{
		{Home: []string{"pbx:{x:[0-9]+}", "chat:{x}@example.org"}, As: as("pbx", "9{x}")},
	}, "?0 as.pbx: can't be shown where it is another party's home: pbx:90 for chat:0@example.org, by home[0] of [[map]] 1"},
	{"and is no mistake where the homes are open", []MapSpec{
		{Home: []string{"pbx:{x}", "chat:{x}@example.org"}, As: as("pbx", "9{x}")},
	}, "?0 as.pbx: can't be shown where it is another party's home: pbx:9a for chat:a@example.org, by home[0] of [[map]] 1"},
	{"a name that is read otherwise than it was made", []MapSpec{
		{Home: []string{"chat:{x}-{y}@example.org"}, As: as("pbx", "{y}-{x}")},
	}, `?0 as.pbx: can't be shown where {y} has "-" in it, as for chat:a-b-b@example.org: the sender's name there does not lead back`},
	{"a name that is read as it was made", []MapSpec{
		{Home: []string{"chat:{x}-{y}@example.org"}, As: as("pbx", "{x}-{y}")},
		{Home: []string{"chat:{x:[0-9]+}+{y:[a-z]+}@example.org"}, As: as("jam", "{y}-{x}")},
	}, ""},
	{"devices of one account", []MapSpec{
		{Home: []string{"chat:a@example.org/desk"}, As: as("pbx", "1")},
		{Home: []string{"chat:a@example.org"}, As: as("pbx", "2")},
		{Home: []string{"chat:a@example.org/car"}, As: as("pbx", "3")},
	}, `?2 home[0]: is never shown by this map's as.pbx: [[map]] 2 comes first, with "a@example.org"`},
}

func TestWhatMapsDoToEachOther(t *testing.T) {
	t.Parallel()
	for _, row := range mapsTogether {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			adapters := fakes()
			adapters["pbx"] = lineNamer()
			r, problems := NewRouter(row.specs, adapters)
			if got := problemLines(problems); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
			if fails := strings.HasPrefix(row.want, "0"); (r == nil) != fails {
				t.Errorf("a router: %v", r != nil)
			}
		})
	}
}

func TestHomesThatAreLinesOfOursAreWarnedOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, home, want string }{
		{"a literal", "pbx:7001", "?0 home[0]: matches pbx:7001, which is a line of ours there"},
		{"variables", "pbx:{x:[78]}00{y:[0-9]}", "?0 home[0]: matches pbx:7001, which is a line of ours there"},
		{"another number", "pbx:7002", ""},
		{"another adapter", "flash:7001", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			name := "x"
			if strings.Contains(row.home, "{") {
				name = "{x}-{y}"
			}
			spec := MapSpec{Home: []string{row.home}, As: as("chat", name+"@phones.example.org")}
			if _, problems := NewRouter([]MapSpec{spec}, fakes()); problemLines(problems) != row.want {
				t.Errorf("got\n%s\nwant\n%s", problemLines(problems), row.want)
			}
		})
	}
}

func TestThousandsOfMapsWithVariablesAreCheckedInBounds(t *testing.T) {
	t.Parallel()
	specs := make([]MapSpec, 600)
	for i := range specs {
		specs[i] = MapSpec{
			Home: []string{fmt.Sprintf("chat:{x:[a-z]{3}}@d%d.example", i)},
			As:   as("pbx", fmt.Sprintf("{x}%d", i)),
		}
	}
	if _, problems := NewRouter(specs, fakes()); len(problems) > 0 {
		t.Errorf("got\n%s", problemLines(problems))
	}
}
