package osc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge/datagram"
)

const (
	home1  = "198.51.100.1:22300"
	home2  = "198.51.100.2:22300"
	inside = "192.168.1.2:22300"
)

func TestEveryStatusOfAServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.MaxUsers, c.MaxGroups, c.Chat = 2, 2, "/chat"
	})
	for _, tt := range []struct {
		name   string
		from   string
		packet []byte
		want   []string
	}{
		{"a new user in a new group", home1, alive("tim", inside, "g"),
			[]string{"user tim: ok", "group g: ok"}},
		{"the same again", home1, alive("tim", inside, "g"),
			[]string{"user tim: ok", "group g: ok"}},
		{"a wrong password", home2, aliveAs("tim", "other", inside, "g"), []string{"user tim: wrong password"}},
		{"the gateway's own name", home2, alive("gateway", inside, "g"), []string{"user gateway: wrong password"}},
		{"a group's wrong password", home2, line(t, fmt.Sprintf("%s ,ssiissss eva %s 1 2 g wrong h %s", wire.AddressUserAlive, wire.Hash("pw"), wire.Hash("gpw"))),
			[]string{"user eva: ok", "group g: wrong password", "group h: ok"}},
		{"one group too many", home2, alive("eva", inside, "h", "i"),
			[]string{"user eva: ok", "group h: ok", "group i: user limit reached"}},
		{"one user too many", "198.51.100.3:1", alive("max", inside, "g"), []string{"user max: user limit reached"}},
		{"a member's group password is not looked at again", home2, line(t, fmt.Sprintf("%s ,ssiiss eva %s 1 2 h wrong", wire.AddressUserAlive, wire.Hash("pw"))),
			[]string{"user eva: ok", "group h: ok"}},
		{"a name of control characters", home1, alive("a\nb", inside), []string{"user a\nb: wrong password"}},
		{"no name", home1, alive("", inside), []string{"user : wrong password"}},
		{"a long name", home1, alive(strings.Repeat("x", 65), inside), []string{"user " + strings.Repeat("x", 65) + ": wrong password"}},
	} {
		var got []string
		for _, l := range flat(r.ask(tt.from, tt.packet), tt.from) {
			if !strings.HasPrefix(l, "info ") {
				got = append(got, l)
			}
		}
		same(t, tt.name, got, tt.want)
	}
}

func TestFixedNamesAreAllThereAre(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		c.Accounts = map[string]Account{"tim": {Password: "pw"}, "eva": {Password: "secret"}}
		c.Groups = map[string]Account{"g": {Password: "gpw"}}
	})
	for _, tt := range []struct {
		name   string
		packet []byte
		want   []string
	}{
		{"an account", alive("tim", inside, "g"), []string{"user tim: ok", "group g: ok"}},
		{"an account's wrong password", alive("eva", inside, "g"), []string{"user eva: wrong password"}},
		{"no account", alive("max", inside, "g"), []string{"user max: wrong password"}},
		{"no group", alive("tim", inside, "h"), []string{"user tim: ok", "group h: wrong password"}},
		{"an account, later", aliveAs("eva", "secret", inside, "g"), []string{"user eva: ok", "group g: ok"}},
	} {
		got := slices.DeleteFunc(flat(r.ask(home1, tt.packet), home1), func(s string) bool { return strings.HasPrefix(s, "info ") })
		same(t, tt.name, got, tt.want)
	}
	if g := r.hub.groups["g"]; g == nil {
		t.Error("a fixed group has died")
	}
}

func TestMembersAreToldOfEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	same(t, "alone", flat(r.ask(home1, alive("tim", inside, "g")), home1),
		[]string{"user tim: ok", "group g: ok", "info tim 192.168.1.2:22300 198.51.100.1:22300 0 g"})
	r.now = r.now.Add(2 * time.Second)
	got := r.ask(home2, alive("eva", inside, "g", "h"))
	prover := fmt.Sprint("203.0.113.1:", r.hub.prover.socket.Addr().Port()) // to show where they are
	same(t, "who was there is told at once", flat(got, home1), []string{"info eva " + prover + " 198.51.100.2:22300 0 g,h"})
	same(t, "who comes is told in the answer", flat(got, home2), []string{
		"user eva: ok", "group g: ok", "group h: ok",
		"info tim " + prover + " 198.51.100.1:22300 2 g",
		"info eva 192.168.1.2:22300 198.51.100.2:22300 0 g,h",
		"info eva 192.168.1.2:22300 198.51.100.2:22300 0 g,h", // of the second group
	})
	same(t, "nobody is told of what is not new", flat(r.ask(home2, alive("eva", inside, "g", "h")), home1), nil)
	same(t, "from another address it is new", flat(r.ask("198.51.100.9:5", alive("eva", inside, "g")), home1),
		[]string{"info eva " + prover + " 198.51.100.9:5 0 g"})
	same(t, "and one that is proven is told the rest", flat(r.toPort(r.hub.prover, home1, ping("tim")), home1), []string{
		"info tim 192.168.1.2:22300 198.51.100.1:22300 2 g", "info eva 198.51.100.9:5 198.51.100.9:5 0 g",
	})
	same(t, "events", r.events, []string{"+tim@g", "+eva@g", "+eva@h", "-eva@h"})
}

func TestMembersLeaveBySilenceOrByNotListingAGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.ask(home1, alive("tim", inside, "g", "h"))
	r.ask(home2, alive("eva", inside, "g"))
	r.ask(home1, alive("tim", inside, "h"))
	r.ask(home1, alive("tim", inside))
	if len(r.hub.groups) != 1 {
		t.Errorf("%d groups", len(r.hub.groups))
	}
	r.now = r.now.Add(59 * time.Second)
	r.ask(home1, alive("tim", inside))
	r.hub.purge(r.now, r.v.m)
	if len(r.hub.users) != 2 {
		t.Errorf("%d users before the time", len(r.hub.users))
	}
	r.now = r.now.Add(time.Second)
	r.hub.purge(r.now, r.v.m)
	if len(r.hub.users) != 1 || r.hub.users["eva"] != nil || len(r.hub.groups) != 0 || len(r.hub.byAddr) != 1 {
		t.Errorf("%d users, %d groups behind the time", len(r.hub.users), len(r.hub.groups))
	}
	same(t, "events", r.events, []string{"+tim@g", "+tim@h", "+eva@g", "-tim@g", "-tim@h", "-eva@g"})
}

func TestTheMembersOfAGroupAreForThoseWhoKnowItsPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.ask(home1, alive("tim", inside, "g"))
	get := func(hash string) []byte { return line(t, wire.AddressGetUsers+" ,ss g "+hash) }
	same(t, "a stranger with the password", flat(r.ask(home2, get(wire.Hash("gpw"))), home2),
		[]string{"info tim 198.51.100.1:22300 198.51.100.1:22300 0 g"})
	r.ask(home2, alive("eva", inside, "h")) // knows the password too, and is in another group
	same(t, "a member of another group", flat(r.ask(home2, get(wire.Hash("gpw"))), home2),
		[]string{"info tim 198.51.100.1:22300 198.51.100.1:22300 0 g"})
	if u := r.hub.users["eva"]; len(u.pairs) != 0 || u.prover != nil {
		t.Error("a pair of no common group is kept")
	}
	for name, packet := range map[string][]byte{
		"a wrong password": get("wrong"), "no such group": line(t, wire.AddressGetUsers+" ,ss x y"),
		"a third argument": line(t, wire.AddressGetUsers+" ,sss g "+wire.Hash("gpw")+" x"),
		"no request":       line(t, "/groupserver/other 1"), "not for a server": line(t, "/hello"),
	} {
		if got := r.ask(home2, packet); len(got) != 0 {
			t.Errorf("%s is answered: %v", name, got)
		}
	}
}

// A private address is for those behind the same NAT, and must be one.
func TestAddressesToldByOthersReachNobodyElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, private, from, want string }{
		{"to somebody elsewhere", "192.168.1.2:22300", "198.51.100.1:22300", "info tim 198.51.100.1:22300 198.51.100.1:22300 0 g"},
		{"behind the same NAT", "192.168.1.2:22300", "198.51.100.2:5000", "info tim 192.168.1.2:22300 192.168.1.2:22300 0 g"},
		{"one that is somebody's", "8.8.8.8:53", "198.51.100.2:5000", "info tim 198.51.100.2:5000 198.51.100.2:5000 0 g"},
		{"multicast", "224.0.0.1:53", "198.51.100.2:5000", "info tim 198.51.100.2:5000 198.51.100.2:5000 0 g"},
		{"without a port", "192.168.1.2:0", "198.51.100.2:5000", "info tim 198.51.100.2:5000 198.51.100.2:5000 0 g"},
	} {
		r := newRig(t, nil)
		r.ask(tt.from, alive("tim", tt.private, "g"))
		r.ask(home2, alive("eva", "192.168.1.3:22300", "g"))
		got := flat(r.toPort(r.hub.prover, home2, ping("eva")), home2)
		if !slices.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A group of 300: in bundles of a bounded size each, and each member in one.
func TestGroupsOfAnySizeAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const n = 300
	for i := range n {
		r.ask(fmt.Sprintf("198.51.100.%d:%d", i%250+1, 3000+i), alive(fmt.Sprint("user", i), inside, "testgroup"))
	}
	last := r.hub.users["user0"]
	last.budget.prove(r.now)
	got := r.ask(last.at.String(), alive("user0", inside, "testgroup"))
	seen := map[string]bool{}
	for _, d := range got {
		if d.bytes > maxReply {
			t.Errorf("a datagram of %d bytes", d.bytes)
		}
		for _, l := range d.lines {
			if strings.HasPrefix(l, "info ") {
				seen[strings.Fields(l)[1]] = true
			}
		}
	}
	if len(seen) != n || len(got) < 10 {
		t.Errorf("%d members in %d datagrams, want %d", len(seen), len(got), n)
	}
}

// Who has not shown that it is where it says, gets three times what it sent at
// most; with what it asks again, it hears of everybody in the end.
func TestAnswersToTheUnprovenAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const n = 40
	for i := range n {
		r.ask(fmt.Sprintf("198.51.100.%d:22300", i+1), alive(fmt.Sprint("user", i), inside, "g"))
	}
	request := alive("eva", inside, "g")
	in, out, asked := 0, 0, 0
	seen := map[string]bool{}
	for len(seen) < n+1 && asked < 20 {
		asked++
		in += len(request)
		for _, d := range r.ask("203.0.113.77:1", request) {
			if d.to != "203.0.113.77:1" {
				continue
			}
			out += d.bytes
			for _, l := range d.lines {
				if f := strings.Fields(l); f[0] == "info" {
					seen[f[1]] = true
				}
			}
		}
		if out > 3*in {
			t.Fatalf("%d bytes for %d", out, in)
		}
		r.now = r.now.Add(6 * time.Second)
	}
	if len(seen) != n+1 || asked < 5 {
		t.Errorf("%d members after %d requests", len(seen), asked)
	}
	get := line(t, wire.AddressGetUsers+" ,ss g "+wire.Hash("gpw"))
	for _, d := range r.ask("203.0.113.78:1", get) {
		if d.bytes > 3*len(get) {
			t.Errorf("%d bytes for %d, to somebody unknown", d.bytes, len(get))
		}
	}
}

// Who pings a port that it was told has shown where it is.
func TestAPingProvesAnAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const n = 40
	for i := range n {
		r.ask(fmt.Sprintf("198.51.100.%d:22300", i+1), alive(fmt.Sprint("user", i), inside, "g"))
	}
	const at = "203.0.113.77:1"
	first := flat(r.ask(at, alive("eva", inside, "g")), at)
	prover := r.hub.prover
	if prover == nil {
		t.Fatal("there is no port to ping")
	}
	port := fmt.Sprintf("203.0.113.1:%d", prover.socket.Addr().Port())
	if len(first) >= n || !slices.ContainsFunc(first, func(s string) bool { return strings.Contains(s, port) }) {
		t.Errorf("%d at first: %q", len(first), first)
	}
	for name, tt := range map[string]struct{ from, user string }{
		"from elsewhere": {"203.0.113.78:1", "eva"}, "of nobody": {at, "max"},
	} {
		if got := r.toPort(prover, tt.from, ping(tt.user)); len(got) != 0 || r.hub.users["eva"].budget.proven {
			t.Errorf("a ping %s proves something: %v", name, got)
		}
	}
	all := flat(r.toPort(prover, at, ping("eva")), at)
	if len(all) != n+1 || slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, port) }) {
		t.Errorf("then %d: %q", len(all), all)
	}
}

// News for which there was no room told of no port: the next answer does.
func TestThePortToPingIsOneThatWasTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for i := range 40 {
		r.ask(fmt.Sprintf("198.51.100.%d:22300", i+1), alive(fmt.Sprint("user", i), inside, "g"))
	}
	const at = "203.0.113.77:1"
	var b wire.Builder
	b.UserAlive("eva", wire.Hash("pw"), netip.MustParseAddrPort(inside), "g", wire.Hash("gpw"))
	r.ask(at, slices.Clone(b.Packet()))
	r.hub.users["eva"].budget.credit = 0
	if got := flat(r.ask("198.51.100.99:22300", alive("zed", inside, "g")), at); len(got) != 0 {
		t.Fatalf("%q is told without credit", got)
	}
	for n := range 3 { // any may be lost
		got := flat(r.ask(at, alive("eva", inside, "g")), at)
		port := fmt.Sprintf("203.0.113.1:%d", r.hub.prover.socket.Addr().Port())
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, port) }) {
			t.Errorf("no port to ping in answer %d: %q", n, got)
		}
	}
}

// What ended the original, one way or another. The server answers behind each.
func TestPacketsThatKilledTheOriginal(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Relay = "22300-22399" })
	var b wire.Builder
	b.UserAlive("tim", wire.Hash("pw"), netip.MustParseAddrPort(inside), "g", wire.Hash("gpw"))
	whole := slices.Clone(b.Packet())
	for _, tt := range []struct {
		name   string
		packet string
	}{
		{"nothing", ""},
		{"three bytes", "abc"},
		{"no tags", "/groupserver/user_alive\x00"},
		{"an unknown tag", "/groupserver/user_alive\x00,q\x00\x00"},
		{"an address without an end", "/groupserver/user_aliv"},
		{"a short bundle", string(whole[:40])},
		{"an element that is too long", string(whole[:16]) + "\x7f\xff\xff\xfc/a\x00\x00"},
		{"a negative size", string(whole[:16]) + "\xff\xff\xff\xfc/a\x00\x00"},
		{"a name of 1400 bytes", string(line(t, wire.AddressUserAlive+" ,ssii "+strings.Repeat("n", 1400)+" x 1 2"))},
		{"a pattern that does not compile", string(line(t, "/[ 1"))},
		{"another one", string(line(t, `/{ 1`))},
		{"odd groups", string(line(t, wire.AddressUserAlive+" ,ssiisss odd x 1 2 g h g2"))},
		{"deep bundles", strings.Repeat("#bundle\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x14", 100)},
		{"10 kB", strings.Repeat("/abc", 2500)},
	} {
		r.ask(home2, []byte(tt.packet))
		got := flat(r.ask(home1, whole), home1)
		same(t, "behind "+tt.name, got, []string{"user tim: ok", "group g: ok"})
	}
}

func TestOldClientsWriteAddressesAsLongs(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	got := r.ask(home1, line(t, fmt.Sprintf("%s ,sshhss old %s 1062731517 22300 g %s", wire.AddressUserAlive, wire.Hash("pw"), wire.Hash("gpw"))))
	same(t, "status", flat(got, home1), []string{"user old: ok", "group g: ok"})
	if at := r.hub.users["old"].private; at.String() != "192.168.1.2:22300" {
		t.Error(at)
	}
}

func TestRegisteringAgainAllocatesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.ask(home1, alive("tim", inside, "g"))
	packets := []datagram.Packet{{Data: alive("tim", inside, "g"), From: netip.MustParseAddrPort(home1), To: serverIP}}
	if n := testing.AllocsPerRun(100, func() {
		r.hub.ask(packets, r.now, r.v)
		r.v.m.Clear()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
