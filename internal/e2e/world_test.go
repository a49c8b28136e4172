//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// binaryEnv names the gateway's binary for the tests of one run. When it is
// set already, that binary is tested (one built with -race, say).
const binaryEnv = "GATEWAY_E2E_BINARY"

// faultsEnv names the one that is built with fault points.
const faultsEnv = "GATEWAY_E2E_FAULTS_BINARY"

func TestMain(m *testing.M) { os.Exit(onNetwork(func() int { return run(m) })) }

// run builds the gateway once for all tests, and once with fault points.
func run(m *testing.M) int {
	for _, b := range []struct {
		env  string
		tags []string
	}{{binaryEnv, nil}, {faultsEnv, []string{"faults"}}} {
		if os.Getenv(b.env) != "" {
			continue
		}
		dir, err := os.MkdirTemp("", "gateway-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary, err := peer.BuildGateway(context.Background(), dir, b.tags...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Setenv(b.env, binary)
	}
	return m.Run()
}

// testTime bounds one test. It is for machines with much else to do.
const testTime = 150 * time.Second

// runTime bounds what must be there for as long as the whole run; go test has a
// limit of its own before it.
const runTime = time.Hour

// A world is a lab with what most tests need around the gateway: an XMPP
// server for example.org and the component phones.example.org.
type world struct {
	*peer.Lab
	t   *testing.T
	ctx context.Context
}

// newWorld makes an empty one. What runs in it ends with the test, and what it
// printed is shown if the test has failed.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newWorldAlone(t)
}

// newWorldAlone is newWorld for a test that has several.
func newWorldAlone(t *testing.T) *world {
	t.Helper()
	return worldWithin(t, testTime)
}

// newWorldOfRows is newWorld for a table whose rows share it and are parallel
// tests themselves. Such a row begins when all tests before it have, which may
// be minutes later: it takes its time from the world as it sees it, of.
func newWorldOfRows(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return worldWithin(t, runTime)
}

// of is the world as the row t of a table sees it.
func (w *world) of(t *testing.T) *world {
	ctx, cancel := context.WithTimeout(w.ctx, testTime)
	t.Cleanup(cancel)
	return &world{Lab: w.Lab, t: t, ctx: ctx}
}

func worldWithin(t *testing.T, limit time.Duration) *world {
	t.Helper()
	lab, err := peer.NewLab(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(func() {
		lab.Close()
		cancel()
		if t.Failed() {
			var b strings.Builder
			lab.Report(&b)
			t.Log(b.String())
		}
	})
	return &world{Lab: lab, t: t, ctx: ctx}
}

// must ends the test on an error.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// got ends the test on an error, else it is the value.
func got[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Users of example.org, and the resources they use.
const (
	alice = "alice@example.org/desk"
	bob   = "bob@example.org/phone"
)

const (
	component = "phones.example.org"
	secret    = "s3cret"
)

// prosody starts the XMPP server with alice and bob.
func (w *world) prosody() *peer.Prosody {
	w.t.Helper()
	return w.prosodyWith(peer.ProsodyConfig{})
}

// prosodyWith is prosody with more domains.
func (w *world) prosodyWith(cfg peer.ProsodyConfig) *peer.Prosody {
	w.t.Helper()
	users := map[string]string{"alice@example.org": "alice-pw", "bob@example.org": "bob-pw"}
	for user, password := range cfg.Users {
		users[user] = password
	}
	cfg.Users = users
	cfg.Offline = true // as servers in the world do
	cfg.Components = map[string]string{component: secret}
	p, err := peer.StartProsody(w.ctx, w.Lab, cfg)
	return got(w.t, p, err)
}

// chat logs users in: alice and bob, or others of "USER@DOMAIN/RESOURCE" with
// the password USER-pw.
func (w *world) chat(users ...string) *peer.Chat {
	w.t.Helper()
	c, err := peer.StartChat(w.ctx, w.Lab)
	w.must(err)
	for _, user := range users {
		local, _, _ := strings.Cut(user, "@")
		w.must(c.Login(w.ctx, user, local+"-pw"))
	}
	return c
}

// The tables of a mapping file.

func (w *world) gatewayTable() string {
	return fmt.Sprintf("[gateway]\nnode = \"gw1\"\nstate = \"state\"\nhttp = %q\nlog = \"info\"\ndrain = \"5s\"\n\n",
		w.At(peer.GatewayHost, peer.HTTPPort))
}

func (w *world) xmppTable() string {
	return fmt.Sprintf("[xmpp.chat]\ncomponent = %q\nserver = %q\nsecret = %q\ndomains = [\"example.org\"]\n\n",
		component, w.At(peer.XMPPHost, peer.ComponentPort), secret)
}

// sipTable is an adapter called pbx with more lines of the table.
func (w *world) sipTable(lines ...string) string {
	addr := w.At(peer.GatewayHost, peer.SIPPort)
	return fmt.Sprintf("[sip.pbx]\nlisten = [\"udp:%s\", \"tcp:%s\"]\n%s\n\n", addr, addr, strings.Join(lines, "\n"))
}

// trunk is the lines of sipTable for a peer at SIPHost.
func (w *world) trunk() string {
	return fmt.Sprintf("domain = \"gw.example\"\npeer = \"sip:%s\"", w.At(peer.SIPHost, peer.SIPPort))
}

// maps is the ones most tests use: alice is 7001, extensions of three or four
// digits, and everybody else at example.org by name.
const maps = `
[[map]]
home = "chat:alice@example.org"
as   = { pbx = "7001", chat = "alice@phones.example.org" }
name = "Alice Example"

[[map]]
home = "pbx:{ext:[1-6][0-9]{2,3}}"
as   = { chat = "{ext}@phones.example.org" }

[[map]]
home = "chat:{user:[a-z][a-z0-9._-]*}@example.org"
as   = { pbx = "{user}", chat = "{user}@phones.example.org" }
`

// gateway starts the gateway with tables and waits until it is healthy.
func (w *world) gateway(tables ...string) *peer.Gateway {
	w.t.Helper()
	g := w.gatewayAlone(tables...)
	_, err := g.WaitHealth(w.ctx, 200)
	w.must(err)
	return g
}

// gatewayAlone starts the gateway and does not wait for its peers.
func (w *world) gatewayAlone(tables ...string) *peer.Gateway {
	w.t.Helper()
	return w.gatewayBy(binaryEnv, tables...)
}

// gatewayBy starts the gateway's binary that a variable names.
func (w *world) gatewayBy(env string, tables ...string) *peer.Gateway {
	w.t.Helper()
	g, err := peer.StartGateway(w.ctx, w.Lab, os.Getenv(env), "gateway",
		w.At(peer.GatewayHost, peer.HTTPPort), strings.Join(tables, ""))
	return got(w.t, g, err)
}

// A trunkWorld is what many tests start from: alice and bob online, the
// gateway, and SIPp as its SIP peer.
type trunkWorld struct {
	*world
	prosody *peer.Prosody
	chat    *peer.Chat
	pbx     *peer.SIPp
	gateway *peer.Gateway
}

func newTrunkWorld(t *testing.T, extra ...string) *trunkWorld {
	t.Helper()
	w := newWorld(t)
	tw := &trunkWorld{world: w, prosody: w.prosody()}
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	tw.pbx = got(t, pbx, err)
	tw.gateway = w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), strings.Join(extra, ""), maps)
	tw.chat = w.chat(alice, bob)
	return tw
}

// dial sends from the PBX's address; sipp sits on its port 25060 there, so it
// is another port.
func (w *world) dial(texts ...peer.SIPText) []int {
	w.t.Helper()
	codes, err := peer.SendBySIPp(w.ctx, w.Lab, peer.SIPpBatch{
		Host: peer.SIPHost, Server: w.At(peer.GatewayHost, peer.SIPPort), Domain: "pbx.example", Texts: texts,
	})
	return got(w.t, codes, err)
}

// wire opens a socket of its own at host that speaks to the gateway.
func (w *world) wire(host int) *peer.Wire {
	w.t.Helper()
	s, err := peer.NewWire(w.At(host, 0), w.At(peer.GatewayHost, peer.SIPPort))
	w.must(err)
	w.t.Cleanup(s.Close)
	return s
}

// agent starts a user agent at host and port (0 for any) that speaks to the
// gateway.
func (w *world) agent(host, port int) *peer.UserAgent {
	w.t.Helper()
	u, err := peer.NewUserAgent(w.At(host, port), w.At(peer.GatewayHost, peer.SIPPort))
	w.must(err)
	w.t.Cleanup(u.Close)
	return u
}

// metric is the value text of the first metric line that starts with series,
// "" if there is none.
func (w *world) metric(g *peer.Gateway, series string) string {
	w.t.Helper()
	code, body, err := g.Get(w.ctx, "/metrics")
	w.must(err)
	if code != 200 {
		w.t.Fatalf("/metrics: %d", code)
	}
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, series); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// poll waits until f is true.
func (w *world) poll(f func() bool) error {
	return peer.Poll(w.ctx, func(context.Context) bool { return f() })
}

// waitMetric waits until a metric has the value.
func (w *world) waitMetric(g *peer.Gateway, series, value string) {
	w.t.Helper()
	last := ""
	err := peer.Poll(w.ctx, func(context.Context) bool {
		last = w.metric(g, series)
		return last == value
	})
	if err != nil {
		w.t.Fatalf("%s is %q, want %q: %v", series, last, value, err)
	}
}

// codes lists n times code.
func codes(n, code int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = code
	}
	return all
}
