package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
)

// places gives problems as "line:col: key", with "!" for a warning.
func places(problems []Problem) []string {
	var list []string
	for _, p := range problems {
		s := fmt.Sprintf("%d:%d: %s", p.Line, p.Col, p.Key)
		if p.Warn {
			s += "!"
		}
		list = append(list, s)
	}
	return list
}

func TestRouterProblemsHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	const text = `[sip.pbx]
listen = ["udp:[::]:5060"]
[[map]]
home = "pbx:1"
as = { pbx = "x",
  chat = "y" }
[[map]]
home = ["pbx:1",
  "pbx:2"]
from = "pbx:3"
[map.shown]
pbx = "z"
`
	tests := []struct {
		problem bridge.Problem
		want    string
	}{
		{bridge.Problem{Map: 0, Key: ""}, "3:3: map[0]"},
		{bridge.Problem{Map: 0, Key: "home[0]"}, "4:8: map[0].home"},
		{bridge.Problem{Map: 0, Key: "home[1]"}, "4:8: map[0].home[1]"},
		{bridge.Problem{Map: 0, Key: "as.chat", Warn: true}, "6:10: map[0].as.chat!"},
		{bridge.Problem{Map: 0, Key: "as"}, "5:6: map[0].as"},
		{bridge.Problem{Map: 0, Key: "as.flash"}, "5:6: map[0].as.flash"},
		{bridge.Problem{Map: 1, Key: "home[1]"}, "9:3: map[1].home[1]"},
		{bridge.Problem{Map: 1, Key: "from[0]"}, "10:8: map[1].from"},
		{bridge.Problem{Map: 1, Key: "shown.pbx"}, "12:7: map[1].shown.pbx"},
		{bridge.Problem{Map: 1, Key: "as"}, "7:3: map[1].as"},
		{bridge.Problem{Map: 7, Key: "as"}, "1:1: as"},
		{bridge.Problem{Map: -1}, "1:1: "},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			l := fakeLoader("mapping.toml")
			l.router = func(specs []bridge.MapSpec, names map[string]bridge.Namer) (*bridge.Router, []bridge.Problem) {
				if len(specs) != 2 || names["pbx"] == nil || !slices.Equal(specs[0].Home, []string{"pbx:1"}) {
					t.Errorf("got %v and %v", specs, names)
				}
				tt.problem.Msg = "is wrong"
				return nil, []bridge.Problem{tt.problem}
			}
			_, problems := l.load([]byte(text))
			if got := places(problems); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAConsequenceIsNotReported(t *testing.T) {
	t.Parallel()
	const pbx = "[sip.pbx]\nlisten = ['x']\n"
	tests := []struct {
		name, text string
		router     []bridge.Problem
		want       []string
	}{
		{"of a wrong type", "[sip.pbx]\nlisten = 1", nil, []string{"2:10: sip.pbx.listen"}},
		{"of a misspelt key", "[sip.pbx]\nlistn = ['x']", nil, []string{"2:1: sip.pbx.listn"}},
		{"of a wrong element", "[sip.pbx]\nlisten = ['udp', 1]", nil, []string{"2:11: sip.pbx.listen[0]", "2:18: sip.pbx.listen[1]"}},
		{"of a key in a table, for the table", "[sip.pbx]\nlisten = ['x']\ndomain = ''\npeer = 1", nil, []string{"4:8: sip.pbx.peer"}},
		{"but one in the next table is", pbx + "domain = ''\n[sip.b]\npeer = 1", nil, []string{"1:6: sip.pbx", "4:6: sip.b.listen", "5:8: sip.b.peer"}},
		{"of a secret's missing file", "[xmpp.chat]\nsecret_file = 'x'", nil, []string{"2:15: xmpp.chat.secret_file"}},
		{
			"of a wrong home", pbx + "[[map]]\nhome = 1",
			[]bridge.Problem{{Key: "home"}, {Key: ""}, {Key: "as"}},
			[]string{"3:3: map[0].as", "4:8: map[0].home"},
		},
		{
			"of an adapter that this version has not", pbx + "[rtmp.jam]\n[[map]]\nhome = ['jam:a', 'pbx:1']\nas.jam = 'x'\nshown.jam = 'x'",
			[]bridge.Problem{{Key: "home[0]"}, {Key: "home[1]"}, {Key: "as.jam"}, {Key: "shown.jam"}, {Key: ""}},
			[]string{"3:2: rtmp", "5:18: map[0].home[1]"},
		},
		{
			"of an adapter of a misspelt kind", pbx + "[spi.jam]\n[[map]]\nas.jam = 'x'",
			[]bridge.Problem{{Key: "as.jam"}, {Key: ""}},
			[]string{"3:2: spi"},
		},
		{
			"of an adapter with a wrong name", pbx + "[sip.Jam]\nlisten = ['x']\n[[map]]\nas.Jam = 'x'",
			[]bridge.Problem{{Key: "as.Jam"}},
			[]string{"3:6: sip.Jam"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := fakeLoader("mapping.toml")
			l.router = func([]bridge.MapSpec, map[string]bridge.Namer) (*bridge.Router, []bridge.Problem) {
				return nil, tt.router
			}
			_, problems := l.load([]byte(tt.text))
			problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Warn })
			if got := places(problems); !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTheNodeIsNamedAfterTheHost(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, host, want string }{
		{"as it is", "gw1.example.org", "gw1.example.org"},
		{"what does not fit is replaced", "Gw_1é", "Gw-1"},
		{"not first or last", "-_gw_-", "gw"},
		{"long", strings.Repeat("a", 62) + "-" + strings.Repeat("b", 62), strings.Repeat("a", 62)},
		{"without one it must be given", "", ""},
		{"nothing that fits", "é", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := fakeLoader("mapping.toml")
			l.host = func() (string, error) {
				if tt.host == "" {
					return "", errors.New("no name")
				}
				return tt.host, nil
			}
			f, problems := l.load([]byte(small))
			switch {
			case tt.want == "" && !slices.Equal(places(problems), []string{"1:1: gateway.node"}):
				t.Errorf("got %v", problems)
			case tt.want != "" && (f == nil || f.Gateway.Node != tt.want):
				t.Errorf("got %v, %v", f, problems)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	f := mustLoad(t, small)
	want := "[gateway]\nnode = \"Gw-1.example.org\"\nstate = \"etc/state\"\nlog = \"info\"\nlog_format = \"text\"\ndrain = \"30s\"\n\n" +
		"[limits]\nmessages_per_sender = 300\nmessages_per_second = 200\nexpire = \"72h\"\n" +
		"calls = 1000\ncalls_per_sender = 50\ncalls_per_second = 100\ntranscoded = 100\n\n" +
		"[media]\nports = \"20000-29999\"\ndead = \"1m\"\nprocess = false\n\n"
	var b strings.Builder
	if err := f.Print(&b); err != nil || !strings.HasPrefix(b.String(), want) {
		t.Errorf("got\n%s\nwant\n%s%v", &b, want, err)
	}
	if f.Gateway.Level() != slog.LevelInfo {
		t.Errorf("level %v", f.Gateway.Level())
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	} {
		if got := mustLoad(t, "[gateway]\nlog = '"+word+"'\n"+small).Gateway.Level(); got != want {
			t.Errorf("%s: got %v", word, got)
		}
	}
}

func TestHTTPAddresses(t *testing.T) {
	t.Parallel()
	for addr, good := range map[string]bool{
		"": true, "127.0.0.1:8080": true, "[::1]:0": true, ":65535": true, "localhost:80": true, "[fe80::1%eth0]:80": true,
		"127.0.0.1": false, "127.0.0.1:": false, "127.0.0.1:65536": false, "::1:80": false, "a b:80": false,
		"http://127.0.0.1:80": false, "127.0.0.1:http": false, "user@host:80": false, "host:-1": false,
	} {
		if msg := checkHTTP(addr); (msg == "") != good {
			t.Errorf("%q: %q", addr, msg)
		}
	}
}

func TestFilesThatCantBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := filepath.Join(dir, "long.toml")
	if err := os.WriteFile(long, []byte(strings.Repeat("#\n", maxFile/2)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.toml"): "no such file",
		dir:                             "is a directory",
		long:                            "is longer than 1024 KiB",
	} {
		f, problems := Load(file, fakeKinds())
		if f != nil || len(problems) != 1 || !strings.Contains(problems[0].Msg, want) || problems[0].File != file {
			t.Errorf("%s: got %v, %v", file, f, problems)
		}
		if got := problems[0].String(); !strings.HasPrefix(got, file+":1:1: ") {
			t.Errorf("got %s", got)
		}
	}
}

func TestProblemsAreOneLineWhateverTheFileSays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, want string
	}{
		{"control characters in a key", "\"a\\u001b[2J\\nb\" = 1", `m.toml:1:1: "a\u001B[2J\nb": unknown key`},
		{"a long key", strings.Repeat("k", 9999) + " = 1", `m.toml:1:1: "` + strings.Repeat("k", maxPath) + `…": unknown key`},
		{"text that does not print", "[gateway]\ndrain = \"\\u202e\"", `m.toml:2:9: gateway.drain: want a duration, as in "500ms", "30s" or "1h30m", not "\u202e"`},
		{"a long text", "[gateway]\ndrain = \"" + strings.Repeat("k", 9999) + "\"", `m.toml:2:9: gateway.drain: want a duration, as in "500ms", "30s" or "1h30m", not "` + strings.Repeat("k", 128) + `…"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := fakeLoader("m.toml").load([]byte(tt.text))
			problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Warn })
			if len(problems) != 1 || problems[0].String() != tt.want {
				t.Errorf("got %v\nwant %s", problems, tt.want)
			}
		})
	}
	p := Problem{File: "m\n.toml", Line: 1, Col: 2, Key: "a", Msg: "one\ntwo", Warn: true}
	if got, want := p.String(), `m\n.toml:1:2: a: warning: one\ntwo`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNearestKey(t *testing.T) {
	t.Parallel()
	known := []string{"node", "state", "http", "log", "log_format", "drain", "to"}
	for word, want := range map[string]string{
		"nodes": "node", "noed": "node", "Node": "node", "stat": "state", "logformat": "log_format", "lgo": "log",
		"x": "", "": "", "ring": "", "completely": "", "t": "to", "zz": "", strings.Repeat("n", 99): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestASTUNServerHasHostAndPort(t *testing.T) {
	t.Parallel()
	for stun, ok := range map[string]bool{
		"": true, "stun.example.org:3478": true, "192.0.2.1:3478": true, "[2001:db8::1]:3478": true,
		"stun.example.org": false, ":3478": false, "stun.example.org:0": false, "stun.example.org:stun": false, "h:65536": false,
	} {
		if got := (Media{STUN: stun}).reflects(); got != ok {
			t.Errorf("%q: taken %v, want %v", stun, got, ok)
		}
	}
}

func TestTheRangeOfMediaPorts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, ports string
		first, last uint16
		ok          bool
	}{
		{"as usual", "20000-29999", 20000, 29999, true},
		{"an odd port is left out", "20001-29999", 20002, 29999, true},
		{"room for one call", "20000-20003", 20000, 20003, true},
		{"room for half a call", "20000-20002", 0, 0, false},
		{"up to the last", "1024-65535", 1024, 65535, true},
		{"too high", "1024-65536", 0, 0, false},
		{"privileged", "1000-2000", 0, 0, false},
		{"backwards", "30000-20000", 0, 0, false},
		{"one port", "20000", 0, 0, false},
		{"no number", "a-b", 0, 0, false},
		{"signs", "+20000-29999", 0, 0, false},
		{"none", "", 0, 0, false},
	} {
		first, last, ok := Media{Ports: row.ports}.Range()
		if first != row.first || last != row.last || ok != row.ok {
			t.Errorf("%s: %d-%d, %v", row.name, first, last, ok)
		}
	}
}
