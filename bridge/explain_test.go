package bridge

import (
	"errors"
	"strings"
	"testing"
)

var explanations = []struct{ name, from, to, want string }{
	{"with a sender", "chat:alice@example.org/desk", "chat:1001@phones.example.org", `chat:1001@phones.example.org
  is taken by [[map]] 2, as.chat = "{ext}@phones.example.org", ext = "1001"
  goes to pbx:1001
    chat:alice@example.org/desk is shown as pbx:7001 (Alice Example) by [[map]] 1 (Alice Example), as.pbx = "7001"
`},
	{"to several homes", "pbx:2001", "pbx:7001", `pbx:7001
  is taken by [[map]] 1 (Alice Example), as.pbx = "7001"
  goes to chat:alice@example.org
    pbx:2001 is shown as chat:alice@phones.example.org (Alice Example) by [[map]] 1 (Alice Example), as.chat = "alice@phones.example.org"
  not to pbx:2001: it is the sender
  goes to flash:alice
    pbx:2001 is shown as flash:alice (Alice Example) by [[map]] 1 (Alice Example), as.flash = "alice"
`},
	{"a sender without a name", "chat:bob@example.org", "chat:grp+tim@phones.example.org", `chat:grp+tim@phones.example.org
  is taken by [[map]] 4, as.chat = "grp+{member}@phones.example.org", member = "tim"
  not to jam:tim@orchestra: no map gives the sender a name there
  no home is left: forbidden
`},
	{"shown for all alike, to those who may", "chat:bob@example.org", "chat:+49301234@phones.example.org", `chat:+49301234@phones.example.org
  is taken by [[map]] 5, as.chat = "+49{number}@phones.example.org", number = "301234"
  allow = ["chat:{user}@example.org"]
  goes to pbx:0301234
    chat:bob@example.org is shown as pbx:+4930123450 by [[map]] 5, shown.pbx = "+4930123450"
`},
	{"and not to others", "chat:bob@example.com", "chat:+49301234@phones.example.org", `chat:+49301234@phones.example.org
  is taken by [[map]] 5, as.chat = "+49{number}@phones.example.org", number = "301234"
  allow = ["chat:{user}@example.org"]
  its allow does not match chat:bob@example.com: forbidden
`},
	{"on its own network", "pbx:3001", "pbx:7001", `pbx:7001
  is taken by [[map]] 1 (Alice Example), as.pbx = "7001"
  goes to chat:alice@example.org
    pbx:3001 is shown as chat:3001@phones.example.org by [[map]] 2, as.chat = "{ext}@phones.example.org"
  goes to pbx:2001
    pbx:3001 is shown as itself
  goes to flash:alice
    pbx:3001 is shown as flash:3001 by [[map]] 2, as.flash = "{ext}"
`},
	{"without a sender", "", "chat:b+x@phones.example.org", `chat:b+x@phones.example.org
  is taken by [[map]] 6, as.chat = "b+{y}@phones.example.org", y = "x"
  from = ["chat:{z}@example.org"]
  goes to pbx:#x
  goes to flash:#x
`},
	{"a home that can't be", "", "chat:b+x y@phones.example.org", `chat:b+x y@phones.example.org
  is taken by [[map]] 6, as.chat = "b+{y}@phones.example.org", y = "x y"
  from = ["chat:{z}@example.org"]
  not to pbx:#{y}: home: no name of a fake
  not to flash:#{y}: home: no name of a fake
  no home is left: malformed
`},
	{"nobody", "", "chat:9@phones.example.org", "chat:9@phones.example.org: no [[map]] takes it: not-found\n"},
	{"no adapter", "", "fax:9", "fax:9: no such adapter\n"},
	{"no name", "", "pbx:a b", "pbx:a b: no name of a fake\n"},
	{"no sender", "pbx:a b", "pbx:7001", "sender pbx:a b: no name of a fake\n"},
	{"what a terminal would obey", "", "pbx:\x1b[2J", `"pbx:\x1b[2J": no [[map]] takes it: not-found` + "\n"},
}

func TestExplain(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, append(exampleSpecs(), MapSpec{
		Home: []string{"pbx:#{y}", "flash:#{y}"}, As: as("chat", "b+{y}@phones.example.org"), From: []string{"chat:{z}@example.org"},
	}), fakes())
	for _, row := range explanations {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var from *Party
			if row.from != "" {
				p := party(t, row.from)
				from = &p
			}
			var b strings.Builder
			ok := r.Explain(&b, from, party(t, row.to).Address)
			if b.String() != row.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), row.want)
			}
			if want := strings.Contains(row.want, "goes to"); ok != want {
				t.Errorf("it reports %v", ok)
			}
		})
	}
}

func TestTheMapsArePrintedAsTheyAre(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, exampleSpecs()[3:], fakes())
	want := `[[map]] 1
  home  jam:{member:[a-z][a-z0-9-]*}@orchestra
  as    chat:grp+{member}@phones.example.org
[[map]] 2
  home  pbx:0{number:[1-9][0-9]{5,14}}
  as    chat:+49{number}@phones.example.org
  allow = ["chat:{user}@example.org"]
  shown pbx:+4930123450
`
	var b strings.Builder
	if err := r.Print(&b); err != nil || b.String() != want {
		t.Errorf("got\n%s, %v", b.String(), err)
	}
}

type fullWriter struct{}

var errWriter = errors.New("full")

func (fullWriter) Write([]byte) (int, error) { return 0, errWriter }

func TestAnExplanationThatCannotBeWrittenIsNone(t *testing.T) {
	t.Parallel()
	r := newTestRouter(t, exampleSpecs(), fakes())
	if r.Explain(fullWriter{}, nil, Address{"chat", "1001@phones.example.org"}) || r.Print(fullWriter{}) == nil {
		t.Error("a failed write passes")
	}
}

func TestExplainTellsTheTermsOfCalls(t *testing.T) {
	t.Parallel()
	r, problems := NewRouter([]MapSpec{{
		Home: []string{"flash:alice"}, As: map[string]string{"pbx": "9"},
		Calls: Terms{Hunt: true, Codecs: []string{"opus"}, Early: true, Private: true, Caps: Caps{Calls: 2}},
	}}, fakes())
	if r == nil {
		t.Fatal(problems)
	}
	var b strings.Builder
	if !r.Explain(&b, nil, Address{"pbx", "9"}) {
		t.Error("leads nowhere")
	}
	want := "  calls: ring = \"30s\", hunt = true, codecs = [\"opus\"], early = true, privacy = true," +
		" caps = { calls = 2, per_hour = 0, minutes_per_day = 0 }\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}
