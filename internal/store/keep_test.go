package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// keep keeps a record and gives a channel that hears of it.
func keep(t *testing.T, l *Log, text string) <-chan error {
	t.Helper()
	heard := make(chan error, 1)
	if !l.Keep([]byte(text), func(_ uint64, err error) { heard <- err }) {
		t.Fatalf("%s: somebody must wait", text)
	}
	return heard
}

func within(t *testing.T, heard <-chan error) error {
	t.Helper()
	select {
	case err := <-heard:
		return err
	case <-time.After(time.Minute):
		t.Fatal("nothing is heard of a record")
		return nil
	}
}

func TestWhatIsKeptWithoutWaitingOutlivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var mu sync.Mutex
	var order []uint64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Add(1)
		if i%4 == 3 { // others wait meanwhile
			go func() {
				defer wg.Done()
				if _, err := s.Outbox.Append(t.Context(), []byte("waited for")); err != nil {
					t.Error(err)
				}
			}()
			continue
		}
		ok := s.Outbox.Keep(fmt.Append(nil, "m", i), func(seq uint64, err error) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, seq)
			if err != nil {
				t.Error(err)
			}
		})
		if !ok {
			t.Fatal("somebody must wait")
		}
	}
	wg.Wait()
	if !slices.IsSorted(order) || len(order) != 30 {
		t.Errorf("heard of %d", order)
	}
	for range 2 { // the second time it is gone already
		if !s.Outbox.Drop(order[0]) {
			t.Error("somebody must wait for a deletion")
		}
	}
	if err := within(t, keep(t, s.Ledger, "written")); err != nil {
		t.Error(err)
	}
	again := open(t, image(t, dir))
	if n := len(contents(t, again)); n != 39 && n != 40 { // the deletion may have come too late for the crash
		t.Errorf("%d records are found", n)
	}
	found := false
	if err := again.Ledger.Replay(t.Context(), func(_ uint64, b []byte) error {
		found = found || string(b) == "written"
		return nil
	}); err != nil || !found {
		t.Error("the ledger does not have it", err)
	}
}

func TestADeletionNobodyWaitsForIsWrittenWithTheNextSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	s.Outbox.Drop(put(t, s.Outbox, "m1"))
	if err := s.Outbox.front.settle(); err != nil { // as runFront does it within lag
		t.Fatal(err)
	}
	if got := contents(t, open(t, image(t, dir))); len(got) > 0 {
		t.Errorf("after a crash it has %s", got)
	}
}

func TestWhatCantBeKeptIsTold(t *testing.T) {
	t.Parallel()
	s := halted(t, t.TempDir())
	if s.Outbox.Keep(make([]byte, frontMost+1), nil) {
		t.Error("a long record makes nobody wait")
	}
	for range frontSize/frontMost - 1 {
		put(t, s.Outbox, string(make([]byte, frontMost-frameHeader)))
	}
	if s.Outbox.Keep(make([]byte, frontMost), nil) {
		t.Error("a full file makes nobody wait")
	}
	closed := s.Ledger.front.files[0]
	reader, err := os.Open(closed.Name())
	if err != nil {
		t.Fatal(err)
	}
	s.Ledger.front.files[0] = reader
	defer closed.Close()
	if err := within(t, keep(t, s.Ledger, "lost")); !errors.Is(err, errDown) {
		t.Error(err)
	}
	if s.Ledger.Keep([]byte("refused"), nil) {
		t.Error("a store that has failed makes nobody wait")
	}
}

func TestWhatIsSaidToBeLostIsNotCarriedOver(t *testing.T) {
	t.Parallel()
	s := halted(t, t.TempDir())
	l, f := s.Outbox, s.Outbox.front
	file := f.files[0]
	reader, err := os.Open(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	f.files[0] = reader
	lost := keep(t, l, "lost")
	f.mu.Lock()
	f.write()
	l.leaving = l.inOrder() // as move does it before who waits has heard
	heard, failed := f.heard(), f.err
	f.mu.Unlock()
	tell(heard, failed)
	if err := within(t, lost); !errors.Is(err, errDown) {
		t.Error(err)
	}
	f.files[0] = file
	_, count, _, _ := s.link.state()
	s.link.heal(count) // the stream has not heard of it
	if err := l.carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := contents(t, s); len(all) > 0 {
		t.Errorf("%s is on disk all the same", all)
	}
}
