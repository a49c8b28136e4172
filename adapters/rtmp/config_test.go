package rtmp

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
)

// problems are what Check finds, as "key: message".
func problems(c *Config) []string {
	var all []string
	c.Check(func(key, msg string) { all = append(all, key+": "+msg) })
	return all
}

// good is a configuration without a mistake.
func good() *Config {
	c := NewConfig()
	c.Listen = []string{"rtmp:127.0.0.1:1935"}
	c.Accounts = map[string]Account{"alice": {Password: "secret"}}
	return c
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want   string // part of the only problem; "" for none
		change func(*Config)
	}{
		{"", func(*Config) {}},
		{"", func(c *Config) {
			c.Listen = append(c.Listen, "rtmps:[::]:443")
			c.UseTLS(&tls.Config{MinVersion: tls.VersionTLS12})
		}},
		{"", func(c *Config) { c.Accounts, c.Enroll = nil, []string{"pbx"} }},
		{"", func(c *Config) { c.Listen, c.Accounts = nil, nil }},
		{"", func(c *Config) {
			c.Streams = map[string]Stream{"radio": {URL: "rtmp://me:pw@radio.example/live/one#pull"}}
		}},
		{`listen[0]: want "rtmp:"`, func(c *Config) { c.Listen = []string{"udp:[::]:1935"} }},
		{`listen[0]: want "rtmp:"`, func(c *Config) { c.Listen = []string{"rtmp:localhost:1935"} }},
		{"listen[1]: is there twice", func(c *Config) { c.Listen = append(c.Listen, c.Listen[0]) }},
		{"listen[0]: rtmps needs [tls]", func(c *Config) { c.Listen = []string{"rtmps:[::]:443"} }},
		{"accounts: are missing", func(c *Config) { c.Accounts = nil }},
		{"accounts: needs listen", func(c *Config) { c.Listen = nil }},
		{"accounts.a b: is not a name", func(c *Config) { c.Accounts["a b"] = Account{Password: "x"} }},
		{"accounts.bob.password: is missing", func(c *Config) { c.Accounts["bob"] = Account{} }},
		{"streams.alice: is an account too", func(c *Config) { c.Streams = map[string]Stream{"alice": {URL: "rtmp://h/a/b"}} }},
		{"streams.radio.url: want rtmp://", func(c *Config) { c.Streams = map[string]Stream{"radio": {URL: "http://h/a/b"}} }},
		{"streams.radio.url: want an application", func(c *Config) { c.Streams = map[string]Stream{"radio": {URL: "rtmp://h/a"}} }},
		{"streams.radio.url: want #pull", func(c *Config) { c.Streams = map[string]Stream{"radio": {URL: "rtmp://h/a/b#both"}} }},
		{"", func(c *Config) { c.Push = []string{"pcmu", "speex"} }},
		{`push[1]: want "aac", "speex"`, func(c *Config) { c.Push = []string{"speex", "opus"} }},
		{"push[1]: stands here twice", func(c *Config) { c.Push = []string{"speex", "speex"} }},
		{`streams.radio.push[0]: want "aac"`, func(c *Config) {
			c.Streams = map[string]Stream{"radio": {URL: "rtmp://h/a/b", Push: []string{""}}}
		}},
		{"enroll[1]: is one too many", func(c *Config) { c.Enroll = []string{"pbx", "other"} }},
		{"other_logins: needs enroll", func(c *Config) { c.OtherLogins = true }},
		{`domains[0]: "a b" is not a domain`, func(c *Config) { c.Domains = []string{"a b"} }},
		{"max_clients: want 1 to", func(c *Config) { c.MaxClients = 0 }},
		{"max_per_address: want 1 to", func(c *Config) { c.MaxPerAddress = 1 << 30 }},
	} {
		cfg := good()
		c.change(cfg)
		got := problems(cfg)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if _, err := New(cfg, bridge.Env{Name: "flash"}); c.want == "" && err != nil {
			t.Error(err)
		}
	}
}

// TestNoPasswordInProblems: what is wrong with a URL is said without it.
func TestNoPasswordInProblems(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"rtmp://me:hush@h", "rtmp://me:hush@[::1/a/b", "rtmp://me:hush@h/a/b#x", "http://me:hush@h/a/b", "rtmp://me:hush@/a/b"} {
		c := good()
		c.Streams = map[string]Stream{"radio": {URL: bridge.Secret(url)}}
		got := problems(c)
		if len(got) == 0 || strings.Contains(strings.Join(got, " "), "hush") {
			t.Errorf("%s: %q", url, got)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	c := good()
	c.Listen = []string{"rtmp:[::]:1935", "rtmps:127.0.0.1:443", "rtmp:127.0.0.1:0", "nonsense"}
	want := []string{"tcp 0.0.0.0:1935", "tcp 127.0.0.1:443", "tcp [::]:1935"}
	if got := c.Claims(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	naming := NewConfig().Naming()
	for text, want := range map[string]string{
		"alice": "alice", "Ünï": "Ünï", "rtmp://LIVE.example.org/app/Key": "rtmp://live.example.org/app/Key",
		"rtmp://h:1935/a/b": "rtmp://h/a/b", "rtmps://h/a/b/c?x=1&y=2#push": "rtmps://h/a/b/c?x=1&y=2", "rtmp://h/a/b#pull": "rtmp://h/a/b#pull",
		"": "", "a b": "", "a/b": "", "a\nb": "", "\xff": "", "rtmp://h": "", "rtmp://u:p@h/a/b": "", "http://h/a/b": "", strings.Repeat("a", 257): "",
	} {
		n, err := naming.Parse(text)
		if (err == nil) != (want != "") || err == nil && naming.Text(n) != want {
			t.Errorf("%q is %q, %v; want %q", text, naming.Text(n), err, want)
		}
	}
}

func TestUsesOfNames(t *testing.T) {
	t.Parallel()
	c := good()
	c.Streams = map[string]Stream{"radio": {URL: "rtmp://h/a/b#pull"}}
	specs := func(home, as string) []bridge.MapSpec {
		return []bridge.MapSpec{{Home: []string{"flash:" + home}, As: map[string]string{"flash": as}}}
	}
	for _, u := range []struct{ home, as, want string }{
		{"alice", "alice", ""}, {"radio", "music", ""}, {"rtmp://h/a/b", "live", ""}, {"{u:[a-z]+}", "{u}", ""},
		{"rtmp://h/a/{u:[a-z]+}", "{u}", ""}, {"rtmp://{u:[a-z]+}/a/b", "{u}", "a variable in the host"}, {"rtmp://h{u:[a-z]+}/a/b", "{u}", "a variable in the host"},
		{"nobody", "x", "is no account"}, {"alice", "rtmp://h/a/b", "a URL is where"},
	} {
		_, found := bridge.NewRouter(specs(u.home, u.as), map[string]bridge.Namer{"flash": c})
		var bad []string
		for _, p := range found {
			if !p.Warn {
				bad = append(bad, p.Msg)
			}
		}
		if (u.want == "") != (len(bad) == 0) || u.want != "" && !strings.Contains(strings.Join(bad, " "), u.want) {
			t.Errorf("home %s as %s: %q, want %q", u.home, u.as, bad, u.want)
		}
	}
	c.Enroll = []string{"pbx"}
	if _, found := bridge.NewRouter(specs("nobody", "x"), map[string]bridge.Namer{"flash": c}); slices.ContainsFunc(found, func(p bridge.Problem) bool { return !p.Warn }) {
		t.Errorf("with enroll: %v", found)
	}
}

// anyNames are those of an adapter that takes any.
type anyNames struct{}

func (anyNames) Naming() bridge.Naming                        { return bridge.Naming{} }
func (anyNames) Own() []string                                { return nil }
func (anyNames) CheckName(bridge.Role, bridge.Pattern) string { return "" }

// TestNobodyChoosesTheServerOfAStream: a home with a variable leads to the server that
// the mapping file has written, whatever a caller dials.
func TestNobodyChoosesTheServerOfAStream(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		home, dialled string
		ok            bool
	}{
		{"{u}", "alice", true}, {"{u}", "rtmp://inside.example/a/b", false}, {"x{u}", "rtmp://inside.example/a/b", false}, {"rtm{u}", "p://inside.example/a/b", false},
		{"rtmp://live.example/app/{u}", "key", true}, {"rtmp://LIVE.example:1935/{u}", "app/key", true}, {"rtmp://live.example/a/{u}", "b@inside.example/c", true},
		{"rtmp://live.example/{u}", "/rtmp://inside.example/x", false},
		{`\{{u}`, "rtmp://inside.example/a/b", false},
	} {
		router, found := bridge.NewRouter([]bridge.MapSpec{{Home: []string{"flash:" + c.home}, As: map[string]string{"phones": "{u}"}}},
			map[string]bridge.Namer{"flash": good(), "phones": anyNames{}})
		if router == nil {
			t.Errorf("%s: %v", c.home, found)
			continue
		}
		var text strings.Builder
		router.Explain(&text, nil, bridge.Address{Adapter: "phones", Name: c.dialled})
		if got := strings.Contains(text.String(), "goes to flash:"); got != c.ok {
			t.Errorf("%s, %s: %s", c.home, c.dialled, text.String())
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]address{
		"bob": {user: "bob"}, "sip:bob@x.example": {user: "bob", domain: "x.example"}, "tel:+49301": {user: "+49301"},
		`"Bob B" <sip:bob@X.example:5060;transport=tcp>`: {user: "bob", domain: "x.example", display: "Bob B"},
		"<bob>": {user: "bob"}, "SIP:b%20b@h": {}, "bo%62@[::1]:5060": {user: "bob", domain: "::1"}, "b@127.0.0.1": {user: "b", domain: "127.0.0.1"},
		"": {}, "@x": {}, "bob@": {}, "<bob": {}, "a/b": {}, "bob@x y": {}, "%zz": {},
	} {
		got, ok := parseAddress(text)
		if ok != (want.user != "") || ok && got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, ok, want)
		}
	}
}

func TestApps(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]app{
		"sip/alice@x.example": {kind: appSIP, user: "alice", domain: "x.example"}, "sip/alice/7f3a": {kind: appSIP, user: "alice"},
		"call": {kind: appCall}, "call/": {kind: appCall}, "call/alice": {kind: appCall, user: "alice"}, "/call/alice/": {kind: appCall, user: "alice"},
		"phone": {kind: appPhone}, "sip": {kind: appWrong}, "call/a/b": {kind: appWrong}, "live": {kind: appWrong}, "": {kind: appWrong}, "sip/a b": {kind: appWrong},
	} {
		got := parseApp(text)
		got.query = nil
		if got.kind != want.kind || got.user != want.user || got.domain != want.domain {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
	a := parseApp("call/alice?authmod=adobe&user=alice&response=a/b==")
	if a.user != "alice" || a.query.Get("response") != "a/b==" {
		t.Errorf("with a query: %+v", a)
	}
}

// FuzzNames: no name, URL, address or application that a client or a file gives
// does harm, and what is taken is taken again.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{
		"alice", "rtmp://h/a/b?x#pull", `"B" <sip:b@h;x>`, "tel:+1", "sip/alice@h/x?y=z", "call/alice?authmod=adobe", "phone", "rtmps://[::1]:1/a/b/c",
	} {
		f.Add(seed)
	}
	naming := NewConfig().Naming()
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := naming.Parse(text); err == nil {
			again, err := naming.Parse(naming.Text(n))
			if err != nil || again != n {
				t.Fatalf("%q is %q, then %q, %v", text, n.Main, again.Main, err)
			}
		}
		if a, ok := parseAddress(text); ok && !isPlain(a.user) {
			t.Fatalf("%q is %+v", text, a)
		}
		if a := parseApp(text); a.user != "" && !isPlain(a.user) {
			t.Fatalf("%q is %+v", text, a)
		}
		causeOf(text)
	})
}
