package osc

import (
	"crypto/tls"
	"fmt"
	"slices"
	"testing"
	"time"

	"gateway/bridge"
)

func TestMistakesInTheConfigurationAreFound(t *testing.T) {
	t.Parallel()
	server := func(c *Config) { c.Listen = []string{"udp:[::]:22242"} }
	member := func(c *Config) { c.Join, c.User, c.Group = "osc.example.net:22242", "tim", "g" }
	for _, row := range []struct {
		name string
		base func(c *Config)
		set  func(c *Config)
		want []string
	}{
		{"a server", server, func(*Config) {}, nil},
		{"a member", member, func(*Config) {}, nil},
		{"nothing", func(*Config) {}, func(*Config) {}, []string{"listen"}},
		{"all that a server may have", server, func(c *Config) {
			c.Listen = []string{"udp:0.0.0.0:22242", "tcp:[::]:22242", "slip:[2001:db8::1]:1", "ws:127.0.0.1:8000", "wss:[::]:443"}
			c.UseTLS(&tls.Config{})
			c.Address, c.Relay, c.Chat, c.User = "192.0.2.1", "1-65534", "/my/chat", "the gateway"
			c.Relay, c.Calls, c.Presence = "22300-22399", "/call", "/presence"
			c.Accounts, c.Groups = map[string]Account{"tim": {Password: "x"}}, map[string]Account{"g@h": {Password: "x"}}
		}, nil},
		{"all that a member may have", member, func(c *Config) {
			c.Port, c.Echo, c.Broadcast, c.Password, c.GroupPassword = 22243, true, true, "x", "y"
			c.Apps = []App{{Tx: 1, Rx: 2}, {Tx: 3, Rx: 4, Host: "10.0.0.8"}, {Tx: 5, Rx: 3, Host: "10.0.0.8"}}
			c.Lines, c.Chat = 0, "/chat"
		}, nil},
		{"a member by a connection", member, func(c *Config) {
			c.Join, c.Apps = "wss:osc.example.net:443", []App{{Tx: 1, Rx: 2}}
		}, nil},
		{"what a connection does not carry", member, func(c *Config) {
			c.Join, c.Chat, c.Calls, c.Presence, c.Port, c.Broadcast = "tcp:osc.example.net:80", "/chat", "/call", "/presence", 1, true
		}, []string{"broadcast", "calls", "chat", "port", "presence"}},
		{"a member without a server", member, func(c *Config) { c.Join, c.Broadcast = "", true }, nil},
		{"both", server, member, []string{"listen"}},
		{"doors", server, func(c *Config) {
			c.Listen = []string{"udp:[2001:db8::1]:1", "sctp:[::]:1", "udp:host:1", "22242", "tcp:[::]:1", "tcp:[::]:1", "wss:[::]:443", "udp:[::]:0", "udp:[::]:0"}
		}, []string{"listen[0]", "listen[1]", "listen[2]", "listen[3]", "listen[5]", "listen[6]"}},
		{"bounds of a server", server, func(c *Config) {
			c.MaxUsers, c.MaxGroups, c.Timeout, c.Lines = 0, 1_000_000, time.Second, time.Millisecond
		}, []string{"lines", "max_groups", "max_users", "timeout"}},
		{"addresses", server, func(c *Config) { c.Address, c.Relay, c.Chat = "2001:db8::1", "5-4", "/chat*" }, []string{"address", "chat", "relay"}},
		{"an address that is the protocol's", server, func(c *Config) { c.Chat = "/groupclient/ping" }, []string{"chat"}},
		{"calls and presence without chat", server, func(c *Config) { c.Calls, c.Presence = "/call", "/presence" }, []string{"calls", "presence"}},
		{"calls and presence that are no addresses", server, func(c *Config) {
			c.Chat, c.Calls, c.Presence = "/chat", "call", "/presence?"
		}, []string{"calls", "presence"}},
		{"addresses under others", server, func(c *Config) {
			c.Chat, c.Calls, c.Presence = "/my/chat", "/my", "/my/chat/presence"
		}, []string{"calls", "presence", "presence"}},
		{"addresses beside others", server, func(c *Config) { c.Chat, c.Calls, c.Presence = "/my", "/mycalls", "/m" }, nil},
		{"a range that is none", server, func(c *Config) { c.Relay = "22300" }, []string{"relay"}},
		{"a range that is too long", server, func(c *Config) { c.Relay = "1-60000" }, []string{"relay"}},
		{"names of a server", server, func(c *Config) {
			c.Chat, c.User = "/chat", "tim"
			c.Accounts = map[string]Account{"tim": {Password: "x"}, "a\nb": {Password: "x"}, "eva": {}}
			c.Groups = map[string]Account{"": {Password: "x"}}
		}, []string{"accounts.a\nb", "accounts.eva.password", "accounts.tim", "groups."}},
		{"a server with what a member has", server, func(c *Config) {
			c.Password, c.Group, c.GroupPassword, c.Port, c.Apps, c.Echo = "x", "g", "y", 1, []App{{}}, true
		}, []string{"apps", "echo", "group", "group_password", "password", "port"}},
		{"a member with what a server has", member, func(c *Config) {
			c.Relay, c.Accounts, c.Groups = "1-2", map[string]Account{"a": {}}, map[string]Account{"a": {}}
		}, []string{"accounts", "groups", "relay"}},
		{"a member's names", member, func(c *Config) { c.User, c.Group, c.Join, c.Port = "", "\xff", "host", 70000 }, []string{"group", "join", "port", "user"}},
		{"apps", member, func(c *Config) {
			c.Apps = []App{{Tx: 0, Rx: 70000}, {Tx: 5, Rx: 6, Host: "host"}, {Tx: 5, Rx: 7}, {Tx: 8, Rx: 5}}
		}, []string{"apps[0].rx", "apps[0].tx", "apps[0].tx", "apps[1].host", "apps[2].tx", "apps[3].rx"}},
	} {
		c := NewConfig()
		row.base(c)
		row.set(c)
		var got []string
		c.Check(func(key, msg string) {
			got = append(got, key)
			if msg == "" {
				t.Errorf("%s: %s: nothing said", row.name, key)
			}
		})
		slices.Sort(got)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestNamesOfAMapAreChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		set     func(c *Config)
		role    bridge.Role
		pattern string
		ok      bool
	}{
		{"any member", func(*Config) {}, bridge.RoleHome, "{x}@{y}", true},
		{"without texts", func(c *Config) { c.Chat = "" }, bridge.RoleHome, "{x}@{y}", false},
		{"the joined group", func(c *Config) { c.Join, c.Group = "h:1", "g" }, bridge.RoleHome, "{x}@g", true},
		{"another group than the joined one", func(c *Config) { c.Join, c.Group = "h:1", "g" }, bridge.RoleAs, "x@h", false},
		{"none of the groups", func(c *Config) { c.Groups = map[string]Account{"g": {}} }, bridge.RoleAs, "h", false},
		{"one of the groups", func(c *Config) { c.Groups = map[string]Account{"g": {}} }, bridge.RoleAs, "g", true},
		{"no account at home", func(c *Config) { c.Accounts = map[string]Account{"tim": {}} }, bridge.RoleHome, "eva@g", false},
		{"no account, elsewhere", func(c *Config) { c.Accounts = map[string]Account{"tim": {}} }, bridge.RoleAs, "eva@g", true},
		{"whoever may", func(c *Config) { c.Join, c.Group = "h:1", "g" }, bridge.RoleAllow, "{x}@h", true},
	} {
		c := NewConfig()
		c.Chat = "/chat"
		tt.set(c)
		p, err := bridge.NewPattern(c.Naming(), tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if msg := c.CheckName(tt.role, p); (msg == "") != tt.ok {
			t.Errorf("%s: %q", tt.name, msg)
		}
	}
	for name, ok := range map[string]bool{"g": true, "tim@g": true, "a b@grün": true, "@g": false, "tim@": false, "a\nb": false, "\xff": false} {
		if _, err := NewConfig().Naming().Parse(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWhatOnlyOneAdapterCanHave(t *testing.T) {
	t.Parallel()
	c := NewConfig()
	c.Listen, c.Relay = []string{"udp:[::]:22242", "ws:[::]:80", "tcp:127.0.0.1:0"}, "22300-22301"
	want := []string{"tcp 0.0.0.0:80", "tcp [::]:80", "udp 0.0.0.0:22242", "udp 0.0.0.0:22300", "udp 0.0.0.0:22301"}
	if got := c.Claims(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	c = NewConfig()
	c.Join, c.User, c.Group, c.Port, c.Apps = "h:1", "a@b", "g", 5, []App{{Tx: 6, Rx: 7}}
	if got := c.Claims(); !slices.Equal(got, []string{"udp 0.0.0.0:5", "udp 0.0.0.0:6"}) {
		t.Errorf("%q", got)
	}
	if got := fmt.Sprint(c.Own()); got != `[a\@b@g]` {
		t.Error(got)
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	t.Parallel()
	taken := openSocket(t).Addr().String()
	for name, set := range map[string]func(c *Config){
		"a server's": func(c *Config) { c.Listen = []string{"tcp:127.0.0.1:0", "udp:" + taken} },
		"an app's": func(c *Config) {
			c.Join, c.User, c.Group = "127.0.0.1:9", "tim", "g"
			c.Apps = []App{{Tx: freePort(t), Rx: 1}, {Tx: int(openSocket(t).Addr().Port()), Rx: 2}}
		},
	} {
		c := NewConfig()
		set(c)
		a, err := New(c, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Run(t.Context(), nopHandler{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if a.Addrs() != nil {
			t.Errorf("%s: it runs", name)
		}
	}
}
