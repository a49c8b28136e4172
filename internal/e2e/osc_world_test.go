//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"gateway/internal/peer"
)

const (
	oscPort      = 23242 // TestExampleMappingRunsAsItStands has the usual one everywhere
	oscGroup     = "orchestra"
	oscGroupPass = "orchestra-pw"
	oscHost      = 21 // the first member; more follow
)

// oscTable is an adapter called jam that is a server, with more lines.
func (w *world) oscTable(lines ...string) string {
	return fmt.Sprintf("[osc.jam]\nlisten = [\"udp:%s\"]\n%s\n\n", w.At(peer.GatewayHost, oscPort), strings.Join(lines, "\n"))
}

// oscServer starts the gateway with no table but an [osc.jam] of that kind.
func (w *world) oscServer(lines ...string) *peer.Program {
	w.t.Helper()
	p, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "server", w.oscTable(lines...), "jam")
	return got(w.t, p, err)
}

// oscMember starts the gateway with no table but an [osc.me] that joins the
// group at a server: the name is the user's.
func (w *world) oscMember(name, server string, lines ...string) *peer.Program {
	w.t.Helper()
	p, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), name, fmt.Sprintf(
		"[osc.me]\njoin = %q\nuser = %q\npassword = \"%s-pw\"\ngroup = %q\ngroup_password = %q\n%s\n",
		server, name, name, oscGroup, oscGroupPass, strings.Join(lines, "\n")), "me")
	return got(w.t, p, err)
}

// original starts a member that plays the original, at host, and waits until
// it is in.
func (w *world) original(name string, host int, server string) *peer.OSCMember {
	w.t.Helper()
	conn, err := peer.ListenOSC(w.At(host, 0))
	w.must(err)
	m := peer.JoinOSC(peer.OSCMemberConfig{
		Conn: conn, Server: netip.MustParseAddrPort(server), Private: netip.MustParseAddrPort(conn.LocalAddr().String()),
		User: name, Password: name + "-pw", Group: oscGroup, GroupPassword: oscGroupPass,
	})
	w.t.Cleanup(m.Close)
	err = w.poll(func() bool { _, group := m.Status(); return group == "ok" })
	if err != nil {
		user, group := m.Status()
		w.t.Fatalf("%s is not in: %q, %q", name, user, group)
	}
	return m
}

// heard waits until member m would play to all of names.
func (w *world) heard(m *peer.OSCMember, names ...string) {
	w.t.Helper()
	err := w.poll(func() bool {
		peers := m.Peers()
		return !slices.ContainsFunc(names, func(name string) bool { return !peers[name].IsValid() })
	})
	if err != nil {
		w.t.Fatalf("%s has heard %v, want %q: %v", m.Name(), m.Peers(), names, err)
	}
}

// ports finds free ports of 127.0.0.1.
func (w *world) ports(n int) []int {
	w.t.Helper()
	ports, err := peer.FreeUDPPorts(n)
	w.must(err)
	w.t.Cleanup(ports.Close)
	return ports.Ports
}

// apps is the line of a member's table for pairs of ports, tx and rx.
func apps(ports ...int) string {
	var all []string
	for i := 0; i < len(ports); i += 2 {
		all = append(all, fmt.Sprintf("{ tx = %d, rx = %d }", ports[i], ports[i+1]))
	}
	return "apps = [" + strings.Join(all, ", ") + "]"
}

// oscWire opens a socket at host that speaks to the OSC server.
func (w *world) oscWire(host int) *peer.OSCWire {
	w.t.Helper()
	s, err := peer.NewOSCWire(w.At(host, 0), w.At(peer.GatewayHost, oscPort))
	w.must(err)
	w.t.Cleanup(s.Close)
	return s
}

// alive asks as a user to be in groups, and gives the status of the user and
// those of the groups.
func (w *world) alive(s *peer.OSCWire, user, password string, groups ...[2]string) []string {
	w.t.Helper()
	answer, err := s.Ask(w.ctx, peer.OSCAlive(user, password, s.Local(), groups...))
	w.must(err)
	var all []string
	for _, m := range answer {
		if strings.HasSuffix(m.Address, "_status") {
			all = append(all, fmt.Sprint(m.Args[len(m.Args)-1]))
		}
	}
	return all
}

// waitPacket waits until the member's app has been given the packet, byte for
// byte.
func (w *world) waitPacket(m *peer.OSCMember, packet []byte) {
	w.t.Helper()
	if _, err := m.WaitGot(w.ctx, func(p peer.OSCPacket) bool { return slices.Equal(p.Data, packet) }); err != nil {
		w.t.Fatalf("%s: wait for %q: %v", m.Name(), packet, err)
	}
}

// udp is the address of a port of 127.0.0.1 as oscsend takes it.
func udp(port int) string { return fmt.Sprintf("osc.udp://127.0.0.1:%d", port) }
