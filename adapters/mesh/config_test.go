package mesh

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestMistakesInTheConfigurationAreFound(t *testing.T) {
	t.Parallel()
	server := func(c *Config) { c.Listen = []string{"udp:[::]:23456"} }
	client := func(c *Config) { c.Join = "mesh.example.net:23456" }
	for _, row := range []struct {
		name string
		base func(c *Config)
		set  func(c *Config)
		want []string
	}{
		{"a server", server, func(*Config) {}, nil},
		{"a client", client, func(*Config) {}, nil},
		{"nothing", func(*Config) {}, func(*Config) {}, []string{"listen"}},
		{"both", server, client, []string{"listen"}},
		{"all that a server may have", server, func(c *Config) {
			c.Listen = []string{"udp:0.0.0.0:1", "udp:[2001:db8::1]:1", "udp:[::]:0", "udp:[::]:0"}
			c.Peer, c.Relay, c.MaxClients, c.PerHost, c.RelayRate, c.Timeout = "Grüße", false, 1, 1, 1024, time.Minute
		}, nil},
		{"all that a client may have", client, func(c *Config) {
			c.Join, c.Port, c.Peer, c.STUN, c.UPnP = "[2001:db8::1]:1", 23457, "lab-3", []string{"stun.example.net:3478"}, true
		}, nil},
		{"doors", server, func(c *Config) {
			c.Listen = []string{"tcp:[::]:1", "udp:host:1", "23456", "udp:[::]:1", "udp:[::]:1"}
		}, []string{"listen[0]", "listen[1]", "listen[2]", "listen[4]"}},
		{"bounds of a server", server, func(c *Config) {
			c.MaxClients, c.PerHost, c.RelayRate, c.Timeout, c.Port, c.STUN, c.UPnP = 0, 1_000_000, 1, time.Second, 5, []string{"a:1"}, true
		}, []string{"max_clients", "per_host", "port", "relay_rate", "stun", "timeout", "upnp"}},
		{"a client's server and port", client, func(c *Config) { c.Join, c.Port, c.STUN = "host", 70000, []string{"stun"} }, []string{"join", "port", "stun[0]"}},
		{"a name with a control character", server, func(c *Config) { c.Peer = "a\nb" }, []string{"peer"}},
		{"a name that is a UUID", server, func(c *Config) { c.Peer = tim.String() }, []string{"peer"}},
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
	c := NewConfig()
	for _, row := range []struct {
		role    bridge.Role
		pattern string
		ok      bool
	}{
		{bridge.RoleHome, "{peer}", true},
		{bridge.RoleHome, "{user}@{peer}", true},
		{bridge.RoleAs, "{user}", true},
		{bridge.RoleAs, "{user}@gateway", false},
		{bridge.RoleShown, "x@y", false},
		{bridge.RoleAllow, "{user}@{peer}", true},
	} {
		p, err := bridge.NewPattern(c.Naming(), row.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if msg := c.CheckName(row.role, p); (msg == "") != row.ok {
			t.Errorf("%s: %q", row.pattern, msg)
		}
	}
	if own := c.Own(); !slices.Equal(own, []string{"gateway"}) {
		t.Errorf("our own names are %q", own)
	}
	upper, err := c.Naming().Parse(strings.ToUpper(tim.String()))
	if err != nil || upper.Main != tim.String() {
		t.Errorf("a UUID in capitals is %+v, %v", upper, err)
	}
	if _, err := c.Naming().Parse(strings.Repeat("x", 65)); err == nil {
		t.Error("a name without end is taken")
	}
}

func TestPortsAreClaimed(t *testing.T) {
	t.Parallel()
	c := NewConfig()
	c.Listen = []string{"udp:[::]:23456", "udp:127.0.0.1:0"}
	if got, want := c.Claims(), []string{"udp 0.0.0.0:23456", "udp [::]:23456"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	c = NewConfig()
	c.Join, c.Port = "h:1", 5
	if got, want := c.Claims(), []string{"udp 0.0.0.0:5", "udp [::]:5"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
