//go:build e2e

package e2e

import (
	"fmt"

	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// A meshNATWorld is an Internet with the gateway as the server of a mesh, coturn, and
// gateways as its clients, each behind a NAT of its own or none.
type meshNATWorld struct {
	*world
	net     *peer.Internet
	clients []*meshNATClient
}

type meshNATClient struct {
	*peer.Program
	name string
	host *peer.NetHost
}

const stunHost, stunOther = "198.51.100.2", "198.51.100.3"

func newMeshNATWorld(t *testing.T, server string) *meshNATWorld {
	t.Helper()
	w := &meshNATWorld{world: newWorld(t)}
	var err error
	w.net, err = peer.NewInternet()
	w.must(err)
	t.Cleanup(w.net.Close)
	host, err := w.net.Host(w.ctx, stunHost, nil)
	w.must(err)
	w.must(host.AddAddress(w.ctx, stunOther))
	_, err = host.StartSTUN(w.ctx, w.Lab)
	w.must(err)
	host, err = w.net.Host(w.ctx, natServer, nil)
	w.must(err)
	_, err = host.StartGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "server",
		fmt.Sprintf("[mesh.lab]\nlisten = [\"udp:%s:%d\"]\n%s\n", natServer, meshPort, server), "lab")
	w.must(err)
	return w
}

// join starts a client at addr behind nat.
func (w *meshNATWorld) join(name, addr string, nat *peer.NAT) {
	w.t.Helper()
	host, err := w.net.Host(w.ctx, addr, nat)
	w.must(err)
	p, err := host.StartGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), name, fmt.Sprintf(
		"[mesh.me]\njoin = \"%s:%d\"\npeer = %q\nstun = [\"%s:%d\"]\nport = 7000\n", natServer, meshPort, name, stunHost, peer.STUNPort), "me")
	w.must(err)
	w.clients = append(w.clients, &meshNATClient{p, name, host})
}

// public makes a NAT in the world.
func public(n int, kind peer.NATKind) *peer.NAT {
	return &peer.NAT{Public: netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), Kind: kind}
}

// behind makes one behind another.
func behind(outer *peer.NAT, n int, kind peer.NATKind) *peer.NAT {
	return &peer.NAT{Public: netip.AddrFrom4([4]byte{100, 64, 0, byte(n)}), Kind: kind, Outer: outer}
}

// whole is a NAT that does what all do through which a host's packets go.
func whole(nat *peer.NAT) *peer.NAT {
	strict := []peer.NATKind{peer.FullCone, peer.RestrictedCone, peer.PortRestrictedCone, peer.SymmetricNAT}
	if nat == nil || nat.Outer == nil {
		return nat
	}
	outer := whole(nat.Outer)
	kind := strict[max(slices.Index(strict, nat.Kind), slices.Index(strict, outer.Kind))]
	return &peer.NAT{Kind: kind, Hairpin: outer.Hairpin}
}

// path is how a must reach b.
func (w *meshNATWorld) path(a, b *meshNATClient) string {
	one, two := a.host.NAT, b.host.NAT
	switch {
	case one != nil && one == two:
		if !one.Isolated {
			return "internal"
		}
		if one.Hairpin {
			return "direct"
		}
		return "relayed"
	case one != nil && two != nil && one.Outer != nil && one.Outer == two.Outer && !one.Outer.Hairpin:
		return "relayed" // neither knows where the other is in the provider's network
	case natsMeet(whole(one), whole(two)):
		return "direct"
	default:
		return "relayed"
	}
}

// wrong is every way that is not as it must be.
func (w *meshNATWorld) wrong() []string {
	var all []string
	for _, a := range w.clients {
		paths := meshPaths(a.Program)
		for _, b := range w.clients {
			if want := w.path(a, b); a != b && paths[b.name] != want {
				all = append(all, fmt.Sprintf("%s to %s: %q, want %q", a.name, b.name, paths[b.name], want))
			}
		}
	}
	return all
}

// What must be, in words: rows reach columns directly, or by the server.
const meshMatrix = `
                 open full restricted port symmetric
open             d    d    d          d    d
full             d    d    d          d    d
restricted       d    d    d          d    d
port             d    d    d          d    r
symmetric        d    d    d          r    r
`

// The table says what natsMeet says.
func TestMeshMatrixIsWhatMustBe(t *testing.T) {
	t.Parallel()
	kinds := map[string]*peer.NAT{
		"open": nil, "full": public(1, peer.FullCone), "restricted": public(2, peer.RestrictedCone),
		"port": public(3, peer.PortRestrictedCone), "symmetric": public(4, peer.SymmetricNAT),
	}
	lines := strings.Split(strings.TrimSpace(meshMatrix), "\n")
	columns := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, column := range columns {
			one, two := kinds[cells[0]], kinds[column]
			if one != nil && one == two {
				two = public(5, one.Kind)
			}
			if want := cells[i+1] == "d"; natsMeet(one, two) != want {
				t.Errorf("%s and %s: want %v", cells[0], column, want)
			}
		}
	}
}

// Who can meet does so; the others reach each other by the server, and know what is
// the matter with their NATs.
func TestMeshClientsReachEachOtherBehindEveryNAT(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newMeshNATWorld(t, "")
	for i := range 2 {
		w.join(fmt.Sprint("open", i), fmt.Sprintf("198.51.100.%d", 20+i), nil)
		for k, kind := range []peer.NATKind{peer.FullCone, peer.RestrictedCone, peer.PortRestrictedCone, peer.SymmetricNAT} {
			w.join(fmt.Sprint(kind, i), "192.168.1.2", public(10*i+k+1, kind)) // the same in each network
		}
	}
	w.waitPaths()
	w.wantNATs()
}

// Behind two NATs one after the other the stricter counts; two customers of one
// provider meet where it hands back what is for itself; and in one network by its own
// addresses.
func TestMeshClientsReachEachOtherBehindTwoNATs(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newMeshNATWorld(t, "")
	w.join("open", "198.51.100.20", nil)
	w.join("port", "192.168.1.2", public(1, peer.PortRestrictedCone))
	w.join("symmetric", "192.168.1.2", public(2, peer.SymmetricNAT))
	w.join("cone-in-port", "192.168.1.2", behind(public(3, peer.PortRestrictedCone), 1, peer.FullCone))
	w.join("symmetric-in-cone", "192.168.1.2", behind(public(4, peer.FullCone), 1, peer.SymmetricNAT))
	provider, hairpin := public(5, peer.RestrictedCone), public(6, peer.RestrictedCone)
	hairpin.Hairpin = true
	for i := range 2 {
		w.join(fmt.Sprint("customer", i), "192.168.1.2", behind(provider, 1+i, peer.RestrictedCone))
		w.join(fmt.Sprint("hairpin", i), "192.168.1.2", behind(hairpin, 1+i, peer.RestrictedCone))
	}
	home := public(7, peer.SymmetricNAT)
	w.join("home0", "192.168.1.2", home)
	w.join("home1", "192.168.1.3", home)
	w.waitPaths()
}

func (w *meshNATWorld) waitPaths() {
	w.t.Helper()
	var wrong []string
	if err := w.poll(func() bool { wrong = w.wrong(); return len(wrong) == 0 }); err != nil {
		w.t.Fatalf("%d of %d ways are wrong:\n%s", len(wrong), len(w.clients)*(len(w.clients)-1), strings.Join(wrong, "\n"))
	}
}

// wantNATs wants each client to know its NAT, by coturn.
func (w *meshNATWorld) wantNATs() {
	w.t.Helper()
	want := map[string]string{
		"open": "none endpoint-independent", "full-cone": "endpoint-independent endpoint-independent",
		"restricted": "endpoint-independent address-dependent", "port-restricted": "endpoint-independent address-and-port-dependent",
		"symmetric": "address-and-port-dependent address-and-port-dependent",
	}
	got := map[string]string{}
	err := w.poll(func() bool {
		for _, c := range w.clients {
			for _, line := range c.Out.All() {
				if strings.Contains(line, `"our NAT"`) {
					got[strings.TrimRight(c.name, "01")] = logField(line, "mapping") + " " + logField(line, "filtering")
				}
			}
		}
		return reflect.DeepEqual(got, want)
	})
	if err != nil {
		w.t.Errorf("clients know %q, want %q", got, want)
	}
}
