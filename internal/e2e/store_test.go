//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// Where records are: those of the last second, and those that wait for longer.
const (
	fresh   = "outbox.[01]"
	streams = "jetstream/jetstream/*/streams/*/"
)

// damages overwrite, cut or remove what is in the store's blocks and
// descriptions.
var damages = []struct {
	name, files string
	do          func(name string) error
}{
	{"a bit is wrong of what has just come", fresh, func(name string) error {
		return edit(name, func(b []byte) []byte {
			if at := bytes.Index(b, []byte("kept 2")); at >= 0 {
				b[at] ^= 0x10
			}
			return b
		})
	}},
	{"a bit is wrong", streams + "msgs/*.blk", func(name string) error {
		return edit(name, func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b })
	}},
	{"the end is missing", streams + "msgs/*.blk", func(name string) error {
		return edit(name, func(b []byte) []byte { return b[:len(b)-len(b)/3] })
	}},
	{"garbage", streams + "msgs/*.blk", func(name string) error {
		return edit(name, func(b []byte) []byte { return bytes.Repeat([]byte("garbage "), len(b)/8) })
	}},
	{"a description is missing", streams + "meta.inf", os.Remove},
	{"a description is garbage", streams + "meta.inf", func(name string) error { return os.WriteFile(name, []byte("garbage"), 0o600) }},
}

func edit(name string, f func([]byte) []byte) error {
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		return err
	}
	return os.WriteFile(name, f(b), 0o600)
}

// holds reports whether one of the files has a text in it.
func holds(t *testing.T, pattern, text string) bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

func TestGatewayStartsWithADamagedStoreAndSaysSo(t *testing.T) {
	for _, row := range damages {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.prosody()
			aw := &agentWorld{world: w, prosody: p, number: "1001", jid: "1001@" + component, alice: "7001"}
			aw.sip = w.agent(peer.SIPHost, peer.SIPPort)
			aw.gateway = w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), maps)
			p.Kill()
			_, err := aw.gateway.WaitHealth(w.ctx, 503)
			w.must(err)
			for i := range 5 {
				if c := aw.tell("text/plain", fmt.Sprintf("kept %d", i)); c != 202 {
					t.Fatalf("answer %d", c)
				}
			}
			store := filepath.Join(aw.gateway.Dir(), "state")
			if row.files != fresh {
				w.must(w.poll(func() bool { return holds(t, filepath.Join(store, streams, "msgs/*.blk"), "kept 4") }))
			}
			aw.gateway.Kill()
			files, err := filepath.Glob(filepath.Join(store, row.files))
			w.must(err)
			if len(files) == 0 || row.files == fresh && !holds(t, filepath.Join(store, row.files), "kept 2") {
				t.Fatal("there is no store to damage")
			}
			for _, f := range files {
				w.must(row.do(f))
			}
			mark := aw.gateway.Out.Len()
			w.must(p.Start(w.ctx))
			w.must(aw.gateway.Start(w.ctx))
			_, err = aw.gateway.WaitHealth(w.ctx, 200)
			w.must(err)
			_, err = aw.gateway.Out.WaitAfter(w.ctx, mark, peer.Containing("level=ERROR", "store", "set aside"))
			w.must(err)
			aside := "state/jetstream.broken-*"
			if row.files == fresh {
				aside = "state/outbox.*.broken-*"
			}
			broken, err := filepath.Glob(filepath.Join(aw.gateway.Dir(), aside))
			w.must(err)
			if len(broken) != 1 {
				t.Errorf("set aside is %q", broken)
			}
			aw.chat = w.chat(alice)
			aw.settle()
			for _, e := range aw.chat.Texts(alice) {
				if !strings.HasPrefix(e.Body(), "kept ") && !strings.HasPrefix(e.Body(), "end-") {
					t.Errorf("alice got %q", e.Body())
				}
			}
			// The next start finds nothing wrong.
			mark = aw.gateway.Out.Len()
			aw.gateway.Stop()
			w.must(aw.gateway.Start(w.ctx))
			_, err = aw.gateway.WaitHealth(w.ctx, 200)
			w.must(err)
			for _, line := range aw.gateway.Out.All()[mark:] {
				if strings.Contains(line, "level=ERROR") {
					t.Errorf("after the next start: %s", line)
				}
			}
		})
	}
}
