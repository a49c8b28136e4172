package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a program may take to end when it is asked to; then it
// is killed.
const stopGrace = 10 * time.Second

// readyTime is how long it may take to be ready: a second or two where there is
// nothing else to do.
const readyTime = time.Minute

// A Program is one that is started, and started again after it has ended. It
// runs in a process group of its own and dies with us.
type Program struct {
	Name string
	Out  Lines // what it printed in all its runs

	argv  []string
	dir   string
	env   []string // besides ours
	ready func(ctx context.Context) error
	slow  time.Duration // how much longer than others it may take to be ready

	mu  sync.Mutex // guards run
	run *run       // the last one; nil before the first
}

// A run is one process from its start to its end.
type run struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed at the end
	err   error         // how it ended; set before ended is closed
}

// errEnded says that a program is not there any more.
var errEnded = errors.New("the program has ended")

// Start runs the program and returns when it is ready. ctx bounds its whole
// life.
func (p *Program) Start(ctx context.Context) error {
	r, err := p.launch(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	if p.ready == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, readyTime+p.slow)
	defer cancel()
	wait, stop := context.WithCancelCause(wait)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-r.ended:
			stop(errors.Join(errEnded, r.err))
		case <-wait.Done():
		}
	})
	err = p.ready(wait)
	stop(nil)
	watch.Wait()
	if err != nil {
		p.Kill()
		return fmt.Errorf("start %s: not ready: %w", p.Name, err)
	}
	return nil
}

func (p *Program) launch(ctx context.Context) (*run, error) {
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = &p.Out, &p.Out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for what a child that outlived it still prints
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &run{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go r.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = r
	return r, nil
}

func (r *run) wait() {
	r.err = r.cmd.Wait()
	close(r.ended)
}

func (r *run) signal(s syscall.Signal) error {
	select {
	case <-r.ended:
		return errEnded
	default:
		return syscall.Kill(-r.cmd.Process.Pid, s)
	}
}

func (p *Program) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Signal sends s to the program's process group.
func (p *Program) Signal(s syscall.Signal) error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("signal %s: %w", p.Name, errEnded)
	}
	if err := r.signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	return nil
}

// Stop asks the program to end, kills it when it does not within ten seconds,
// and returns when it has ended.
func (p *Program) Stop() {
	r := p.current()
	if r == nil || r.signal(syscall.SIGTERM) != nil {
		return
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-timer.C:
	}
	p.Kill()
}

// Kill ends the program and all it has started at once, as a power cut would.
func (p *Program) Kill() {
	r := p.current()
	if r == nil {
		return
	}
	// The group may outlive its first process.
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	<-r.ended
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	_ = Poll(ctx, func(context.Context) bool { return !p.lives() }) // who looks for what is left finds it
}

// lives says whether anything of the program's process group is still there.
func (p *Program) lives() bool {
	r := p.current()
	return r != nil && syscall.Kill(-r.cmd.Process.Pid, 0) == nil
}

// Wait gives the exit code of the program's last run once it has ended by
// itself.
func (p *Program) Wait(ctx context.Context) (int, error) {
	r := p.current()
	if r == nil {
		return 0, fmt.Errorf("wait for %s: %w", p.Name, errEnded)
	}
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for %s: %w", p.Name, context.Cause(ctx))
	}
}

// Type writes one line to the program's standard input.
func (p *Program) Type(line string) error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("type to %s: %w", p.Name, errEnded)
	}
	if _, err := io.WriteString(r.stdin, line+"\n"); err != nil {
		return fmt.Errorf("type to %s: %w", p.Name, errors.Join(errEnded, err))
	}
	return nil
}

// need says that a program that must be there is not.
func need(name string) (string, error) {
	file, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed (scripts/install-peers installs it): %w", name, err)
	}
	return file, nil
}
