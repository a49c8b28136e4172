package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func contents(t *testing.T, s *Store) []string {
	t.Helper()
	var all []string
	err := s.Outbox.Replay(t.Context(), func(seq uint64, data []byte) error {
		all = append(all, fmt.Sprintf("%d=%s", seq, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsAppendedOutlivesARestartInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if got := contents(t, s); got != nil {
		t.Errorf("a new store has %q", got)
	}
	for i := 1; i <= 5; i++ {
		seq, err := s.Outbox.Append(t.Context(), fmt.Appendf(nil, "m%d", i))
		if err != nil || seq != uint64(i) {
			t.Fatalf("append %d: %d, %v", i, seq, err)
		}
	}
	for _, seq := range []uint64{1, 3, 3, 99} {
		if err := s.Outbox.Delete(seq); err != nil {
			t.Errorf("delete %d: %v", seq, err)
		}
	}
	want := "[2=m2 4=m4 5=m5]"
	if got := fmt.Sprint(contents(t, s)); got != want {
		t.Errorf("before the restart %s, want %s", got, want)
	}
	key := s.Key()
	s.Close()
	s = open(t, dir)
	if got := fmt.Sprint(contents(t, s)); got != want {
		t.Errorf("after the restart %s, want %s", got, want)
	}
	if !bytes.Equal(key, s.Key()) || len(key) != keySize {
		t.Error("the key did not outlive the restart")
	}
	for _, seq := range []uint64{2, 4, 5} {
		if err := s.Outbox.Delete(seq); err != nil {
			t.Error(err)
		}
	}
	if got := contents(t, s); got != nil {
		t.Errorf("emptied, it has %q", got)
	}
	if seq, err := s.Outbox.Append(t.Context(), nil); err != nil || seq != 6 {
		t.Errorf("numbers start over: %d, %v", seq, err)
	}
}

func TestASecondGatewayIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := Open(t.Context(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	s.Close()
	open(t, dir)
}

func TestManyWritersGetNumbersOfTheirOwn(t *testing.T) {
	s := open(t, t.TempDir())
	var mu sync.Mutex // guards seen
	seen := map[uint64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				seq, err := s.Outbox.Append(t.Context(), []byte("x"))
				mu.Lock()
				if err != nil || seen[seq] {
					t.Errorf("number %d again, or %v", seq, err)
				}
				seen[seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(contents(t, s)) != 80 {
		t.Errorf("%d records, want 80", len(contents(t, s)))
	}
}

func TestAppendSaysWhenTheTimeIsUp(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Outbox.Append(ctx, []byte("x")); err == nil {
		t.Error("appended for a caller that had gone")
	}
}

func BenchmarkAppendDelete(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := bytes.Repeat([]byte("x"), 600)
	for b.Loop() {
		seq, err := s.Outbox.Append(b.Context(), data)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Outbox.Delete(seq); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := bytes.Repeat([]byte("x"), 400)
	for range 1000 {
		if _, err := s.Ledger.Append(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		n := 0
		err := s.Ledger.Replay(b.Context(), func(uint64, []byte) error { n++; return nil })
		if err != nil || n != 1000 {
			b.Fatal(n, err)
		}
	}
}

func TestALongLogIsReplayedWhole(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	const n = 2*replayBatch + 7
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := s.Ledger.Append(t.Context(), []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	last, count := uint64(0), 0
	stop := errors.New("stop")
	for _, row := range []struct {
		end  int
		want error
	}{{n + 1, nil}, {replayBatch + 1, stop}} {
		last, count = 0, 0
		err := s.Ledger.Replay(t.Context(), func(seq uint64, _ []byte) error {
			if seq != last+1 {
				t.Errorf("%d comes after %d", seq, last)
			}
			if last, count = seq, count+1; count == row.end {
				return stop
			}
			return nil
		})
		if !errors.Is(err, row.want) || count != min(n, row.end) {
			t.Errorf("%d records, %v", count, err)
		}
	}
}
