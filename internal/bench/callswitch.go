package main

import (
	"bytes"
	"context"
	_ "embed" // for the configuration
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	"gateway/internal/peer"
)

//go:embed files/callproxy.cfg
var callProxyConfig string

// callsTable is the begin of a mapping file for many calls: where its state is asked for is to be filled in.
const callsTable = `[gateway]
node  = "bench"
state = "state"
http  = %q
log   = "warn"
drain = "1s"

[limits]
calls            = 10000
calls_per_sender = 0
calls_per_second = 0

`

// startCallGateway starts one between the caller and the called, in a folder
// called name. It asks the called end only whether it is there, for the caller
// comes and goes at the same host.
func (w *world) startCallGateway(ctx context.Context, name string, host int, apart bool) (s switcher, end func(), err error) {
	called := w.lab.At(peer.SIPHost, calledPort)
	mapping := fmt.Sprintf(callsTable+`[media]
ports   = "%d-%d"
process = %t

[sip.callers]
listen = ["udp:%s"]
domain = "gw.example"
peer   = "sip:%s"

[sip.called]
listen = ["udp:%s"]
domain = "gw.example"
peer   = "sip:%s"

[[map]]
home = "called:{user:1[0-9]+}"
as   = { callers = "{user}" }

[[map]]
home = "callers:{user:2[0-9]+}"
as   = { called = "{user}" }
`,
		w.lab.At(host, peer.HTTPPort), callFirstMedia, callLastMedia, apart,
		w.lab.At(host, peer.SIPPort), called, w.lab.At(host, callSecondPort), called)
	g, err := peer.StartGateway(ctx, w.lab, w.binary, name, w.lab.At(host, peer.HTTPPort), mapping)
	if err != nil {
		return s, nil, err
	}
	if _, err := g.WaitHealth(ctx, 200); err != nil {
		g.Kill()
		return s, nil, err
	}
	processes := func() (signalling, media []int, err error) {
		group, err := groupOf(name + "/mapping.toml")
		if err != nil {
			return nil, nil, err
		}
		all, err := members(group)
		for _, pid := range all {
			if pid == group {
				signalling = append(signalling, pid)
			} else {
				media = append(media, pid)
			}
		}
		return signalling, media, err
	}
	return switcher{at: w.lab.At(host, peer.SIPPort), processes: processes}, g.Stop, nil
}

// A callProxy is a Kamailio that relays calls.
type callProxy struct {
	cmd   *exec.Cmd
	out   bytes.Buffer  // what it printed; to be read when ended is closed
	ended chan struct{} // closed when its first process has ended
}

// startCallProxy starts Kamailio with its quickest allocator; the default one is no
// match for it.
func startCallProxy(ctx context.Context, w *world) (*callProxy, error) {
	binary, err := exec.LookPath("kamailio")
	if err != nil {
		return nil, err
	}
	dir, err := w.lab.Dir("callproxy")
	if err != nil {
		return nil, err
	}
	t, err := template.New("callproxy").Parse(callProxyConfig)
	if err != nil {
		return nil, fmt.Errorf("configure kamailio: %w", err)
	}
	at := w.lab.At(callProxyHost, peer.SIPPort)
	var config bytes.Buffer
	if err := t.Execute(&config, map[string]any{"Listen": at, "Called": w.lab.At(peer.SIPHost, calledPort)}); err != nil {
		return nil, fmt.Errorf("configure kamailio: %w", err)
	}
	file := filepath.Join(dir, "callproxy.cfg")
	if err := os.WriteFile(file, config.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("configure kamailio: %w", err)
	}
	k := &callProxy{ended: make(chan struct{})}
	k.cmd = exec.CommandContext(ctx, binary, "-DD", "-E", "-x", "tlsf", "-X", "tlsf", "-f", file, "-Y", dir, "-w", dir)
	k.cmd.Stdout, k.cmd.Stderr = &k.out, &k.out
	k.cmd.WaitDelay = time.Second
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	k.cmd.Cancel = func() error { return syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL) }
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("kamailio: %w", err)
	}
	go func() {
		_ = k.cmd.Wait() // what it printed says more
		close(k.ended)
	}()
	if err := k.ready(ctx, at); err != nil {
		k.close()
		return nil, fmt.Errorf("kamailio: %w: %s", err, k.out.Bytes())
	}
	return k, nil
}

// ready asks it for something that it refuses by itself, until it does.
func (k *callProxy) ready(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := net.Dial("udp4", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	question := fmt.Sprintf("BYE sip:nobody@%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKready\r\nMax-Forwards: 9\r\n"+
		"From: <sip:bench@%[2]s>;tag=a\r\nTo: <sip:nobody@%[1]s>;tag=b\r\nCall-ID: ready\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		at, conn.LocalAddr())
	return peer.Poll(ctx, func(context.Context) bool {
		select {
		case <-k.ended:
			cancel()
		default:
		}
		if _, err := conn.Write([]byte(question)); err != nil { // of an earlier one, while nobody is there
			return false
		}
		b := make([]byte, 2048)
		if conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)) != nil {
			return false
		}
		n, err := conn.Read(b)
		return err == nil && bytes.HasPrefix(b[:n], []byte("SIP/2.0 404 "))
	})
}

func (k *callProxy) close() {
	// The group may outlive its first process.
	_ = syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL)
	<-k.ended
}

func (k *callProxy) switcher(w *world) switcher {
	processes := func() (signalling, media []int, err error) {
		select {
		case <-k.ended:
			return nil, nil, errors.New("it has ended")
		default:
		}
		signalling, err = members(k.cmd.Process.Pid)
		return signalling, nil, err
	}
	return switcher{at: w.lab.At(callProxyHost, peer.SIPPort), processes: processes}
}
