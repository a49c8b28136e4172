package mesh

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gateway/adapters/mesh/bulk"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// serveFiles runs a server that takes files.
func serveFiles(t *testing.T, folder, most string) (*Config, *bridgetest.Handler) {
	t.Helper()
	c := NewConfig()
	c.Listen, c.Folder, c.MaxFile = []string{"udp:127.0.0.1:0"}, folder, most
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	h := bridgetest.NewHandler(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := h.WaitState(true); err != nil {
		t.Fatal(err)
	}
	at := *c
	at.Listen = []string{"udp:" + a.Addrs()[0].String()}
	return &at, h
}

func TestAFileIsSentAndTold(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "received")
	c, h := serveFiles(t, folder, "1MB")
	path := filepath.Join(t.TempDir(), "a file.bin")
	data := bytes.Repeat([]byte("0123456789"), 30_000)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var done, size uint64
	err := SendFile(ctx, c, bridge.Env{Name: "lab", Node: "x"}, path, "gateway", func(n, of uint64) { done, size = n, of })
	if err != nil || done != uint64(len(data)) || size != done {
		t.Fatalf("%v, %d of %d", err, done, size)
	}
	got, err := os.ReadFile(filepath.Join(folder, "a file.bin"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	told := h.Messages(2)
	for i, want := range []string{`sends "a file.bin" (300.0 kB)`, `has sent "a file.bin" (300.0 kB): it is there as a file.bin`} {
		m := told[i]
		if m.Kind != bridge.Text || m.From.Name != "sender" || m.To.Name != "gateway" || m.Bodies[0].Text != want {
			t.Errorf("%+v, want %q", m, want)
		}
	}
}

func TestAFileThatIsNotSentHasAReason(t *testing.T) {
	t.Parallel()
	c, h := serveFiles(t, filepath.Join(t.TempDir(), "received"), "1kB")
	path := filepath.Join(t.TempDir(), "a.bin")
	if err := os.WriteFile(path, make([]byte, 1001), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	nothing := func(uint64, uint64) {}
	if err := SendFile(ctx, c, bridge.Env{}, path, "gateway", nothing); !errors.Is(err, bulk.ErrRefused) {
		t.Errorf("too large: %v", err)
	}
	if m := h.Messages(1)[0]; !strings.HasPrefix(m.Bodies[0].Text, `would have sent "a.bin" (1.0 kB): it is too large`) {
		t.Errorf("%+v", m)
	}
	if err := SendFile(ctx, c, bridge.Env{}, path+"x", "gateway", nothing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	short, stop := context.WithTimeoutCause(ctx, time.Second, errors.New("enough"))
	defer stop()
	if err := SendFile(short, c, bridge.Env{}, path, "nobody", nothing); err == nil || err.Error() != "enough" {
		t.Errorf("nobody: %v", err)
	}
}

func TestSizesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"1GB": 1e9, "500 MB": 500e6, "2KiB": 2048, "7B": 7, "0B": 0, "1TB": 1e12} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "GB", "-1GB", "1.5GB", "99999999999TB", "1 gb"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 12_345_678: "12.3 MB", 3e9: "3.0 GB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
