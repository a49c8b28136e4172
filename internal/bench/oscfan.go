package main

import (
	"context"
	_ "embed" // for the program beside us
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gateway/internal/peer"
)

//go:embed files/oscfanout.c
var fanoutSource string

const (
	oscPlayer = "player" // who plays to the others
	fanRounds = 12
	fanTime   = 500 * time.Millisecond // of each load
	fanMost   = 10_000                 // messages of one load: the highest rate for that time
	fanPer    = 100_000                // messages that CPU time is told for
	fanSettle = 300 * time.Millisecond // for the last messages, at most
	fanLook   = 5 * time.Millisecond   // between two looks whether they have come
)

// The ways of playing: to how many others, and how many messages a second.
var (
	fanOthers = [2]int{1, 7}
	fanRates  = [2]int{10_000, 20_000}
)

// A fanSample is one round through one program.
type fanSample struct {
	sent int
	lost float64 // share of what should have arrived
	cpu  time.Duration
	took []time.Duration // from sending to arrival; nil where that is not measured
}

// fanned is what was measured with one number of others: by rate and round.
type fanned struct {
	others        int
	gateway, loop [len(fanRates)][]fanSample
}

// A fanner is a program that plays what is sent to a port of loopback.
type fanner struct {
	group int // its process group
	app   *net.UDPConn
	stop  func()
}

// measureFan plays to n others.
func (w *world) measureFan(ctx context.Context, n int) (f fanned, err error) {
	f.others = n
	crowd, err := newOSCCrowd(w.lab, n)
	if err != nil {
		return f, err
	}
	defer crowd.close()
	gateway, err := w.startPlayer(ctx, n)
	if err != nil {
		return f, err
	}
	defer gateway.stop()
	loop, err := w.startLoop(ctx, crowd)
	if err != nil {
		return f, err
	}
	defer loop.stop()
	for _, p := range []fanner{gateway, loop} {
		if err := w.untilHeard(ctx, crowd, p); err != nil {
			return f, err
		}
	}
	for round := range fanRounds {
		for r, rate := range fanRates {
			for i := range 2 { // they take turns
				ours := (i+round)%2 == 0
				p, to := loop, &f.loop[r]
				if ours {
					p, to = gateway, &f.gateway[r]
				}
				s, err := w.play(ctx, crowd, p, rate)
				if err != nil {
					return f, err
				}
				*to = append(*to, s)
			}
		}
	}
	return f, nil
}

// startPlayer starts the gateway as a member.
func (w *world) startPlayer(ctx context.Context, n int) (fanner, error) {
	free, err := peer.FreeUDPPorts(2)
	if err != nil {
		return fanner{}, err
	}
	defer free.Close() // when they are taken
	ports := free.Ports
	name := fmt.Sprintf("player%d", n)
	p, err := peer.StartPlainGateway(ctx, w.lab, w.binary, name, fmt.Sprintf(`[osc.%s]
join = "%s"
user = "%s"
password = "pw"
group = "%s"
group_password = "%s"
apps = [{ tx = %d, rx = %d }]
`, oscPlayer, w.lab.At(oscServerAt, oscPort), oscPlayer, oscGroup, oscPassword, ports[0], ports[1]), oscPlayer)
	if err != nil {
		return fanner{}, err
	}
	return newFanner(name+"/mapping.toml", ports[0], p.Stop)
}

// startLoop builds and starts the plain program.
func (w *world) startLoop(ctx context.Context, crowd *oscCrowd) (f fanner, err error) {
	free, err := peer.FreeUDPPorts(1)
	if err != nil {
		return f, err
	}
	defer free.Close() // when it is taken
	args := []string{strconv.Itoa(free.Ports[0])}
	for _, c := range crowd.conns {
		at := netip.MustParseAddrPort(c.LocalAddr().String())
		args = append(args, at.Addr().String(), strconv.Itoa(int(at.Port())))
	}
	stop, binary, err := w.startC(ctx, "oscfanout", fanoutSource, args...)
	if err != nil {
		return f, err
	}
	if f, err = newFanner(binary, free.Ports[0], stop); err != nil {
		stop()
	}
	return f, err
}

// startC builds and starts a program in C.
func (w *world) startC(ctx context.Context, name, source string, args ...string) (stop func(), binary string, err error) {
	dir, err := w.lab.Dir(name)
	if err != nil {
		return nil, "", err
	}
	file, binary := filepath.Join(dir, name+".c"), filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-Wall", "-o", binary, file).CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("%s: %w: %s", name, err, out)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	return func() {
		_ = cmd.Process.Kill() // it has nothing to say at its end
		_ = cmd.Wait()
	}, binary, nil
}

func newFanner(word string, port int, stop func()) (f fanner, err error) {
	if f.group, err = groupOf(word); err != nil {
		return f, err
	}
	f.app, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	f.stop = func() { f.app.Close(); stop() }
	return f, err
}

// untilHeard plays until every member hears it.
func (w *world) untilHeard(ctx context.Context, crowd *oscCrowd, p fanner) error {
	w.loads++
	crowd.begin(w.loads)
	ctx, cancel := context.WithTimeout(ctx, stragglers)
	defer cancel()
	err := peer.Poll(ctx, func(context.Context) bool {
		_, _ = p.app.Write(oscMark(w.loads, 0)) // refused, while nobody is there
		return crowd.all()
	})
	if err != nil {
		return fmt.Errorf("%d of %d messages are heard: %w", crowd.total(), len(crowd.conns), err)
	}
	return pause(ctx, fanSettle)
}

// settle waits until n messages have reached every member, or no more are to be
// expected.
func (c *oscCrowd) settle(ctx context.Context, n int) error {
	for begin := time.Now(); c.total() < n*len(c.conns) && time.Since(begin) < fanSettle; {
		if err := pause(ctx, fanLook); err != nil {
			return err
		}
	}
	return nil
}

// play runs one load.
func (w *world) play(ctx context.Context, crowd *oscCrowd, p fanner, rate int) (s fanSample, err error) {
	w.loads++
	crowd.begin(w.loads)
	s.sent = int(fanTime.Seconds() * float64(rate))
	before, err := cpuTime(p.group)
	if err != nil {
		return s, err
	}
	begin := time.Now()
	for i := range s.sent {
		if early := time.Duration(i)*time.Second/time.Duration(rate) - time.Since(begin); early > 0 {
			if err := pause(ctx, early); err != nil {
				return s, err
			}
		}
		crowd.sends(i)
		if _, err := p.app.Write(oscMark(w.loads, i)); err != nil {
			return s, fmt.Errorf("play: %w", err)
		}
	}
	if err := crowd.settle(ctx, s.sent); err != nil {
		return s, err
	}
	after, err := cpuTime(p.group)
	if err != nil {
		return s, err
	}
	s.cpu, s.took = after-before, crowd.times()
	arrived := crowd.total()
	if arrived == 0 {
		return s, fmt.Errorf("of %d messages none has arrived", s.sent)
	}
	s.lost = 1 - float64(arrived)/float64(s.sent*len(crowd.conns))
	return s, nil
}

// holdMuch gives a socket a large buffer, whatever the machine's limit, as root
// may.
func holdMuch(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("socket's buffer: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, oscBuffer)
	})
	if failed != nil || err != nil {
		return conn.SetReadBuffer(oscBuffer) // as much as the limit gives
	}
	return nil
}
