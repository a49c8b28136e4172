//go:build e2e

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childEnv says what this test binary does when it is started by itself.
const childEnv = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "full":
		err = fillDisk()
	case "append":
		err = appendSome()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, what, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Dir = dir
	return cmd
}

// TestAFullDiskRefusesAndNothingElse runs a store on a file system of a few
// megabytes that is its own.
func TestAFullDiskRefusesAndNothingElse(t *testing.T) {
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// smallDisk mounts one of fifteen megabytes, two thirds of them taken, on the working
// directory, in a mount namespace that must be our own.
func smallDisk() (dir, filler string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", "", fmt.Errorf("own mounts: %w", err)
	}
	if dir, err = os.Getwd(); err != nil {
		return "", "", err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=15m"); err != nil {
		return "", "", fmt.Errorf("mount tmpfs: %w", err)
	}
	filler = filepath.Join(dir, "filler")
	return dir, filler, os.WriteFile(filler, make([]byte, 10*frontSize), 0o600)
}

// fillDisk is the child of that test.
func fillDisk() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, filler, err := smallDisk()
	if err != nil {
		return err
	}
	log := &notes{}
	o := Options{Dir: filepath.Join(dir, "state"), Log: log.logger()}
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	var want []uint64
	for n := range 3 {
		more, err := untilFull(ctx, s)
		if err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
		want = append(want, more...)
		// What is deleted now is deleted when there is room again.
		if err := s.Outbox.Delete(want[0]); err != nil {
			return err
		}
		want = want[1:]
		if err := os.Truncate(filler, int64(6-2*n)*frontSize); err != nil {
			return err
		}
		if err := recovered(ctx, s); err != nil {
			return fmt.Errorf("round %d: %w\n%s", n, err, log)
		}
	}
	// A start wants some room.
	if err := os.Truncate(filler, 0); err != nil {
		return err
	}
	for range 2 {
		var got []uint64
		err := s.Outbox.Replay(ctx, func(seq uint64, _ []byte) error {
			got = append(got, seq)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("found %v, want %v, %v", got, want, err)
		}
		s.Close()
		if s, err = Open(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// untilFull appends until that is refused, and gives what was not.
func untilFull(ctx context.Context, s *Store) (seqs []uint64, err error) {
	for err == nil {
		var seq uint64
		if seq, err = s.Outbox.Append(ctx, bytes.Repeat([]byte("x"), 10_000)); err == nil {
			seqs = append(seqs, seq)
		}
	}
	switch {
	case ctx.Err() != nil || !errors.Is(err, errDown):
		return nil, fmt.Errorf("not refused at once: %w", err)
	case !strings.Contains(err.Error(), "no space left"):
		return nil, fmt.Errorf("not refused for want of room: %w", err)
	case s.Health().Up:
		return nil, errors.New("healthy on a full disk")
	}
	if _, err := s.Ledger.Append(ctx, bytes.Repeat([]byte("x"), 100_000)); err == nil {
		return nil, errors.New("the ledger has room")
	}
	return seqs, nil
}

// recovered waits until the store says that it works, and has no debts.
func recovered(ctx context.Context, s *Store) error {
	for {
		s.Outbox.mu.Lock()
		debts := len(s.Outbox.deletes) + len(s.Outbox.undo)
		s.Outbox.mu.Unlock()
		s.Outbox.front.mu.Lock()
		unmoved := s.Outbox.unmoved
		s.Outbox.front.mu.Unlock()
		if s.Health().Up && debts == 0 && unmoved == nil {
			return nil
		}
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("not mended: %+v", s.Health())
		}
	}
}

const acks = 4 // of each stream

// appendSome is the child of the test below: it says on standard output when a
// record is acknowledged.
func appendSome() error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: "state", Log: (&notes{}).logger()})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range acks {
		for _, st := range s.streams() {
			heard := make(chan error, 1)
			if i%2 == 1 || !st.Keep([]byte("record"), func(_ uint64, err error) { heard <- err }) {
				_, err := st.Append(ctx, []byte("record"))
				heard <- err
			}
			if err := <-heard; err != nil {
				return err
			}
			fmt.Printf("acknowledged by %s\n", st.config.Name)
		}
	}
	return nil
}

// A call is one line, or two, of what strace writes.
type call struct{ name, args string }

var (
	whole      = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (-?\d+)`)
	unfinished = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)`)
)

// calls reads what strace wrote: system calls that went well, where they end;
// a write to standard output where it begins, for that is when the news is out.
func calls(trace string) []call {
	var list []call
	open := map[string]call{}
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		if m := unfinished.FindStringSubmatch(line); m != nil {
			open[m[1]] = call{m[2], m[3]}
			if strings.HasPrefix(m[3], "1<") {
				list = append(list, call{m[2], m[3]})
			}
		} else if m := resumed.FindStringSubmatch(line); m != nil && m[4][0] != '-' {
			if c := open[m[1]]; !strings.HasPrefix(c.args, "1<") {
				c.args += m[3]
				list = append(list, c)
			}
		} else if m := whole.FindStringSubmatch(line); m != nil && m[4][0] != '-' {
			list = append(list, call{m[2], m[3]})
		}
	}
	return list
}

// TestASyncStandsBeforeEveryAcknowledgement watches the system calls: kill -9
// can't show it, for the kernel outlives it.
func TestASyncStandsBeforeEveryAcknowledgement(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := child(t, "append", dir)
	cmd.Args = append([]string{"strace", "-f", "-y", "-s", "64", "-e", "trace=write,pwrite64,fsync,fdatasync,io_submit,io_getevents", "-o", trace}, cmd.Args...)
	var err error
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	const none, underWay, written, synced = 0, 1, 2, 3
	// What the ledger has need only outlive the process at once, and the machine soon.
	want := map[string]int{"OUTBOX": synced, "LEDGER": written}
	state := map[string]int{} // by log, since the last acknowledgement
	seen := 0
	for _, c := range calls(string(text)) {
		for _, stream := range []string{"OUTBOX", "LEDGER"} {
			front := strings.Contains(c.args, "/state/"+strings.ToLower(stream)+".")
			switch {
			case front && strings.HasSuffix(c.name, "sync") && state[stream] == written,
				c.name == "io_getevents" && strings.Contains(c.args, "res=4096,") && state[stream] == underWay:
				state[stream] = synced
			case front && c.name == "io_submit" && strings.Contains(c.args, "RWF_DSYNC"):
				state[stream] = underWay
			case front && strings.Contains(c.name, "write"):
				state[stream] = written
			case strings.Contains(c.args, "acknowledged by "+stream):
				seen++
				if state[stream] < want[stream] {
					t.Errorf("acknowledgement %d, by %s: not written and then synced before (%d)", seen, stream, state[stream])
				}
				if stream == "OUTBOX" {
					state[stream] = none
				}
			}
		}
	}
	if state["LEDGER"] != synced {
		t.Error("the ledger was never synced")
	}
	if seen != 2*acks {
		t.Errorf("%d acknowledgements seen, want %d:\n%s", seen, 2*acks, text)
	}
}
