//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// The original's clients find each other by our server, and are told at once of who
// comes and goes.
func TestMeshServesTheOriginalsClients(t *testing.T) {
	w := newWorld(t)
	_, server := w.meshServer()
	one := w.meshClient("", meshHost, server)
	two := w.meshClient("", meshHost+1, server)
	w.answered(1, one, two)
	if at := one.Seen(); at.Addr().String() == "" || !at.IsValid() {
		t.Errorf("one is seen at %v", at)
	}
	// Both at one address: they are told the internal ones too.
	three := w.meshClient("", meshHost+1, server)
	w.answered(2, one, two, three)
	before := time.Now()
	two.Close()
	w.must(w.poll(func() bool { return len(one.Peers()) == 1 }))
	if took := time.Since(before); took > 12*time.Second { // its next list comes after 13 s at most
		t.Errorf("one is told of two's end after %v", took)
	}
	three.Kill()
	w.must(w.poll(func() bool { return len(one.Peers()) == 0 }))
	if bad := one.Bad(); len(bad) > 0 {
		t.Errorf("one was sent %v", bad)
	}
}

// Our client is one of the original's server's.
func TestMeshJoinsTheOriginalsServer(t *testing.T) {
	w := newWorld(t)
	conn := w.meshConn(peer.GatewayHost)
	server := peer.ServeMesh(conn)
	t.Cleanup(server.Close)
	at := conn.LocalAddr().String()
	gateway, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "client", fmt.Sprintf("[mesh.me]\njoin = %q\npeer = \"lab-3\"\n", at), "me")
	w.must(err)
	original := w.meshClient("", meshHost, netip.MustParseAddrPort(at))
	w.answered(1, original)
	w.must(w.poll(func() bool {
		acks := 0
		for _, n := range server.Clients() {
			acks = max(acks, n)
		}
		return len(server.Clients()) == 2 && acks > 0 && slices.ContainsFunc(server.Metas(), func(m string) bool {
			return strings.Contains(m, `"peer": "lab-3"`) && strings.Contains(m, `"sin": ["`)
		})
	}))
	gateway.Stop()
	w.must(w.poll(func() bool { return len(server.Clients()) == 1 && len(original.Peers()) == 0 }))
	if err := server.Deaf(); err != nil {
		t.Errorf("the original's server was ended by %v", err)
	}
	if bad := original.Bad(); len(bad) > 0 {
		t.Errorf("the original's client was sent %v", bad)
	}
}

// What ends the original's server leaves ours alive, and those who are there alone.
func TestMeshServerOutlivesWhatEndsTheOriginal(t *testing.T) {
	w := newWorld(t)
	_, server := w.meshServer()
	one, two := w.meshClient("", meshHost, server), w.meshClient("", meshHost+1, server)
	w.answered(1, one, two)
	stranger := w.meshConn(strangerHost)
	defer stranger.Close()
	for name, packet := range deadlyMesh() {
		if _, err := stranger.WriteToUDPAddrPort(packet, server); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	lists := one.Lists()
	w.must(w.poll(func() bool { return one.Lists() > lists })) // by the timer: it hears, and speaks
	three := w.meshClient("", meshHost+2, server)
	w.answered(2, one, two, three)
}

// deadlyMesh is what ends the original, or has it forget a client.
func deadlyMesh() map[string][]byte {
	head := []peer.MeshTLV{peer.MeshUint(peer.MeshClientVer, 1, 2), peer.MeshUint(peer.MeshSequence, 4, 0), {Type: peer.MeshUUID, Value: make([]byte, 16)}}
	with := func(v ...peer.MeshTLV) []byte { return peer.MeshPacket(append(slices.Clone(head), v...)...) }
	wrong := with()
	wrong[len(wrong)-1]++
	return map[string][]byte{
		"nothing":                  {},
		"one byte":                 {1},
		"two bytes":                {1, 1},
		"no values":                peer.MeshPacket(),
		"a wrong checksum":         wrong,
		"a type that nobody knows": with(peer.MeshTLV{Type: 200, Value: []byte{1}}),
		"a number of three bytes":  with(peer.MeshTLV{Type: peer.MeshMyTS, Value: []byte{1, 2, 3}}),
		"no number":                with(peer.MeshTLV{Type: peer.MeshMyTS}),
		"META that is no JSON":     with(peer.MeshTLV{Type: peer.MeshMeta, Value: []byte("{{{")}),
		"META that is no object":   with(peer.MeshTLV{Type: peer.MeshMeta, Value: []byte("3")}),
		"an address of five bytes": with(peer.MeshTLV{Type: peer.MeshPTPAddr, Value: []byte{1, 2, 3, 4, 5}}),
		"a short UUID":             peer.MeshPacket(head[0], head[1], peer.MeshTLV{Type: peer.MeshUUID, Value: []byte{1}}),
		"no UUID":                  peer.MeshPacket(head[0], head[1], peer.MeshUint(peer.MeshMyTS, 8, 7)),
		"no address":               with(peer.MeshUint(peer.MeshMyTS, 8, 7)),
		"a size beyond the end":    peer.MeshSum([]byte{1, 3, 200, 0}),
		"a size of nothing":        peer.MeshSum([]byte{1, 3, 0, 0}),
		"a server's packet":        peer.MeshPacket(peer.MeshUint(peer.MeshServerVer, 1, 2), head[1], head[2], peer.MeshUint(peer.MeshClientLen, 1, 200)),
		"an end of nobody":         with(peer.MeshUint(peer.MeshShutdown, 1, 1)),
		"no text":                  with(peer.MeshTLV{Type: peer.MeshCC, Value: []byte("T")}),
		"a packet for nobody":      with(peer.MeshTLV{Type: peer.MeshCC, Value: append([]byte("F"), make([]byte, 16)...)}),
		"more than 1400 bytes":     make([]byte, 1500),
		"the largest datagram":     make([]byte, 65507),
	}
}
