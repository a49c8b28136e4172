package main

import (
	"context"
	_ "embed" // for the program beside us
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gateway/internal/peer"
)

//go:embed files/meshecho.c
var echoSource string

const (
	meshBenchPort = 24456
	echoPort      = 24457
	meshEndsAt    = 20
	meshHosts     = 200 // of the lab, that the clients are at
	meshRate      = 10_000
	meshAnswer    = 40 // bytes
	aimEcho       = 2.0
	levelEcho     = 1.0
)

// meshSizes are how many clients a server has.
var meshSizes = [2]int{100, 1000}

// beaconed is what was measured with so many clients, round by round.
type beaconed struct {
	clients       int
	gateway, echo []fanSample
}

// A beaconer is one client of a mesh, which is answered by whatever it sends to.
type beaconer struct {
	conn   *net.UDPConn
	beacon []byte
	head   []peer.MeshTLV
}

// A meshCrowd is all clients of a server.
type meshCrowd struct {
	all   []*beaconer
	got   atomic.Int64 // answers
	reads sync.WaitGroup
}

func newMeshCrowd(lab *peer.Lab, n int) (c *meshCrowd, err error) {
	c = &meshCrowd{}
	for i := range n {
		b := &beaconer{}
		if b.conn, err = peer.ListenOSC(net.JoinHostPort(lab.Host(meshEndsAt+i%meshHosts), "0")); err != nil {
			c.close()
			return nil, err
		}
		c.all = append(c.all, b)
		at := netip.MustParseAddrPort(b.conn.LocalAddr().String())
		id := append([]byte{byte(i >> 8), byte(i)}, make([]byte, 14)...)
		b.head = []peer.MeshTLV{peer.MeshUint(peer.MeshClientVer, 1, 2), peer.MeshUint(peer.MeshSequence, 4, 0), {Type: peer.MeshUUID, Value: id}}
		meta := `{"127.0.0.1-23456": {"stats": {"rcvd": 0, "rtt": 0, "ackd": 0, "sent": 0}, "sin": ["127.0.0.1", 23456], "ts": 1795303652.672}}`
		b.beacon = peer.MeshPacket(append(b.head[:len(b.head):len(b.head)], peer.MeshAddr(peer.MeshPTPAddr, at), peer.MeshUint(peer.MeshMyTS, 8, 1<<40),
			peer.MeshTLV{Type: peer.MeshMeta, Value: []byte(meta)})...)
		c.reads.Go(func() { c.read(b) })
	}
	return c, nil
}

func (c *meshCrowd) close() {
	for _, b := range c.all {
		b.conn.Close()
	}
	c.reads.Wait()
}

// read counts answers, and sends the time stamps of lists back, as clients do.
func (c *meshCrowd) read(b *beaconer) {
	buf := make([]byte, 1500)
	for {
		n, from, err := b.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if n == meshAnswer {
			c.got.Add(1)
			continue
		}
		values, err := peer.ParseMesh(buf[:n])
		if err != nil {
			continue
		}
		for _, v := range values {
			if v.Type == peer.MeshMyTS {
				_, _ = b.conn.WriteToUDPAddrPort(peer.MeshPacket(append(b.head[:len(b.head):len(b.head)], peer.MeshTLV{Type: peer.MeshYourTS, Value: v.Value})...), from)
			}
		}
	}
}

// measureBeacons has so many clients send beacons to the gateway, and to a plain echo.
func (w *world) measureBeacons(ctx context.Context, n int) (r beaconed, err error) {
	r.clients = n
	c, err := newMeshCrowd(w.lab, n)
	if err != nil {
		return r, err
	}
	defer c.close()
	name := fmt.Sprintf("mesh%d", n)
	server := netip.MustParseAddrPort(w.lab.At(peer.GatewayHost, meshBenchPort))
	p, err := peer.StartPlainGateway(ctx, w.lab, w.binary, name,
		fmt.Sprintf("[mesh.lab]\nlisten = [\"udp:%s\"]\nmax_clients = 2000\nper_host = 2000\n", server), "lab")
	if err != nil {
		return r, err
	}
	defer p.Stop()
	gateway, err := groupOf(name + "/mapping.toml")
	if err != nil {
		return r, err
	}
	at := netip.MustParseAddrPort(w.lab.At(peer.GatewayHost, echoPort))
	stop, binary, err := w.startC(ctx, "meshecho", echoSource, at.Addr().String(), fmt.Sprint(at.Port()), fmt.Sprint(meshAnswer))
	if err != nil {
		return r, err
	}
	defer stop()
	echo, err := groupOf(binary)
	if err != nil {
		return r, err
	}
	for _, to := range []netip.AddrPort{server, at} { // who is new is no beacon's price
		if _, err := c.beacons(ctx, to, gateway, 2*n); err != nil {
			return r, err
		}
	}
	for round := range fanRounds {
		for i := range 2 { // they take turns
			to, group, samples := at, echo, &r.echo
			if (i+round)%2 == 0 {
				to, group, samples = server, gateway, &r.gateway
			}
			s, err := c.beacons(ctx, to, group, int(fanTime.Seconds()*meshRate))
			if err != nil {
				return r, err
			}
			*samples = append(*samples, s)
		}
	}
	return r, nil
}

// beacons sends n beacons, of all clients in turn.
func (c *meshCrowd) beacons(ctx context.Context, to netip.AddrPort, group, n int) (s fanSample, err error) {
	s.sent = n
	c.got.Store(0)
	before, err := cpuTime(group)
	if err != nil {
		return s, err
	}
	begin := time.Now()
	for i := range n {
		if early := time.Duration(i)*time.Second/meshRate - time.Since(begin); early > 0 {
			if err := pause(ctx, early); err != nil {
				return s, err
			}
		}
		b := c.all[i%len(c.all)]
		if _, err := b.conn.WriteToUDPAddrPort(b.beacon, to); err != nil {
			return s, fmt.Errorf("beacon: %w", err)
		}
	}
	if err := pause(ctx, fanSettle); err != nil {
		return s, err
	}
	after, err := cpuTime(group)
	if err != nil {
		return s, err
	}
	s.cpu = after - before
	got := int(c.got.Load())
	if got == 0 {
		return s, fmt.Errorf("of %d beacons none was answered", n)
	}
	s.lost = 1 - float64(got)/float64(n)
	return s, nil
}

// mesh measures what a mesh costs its server.
func mesh(ctx context.Context, w *world, out io.Writer) error {
	var all []beaconed
	for _, n := range meshSizes {
		r, err := w.measureBeacons(ctx, n)
		if err != nil {
			return fmt.Errorf("mesh, %d clients: %w", n, err)
		}
		all = append(all, r)
	}
	printMesh(out, all)
	return nil
}

func printMesh(out io.Writer, all []beaconed) {
	fmt.Fprintf(out, `
Mesh: beacons to a server, each answered, %d a second, beside an echo of recvfrom and
sendto in C that does nothing else; %d rounds, taking turns, medians (and
lowest...highest)
`, meshRate, fanRounds)
	for _, r := range all {
		fmt.Fprintf(out, "\n%d clients\n", r.clients)
		fmt.Fprintf(out, "  %-44s %s\n", "CPU s of 100,000, gateway", perMany(r.gateway).text("%.2f"))
		fmt.Fprintf(out, "  %-44s %s\n", "CPU s of 100,000, plain echo", perMany(r.echo).text("%.2f"))
		fmt.Fprintf(out, "  %-44s %s\n", "CPU, gateway / plain echo", aimed(besides(r.gateway, r.echo), aimEcho, levelEcho))
		fmt.Fprintf(out, "  %-44s %s\n", "not answered in percent, gateway", lossOf(r.gateway).text("%.2f"))
		fmt.Fprintf(out, "  %-44s %s\n", "not answered in percent, plain echo", lossOf(r.echo).text("%.2f"))
	}
}
