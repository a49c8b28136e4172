package store

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// notes is a log that can be looked at.
type notes struct {
	mu sync.Mutex // guards b: the server's goroutines write
	b  bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

func (n *notes) logger() *slog.Logger { return slog.New(slog.NewTextHandler(n, nil)) }

// crashed gives a state directory with five records in the outbox, of which the
// second is deleted, and one in the ledger, as kill -9 leaves it.
func crashed(t *testing.T) string {
	t.Helper()
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "state")
	s := open(t, dir)
	for i := 1; i <= 5; i++ {
		if _, err := s.Outbox.Append(t.Context(), fmt.Appendf(nil, "m%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	carryOver(t, s.Outbox)
	s.Outbox.Delete(2)
	if _, err := s.Ledger.Append(t.Context(), []byte("l1")); err != nil {
		t.Fatal(err)
	}
	for _, l := range s.streams() {
		carryOver(t, l)
	}
	if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return image
}

// carryOver waits until all that is in the front of l is in its stream.
func carryOver(t *testing.T, l *Log) {
	t.Helper()
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	if err := l.awaitCarried(l.next); err != nil {
		t.Fatal(err)
	}
}

// edit changes a file of the image of the outbox.
func edit(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		file := filepath.Join(dir, "jetstream/jetstream/$G/streams/OUTBOX", name)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b = change(b); b == nil {
			err = os.Remove(file)
		} else {
			err = os.WriteFile(file, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageIsToldAndSetAside(t *testing.T) {
	t.Parallel()
	gone := func([]byte) []byte { return nil }
	empty := func([]byte) []byte { return []byte{} }
	garbage := func(b []byte) []byte { return bytes.Repeat([]byte("junk"), len(b)/4+1) }
	const all = "[1=m1 3=m3 4=m4 5=m5]"
	for _, row := range []struct {
		name   string
		damage func(*testing.T, string)
		want   string
		told   string // "" for nothing
	}{
		{"kill -9 is no damage", func(*testing.T, string) {}, all, ""},
		{"a block that ends too early: the deletion was last", edit("msgs/1.blk", func(b []byte) []byte { return b[:len(b)-10] }), "[1=m1 2=m2 3=m3 4=m4 5=m5]", "damaged"},
		{"garbage inside a block", edit("msgs/1.blk", func(b []byte) []byte {
			copy(b[bytes.Index(b, []byte("m4"))-10:], "junkjunkjunk")
			return b
		}), "[1=m1 2=m2 3=m3]", "damaged"},
		{"a block of garbage", edit("msgs/1.blk", garbage), "[]", "damaged"},
		{"no block", edit("msgs/1.blk", gone), "[]", "damaged"},
		{"no description", edit("meta.inf", gone), all, "damaged"},
		{"a description of garbage", edit("meta.inf", garbage), all, "damaged"},
		{"an empty description", edit("meta.inf", empty), all, "damaged"},
		{"no checksum of the description", edit("meta.sum", gone), all, "damaged"},
		{"a file in place of the directory", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "jetstream"), []byte("junk"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "[]", "can't be opened"},
		{"an interrupted copy", func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "jetstream.copying/half"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, all, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := crashed(t)
			row.damage(t, dir)
			log := &notes{}
			s, err := Open(t.Context(), Options{Dir: dir, Log: log.logger()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := fmt.Sprint(contents(t, s)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			broken := siblings(t, dir)
			if row.told == "" {
				if log.String() != "" || len(broken) > 0 {
					t.Errorf("said, and set aside %q:\n%s", broken, log)
				}
			} else if len(broken) != 1 || !strings.Contains(log.String(), row.told) || !strings.Contains(log.String(), "level=ERROR") ||
				!strings.Contains(log.String(), filepath.Join(dir, broken[0])) {
				t.Errorf("set aside %q, said:\n%s", broken, log)
			}
			wantWorking(t, s)
			s.Close()
			if damage := inspect(filepath.Join(dir, "jetstream")); len(damage) > 0 {
				t.Errorf("the next start will find %q", damage)
			}
		})
	}
}

// siblings lists what stands beside the store.
func siblings(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !slices.Contains([]string{"jetstream", "key", "lock", "outbox.0", "outbox.1", "ledger.0", "ledger.1"}, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// wantWorking wants a record to be kept and found again.
func wantWorking(t *testing.T, s *Store) {
	t.Helper()
	for _, st := range s.streams() {
		seq, err := st.Append(t.Context(), []byte("new"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		err = st.Replay(context.Background(), func(n uint64, b []byte) error {
			found = found || n == seq && string(b) == "new"
			return nil
		})
		if err != nil || !found {
			t.Errorf("record %d is not there, %v", seq, err)
		}
		st.Delete(seq)
	}
}

// blockOf gives the outbox's block with a few records and a deletion.
func blockOf(t testing.TB, dir string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, "jetstream/jetstream/$G/streams/OUTBOX/msgs/1.blk"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryFlippedByteOfABlockIsSeen(t *testing.T) {
	t.Parallel()
	b := blockOf(t, crashed(t))
	if err := checkRecords(b, "OUTBOX-1"); err != nil {
		t.Fatalf("a good block: %v", err)
	}
	for i := range b {
		b[i] ^= 0x10
		if checkRecords(b, "OUTBOX-1") == nil {
			t.Errorf("byte %d may be anything", i)
		}
		b[i] ^= 0x10
	}
	if checkRecords(b, "OUTBOX-2") == nil {
		t.Error("a block of another name is taken")
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add([]byte("\x1e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0012345678"))
	f.Add([]byte("\x1e\x00\x00\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff12345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkRecords(data, "OUTBOX-1") == nil && checkRecords(data[:len(data)/2], "OUTBOX-1") == nil && len(data) == 1 {
			t.Error("one byte is no record")
		}
	})
}
