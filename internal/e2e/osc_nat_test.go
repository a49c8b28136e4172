//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// What there is in the Internet of a natWorld.
const (
	natServer = "198.51.100.1" // the gateway's address
	natAt     = 22300          // each member's port
)

// asRoot says whether the test may make network namespaces. If not by itself,
// it is run once more as root of a user namespace of its own.
func asRoot(t *testing.T) bool {
	if os.Getuid() == 0 {
		return true
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-Urn", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", testTime.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in a user namespace: %v\n%s", err, out)
	}
	return false
}

// A natWorld is an Internet with the gateway as its OSC server, and members.
type natWorld struct {
	*world
	net     *peer.Internet
	members []*natMember
}

type natMember struct {
	*peer.OSCMember
	host *peer.NetHost
}

// newNATWorld makes one with nobody but the server, which start starts.
func newNATWorld(t *testing.T, start func(w *natWorld, host *peer.NetHost)) *natWorld {
	t.Helper()
	w := &natWorld{world: newWorld(t)}
	var err error
	w.net, err = peer.NewInternet()
	w.must(err)
	t.Cleanup(w.net.Close)
	host, err := w.net.Host(w.ctx, natServer, nil)
	w.must(err)
	start(w, host)
	return w
}

// gatewayServes is the gateway.
func gatewayServes(w *natWorld, host *peer.NetHost) {
	_, err := host.StartGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "server",
		fmt.Sprintf("[osc.jam]\nlisten = [\"udp:%s:%d\"]\nrelay = \"22400-22499\"\n", natServer, oscPort), "jam")
	w.must(err)
}

// originalServes is what plays the original, which has no relay.
func originalServes(w *natWorld, host *peer.NetHost) {
	conn, err := host.ListenUDP(netip.AddrPortFrom(host.Addr, oscPort))
	w.must(err)
	w.t.Cleanup(peer.ServeOSC(conn).Close)
}

// join starts a member at addr behind nat. Two of three were built where a long has
// 64 bits.
func (w *natWorld) join(name, addr string, nat *peer.NAT) {
	w.t.Helper()
	host, err := w.net.Host(w.ctx, addr, nat)
	w.must(err)
	at := netip.AddrPortFrom(host.Addr, natAt)
	conn, err := host.ListenUDP(at)
	w.must(err)
	m := peer.JoinOSC(peer.OSCMemberConfig{
		Conn: conn, Server: netip.MustParseAddrPort(fmt.Sprintf("%s:%d", natServer, oscPort)), Private: at,
		User: name, Password: name + "-pw", Group: "g", GroupPassword: "gpw", Wide: len(w.members)%3 != 1,
	})
	w.t.Cleanup(m.Close)
	w.members = append(w.members, &natMember{m, host})
}

// meet says whether the two can reach each other without help.
func meet(a, b *natMember) bool { return natsMeet(a.host.NAT, b.host.NAT) }

// natsMeet says so for who is behind them.
func natsMeet(one, two *peer.NAT) bool {
	switch {
	case one == nil || two == nil:
		return true
	case one == two:
		return !one.Isolated || one.Hairpin
	}
	strict := func(n *peer.NAT) bool { return n.Kind == peer.PortRestrictedCone || n.Kind == peer.SymmetricNAT }
	return !(one.Kind == peer.SymmetricNAT && strict(two) || two.Kind == peer.SymmetricNAT && strict(one))
}

// has says by what path a was given a packet: "" for none.
func (a *natMember) has(packet []byte) string {
	for _, p := range a.Got() {
		if slices.Equal(p.Data, packet) {
			if p.From.Addr().String() == natServer {
				return "relay"
			}
			return "direct"
		}
	}
	return ""
}

// mark is what a member sends in a round.
func (a *natMember) mark(round int) []byte {
	return peer.OSCMessage{Address: "/mark", Args: []any{a.Name(), int32(round)}}.Packet()
}

// wrong is every way from one member to another by which a mark of a round has not come as
// it should: "direct", or as others says where two can't meet.
func (w *natWorld) wrong(round int, others string) []string {
	var all []string
	for _, a := range w.members {
		for _, b := range w.members {
			want := "direct"
			if a == b {
				continue
			} else if !meet(a, b) {
				want = others
			}
			if path := a.has(b.mark(round)); path != want {
				all = append(all, fmt.Sprintf("%s to %s: %q, want %q", b.Name(), a.Name(), path, want))
			}
		}
	}
	return all
}

// deaf says how many ways there are by which no ping has come yet that should.
func (w *natWorld) deaf(others string) int {
	n := 0
	for _, a := range w.members {
		peers := a.Peers()
		for _, b := range w.members {
			if a != b && (others != "" || meet(a, b)) && !peers[b.Name()].IsValid() {
				n++
			}
		}
	}
	return n
}

// waitPaths waits until everybody is heard and then has them send marks until all
// come as they should. (Where there is traffic the original pings too seldom
// to be heard soon.) Each round is waited for longer than the one before: how long
// so many marks are on their way depends on the machine.
func (w *natWorld) waitPaths(others string) {
	w.t.Helper()
	const roundTime = time.Second
	err := w.poll(func() bool { return w.deaf(others) == 0 })
	if err != nil {
		w.t.Errorf("%d ways are without a ping: %v", w.deaf(others), err)
	}
	var wrong []string
	round := 0
	err = peer.Poll(w.ctx, func(ctx context.Context) bool {
		round++
		for _, m := range w.members {
			m.Send(m.mark(round))
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(round)*roundTime)
		defer cancel()
		return peer.Poll(ctx, func(context.Context) bool {
			wrong = w.wrong(round, others)
			return len(wrong) == 0
		}) == nil
	})
	if err != nil {
		w.t.Fatalf("after %d rounds %d of %d ways are wrong:\n%s", round, len(wrong), len(w.members)*(len(w.members)-1), strings.Join(wrong, "\n"))
	}
}

// joinAlone starts two members of each kind that is behind a NAT of its own, and
// two that are behind none.
func (w *natWorld) joinAlone() {
	w.t.Helper()
	for i := range 2 {
		w.join(fmt.Sprintf("public%d", i), fmt.Sprintf("198.51.100.%d", 20+i), nil)
		for k, kind := range []peer.NATKind{peer.FullCone, peer.RestrictedCone, peer.PortRestrictedCone, peer.SymmetricNAT} {
			nat := &peer.NAT{Public: netip.AddrFrom4([4]byte{203, 0, 113, byte(10*i + k + 1)}), Kind: kind}
			w.join(fmt.Sprintf("%s%d", kind, i), "192.168.1.2", nat) // the same in each network
		}
	}
}

// joinHomes starts two members behind each of four NATs: with and without the
// hairpin, and with and without another way to each other.
func (w *natWorld) joinHomes() {
	w.t.Helper()
	for i := range 4 {
		inside, outside := [4]byte{192, 168, 7, 2}, [4]byte{203, 0, 113, byte(100 + i)}
		isolated := i&2 != 0
		nat := &peer.NAT{Public: netip.AddrFrom4(outside), Kind: peer.PortRestrictedCone, Hairpin: i&1 != 0, Isolated: isolated}
		for j := range 2 {
			w.join(fmt.Sprintf("home%d%d", i, j), netip.AddrFrom4(inside).String(), nat)
			inside[3]++
		}
	}
}

// Who can meet at all is seen with the original's server, which helps nobody.
func TestOSCMembersMeetByThemselvesWhereTheirNATsLetThem(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newNATWorld(t, originalServes)
	w.joinAlone()
	w.waitPaths("")
}

// Whoever can meet does so, and the others hear each other through the gateway.
func TestOSCMembersHearEachOtherBehindEveryNAT(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newNATWorld(t, gatewayServes)
	w.joinAlone()
	w.joinHomes()
	w.waitPaths("relay")
	w.wantCalm()
}

// wantCalm wants few pings of everybody: those who hear a peer from two places
// may never come to rest.
func (w *natWorld) wantCalm() {
	w.t.Helper()
	const most = 60 // to each of the others
	for _, m := range w.members {
		if sent, _ := m.Pings(); sent > most*len(w.members) {
			w.t.Errorf("%s has sent %d pings", m.Name(), sent)
		}
	}
}
