//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"gateway/internal/peer"
)

// An app is a program at a host of an Internet, beside the gateway there.
type app struct {
	conn *net.UDPConn
	tx   netip.AddrPort
}

// has says whether the app has been given the packet, among what has come.
func (a app) has(t *testing.T, packet []byte) bool {
	t.Helper()
	buf := make([]byte, 1<<16)
	for {
		if err := a.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, _, err := a.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return false
		}
		if bytes.Equal(buf[:n], packet) {
			return true
		}
	}
}

// oscAt starts the gateway at a host as a member, and an app beside it.
func (w *world) oscAt(host *peer.NetHost, name string, lines string) app {
	w.t.Helper()
	const tx, rx = 22243, 22244
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	conn, err := host.ListenUDP(netip.AddrPortFrom(local, rx))
	w.must(err)
	w.t.Cleanup(func() { conn.Close() })
	_, err = host.StartGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), name, fmt.Sprintf(
		"[osc.me]\nuser = %q\npassword = \"%s-pw\"\ngroup = %q\ngroup_password = %q\n%s\n%s\n",
		name, name, oscGroup, oscGroupPass, apps(tx, rx), lines), "me")
	w.must(err)
	return app{conn, netip.AddrPortFrom(local, tx)}
}

// play waits until what either app says comes to the other.
func (w *world) play(one, two app) {
	w.t.Helper()
	ab, ba := peer.OSCMessage{Address: "/one/to/two"}.Packet(), peer.OSCMessage{Address: "/two/to/one"}.Packet()
	there, back := false, false
	err := w.poll(func() bool {
		for packet, from := range map[*[]byte]app{&ab: one, &ba: two} {
			if _, err := from.conn.WriteToUDPAddrPort(*packet, from.tx); err != nil {
				w.t.Fatal(err)
			}
		}
		there, back = there || two.has(w.t, ab), back || one.has(w.t, ba)
		return there && back
	})
	if err != nil {
		w.t.Errorf("one to two: %v, two to one: %v", there, back)
	}
}

// Members on one network find each other without a server.
func TestOSCMembersOfALocalNetworkNeedNoServer(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newWorld(t)
	internet, err := peer.NewInternet()
	w.must(err)
	t.Cleanup(internet.Close)
	nat := &peer.NAT{Public: netip.MustParseAddr("203.0.113.1"), Kind: peer.PortRestrictedCone}
	var both []app
	for i, name := range []string{"ann", "bob"} {
		host, err := internet.Host(w.ctx, fmt.Sprintf("192.168.1.%d", 2+i), nat)
		w.must(err)
		both = append(both, w.oscAt(host, name, "broadcast = true"))
	}
	w.play(both[0], both[1])
}

// The gateway as a client, too, is heard where two can't meet: by the relay of
// the gateway as a server.
func TestOSCClientsBehindSymmetricNATsHearEachOther(t *testing.T) {
	if !asRoot(t) {
		return
	}
	w := newNATWorld(t, gatewayServes)
	var both []app
	for i, name := range []string{"ann", "bob"} {
		nat := &peer.NAT{Public: netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), Kind: peer.SymmetricNAT}
		host, err := w.net.Host(w.ctx, "192.168.1.2", nat)
		w.must(err)
		both = append(both, w.oscAt(host, name, fmt.Sprintf("join = \"%s:%d\"", natServer, oscPort)))
	}
	w.play(both[0], both[1])
}
