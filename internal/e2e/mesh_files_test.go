//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// fileServer starts a gateway that is a mesh's server and takes files into the folder, behind
// a bad link, and gives the mapping of who joins by that.
func (w *world) fileServer() (folder string, pipe *peer.UDPPipe, mapping string) {
	w.t.Helper()
	folder = filepath.Join(w.t.TempDir(), "received")
	_, server := w.meshServer(fmt.Sprintf("folder = %q", folder), `max_file = "50MB"`)
	pipe = &peer.UDPPipe{Rate: 20e6 / 8, Delay: 50 * time.Millisecond, Loss: 0.02, Reorder: 0.1}
	w.must(pipe.Open(w.At(meshHost, 0), server))
	w.t.Cleanup(pipe.Close)
	mapping = filepath.Join(w.t.TempDir(), "mapping.toml")
	text := fmt.Sprintf("[gateway]\nstate = %q\n[mesh.lab]\njoin = %q\n", w.t.TempDir(), pipe.Addr())
	w.must(os.WriteFile(mapping, []byte(text), 0o600))
	return folder, pipe, mapping
}

// randomFile makes one of so many bytes.
func (w *world) randomFile(name string, size int) (path string, data []byte) {
	w.t.Helper()
	data = make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data)
	path = filepath.Join(w.t.TempDir(), name)
	w.must(os.WriteFile(path, data, 0o600))
	return path, data
}

// A file crosses a link that loses, delays and reorders, though its sender is
// killed half-way: what was there is not sent again.
func TestAFileCrossesABadLinkAndItsSendersEnd(t *testing.T) {
	w := newWorld(t)
	folder, pipe, mapping := w.fileServer()
	const size = 16 << 20
	path, data := w.randomFile("Grüße 👋.bin", size)
	sender := exec.CommandContext(w.ctx, os.Getenv(binaryEnv), "-config", mapping, "-send", path, "-to", "lab:gw")
	out, err := sender.StdoutPipe()
	w.must(err)
	w.must(sender.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && percent(lines.Text()) <= 40 {
	}
	w.must(sender.Process.Kill())
	_ = sender.Wait() // it was killed
	if sent := pipe.Sent(); sent < size/4 {
		t.Fatalf("only %d bytes had been sent", sent)
	}
	r, err := peer.Run(w.ctx, os.Getenv(binaryEnv), "-config", mapping, "-send", path, "-to", "lab:gw")
	w.must(err)
	if r.Code != 0 || !strings.Contains(r.Out, "16.8 MB are with lab:gw") {
		t.Fatalf("exit %d: %s%s", r.Code, r.Out, r.ErrOut)
	}
	got, err := os.ReadFile(filepath.Join(folder, "Grüße 👋.bin"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// What came since the last two seconds' note may be sent again. How much is sent in all
	// is no measure: a busy machine loses more than the link.
	told := strings.Split(strings.TrimSpace(r.Out), "\n")
	if len(told) < 2 || percent(told[len(told)-2]) > 86 {
		t.Errorf("the second sent nearly all: %s", r.Out)
	}
}

// percent is how far a line of a sender's says that it is; -1: it does not say.
func percent(line string) int {
	fields := strings.Fields(strings.TrimSuffix(line, " %"))
	if len(fields) == 0 {
		return -1
	}
	n, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return -1
	}
	return n
}

func TestAFileThatIsNotSentSaysWhy(t *testing.T) {
	w := newWorld(t)
	folder, _, mapping := w.fileServer()
	path, _ := w.randomFile("big.bin", 50e6+1)
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-send", path, "-to", "lab:gw"}, 1, "the peer does not want it"},
		{[]string{"-send", path, "-to", "lab:nobody"}, 1, "is not in the mesh"},
		{[]string{"-send", path, "-to", "other:gw"}, 2, "there is no adapter"},
		{[]string{"-send", path + "x", "-to", "lab:gw"}, 2, "no file that can be read"},
		{[]string{"-send", path}, 2, "usage:"},
	} {
		r, err := peer.Run(w.ctx, os.Getenv(binaryEnv), append([]string{"-config", mapping}, row.args...)...)
		w.must(err)
		if r.Code != row.code || !strings.Contains(r.ErrOut, row.want) {
			t.Errorf("%q: exit %d, %s; want %d and %q", row.args, r.Code, r.ErrOut, row.code, row.want)
		}
	}
	if there, _ := filepath.Glob(filepath.Join(folder, "*")); len(there) > 0 {
		t.Errorf("%q is there", there)
	}
}

// Whom the maps call by the mesh's name for us is told what comes.
func TestAFileIsToldToAPerson(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	folder := filepath.Join(w.t.TempDir(), "received")
	w.gateway(w.gatewayTable(), w.xmppTable(), w.meshTable(fmt.Sprintf("folder = %q", folder)), `
[[map]]
home = "chat:alice@example.org"
as   = { chat = "alice@phones.example.org", lab = "gw" }

[[map]]
home = "lab:{peer:[a-z][a-z0-9-]*}"
as   = { chat = "mesh+{peer}@phones.example.org" }
`)
	chat := w.chat(alice)
	mapping := filepath.Join(w.t.TempDir(), "mapping.toml")
	w.must(os.WriteFile(mapping, []byte(fmt.Sprintf("[mesh.lab]\njoin = %q\n", w.At(peer.GatewayHost, meshPort))), 0o600))
	path, _ := w.randomFile("notes.pdf", 12_345)
	r, err := peer.Run(w.ctx, os.Getenv(binaryEnv), "-config", mapping, "-send", path, "-to", "lab:gw")
	w.must(err)
	if r.Code != 0 {
		t.Fatalf("exit %d: %s", r.Code, r.ErrOut)
	}
	for _, want := range []string{`sends "notes.pdf" (12.3 kB)`, `has sent "notes.pdf" (12.3 kB): it is there as notes.pdf`} {
		e, err := chat.WaitText(w.ctx, alice, want)
		w.must(err)
		if bare, _, _ := strings.Cut(e.From, "/"); bare != "mesh+sender@"+component {
			t.Errorf("%q is from %s", want, e.From)
		}
	}
}
