package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gateway/adapters"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// thirdConfig is the table of a kind of adapter that the gateway does not
// have. That a test can add one by a row, a config and an adapter shows that
// nothing else has to change for it.
type thirdConfig struct {
	bridgetest.Names
	Greeting string `toml:"greeting"`
}

func (c *thirdConfig) Check(bad func(key, msg string)) {
	if c.Greeting == "bad" {
		bad("greeting", "is bad")
	}
}

// program is a gateway that runs in this process, with adapters of the third
// kind.
type program struct {
	t       *testing.T
	file    string
	signals chan os.Signal
	exit    chan int
	log     *buffer

	mu       sync.Mutex // guards adapters: join fills it from another goroutine
	adapters map[string]*bridgetest.Adapter
	made     chan string
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex // guards b and changed
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

const twoAdapters = `
[gateway]
node = "test"
state = "state"
drain = "5s"
[third.left]
[third.right]
`

const everybody = `
[[map]]
home = "left:{x:b.*}"
as   = { right = "l-{x}" }
[[map]]
home = "right:{x:r.*}"
as   = { left = "{x}" }
`

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newProgram(t *testing.T, mapping string) *program {
	p := &program{
		t: t, file: filepath.Join(t.TempDir(), "mapping.toml"),
		signals: make(chan os.Signal, 4), exit: make(chan int, 1), log: &buffer{},
		adapters: map[string]*bridgetest.Adapter{}, made: make(chan string, 10),
	}
	writeFile(t, p.file, mapping)
	return p
}

func (p *program) kinds() []adapters.Kind {
	return []adapters.Kind{{
		Name:   "third",
		Config: func() bridge.Config { return &thirdConfig{} },
		New: func(_ bridge.Config, env bridge.Env) (bridge.Adapter, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			a := bridgetest.NewAdapter()
			p.adapters[env.Name] = a
			p.made <- env.Name
			return a, nil
		},
	}}
}

func (p *program) options() Options {
	return Options{Kinds: p.kinds(), Config: p.file, Version: "test", Out: p.log, Err: p.log, Signals: p.signals}
}

// start runs the program and waits until it has made its two adapters.
func (p *program) start() (left, right *bridgetest.Adapter) {
	p.t.Helper()
	go func() { p.exit <- Run(context.Background(), p.options()) }()
	for range 2 {
		select {
		case <-p.made:
		case code := <-p.exit:
			p.t.Fatalf("ended with %d:\n%s", code, p.log)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.adapters["left"], p.adapters["right"]
}

// end sends a signal and wants the program to end with code.
func (p *program) end(s os.Signal, code int) {
	p.t.Helper()
	p.signals <- s
	p.wantExit(code)
}

// patience bounds every wait of a test.
const patience = time.Minute

func (p *program) wantExit(code int) {
	p.t.Helper()
	select {
	case got := <-p.exit:
		if got != code {
			p.t.Errorf("ended with %d, want %d:\n%s", got, code, p.log)
		}
	case <-time.After(patience):
		p.t.Fatalf("does not end:\n%s", p.log)
	}
}

// waitLog waits until the log has the text.
func (p *program) waitLog(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(p.log.String(), text) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %q in the log:\n%s", text, p.log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func say(t *testing.T, a *bridgetest.Adapter, from, to, text string) (bridge.Outcome, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return a.Say(ctx, from, to, text, text)
}

func hear(t *testing.T, a *bridgetest.Adapter) bridge.Message {
	t.Helper()
	select {
	case m := <-a.Heard():
		return m
	case <-time.After(patience):
		t.Fatal("nothing to be heard")
		return bridge.Message{}
	}
}

func TestAThirdKindOfAdapterNeedsNothingElse(t *testing.T) {
	t.Parallel()
	p := newProgram(t, twoAdapters+everybody)
	left, right := p.start()
	if o, err := say(t, left, "bob", "ray", "hello"); err != nil || o != bridge.Taken {
		t.Errorf("left to right: %v, %v", o, err)
	}
	if m := hear(t, right); m.From.Name != "l-bob" || m.To.Name != "ray" || m.Body() != "hello" {
		t.Errorf("arrived: %+v", m)
	}
	if _, err := say(t, right, "ray", "l-bob", "hello back"); err != nil {
		t.Errorf("right to left: %v", err)
	}
	if m := hear(t, left); m.From.Name != "ray" || m.To.Name != "bob" {
		t.Errorf("arrived: %+v", m)
	}
	if _, err := say(t, left, "bob", "tom", "nobody"); err == nil {
		t.Error("an address that no map takes is taken")
	}
	p.end(syscall.SIGTERM, ExitOK)
}

func TestWhatWaitsOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	p := newProgram(t, twoAdapters+everybody)
	left, right := p.start()
	right.SetUp(false)
	for i := range 5 {
		if o, err := say(t, left, "bob", "ray", fmt.Sprint(i)); err != nil || o != bridge.Stored {
			t.Fatalf("message %d: %v, %v", i, o, err)
		}
	}
	p.end(syscall.SIGINT, ExitOK)
	_, right = p.start()
	for i := range 5 {
		if m := hear(t, right); m.Body() != fmt.Sprint(i) {
			t.Errorf("%q came in place of %d", m.Body(), i)
		}
	}
	p.end(syscall.SIGTERM, ExitOK)
}

func TestAReloadChangesMapsAndNothingElse(t *testing.T) {
	t.Parallel()
	p := newProgram(t, twoAdapters+everybody)
	left, right := p.start()
	writeFile(t, p.file, twoAdapters+strings.ReplaceAll(everybody, "l-{x}", "new-{x}"))
	p.signals <- syscall.SIGHUP
	p.waitLog("mapping reloaded")
	say(t, left, "bob", "ray", "hello")
	if m := hear(t, right); m.From.Name != "new-bob" {
		t.Errorf("after the reload bob is %s", m.From.Name)
	}
	writeFile(t, p.file, twoAdapters+everybody+"nonsense = 1\n")
	p.signals <- syscall.SIGHUP
	p.waitLog("the file has mistakes")
	writeFile(t, p.file, strings.Replace(twoAdapters, "[third.left]", "[third.left]\ngreeting = \"hi\"", 1)+everybody)
	p.signals <- syscall.SIGHUP
	p.waitLog("needs a restart")
	say(t, left, "bob", "ray", "hello again")
	if m := hear(t, right); m.From.Name != "new-bob" {
		t.Errorf("a bad reload made bob %s", m.From.Name)
	}
	p.end(syscall.SIGTERM, ExitOK)
}

func TestASecondProgramOnOneStateIsRefused(t *testing.T) {
	t.Parallel()
	p := newProgram(t, twoAdapters+everybody)
	p.start()
	second := &buffer{}
	o := p.options()
	o.Err = second
	if code := Run(t.Context(), o); code != ExitFailed || !strings.Contains(second.String(), "another gateway") {
		t.Errorf("the second ended with %d:\n%s", code, second)
	}
	p.end(syscall.SIGTERM, ExitOK)
}

func TestMistakesEndWithTwoAndOpenNothing(t *testing.T) {
	t.Parallel()
	p := newProgram(t, strings.Replace(twoAdapters, "[third.left]", "[third.left]\ngreeting = \"bad\"\ncolour = 1", 1))
	if code := Run(t.Context(), p.options()); code != ExitConfig {
		t.Errorf("ended with %d, want %d", code, ExitConfig)
	}
	for _, want := range []string{":7:12: third.left.greeting: is bad", ":8:1: third.left.colour: unknown key"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("no %q in\n%s", want, p.log)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(p.file), "state")); !os.IsNotExist(err) {
		t.Errorf("something was opened: %v", err)
	}
}

func TestCheckAndExplain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		check       bool
		explain, as string
		code        int
		want        string
	}{
		{"check prints the mapping", true, "", "", ExitOK, "third.left"},
		{"somebody takes it", false, "left:ray", "", ExitOK, "right:ray"},
		{"and sees the sender", false, "left:ray", "left:bob", ExitOK, "right:l-bob"},
		{"nobody takes it", false, "left:tom", "", ExitFailed, ""},
		{"no address", false, "ray", "", ExitConfig, "ADAPTER:NAME"},
		{"no sender's address", false, "left:ray", "bob", ExitConfig, "ADAPTER:NAME"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, twoAdapters+everybody)
			o := p.options()
			o.Check, o.Explain, o.As = row.check, row.explain, row.as
			if code := Run(t.Context(), o); code != row.code || !strings.Contains(p.log.String(), row.want) {
				t.Errorf("ended with %d, want %d and %q:\n%s", code, row.code, row.want, p.log)
			}
		})
	}
}
