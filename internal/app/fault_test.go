//go:build faults

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gateway/adapters"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// childEnv says what this test binary does when it is started by itself:
// "REFS ONCE" has it run a gateway that brings messages with those references
// and ends in good order when the last was answered.
const childEnv = "APP_TEST_CHILD"

func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		os.Exit(m.Run())
	}
	refs, once, _ := strings.Cut(text, " ")
	var out bytes.Buffer
	signals := make(chan os.Signal, 1)
	n := &network{refs: strings.Split(refs, ","), once: once == "true", heard: "heard", signals: signals}
	code := Run(context.Background(), Options{
		Config: "mapping.toml", Version: "test", Out: &out, Err: &out, Signals: signals,
		Kinds: []adapters.Kind{{
			Name: "third", Config: func() bridge.Config { return &thirdConfig{} },
			New: func(_ bridge.Config, env bridge.Env) (bridge.Adapter, error) {
				if env.Name == "left" {
					return n, nil
				}
				return &ear{file: "heard", Adapter: bridgetest.NewAdapter()}, nil
			},
		}},
	})
	os.Stderr.Write(out.Bytes())
	os.Exit(code)
}

// A network says what it has to and then asks for the end.
type network struct {
	refs    []string
	once    bool
	heard   string
	signals chan os.Signal
}

func (n *network) Run(ctx context.Context, h bridge.Handler) error {
	h.State(true, nil)
	for i, ref := range n.refs {
		h.Message(bridge.Message{
			Ref: ref, Once: n.once, Hops: 10, Bodies: []bridge.Body{{Text: ref}},
			From: bridge.Party{Address: bridge.Address{Name: "bob"}}, To: bridge.Party{Address: bridge.Address{Name: "ray"}},
		}, func(o bridge.Outcome, err error) {
			if i == len(n.refs)-1 && !n.once {
				n.signals <- syscall.SIGTERM
			}
		})
	}
	if n.once { // then the answer comes before the message arrives
		for b := []byte(nil); !bytes.Contains(b, []byte(n.refs[len(n.refs)-1])) && ctx.Err() == nil; {
			b, _ = os.ReadFile(n.heard)
		}
		n.signals <- syscall.SIGTERM
	}
	<-ctx.Done()
	return nil
}

func (n *network) SendMessage(context.Context, bridge.Message) (bridge.Outcome, error) {
	return 0, errors.New("nobody is here")
}

// An ear writes down what it hears.
type ear struct {
	*bridgetest.Adapter
	file string
}

func (e *ear) SendMessage(_ context.Context, m bridge.Message) (bridge.Outcome, error) {
	f, err := os.OpenFile(e.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, m.Ref, m.ID)
	return bridge.Taken, err
}

// TestACrashLosesNothingAndRepeatsWithOneIdentity ends the process at each
// point, once for a network that repeats what was not answered, and once for
// one that keeps no copy.
func TestACrashLosesNothingAndRepeatsWithOneIdentity(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		for _, point := range bridge.FaultPoints() {
			t.Run(fmt.Sprintf("%s, once %v", point, once), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				writeFile(t, filepath.Join(dir, "mapping.toml"), twoAdapters+everybody)
				dead := runChild(t, dir, "first", once, point+":1")
				if want := once || point != bridge.FaultKept; dead != want {
					t.Fatalf("killed: %v, want %v", dead, want)
				}
				refs := "first,second"
				if once {
					refs = "second"
				}
				if runChild(t, dir, refs, once, "") {
					t.Fatal("the second run was killed")
				}
				checkHeard(t, dir, once, point)
			})
		}
	}
}

func runChild(t *testing.T, dir, refs string, once bool, fault string) (killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %v", childEnv, refs, once), faultEnv+"="+fault)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return false
}

func checkHeard(t *testing.T, dir string, once bool, point string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "heard"))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	count := 0
	for line := range strings.Lines(string(b)) {
		if id, ok := strings.CutPrefix(line, "first "); ok {
			ids[id] = true
			count++
		}
	}
	most := 1
	if point == bridge.FaultSent {
		most = 2 // handed over, and not written down
	}
	least := 1
	if once && point == bridge.FaultTakenIn {
		least = 0 // nobody has it but the memory of a process that died
	}
	if count < least || count > most || len(ids) > 1 {
		t.Errorf("heard %d times:\n%s", count, b)
	}
}

func TestAFaultThatIsNoneIsAMistake(t *testing.T) {
	for _, text := range []string{"x", "sent", "sent:", "sent:0", "sent:x", "nowhere:1"} {
		t.Setenv(faultEnv, text)
		if _, err := newFault(); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
