package main

import (
	"bytes"
	"context"
	_ "embed" // for the scenarios
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"gateway/internal/peer"
)

var (
	//go:embed files/calluac.xml
	callerScenario string
	//go:embed files/calluas.xml
	calledScenario string
)

// callEnds are the caller and the called of many calls: SIPp, which calls itself.
type callEnds struct {
	w      *world
	dir    string
	called *exec.Cmd
}

// newCallEnds starts the called end.
func (w *world) newCallEnds(ctx context.Context) (*callEnds, error) {
	if _, err := exec.LookPath("sipp"); err != nil {
		return nil, fmt.Errorf("sipp is not installed (scripts/install-peers bench): %w", err)
	}
	dir, err := w.lab.Dir("call-ends")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"uac.xml": callerScenario, "uas.xml": calledScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("scenario: %w", err)
		}
	}
	e := &callEnds{w: w, dir: dir}
	// -aa: it says 200 to the gateway's OPTIONS.
	e.called = e.sipp(ctx, "uas.xml", calledPort, "-aa")
	if err := e.called.Start(); err != nil {
		return nil, fmt.Errorf("sipp: %w", err)
	}
	return e, nil
}

func (e *callEnds) sipp(ctx context.Context, scenario string, port int, args ...string) *exec.Cmd {
	args = append([]string{
		"-sf", filepath.Join(e.dir, scenario), "-i", e.w.lab.Host(peer.SIPHost), "-p", strconv.Itoa(port), "-t", "u1", "-nostdin",
	}, args...)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Dir = e.dir
	cmd.Env = append(os.Environ(), "TERM=dumb")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (e *callEnds) close() {
	_ = e.called.Process.Kill() // it has nothing to say at its end
	_ = e.called.Wait()
}

// round calls n times through s, and says what that cost and whether all of them
// ran before other processes. A call that goes wrong is an error.
func (e *callEnds) round(ctx context.Context, s switcher, n int) (c callSample, preferred bool, err error) {
	signalling, media, err := s.processes()
	if err != nil {
		return c, false, err
	}
	preferred = prefer(e.called.Process.Pid)
	for _, pid := range append(signalling, media...) {
		preferred = prefer(pid) && preferred
	}
	before, beforeMedia, err := s.clock()
	if err != nil {
		return c, false, err
	}
	stats := filepath.Join(e.dir, "uac.csv")
	wrong := filepath.Join(e.dir, "uac.err")
	cmd := e.sipp(ctx, "uac.xml", callerPort, "-s", "1000", "-r", strconv.Itoa(callRate), "-m", strconv.Itoa(n), "-l", strconv.Itoa(n),
		"-timeout", "60", "-trace_stat", "-stf", stats, "-fd", "3600", "-trace_err", "-error_file", wrong, s.at)
	if err := cmd.Start(); err != nil {
		return c, false, fmt.Errorf("sipp: %w", err)
	}
	preferred = prefer(cmd.Process.Pid) && preferred
	failed := cmd.Wait()
	if ctx.Err() != nil {
		return c, false, context.Cause(ctx)
	}
	if c, err = readCallStats(stats); err == nil {
		err = failed
	}
	if err == nil && c.calls != n {
		err = fmt.Errorf("%d of %d calls went well", c.calls, n)
	}
	if err != nil {
		return c, false, fmt.Errorf("sipp: %w: %s", err, beginning(wrong))
	}
	if err := pause(ctx, callSettle); err != nil {
		return c, false, err
	}
	after, afterMedia, err := s.clock()
	if err != nil {
		return c, false, err
	}
	c.signalling, c.media = after-before, afterMedia-beforeMedia
	return c, preferred, nil
}

// beginning is what a file begins with, for people.
func beginning(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, 600)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}

// readCallStats reads how many calls went well, and how many messages were sent
// again, from the table that SIPp writes.
func readCallStats(file string) (callSample, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return callSample{}, fmt.Errorf("statistics: %w", err)
	}
	return parseCallStats(raw)
}

func parseCallStats(raw []byte) (c callSample, err error) {
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	head, last := strings.Split(string(lines[0]), ";"), strings.Split(string(lines[len(lines)-1]), ";")
	if len(lines) < 2 || len(last) < len(head) {
		return c, errors.New("statistics: there are none")
	}
	found := 0
	for i, name := range head {
		to := map[string]*int{"SuccessfulCall(C)": &c.calls, "Retransmissions(C)": &c.retransmitted}[name]
		if to == nil {
			continue
		}
		if *to, err = strconv.Atoi(last[i]); err != nil {
			return c, fmt.Errorf("statistics: %s: %w", name, err)
		}
		found++
	}
	if found != 2 {
		return c, errors.New("statistics: a column is missing")
	}
	return c, nil
}

// proportional is the memory of a process that is in RAM, in bytes; of what n
// processes share each has an nth (/proc/PID/smaps_rollup).
func proportional(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				return 0, fmt.Errorf("memory: %w", err)
			}
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("memory: process %d has no share", pid)
}
