package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Gateway is the program this repository makes.
type Gateway struct {
	Program
	Mapping string // its mapping.toml's name
	http    string // host:port
}

// BuildGateway builds the static binary into dir, with build tags if there are
// any, and gives its name.
func BuildGateway(ctx context.Context, dir string, tags ...string) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("build the gateway: %w", err)
	}
	binary := filepath.Join(dir, "gateway")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", strings.Join(tags, ","), "-o", binary, ".")
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(mod)))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return binary, nil
}

// StartGateway runs the gateway with a mapping of the given text and returns
// when it answers on http, host:port, which the text must name. Its files,
// relative names in the text among them, are in a folder called name.
func StartGateway(ctx context.Context, lab *Lab, binary, name, http, mapping string) (*Gateway, error) {
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	file, err := write(dir, "mapping.toml", mapping)
	if err != nil {
		return nil, err
	}
	g := &Gateway{Mapping: file, http: http}
	g.Program = Program{Name: name, dir: dir, argv: []string{binary, "-config", file}, ready: g.isReady}
	lab.add(&g.Program)
	return g, g.Start(ctx)
}

// SetEnv gives the next starts of the gateway further variables, in place of
// those of the last SetEnv.
func (g *Gateway) SetEnv(env ...string) { g.env = env }

// Dir is the folder that relative names in the mapping start from.
func (g *Gateway) Dir() string { return filepath.Dir(g.Mapping) }

func (g *Gateway) isReady(ctx context.Context) error {
	var last error
	err := Poll(ctx, func(ctx context.Context) bool {
		_, _, last = g.Get(ctx, "/healthz")
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("%w (%w)", err, last)
	}
	return nil
}

// Get asks the gateway's HTTP server for a path and gives the answer's status
// and body.
func (g *Gateway) Get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.http+path, nil)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", path, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<24))
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", path, err)
	}
	return res.StatusCode, string(body), nil
}

// WaitHealth waits until /healthz answers with status, and gives its body.
func (g *Gateway) WaitHealth(ctx context.Context, status int) (string, error) {
	var code int
	var body string
	err := Poll(ctx, func(ctx context.Context) bool {
		c, b, err := g.Get(ctx, "/healthz")
		if err == nil {
			code, body = c, b
		}
		return code == status
	})
	if err != nil {
		return body, fmt.Errorf("%s: wait for health %d, have %d %s: %w", g.Name, status, code, body, err)
	}
	return body, nil
}

// Reload gives the gateway another mapping text and tells it to read it.
func (g *Gateway) Reload(mapping string) error {
	if _, err := write(filepath.Dir(g.Mapping), filepath.Base(g.Mapping), mapping); err != nil {
		return err
	}
	return g.Signal(syscall.SIGHUP)
}

// A Result is how a command ended and what it printed.
type Result struct {
	Code        int
	Out, ErrOut string
}

// Run runs the gateway's binary to its end, as one does for -check.
func Run(ctx context.Context, binary string, args ...string) (Result, error) {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("run %s: %w", filepath.Base(binary), err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Out: out.String(), ErrOut: errOut.String()}, nil
}

// Files is how many files and sockets the gateway has open.
func (g *Gateway) Files() (int, error) {
	r := g.current()
	if r == nil {
		return 0, fmt.Errorf("files of %s: %w", g.Name, errEnded)
	}
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("files of %s: %w", g.Name, err)
	}
	return len(all), nil
}

// KillChildren kills the processes that the gateway has started, and says how
// many they were.
func (g *Gateway) KillChildren() (int, error) {
	r := g.current()
	if r == nil {
		return 0, fmt.Errorf("children of %s: %w", g.Name, errEnded)
	}
	pid := r.cmd.Process.Pid
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, fmt.Errorf("children of %s: %w", g.Name, err)
	}
	n := 0
	for _, file := range threads {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // the thread is gone
		}
		for _, word := range strings.Fields(string(raw)) {
			child, err := strconv.Atoi(word)
			if err == nil {
				err = syscall.Kill(child, syscall.SIGKILL)
			}
			if err != nil {
				return n, fmt.Errorf("kill a child of %s: %w", g.Name, err)
			}
			n++
		}
	}
	return n, nil
}
