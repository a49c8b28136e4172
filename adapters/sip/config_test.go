package sip

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
)

func testEnv() bridge.Env {
	return bridge.Env{Name: "pbx", Node: "gw1", Version: "1.0", Key: []byte("0123456789abcdef0123456789abcdef")}
}

func TestMistakesInTheConfigurationAreFound(t *testing.T) {
	t.Parallel()
	for _, row := range []mistakes{
		{"none", func(*Config) {}, nil},
		{"all that is allowed", func(c *Config) {
			c.Listen = []string{"udp:[::]:5060", "tcp:0.0.0.0:5060", "tcp:[::]:5060"}
			c.Address, c.Domain = []string{"auto", "192.0.2.1", "2001:db8::1", "gw.example.org"}, "gw.example.org"
			c.Peer, c.Proxy, c.Networks = "sip:pbx.example.org;transport=tcp", "sip:edge:5080;lr", []string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.9"}
			c.Lines, c.Accounts = map[string]Line{"7001": {Password: "x"}}, map[string]Account{"tschüss": {Password: "x"}}
		}, nil},
		{"nothing", func(c *Config) { *c = Config{} }, []string{"address", "listen", "peer"}},
		{"listeners", func(c *Config) {
			c.Listen = []string{"udp:0.0.0.0:5060", "udp:0.0.0.0:5060", "tls:host:5061", "sctp:[::]:1", "udp:host:5060", "5060"}
		}, []string{"listen[1]", "listen[2]", "listen[3]", "listen[4]", "listen[5]"}},
		{"addresses", func(c *Config) {
			c.Address, c.Domain, c.Networks = []string{"", "a b"}, "-", []string{"10.0.0.0/99", "x", "::ffff:10.0.0.0/104"}
		}, []string{"address[0]", "address[1]", "domain", "networks[0]", "networks[1]", "networks[2]"}},
		{"peer", func(c *Config) { c.Peer = "tel:+49" }, []string{"peer"}},
		{"peer with a user", func(c *Config) { c.Peer = "sip:a@b" }, []string{"peer"}},
		{"peer by a transport without a listener", func(c *Config) { c.Peer = "sip:b;transport=tcp" }, []string{"peer"}},
		{"an IPv6 peer and an IPv4 listener", func(c *Config) { c.Peer = "sip:[2001:db8::1]" }, []string{"peer"}},
		{"an IPv4 peer and an IPv6 listener", func(c *Config) { c.Listen = []string{"udp:[2001:db8::2]:5060"} }, []string{"peer"}},
		{"an IPv6 proxy and an IPv4 listener", func(c *Config) { c.Proxy = "sip:[2001:db8::1];lr" }, []string{"proxy"}},
		{"a listener of the family, but for another transport", func(c *Config) {
			c.Listen, c.Peer = []string{"udp:0.0.0.0:5060", "tcp:[::]:5060"}, "sip:[2001:db8::1];transport=udp"
		}, []string{"peer"}},
		{"one listener for both families", func(c *Config) {
			c.Listen, c.Peer = []string{"udp:[::]:5070"}, "sip:127.0.0.1"
		}, nil},
		{"an IPv6 peer and two listeners", func(c *Config) {
			c.Listen, c.Peer = []string{"udp:0.0.0.0:5060", "udp:[2001:db8::2]:5060"}, "sip:[2001:db8::1]"
		}, nil},
		{"ourselves", func(c *Config) { c.Listen = []string{"udp:10.0.0.5:5060"} }, []string{"peer"}},
		{"ourselves, on this machine", func(c *Config) { c.Peer = "sip:127.0.0.1:5060" }, []string{"peer"}},
		{"ourselves, by the name of this machine", func(c *Config) { c.Peer = "sip:LocalHost" }, []string{"peer"}},
		{"ourselves, in IPv6", func(c *Config) { c.Listen, c.Peer = []string{"udp:[::]:5060"}, "sip:[::1]" }, []string{"peer"}},
		{"ourselves, in IPv4 by a socket for both", func(c *Config) { c.Listen, c.Peer = []string{"udp:[::]:5060"}, "sip:127.0.0.1" }, []string{"peer"}},
		{"ourselves, wherever that is", func(c *Config) { c.Peer = "sip:0.0.0.0" }, []string{"peer"}},
		{"ourselves, as we tell others", func(c *Config) { c.Address, c.Peer = []string{"auto", "GW.example.org"}, "sip:gw.example.org" }, []string{"peer"}},
		{"ourselves as the proxy", func(c *Config) { c.Proxy = "sip:127.0.0.1;lr" }, []string{"proxy"}},
		{"the same address at another port", func(c *Config) { c.Address, c.Peer = []string{"10.0.0.5"}, "sip:10.0.0.5:5070" }, nil},
		{"the same port by another transport", func(c *Config) {
			c.Listen, c.Peer = []string{"udp:10.0.0.5:5060", "tcp:10.0.0.5:5070"}, "sip:10.0.0.5:5060;transport=tcp"
		}, nil},
		{"strict proxy", func(c *Config) { c.Proxy = "sip:edge" }, []string{"proxy"}},
		{"without a peer", func(c *Config) {
			c.Peer, c.Networks, c.Proxy = "", []string{"10.0.0.0/8"}, "sip:x;lr"
			c.Lines, c.Accounts = map[string]Line{"1": {Password: "x"}}, map[string]Account{"2": {Password: "x"}}
		}, []string{"lines", "networks", "proxy"}},
		{"names", func(c *Config) {
			c.Lines = map[string]Line{"1": {}, "2": {User: "\x00", Password: "x"}, "": {Password: "x"}}
			c.Accounts = map[string]Account{"1": {Password: "x"}, "3": {}, "\x01": {Password: "x"}}
		}, []string{"accounts.\x01", "accounts.1", "accounts.3.password", "lines.", "lines.1.password", "lines.2.user"}},
		{"hosts", func(c *Config) {
			c.Hosts = true
			c.Accounts = map[string]Account{"a@b": {Password: "x"}, "c": {Password: "x"}}
		}, []string{"accounts.c"}},
	} {
		row.check(t)
	}
}

func TestMistakesInWhatTLSNeedsAreFound(t *testing.T) {
	t.Parallel()
	for _, row := range []mistakes{
		{"all that is allowed by TLS", func(c *Config) {
			c.UseTLS(&tls.Config{})
			c.Listen = []string{"tls:[::]:5061", "ws:127.0.0.1:8088", "wss:[::]:8443", "udp:[::]:5060"}
			c.Peer, c.Proxy, c.CA = "sips:pbx.example.org", "sip:edge.example.org;transport=tls;lr", "ca.pem"
		}, nil},
		{"TLS without a certificate", func(c *Config) {
			c.Listen = append(c.Listen, "tls:[::]:5061", "wss:[::]:8443", "ws:[::]:8088")
		}, []string{"listen[1]", "listen[2]"}},
		{"two networks at one port", func(c *Config) {
			c.UseTLS(&tls.Config{})
			c.Listen = append(c.Listen, "tcp:[::]:5061", "tls:[::]:5061", "udp:[::]:5061")
		}, []string{"listen[2]"}},
		{"a peer by tls without a listener for it", func(c *Config) { c.Peer = "sips:b" }, []string{"peer"}},
		{"ourselves by tls", func(c *Config) {
			c.UseTLS(&tls.Config{})
			c.Listen, c.Peer = []string{"tls:10.0.0.5:5061"}, "sips:10.0.0.5"
		}, []string{"peer"}},
		{"a peer by what only browsers come by", func(c *Config) { c.Peer = "sip:b;transport=wss" }, []string{"peer"}},
		{"sips by udp", func(c *Config) { c.Peer = "sips:b;transport=udp" }, []string{"peer"}},
		{"an authority for nobody", func(c *Config) { c.CA = "ca.pem" }, []string{"ca"}},
	} {
		row.check(t)
	}
}

// mistakes are those that set makes in a configuration without any, by their keys.
type mistakes struct {
	name string
	set  func(c *Config)
	want []string
}

func (row mistakes) check(t *testing.T) {
	t.Helper()
	c := NewConfig()
	c.Listen, c.Peer = []string{"udp:0.0.0.0:5060"}, "sip:10.0.0.5"
	row.set(c)
	var got []string
	c.Check(func(key, msg string) {
		got = append(got, key)
		if msg == "" {
			t.Errorf("%s: %s: nothing said", row.name, key)
		}
	})
	slices.Sort(got)
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", row.want) && len(got)+len(row.want) > 0 {
		t.Errorf("%s: %q, want %q", row.name, got, row.want)
	}
}

func TestListenersAreClaimed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ listen, want string }{
		{"udp:10.0.0.1:5060", "udp 10.0.0.1:5060"},
		{"udp:[::ffff:10.0.0.1]:5060", "udp 10.0.0.1:5060"},
		{"tcp:[2001:DB8:0::1]:5061", "tcp [2001:db8::1]:5061"},
		{"udp:[::]:5060", "udp 0.0.0.0:5060, udp [::]:5060"},
		{"udp:[::]:5060 udp:0.0.0.0:5060 tcp:0.0.0.0:5060", "tcp 0.0.0.0:5060, udp 0.0.0.0:5060, udp [::]:5060"},
		{"tls:10.0.0.1:5061 wss:10.0.0.1:443 ws:[::1]:80", "tcp 10.0.0.1:443, tcp 10.0.0.1:5061, tcp [::1]:80"},
		{"udp:0.0.0.0:0", ""},
		{"nonsense", ""},
	} {
		c := &Config{Listen: strings.Fields(row.listen)}
		if got := strings.Join(c.Claims(), ", "); got != row.want {
			t.Errorf("%s: %q", row.listen, got)
		}
	}
}

func TestNamesFold(t *testing.T) {
	t.Parallel()
	plain, hosted := (&Config{}).Naming(), (&Config{Hosts: true}).Naming()
	for _, row := range []struct {
		naming   bridge.Naming
		in, want string // "": none
	}{
		{plain, "2001", "2001"}, {plain, "+49", "+49"}, {plain, "Bob", "Bob"}, {plain, "o'm&m", "o'm&m"}, {plain, "a@b", "a@b"},
		{plain, "", ""}, {plain, "a\x00", ""}, {plain, strings.Repeat("a", 300), ""}, {plain, "\xff", ""},
		{hosted, "Bob@EXAMPLE.org", "Bob@example.org"}, {hosted, `a\@b@c`, `a\@b@c`}, {hosted, "bob", ""}, {hosted, "bob@-x", ""},
		{hosted, "bob@[2001:DB8:0::1]", "bob@[2001:db8::1]"},
	} {
		n, err := row.naming.Parse(row.in)
		if got := row.naming.Text(n); (err != nil) != (row.want == "") || err == nil && got != row.want {
			t.Errorf("%q: %q, %v", row.in, got, err)
		}
	}
}

func TestHomesWithoutAPeerMustBeAccounts(t *testing.T) {
	t.Parallel()
	c := NewConfig()
	c.Accounts = map[string]Account{"2001": {Password: "x"}}
	for text, good := range map[string]bool{"2001": true, "2002": false, "{x}": true} {
		p, err := bridge.NewPattern(c.Naming(), text)
		if err != nil {
			t.Fatal(err)
		}
		if msg := c.CheckName(bridge.RoleHome, p); (msg == "") != good {
			t.Errorf("%s: %q", text, msg)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("udp:[::]:5060", "sip:pbx;lr;transport=udp")
	f.Add("tls:[::]:5061", "sips:pbx:5061;transport=tcp")
	f.Add("ws:[::]:80", "sip:pbx;transport=wss")
	f.Fuzz(func(t *testing.T, listen, peer string) {
		c := NewConfig()
		c.Listen, c.Peer = []string{listen}, peer
		bad := false
		c.Check(func(string, string) { bad = true })
		if _, err := newSettings(c, testEnv()); err != nil && !bad {
			t.Errorf("Check passed %q %q: %v", listen, peer, err)
		}
	})
}
