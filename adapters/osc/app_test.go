package osc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/datagram"
)

// start runs an adapter until the test ends.
func start(t *testing.T, change func(c *Config), quick bool) (*Adapter, *bridgetest.Handler) {
	t.Helper()
	c := NewConfig()
	change(c)
	return startConfig(t, c, func(s *settings) {
		if quick {
			s.pace = quickPace()
		}
	})
}

// startConfig runs an adapter whose settings the test may change.
func startConfig(t *testing.T, c *Config, change func(s *settings)) (*Adapter, *bridgetest.Handler) {
	t.Helper()
	c.Check(func(key, msg string) { t.Fatalf("%s: %s", key, msg) })
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	change(a.set)
	h := bridgetest.NewHandler(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run still runs")
		}
	})
	return a, h
}

// addrs waits until an adapter runs.
func addrs(t *testing.T, a *Adapter) []netip.AddrPort {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if all := a.Addrs(); all != nil {
			return slices.Clone(all)
		}
		<-time.After(time.Millisecond)
	}
	t.Fatal("the adapter does not run")
	return nil
}

// An app is a program that plays in a group, and waits for what it hears.
type app struct {
	t      *testing.T
	socket *datagram.Socket
	heard  chan string
}

func newApp(t *testing.T) *app {
	a := &app{t: t, socket: openSocket(t), heard: make(chan string, 1000)}
	go func() {
		_ = a.socket.NewReader(8, wire.MaxMember).Run(func(packets []datagram.Packet) {
			for _, in := range packets {
				if _, ok := wire.PingName(in.Data); ok {
					continue
				}
				wire.Each(in.Data, func(m wire.Message) { a.heard <- wire.Line(m) })
			}
		})
	}()
	return a
}

func (a *app) port() int { return int(a.socket.Addr().Port()) }

func (a *app) send(to netip.AddrPort, packet []byte) {
	w := datagram.NewWriter(1)
	w.Add(a.socket, packet, to, netip.Addr{})
	w.Flush()
}

// sendUntil sends a message again and again until another app has heard it.
func (a *app) sendUntil(to netip.AddrPort, text string, other *app) {
	a.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		a.send(to, line(a.t, text))
		select {
		case got := <-other.heard:
			if got == text {
				return
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	a.t.Fatalf("%s does not arrive", text)
}

// meets waits until the member at to says that it has a way to another: what is
// played before that goes nowhere.
func (a *app) meets(to netip.AddrPort, name string) {
	a.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		a.send(to, line(a.t, wire.AddressPeers))
		select {
		case got := <-a.heard:
			if f := strings.Fields(got); len(f) > 2 && f[0] == wire.AddressPeer && f[1] == name && f[2] != "none" {
				return
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	a.t.Fatalf("there is no way to %s", name)
}

// hear waits for a message, and passes over others.
func (a *app) hear(want string) {
	a.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case got := <-a.heard:
			if got == want {
				return
			}
		case <-timeout:
			a.t.Fatalf("%s is not heard", want)
		}
	}
}

// freePort is a port that nobody has at the moment, and that the system gives to
// nobody who asks for any.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 30_000 + rand.IntN(2_700) // other packages have tests of their own below
		s, err := datagram.Open(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), false)
		if err == nil {
			s.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func at(port int) netip.AddrPort { return netip.MustParseAddrPort(fmt.Sprint("127.0.0.1:", port)) }

// A nopHandler is a bridge that does nothing with who comes and goes.
type nopHandler struct{ bridge.Handler }

func (nopHandler) Changed(bridge.Address)   {}
func (nopHandler) Reachable(bridge.Address) {}
func (nopHandler) State(bool, error)        {}
