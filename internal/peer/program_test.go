package peer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sh is a program that the shell runs.
func sh(t *testing.T, script string) *Program {
	t.Helper()
	p := &Program{Name: "sh", argv: []string{"/bin/sh", "-c", script}}
	t.Cleanup(p.Kill)
	return p
}

func TestProgramIsReadyWhenItSaysSo(t *testing.T) {
	t.Parallel()
	p := sh(t, "echo up; read line; echo got $line; exit 3")
	p.ready = func(ctx context.Context) error {
		_, err := p.Out.Wait(ctx, Containing("up"))
		return err
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Type("hello"); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(t.Context()); code != 3 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	if _, err := p.Out.Wait(t.Context(), Containing("got hello")); err != nil {
		t.Error(err)
	}
	p.Stop() // once more does no harm
}

func TestProgramThatEndsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := sh(t, "exit 1")
	p.ready = func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("error %v", err)
	}
}

func TestKillEndsChildrenToo(t *testing.T) {
	t.Parallel()
	p := sh(t, "sleep 600 & echo child $!; wait")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	line, err := p.Out.Wait(t.Context(), Containing("child"))
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	child := filepath.Join("/proc", strings.TrimPrefix(line, "child "), "stat")
	err = Poll(t.Context(), func(context.Context) bool {
		stat, err := os.ReadFile(child)
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	if err != nil {
		t.Errorf("the child lives: %v", err)
	}
}

func TestLabsHaveNetworksOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 5 {
		lab, err := NewLab(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(lab.Close)
		if host := lab.Host(GatewayHost); seen[host] {
			t.Errorf("%s twice", host)
		} else {
			seen[host] = true
		}
	}
}

func TestSIPTextIsTakenApart(t *testing.T) {
	t.Parallel()
	m := ParseSIP("SIP/2.0 200 OK\r\nVia: a\r\nvia: b\r\nCSeq: 7 MESSAGE\r\n\r\nbody\r\n\r\nmore")
	if m.Code() != 200 || m.Method() != "MESSAGE" || len(m.All("Via")) != 2 || m.Header("VIA") != "a" {
		t.Errorf("%+v", m)
	}
	m = ParseSIP("MESSAGE sip:x SIP/2.0\r\nTo: <sip:x>\r\n\r\nhello")
	if m.Code() != 0 || m.Method() != "MESSAGE" || m.Body != "hello" || m.Header("From") != "" {
		t.Errorf("%+v", m)
	}
}
