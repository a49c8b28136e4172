package store

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRecordsComeToDiskPastThePageCacheAndThroughIt: whichever way a record goes, it is where it belongs.
func TestRecordsComeToDiskPastThePageCacheAndThroughIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	f := s.Outbox.front
	var want []string
	for i := range 300 {
		text := fmt.Sprint("m", i, strings.Repeat(" x", i))
		var seq uint64
		switch {
		case i%5 == 4:
			seq = put(t, s.Outbox, text)
		default:
			if err := within(t, keepIn(t, s.Outbox, text, &seq)); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, fmt.Sprint(seq, "=", text))
		switch {
		case i%7 == 6: // what the page cache has can't be written past it without waiting
			for _, file := range f.files {
				if _, err := os.ReadFile(file.Name()); err != nil {
					t.Fatal(err)
				}
			}
		case i%3 == 2:
			if !s.Outbox.Drop(seq) {
				t.Fatal("not dropped")
			}
			want = want[:len(want)-1]
		}
	}
	s.stop()
	s.wg.Wait()
	if err := f.settle(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, open(t, image(t, dir))); !slices.Equal(got, want) { // as kill -9 would leave it
		t.Errorf("%d records are found, want %d:\n%.2000q", len(got), len(want), got)
	}
}

// keepIn keeps a record and notes its number.
func keepIn(t *testing.T, l *Log, text string, at *uint64) <-chan error {
	t.Helper()
	heard := make(chan error, 1)
	taken := l.Keep([]byte(text), func(seq uint64, err error) {
		*at = seq
		heard <- err
	})
	if !taken {
		*at = put(t, l, text) // it has no room just now, or is being mended
		heard <- nil
	}
	return heard
}

// TestWhatCantBeWrittenPastThePageCacheGoesThroughIt: the files are there, but for reading only.
func TestWhatCantBeWrittenPastThePageCacheGoesThroughIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	defer unwriteable(t, s.Outbox.front)()
	var want []string
	for i := range 20 {
		var seq uint64
		if err := within(t, keepIn(t, s.Outbox, "m", &seq)); err != nil {
			t.Fatal(i, err)
		}
		want = append(want, fmt.Sprint(seq, "=m"))
	}
	s.stop()
	s.wg.Wait()
	if got := contents(t, open(t, image(t, dir))); !slices.Equal(got, want) {
		t.Errorf("found %s, want %s", got, want)
	}
}

// TestAFlightThatFailsIsWrittenOnceMore: what it had in it comes before what has come meanwhile.
func TestAFlightThatFailsIsWrittenOnceMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	f := s.Outbox.front
	first := keep(t, s.Outbox, "m1")
	f.mu.Lock()
	f.busy, f.flying = true, true // as launch leaves it
	f.flight, f.buf, f.need = flight{buf: f.buf, must: f.need, size: blockSize, upto: f.added}, nil, false
	f.mu.Unlock()
	second := keep(t, s.Outbox, "m2")
	f.landed(-1)
	f.mu.Lock()
	f.write()
	heard, err := f.heard(), f.err
	f.mu.Unlock()
	tell(heard, err)
	for _, c := range []<-chan error{first, second} {
		if err := within(t, c); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(contents(t, open(t, image(t, dir)))); got != "[1=m1 2=m2]" {
		t.Errorf("found %s", got)
	}
}

// TestWhatComesDuringAFlightSpoilsNothing: a flight that fails is written once more from memory, which those that
// came meanwhile do not share, though it is used again and again.
func TestWhatComesDuringAFlightSpoilsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	f := s.Outbox.front
	if f.aio == nil {
		return // there are no flights here
	}
	f.flies = true // the test sees to what becomes of them
	step := func(fails bool) (more bool) {
		t.Helper()
		f.mu.Lock()
		if !f.flying { // refused, or failed: it goes through the cache
			defer f.mu.Unlock()
			if more = len(f.waiters) > 0; more {
				f.write()
				tell(f.heard(), f.err)
			}
			return more
		}
		f.mu.Unlock()
		var n int64
		if err := f.aio.await(func() (ok bool) {
			n, ok = f.aio.result()
			return ok
		}); err != nil {
			t.Fatal(err)
		}
		if fails {
			n = 0
		}
		f.landed(n)
		return true
	}
	var want []string
	for i := range 12 {
		var heard []<-chan error
		for k := range 3 { // the first flies, the others wait
			text := fmt.Sprint(i, strings.Repeat(string(rune('a'+k)), 100*(i+k)))
			want = append(want, fmt.Sprint(len(want)+1, "=", text))
			heard = append(heard, keep(t, s.Outbox, text))
		}
		for fails := i%3 == 0; step(fails); fails = false {
		}
		for _, h := range heard {
			if err := within(t, h); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.ground()
	if got := contents(t, open(t, image(t, dir))); !slices.Equal(got, want) {
		t.Errorf("found %.300q, want %.300q", got, want)
	}
}

// TestAStoreThatIsClosedTwiceTakesNothingFromAnother: what the first had, the second has.
func TestAStoreThatIsClosedTwiceTakesNothingFromAnother(t *testing.T) {
	t.Parallel()
	first := open(t, t.TempDir())
	first.Close()
	second := open(t, t.TempDir())
	first.Close()
	put(t, second.Outbox, strings.Repeat("x", 3*blockSize))
	if got := contents(t, second); len(got) != 1 || len(got[0]) != 3*blockSize+len("1=") {
		t.Errorf("it has %.100q", got)
	}
}

// TestNothingStandsUnsyncedBeforeAFlight: a flight syncs its own blocks only, and what is read after a crash ends
// where something is missing. So what went through the page cache is on disk before the next flight, whether or
// not anybody waits for it.
func TestNothingStandsUnsyncedBeforeAFlight(t *testing.T) {
	t.Parallel()
	s := halted(t, t.TempDir())
	f := s.Outbox.front
	if f.aio == nil {
		return // there are no flights here
	}
	seq := put(t, s.Outbox, "m")
	if !s.Outbox.Drop(seq) {
		t.Fatal("not dropped")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plainly = true // as when a flight was refused
	f.quiet()
	if f.dirty {
		t.Error("what nobody waits for is not synced")
	}
}
