//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// block is a fenced piece of the README.
type block struct{ lang, text string }

func readme(t *testing.T) []block {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		all = append(all, block{m[1], m[2]})
	}
	if len(all) < 8 {
		t.Fatalf("only %d fenced blocks found: this test looks in the wrong place", len(all))
	}
	return all
}

// elsewhere are commands of the README that another test or this run itself
// is, as they stand there.
var elsewhere = map[string]string{
	"make test":                             "this run",
	"./gateway -config mapping.toml":        "TestExampleMappingRunsAsItStands",
	"curl -s http://127.0.0.1:8080/healthz": "TestHealthSaysWhichAdapterIsDown",
	"curl -s http://127.0.0.1:8080/metrics": "TestMetricsCountMessages",
}

// commandTime bounds one command of the README. The demonstration, which may have to be built,
// has four minutes for itself.
const commandTime = 6 * time.Minute

// TestREADMECommandsWork runs every command of the README, in its order, in a
// copy of the place where it says to run them.
func TestREADMECommandsWork(t *testing.T) {
	w := newWorldOfRows(t)
	root, err := filepath.Abs("../..")
	w.must(err)
	ran := 0
	for _, b := range readme(t) {
		if b.lang != "console" {
			continue
		}
		for line := range strings.Lines(b.text) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !ok {
				t.Errorf("%q is no command", line)
				continue
			}
			if elsewhere[command] != "" {
				continue
			}
			ctx, cancel := context.WithTimeout(w.ctx, commandTime)
			cmd := exec.CommandContext(ctx, "bash", "-c", command)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
			cancel()
			ran++
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands ran", ran)
	}
}

// TestREADMEMappingsAreGood checks every mapping file of the README.
func TestREADMEMappingsAreGood(t *testing.T) {
	w := newWorld(t)
	for i, b := range readme(t) {
		if b.lang != "toml" {
			continue
		}
		dir := t.TempDir()
		w.must(peer.WriteCert(dir, "gw.example.org")) // what [tls] names
		w.must(os.Chmod(filepath.Join(dir, "key.pem"), 0o600))
		w.must(os.Link(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "ca.pem")))
		file := filepath.Join(dir, "mapping.toml")
		w.must(os.WriteFile(file, []byte(b.text), 0o600))
		r := w.run("-config", file, "-check")
		if r.Code != 0 || strings.TrimSpace(r.ErrOut) != "" {
			t.Errorf("block %d: exit %d\n%s\n%s", i, r.Code, r.ErrOut, b.text)
		}
	}
}

// TestREADMERecipesAreWhatRuns holds the pieces of other programs' files in the
// README against the files that the tests run those programs with.
func TestREADMERecipesAreWhatRuns(t *testing.T) {
	t.Parallel()
	files := map[string]string{"lua": "prosody.cfg.lua", "yaml": "ejabberd.yml", "cfg": "kamailio.cfg"}
	// What is a name or an address of the reader's there is a template's here.
	names := strings.NewReplacer(
		`"10.0.0.7"`, `"{{.Trusted}}"`, `"sip:10.0.0.7:5061;transport=tls"`, `"sip:{{.Trusted}}:{{.TLSPort}};transport=tls"`, `"sip:10.0.0.7:5070"`, `"sip:{{.Trusted}}:{{.Port}}"`, `"^[a-z]"`, `"{{.Trunk}}"`,
		`ip: "127.0.0.1"`, `ip: "{{.Host}}"`, `port: 5347`, `port: {{.ComponentPort}}`,
		"hosts:\n      \"phones.example.org\"", "hosts:{{range $domain, $secret := .Components}}\n      {{printf \"%q\" $domain}}",
		`password: "change-me-component"`, `password: {{printf "%q" $secret}}`,
		`"phones.example.org"`, `"{{$domain}}"`, `"change-me-component"`, `"{{$secret}}"`,
	)
	seen := map[string]bool{}
	for _, b := range readme(t) {
		name, ok := files[b.lang]
		if !ok {
			continue
		}
		seen[b.lang] = true
		raw, err := os.ReadFile("../peer/files/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimRight(names.Replace(b.text), "\n"); !strings.Contains(string(raw), want) {
			t.Errorf("%s has no\n%s", name, want)
		}
	}
	if len(seen) != len(files) {
		t.Errorf("recipes seen: %v", seen)
	}
}
