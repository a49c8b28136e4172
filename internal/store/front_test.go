package store

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// halted opens a store whose fronts carry nothing over unless they are told to.
func halted(t *testing.T, dir string) *Store {
	t.Helper()
	s := open(t, dir)
	s.stop()
	s.wg.Wait()
	return s
}

// image copies a state directory as kill -9 would leave it.
func image(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func put(t *testing.T, l *Log, text string) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestWhatIsOnlyInTheFrontOutlivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	for i := range 4 {
		put(t, s.Outbox, fmt.Sprintf("m%d", i+1))
	}
	s.Outbox.Delete(2)
	before := image(t, dir)
	// This one is found with its records in the stream and in the file: the crash
	// came between.
	s.Outbox.leaving = s.Outbox.inOrder()
	if err := s.Outbox.carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	between := image(t, dir)
	if idle := s.Outbox.move(t.Context()); !idle {
		t.Fatal("the front is not empty", s.Outbox.unmoved)
	}
	s.Outbox.Delete(3)
	put(t, s.Outbox, "m5")
	after := image(t, dir)
	for _, row := range []struct{ name, dir, want string }{
		{"before", before, "[1=m1 3=m3 4=m4]"}, {"between", between, "[1=m1 3=m3 4=m4]"}, {"after", after, "[1=m1 4=m4 5=m5]"},
	} {
		s := open(t, row.dir)
		if got := fmt.Sprint(contents(t, s)); got != row.want {
			t.Errorf("%s: found %s, want %s", row.name, got, row.want)
		}
		s.Outbox.Delete(4)
		if seq := put(t, s.Outbox, "new"); seq < 5 {
			t.Errorf("%s: number %d is used again", row.name, seq)
		}
		if got := fmt.Sprint(contents(t, s)); strings.Contains(got, "m4") || !strings.Contains(got, "new") {
			t.Errorf("%s: after a deletion and a record it has %s", row.name, got)
		}
	}
}

func TestMoreThanTheFrontHoldsGoesThrough(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	const writers, each, size = 6, 40, 5000
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				seq, err := s.Outbox.Append(t.Context(), bytes.Repeat([]byte{byte('a' + w)}, size))
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					s.Outbox.Delete(seq)
				}
			}
		})
	}
	wg.Wait()
	s.stop() // else the stream might grow while it is read
	s.wg.Wait()
	if got := contents(t, s); len(got) != writers*each/2 {
		t.Errorf("%d records, want %d", len(got), writers*each/2)
	}
}

func TestALongRecordKeepsItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s.Outbox, "m1")
	put(t, s.Outbox, strings.Repeat("x", frontMost+1))
	put(t, s.Outbox, "m3")
	for range 2 {
		got := contents(t, s)
		if len(got) != 3 || got[0] != "1=m1" || len(got[1]) != frontMost+3 || got[2] != "3=m3" {
			t.Errorf("it has %.80q", got)
		}
		s.Close()
		s = open(t, dir)
	}
}

func TestADamagedFrontIsToldAndSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	for i := range 3 {
		put(t, s.Outbox, fmt.Sprintf("m%d", i+1))
	}
	for _, row := range []struct {
		name   string
		damage func([]byte)
		want   string
		told   bool
	}{
		{"the power went while the last was written", func(b []byte) { b[bytes.Index(b, []byte("m3"))] = 0 }, "[1=m1 2=m2]", false},
		{"garbage in the middle", func(b []byte) { copy(b[bytes.Index(b, []byte("m2"))-9:], "junkjunkjun") }, "[1=m1 3=m3]", true},
		{"no beginning", func(b []byte) { clear(b[:frameHeader]) }, "[1=m1 2=m2 3=m3]", true},
	} {
		dir := image(t, dir)
		file := filepath.Join(dir, "outbox.0")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		row.damage(b)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		log := &notes{}
		s, err := Open(t.Context(), Options{Dir: dir, Log: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := fmt.Sprint(contents(t, s)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
		if aside := siblings(t, dir); row.told != (len(aside) == 1 && strings.Contains(log.String(), "level=ERROR")) || row.told != (log.String() != "") {
			t.Errorf("%s: set aside %q, said:\n%s", row.name, aside, log)
		}
	}
}

// refuseOne appends while the outbox's front can't be written, which has to fail.
func refuseOne(t *testing.T, s *Store) {
	t.Helper()
	f := s.Outbox.front
	defer unwriteable(t, f)()
	f.mu.Lock()
	f.quiet()
	whole := f.files
	for i := range f.files {
		file, err := os.Open(whole[i].Name()) // not for writing
		if err != nil {
			t.Fatal(err)
		}
		f.files[i] = file
	}
	f.mu.Unlock()
	if seq, err := s.Outbox.Append(t.Context(), []byte("refused")); err == nil {
		t.Errorf("written as %d", seq)
	}
	f.mu.Lock()
	f.quiet()
	for i, file := range f.files {
		file.Close()
		f.files[i] = whole[i]
	}
	f.mu.Unlock()
}

func TestAFrontThatCantBeWrittenRefusesAndComesBack(t *testing.T) {
	t.Parallel()
	log := &notes{}
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s.Outbox, "m1")
	refuseOne(t, s)
	for {
		if _, err := s.Outbox.Append(t.Context(), []byte("m2")); err == nil {
			break
		}
		if !pause(t.Context(), 5e6) {
			t.Fatal("it does not come back")
		}
	}
	if got := fmt.Sprint(contents(t, s)); !strings.HasPrefix(got, "[1=m1 ") || !strings.HasSuffix(got, "=m2]") || strings.Contains(got, "refused") {
		t.Errorf("it has %s", got)
	}
}

func FuzzFront(f *testing.F) {
	begin := frame{kind: frameBegin, epoch: 3, seq: 9}.append(nil)
	f.Add([]byte{})
	f.Add(begin)
	f.Add(frame{kind: frameGone, epoch: 3, seq: 9}.append(frame{kind: frameRecord, epoch: 3, seq: 9, data: []byte("x")}.append(begin)))
	f.Add(append([]byte("GWf1junk"), begin...))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, damaged := parseFront(data)
		size := 0
		for _, x := range all {
			size += x.size()
		}
		if size > len(data) || size == 0 && len(data) > 0 && !damaged {
			t.Errorf("%d bytes of frames in %d, damaged %v", size, len(data), damaged)
		}
		// What is read can be written, and is read again.
		var b []byte
		for _, x := range all {
			b = x.append(b)
		}
		if again := parseBundle(1, b); len(b) > 0 && len(again) != len(all) {
			t.Errorf("%d frames became %d", len(all), len(again))
		}
	})
}

func BenchmarkLedger(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := bytes.Repeat([]byte("x"), 400)
	for b.Loop() {
		if _, err := s.Ledger.Append(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}
