package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A namespace is a network namespace and the one thread that is in it. What the
// thread opens or starts belongs to the namespace for good.
type namespace struct {
	path string      // names it for ip(8), while the thread lives
	do   chan func() // to be run by the thread; closed at the end
	done chan struct{}
}

// newNamespace makes an empty one.
func newNamespace() (*namespace, error) {
	n := &namespace{do: make(chan func()), done: make(chan struct{})}
	started := make(chan error)
	go n.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("network namespace (they need root, or unshare -Urn, in a place that allows them): %w", err)
	}
	return n, nil
}

func (n *namespace) run(started chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// /proc/net shows the whole process the namespace of its first thread.
		go n.run(started)
		<-n.done
		runtime.UnlockOSThread()
		return
	}
	defer close(n.done)
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		started <- err
		return
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		started <- err
		return
	}
	n.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", unix.Getpid(), unix.Gettid())
	started <- nil
	for f := range n.do {
		f()
	}
	// The thread goes home and lives on: it may have started programs before it
	// came here, and they would die with it (Pdeathsig).
	if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
}

// within runs f in the namespace. f must not call within.
func (n *namespace) within(f func() error) error {
	result := make(chan error)
	n.do <- func() { result <- f() }
	return <-result
}

// close gives the thread back. The namespace ends with the last program in it.
func (n *namespace) close() {
	close(n.do)
	<-n.done
}

// ip runs lines of ip(8) in the namespace.
func (n *namespace) ip(ctx context.Context, lines ...string) error {
	return n.within(func() error {
		binary, err := need("ip")
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, binary, "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip: %w: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	})
}
