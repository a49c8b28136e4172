//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"gateway/internal/peer"
)

const (
	meshPort = 24456 // TestExampleMappingRunsAsItStands has the usual one everywhere
	meshHost = 41    // the first client; more follow
)

// meshTable is an adapter called lab that is a server, with more lines.
func (w *world) meshTable(lines ...string) string {
	return fmt.Sprintf("[mesh.lab]\nlisten = [\"udp:%s\"]\npeer = \"gw\"\n%s\n\n", w.At(peer.GatewayHost, meshPort), strings.Join(lines, "\n"))
}

// meshServer starts the gateway with no table but an [mesh.lab] of that kind.
func (w *world) meshServer(lines ...string) (*peer.Program, netip.AddrPort) {
	w.t.Helper()
	p, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "server", w.meshTable(lines...), "lab")
	return got(w.t, p, err), netip.MustParseAddrPort(w.At(peer.GatewayHost, meshPort))
}

// meshConn opens a socket at host.
func (w *world) meshConn(host int) *net.UDPConn {
	w.t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(w.At(host, 0))))
	return got(w.t, conn, err)
}

// meshClient starts what plays the original's client; with a name, one that knows
// texts.
func (w *world) meshClient(name string, host int, server netip.AddrPort) *peer.MeshClient {
	w.t.Helper()
	conn := w.meshConn(host)
	c := peer.JoinMesh(peer.MeshClientConfig{Conn: conn, Server: server, Local: netip.MustParseAddrPort(conn.LocalAddr().String()), Name: name})
	w.t.Cleanup(c.Kill)
	return c
}

// answered waits until each client has had answers from n peers, and wants nothing to have come
// that would have ended it.
func (w *world) answered(n int, clients ...*peer.MeshClient) {
	w.t.Helper()
	for i, c := range clients {
		err := w.poll(func() bool {
			good := 0
			for _, p := range c.Peers() {
				if p.Answered > 2 {
					good++
				}
			}
			return good == n
		})
		if err != nil {
			w.t.Fatalf("client %d has %v: %v", i, c.Peers(), err)
		}
		if bad := c.Bad(); len(bad) > 0 {
			w.t.Errorf("client %d was sent %v", i, bad)
		}
	}
}

// meshPaths is how a gateway says that it reaches each of its peers, by their names.
func meshPaths(p *peer.Program) map[string]string {
	all := map[string]string{}
	for _, line := range p.Out.All() {
		if strings.Contains(line, `"path to a peer"`) {
			all[logField(line, "name")] = logField(line, "path")
		}
	}
	return all
}

// logField is what stands behind NAME= in a line of a log.
func logField(line, name string) string {
	words := strings.Fields(line)
	i := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, name+"=") })
	if i < 0 {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(words[i], name+"="), `"`)
}
