package main

import (
	"bytes"
	"context"
	_ "embed" // for the configuration and the shim
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	"gateway/internal/peer"
)

//go:embed files/kamailio.cfg
var kamailioConfig string

//go:embed files/expat.c
var expatShim string

// A kamailio is one with its xmpp module, connected to Prosody as a component, and the
// phones behind it.
type kamailio struct {
	cmd    *exec.Cmd
	out    bytes.Buffer  // what it printed; to be read when ended is closed
	ended  chan struct{} // closed when its first process has ended
	phones *sipEnd
}

// startKamailio starts it as it is packaged, or, if that does not work, with
// the shim. note says what had to be done, or why kamailio is nil.
func startKamailio(ctx context.Context, w *world) (k *kamailio, note string, err error) {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return nil, "not installed (scripts/install-peers bench)", nil
	}
	dir, err := w.lab.Dir("kamailio")
	if err != nil {
		return nil, "", err
	}
	if err := configureKamailio(w, dir); err != nil {
		return nil, "", fmt.Errorf("configure kamailio: %w", err)
	}
	k, asPackaged := tryKamailio(ctx, w, dir, "")
	if asPackaged == nil {
		return k, "", nil
	}
	if ctx.Err() != nil {
		return nil, "", context.Cause(ctx)
	}
	note = fmt.Sprintf("as packaged it does not work (%v; kamailio issue 4154)", asPackaged)
	shim := filepath.Join(dir, "expat.so")
	source := filepath.Join(dir, "expat.c")
	if err := os.WriteFile(source, []byte(expatShim), 0o644); err != nil {
		return nil, "", fmt.Errorf("configure kamailio: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-shared", "-fPIC", "-O2", "-o", shim, source, "-ldl").CombinedOutput(); err != nil {
		return nil, fmt.Sprintf("%s, and the cure can't be built: %v %s", note, err, out), nil
	}
	k, cured := tryKamailio(ctx, w, dir, shim)
	if cured != nil {
		return nil, fmt.Sprintf("%s, nor does it with our cure: %v", note, cured), nil
	}
	return k, note + ":\nit runs with a preloaded cure of its crash, internal/bench/files/expat.c", nil
}

func configureKamailio(w *world, dir string) error {
	t, err := template.New("kamailio").Parse(kamailioConfig)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Listen": w.lab.At(kamailioHost, peer.SIPPort), "Domain": kamailioComponent, "Secret": secret,
		"Host": w.lab.Host(peer.XMPPHost), "Port": peer.ComponentPort, "Phones": w.lab.At(peer.SIPHost, otherPhonesPort),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kamailio.cfg"), b.Bytes(), 0o644)
}

// tryKamailio starts it and sends a text each way.
func tryKamailio(ctx context.Context, w *world, dir, preload string) (k *kamailio, err error) {
	k = &kamailio{ended: make(chan struct{})}
	// tlsf is its quickest allocator; the default one is no match for it.
	k.cmd = exec.CommandContext(ctx, "kamailio", "-DD", "-E", "-x", "tlsf", "-X", "tlsf",
		"-f", filepath.Join(dir, "kamailio.cfg"), "-Y", dir, "-w", dir, "-m", "256", "-M", "16")
	k.cmd.Stdout, k.cmd.Stderr = &k.out, &k.out
	k.cmd.WaitDelay = time.Second
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	k.cmd.Cancel = func() error { return syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL) }
	if preload != "" {
		k.cmd.Env = append(os.Environ(), "LD_PRELOAD="+preload)
	}
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	go k.runWait()
	defer func() {
		if err != nil {
			k.close()
			k = nil
		}
	}()
	k.phones, err = newSIPEnd(w.lab.At(peer.SIPHost, otherPhonesPort), w.lab.At(kamailioHost, peer.SIPPort), kamailioComponent, users, &w.current)
	if err != nil {
		return k, err
	}
	return k, k.ready(ctx, w)
}

func (k *kamailio) runWait() {
	_ = k.cmd.Wait() // what it printed says more
	close(k.ended)
}

// ready writes both ways until a text of each has arrived.
func (k *kamailio) ready(ctx context.Context, w *world) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for _, d := range directions {
		l := w.newLoad(1, 0, false)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for sent := false; ; {
			if err := d.send(w, k.path(), mark{l.id, 0}); err != nil && sent {
				return err
			}
			sent = true
			select {
			case <-l.done:
			case <-tick.C:
				continue
			case <-k.ended:
				return errors.New(k.lastWords())
			case <-ctx.Done():
				return fmt.Errorf("no text came through from %s", d.name)
			}
			break
		}
	}
	return nil
}

// lastWords is what it printed of its end.
func (k *kamailio) lastWords() string {
	for line := range bytes.Lines(k.out.Bytes()) {
		if at := bytes.Index(line, []byte("child process")); at >= 0 {
			return string(bytes.TrimSpace(line[at:]))
		}
	}
	return "it ended"
}

func (k *kamailio) close() {
	_ = syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL)
	<-k.ended
	if k.phones != nil {
		k.phones.close()
	}
}

func (k *kamailio) path() path {
	return path{name: kamailioName, group: k.cmd.Process.Pid, phones: k.phones, component: kamailioComponent}
}
