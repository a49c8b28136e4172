package store

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// jotted keeps a record in a ledger, and says whether its file was ready for it: then it comes there
// without a system call.
func jotted(t *testing.T, l *Log, text string) (ready bool, err error) {
	t.Helper()
	l.front.mu.Lock()
	ready = l.front.at+int64(frameHeader+len(text)) <= l.front.ready
	l.front.mu.Unlock()
	heard := make(chan error, 1)
	if !l.Keep([]byte(text), func(_ uint64, err error) { heard <- err }) {
		t.Fatal("not taken")
	}
	return ready, <-heard
}

// recordsOf are those in the first file of a front, as the kernel has them.
func recordsOf(t *testing.T, f *front) (all []string) {
	t.Helper()
	frames, damaged, err := readFront(f.files[0])
	if err != nil || damaged {
		t.Fatal(damaged, err)
	}
	for _, x := range frames {
		if x.kind == frameRecord {
			all = append(all, string(x.data))
		}
	}
	return all
}

func TestWhatIsPutIntoMemoryOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := halted(t, dir)
	var want []string
	for i := range 200 {
		switch {
		case i%20 == 0:
			s.Ledger.front.prepare()
		case i%20 == 19: // what comes next goes by a system call, behind that
			if err := s.Ledger.front.settle(); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, fmt.Sprint(i, strings.Repeat(" x", 200)))
		ready, err := jotted(t, s.Ledger, want[i])
		if err != nil {
			t.Fatal(err)
		}
		if ready != (runtime.GOOS == "linux" && i%20 != 19) {
			t.Errorf("record %d: ready %v", i, ready)
		}
		if i%55 > 0 {
			continue
		}
		if got := recordsOf(t, s.Ledger.front); !slices.Equal(got, want) {
			t.Fatalf("behind record %d there are %d", i, len(got))
		}
	}
	var got []string
	again := open(t, image(t, dir)) // as kill -9 would leave it
	err := again.Ledger.Replay(t.Context(), func(_ uint64, data []byte) error {
		got = append(got, string(data))
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("after a crash there are %d, %v", len(got), err)
	}
}

func TestAFileThatHasBecomeShorterIsAnErrorAndMended(t *testing.T) {
	t.Parallel()
	s := halted(t, t.TempDir())
	f := s.Ledger.front
	f.prepare()
	for _, file := range f.files {
		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
	}
	if ready, err := jotted(t, s.Ledger, "lost"); ready != (err != nil) { // a system call makes it longer
		t.Fatalf("%v, ready %v", err, ready)
	}
	if s.Ledger.move(t.Context()); s.Ledger.unmoved != nil {
		t.Fatal(s.Ledger.unmoved)
	}
	f.prepare()
	f.mu.Lock()
	f.current = 0
	f.add(frame{kind: frameRecord, seq: s.Ledger.next, data: []byte("found")}, false)
	if !f.jot() {
		f.write()
	}
	err := f.err
	f.mu.Unlock()
	if got := recordsOf(t, f); err != nil || !slices.Contains(got, "found") || slices.Contains(got, "lost") {
		t.Errorf("%v, it has %q", err, got)
	}
}
