//go:build e2e

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gateway/internal/peer"
)

func (w *world) run(args ...string) peer.Result {
	w.t.Helper()
	r, err := peer.Run(w.ctx, os.Getenv(binaryEnv), args...)
	return got(w.t, r, err)
}

// file writes a mapping file and gives its name.
func (w *world) file(text string) string {
	w.t.Helper()
	dir, err := w.Dir("files")
	w.must(err)
	name := filepath.Join(dir, "mapping.toml")
	w.must(os.WriteFile(name, []byte(text), 0o600))
	return name
}

func TestCheckPrintsTheMappingWithoutItsSecrets(t *testing.T) {
	w := newWorld(t)
	file := w.file(w.gatewayTable() + w.sipTable(w.trunk(), accounts) + w.xmppTable() + phoneMaps)
	r := w.run("-config", file, "-check")
	if r.Code != 0 || !strings.Contains(r.Out, component) || !strings.Contains(r.Out, "{ext:2[0-9]{3}}") {
		t.Errorf("exit code %d, printed %s%s", r.Code, r.Out, r.ErrOut)
	}
	for _, s := range []string{secret, "pw-2001"} {
		if strings.Contains(r.Out+r.ErrOut, s) {
			t.Errorf("the secret %s is printed", s)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "state")); err == nil {
		t.Error("-check made the state directory")
	}
}

func TestCheckTellsEveryMistakeWithItsPlace(t *testing.T) {
	w := newWorld(t)
	file := w.file("[gateway]\nnode = \"gw1\"\nhtpt = \"127.0.0.1:1\"\ndrain = \"soon\"\n\n[sip.pbx]\nlisten = [\"udp:127.0.0.1:5060\", \"bird:x\"]\n\n" +
		"[[map]]\nhome = \"nowhere:{x}\"\nas = { pbx = \"{y}\" }\n")
	for _, args := range [][]string{{"-config", file, "-check"}, {"-config", file}} {
		r := w.run(args...)
		if r.Code != 2 {
			t.Errorf("%q: exit code %d", args, r.Code)
		}
		for _, want := range []string{
			`(?m)mapping\.toml:3:1: gateway\.htpt: .*"http"`,
			`(?m)mapping\.toml:4:9: gateway\.drain: `,
			`(?m)mapping\.toml:7:\d+: sip\.pbx\.listen\[1\]: `,
			`(?m)mapping\.toml:10:8: map\[0\]\.home`,
		} {
			if !regexp.MustCompile(want).MatchString(r.ErrOut) {
				t.Errorf("%q: no %s in\n%s", args, want, r.ErrOut)
			}
		}
	}
	if r := w.run("-config", filepath.Join(filepath.Dir(file), "none.toml"), "-check"); r.Code != 2 {
		t.Errorf("a file that is not there: exit code %d", r.Code)
	}
}

func TestExplainSaysWhereANameLeads(t *testing.T) {
	w := newWorld(t)
	file := w.file(w.gatewayTable() + w.sipTable(w.trunk()) + w.xmppTable() + maps)
	for _, row := range []struct {
		name, to, as string
		code         int
		want         string
	}{
		{"to a phone", "chat:1001@phones.example.org", "chat:alice@example.org", 0, "7001"},
		{"to a phone, without a sender", "chat:1001@phones.example.org", "", 0, "pbx:1001"},
		{"to alice", "pbx:7001", "pbx:1001", 0, "1001@phones.example.org"},
		{"to nobody", "chat:99999@phones.example.org", "", 1, ""},
	} {
		args := []string{"-config", file, "-explain", row.to}
		if row.as != "" {
			args = append(args, "-as", row.as)
		}
		r := w.run(args...)
		if r.Code != row.code || !strings.Contains(r.Out, row.want) {
			t.Errorf("%s: exit code %d, printed %s%s", row.name, r.Code, r.Out, r.ErrOut)
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	w := newWorld(t)
	if r := w.run("-version"); r.Code != 0 || strings.TrimSpace(r.Out) == "" {
		t.Errorf("%+v", r)
	}
}

// The example in the root runs as it stands: without an XMPP server, which it
// goes on looking for, and with phones that can register.
func TestExampleMappingRunsAsItStands(t *testing.T) {
	w := newWorld(t)
	raw, err := os.ReadFile("../../mapping.toml")
	w.must(err)
	text := string(raw)
	web, sip := portOf(t, text, `(?m)^http\s*=\s*"127\.0\.0\.1:(\d+)"`), portOf(t, text, `"udp:\[::\]:(\d+)"`)
	for _, port := range []string{web, sip} {
		if taken(port) { // by somebody else on this machine
			text = strings.ReplaceAll(text, ":"+port+`"`, ":"+freePort(t)+`"`)
		}
	}
	web, sip = portOf(t, text, `(?m)^http\s*=\s*"127\.0\.0\.1:(\d+)"`), portOf(t, text, `"udp:\[::\]:(\d+)"`)
	g, err := peer.StartGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "example", "127.0.0.1:"+web, text)
	w.must(err)
	body, err := g.WaitHealth(w.ctx, 503)
	w.must(err)
	if !strings.Contains(body, "chat") {
		t.Errorf("health is %s", body)
	}
	phone, err := peer.StartLinphone(w.ctx, w.Lab, peer.PhoneConfig{
		Host: peer.PhoneHost, User: "2001", Password: "change-me-2001", Domain: "gw.example.org", Server: "127.0.0.1:" + sip,
	})
	w.must(err)
	w.must(phone.Quit(w.ctx))
}

func portOf(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in mapping.toml", pattern)
	}
	return m[1]
}

// taken says whether somebody has the port, on TCP or UDP.
func taken(port string) bool {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return true
	}
	l.Close()
	c, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		return true
	}
	c.Close()
	return false
}

// freePort finds one below those that the kernel gives away.
func freePort(t *testing.T) string {
	t.Helper()
	for port := 20000; port < 24000; port++ {
		if p := strconv.Itoa(port); !taken(p) {
			return p
		}
	}
	t.Fatal("no port is free")
	return ""
}
