package main

import (
	"bufio"
	"context"
	_ "embed" // for the generator
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed files/genrtp.c
var generatorSource string

// generatorSockets are those of each side; see genrtp.c.
const generatorSockets = 4

// A generator speaks for both ends of many calls.
type generator struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ports [2][generatorSockets]uint16 // of its sockets, by side
}

// A passage is what a generator says of the packets that it sent.
type passage struct {
	sent, received      int
	p50, p99, p999      time.Duration
	generatorLate       time.Duration // at most
	cpu                 time.Duration // of the relay
	memory, memoryCalls int           // of the relay, in bytes, and how many calls it had then
	preferred           bool          // it and the generator ran before other processes
}

func newGenerator(ctx context.Context, dir string) (*generator, error) {
	binary, err := buildGenerator(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	g := &generator{cmd: exec.CommandContext(ctx, binary)}
	g.cmd.Stderr = os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	g.out = bufio.NewReader(out)
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	ports, err := g.numbers(2 * generatorSockets)
	if err != nil {
		g.close()
		return nil, err
	}
	for i, p := range ports {
		g.ports[i/generatorSockets][i%generatorSockets] = uint16(p)
	}
	return g, nil
}

// buildGenerator builds the program, unless that has been done in dir.
func buildGenerator(ctx context.Context, dir string) (binary string, err error) {
	source, binary := filepath.Join(dir, "genrtp.c"), filepath.Join(dir, "genrtp")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := os.WriteFile(source, []byte(generatorSource), 0o644); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-Wall", "-o", binary, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
}

// close ends it; it has nothing to say at its end.
func (g *generator) close() {
	_ = g.in.Close()
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
}

// numbers reads a line of n numbers.
func (g *generator) numbers(n int) ([]int, error) {
	line, err := g.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	words := strings.Fields(line)
	if len(words) != n {
		return nil, fmt.Errorf("generator: it says %q", line)
	}
	all := make([]int, n)
	for i, w := range words {
		if all[i], err = strconv.Atoi(w); err != nil {
			return nil, fmt.Errorf("generator: it says %q", line)
		}
	}
	return all, nil
}

// do gives a command that is answered by "ok".
func (g *generator) do(format string, args ...any) error {
	if _, err := fmt.Fprintf(g.in, format+"\n", args...); err != nil {
		return fmt.Errorf("generator: %w", err)
	}
	line, err := g.out.ReadString('\n')
	if err != nil || line != "ok\n" {
		return fmt.Errorf("generator: it says %q: %w", line, err)
	}
	return nil
}

// report ends a measurement.
func (g *generator) report() (p passage, err error) {
	if _, err := io.WriteString(g.in, "report\n"); err != nil {
		return p, fmt.Errorf("generator: %w", err)
	}
	n, err := g.numbers(6)
	if err != nil {
		return p, err
	}
	tenths := func(n int) time.Duration { return time.Duration(n) * 100 * time.Nanosecond }
	return passage{
		sent: n[0], received: n[1], p50: tenths(n[2]), p99: tenths(n[3]), p999: tenths(n[4]),
		generatorLate: time.Duration(n[5]) * time.Microsecond,
	}, nil
}
