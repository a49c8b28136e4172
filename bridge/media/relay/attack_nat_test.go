package relay

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"gateway/bridge/media"
)

// neighbours are so many strangers at the peer's own address: behind its NAT. One more
// and the peer finds no place among those that are followed.
const neighbours = candidates - 1

// volley is what each of them sends at once: RTP under a number by chance, the same as if
// it were sealed, RTCP, and a ClientHello.
func volley(hello []byte) [][]byte {
	sound := packet(0, uint16(rand.Uint32()), 6, 6, 6)
	binary.BigEndian.PutUint32(sound[8:], rand.Uint32())
	sealed := append(packet(0, uint16(rand.Uint32())), make([]byte, 10)...)
	return [][]byte{sound, sealed, report(rand.Uint32(), 0x1234), hello}
}

// TestStrangersAtThePeersAddressGetNothingAndSpoilNothing is the hardest place of a call:
// the peer describes an address that means nothing here, and whoever sends from the one that
// it signals from may be the peer.
func TestStrangersAtThePeersAddressGetNothingAndSpoilNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		secured bool
	}{{"plain", false}, {"sealed", true}} {
		t.Run(row.name, func(t *testing.T) {
			forNetworks(t, func(t *testing.T, w *world) { besiege(t, w, row.secured) })
		})
	}
}

func besiege(t *testing.T, w *world, secured bool) {
	a, b, s := behindNAT(t, w)
	seal, open := func(b []byte, _ bool) []byte { return b }, func(b []byte, _ bool) []byte { return b }
	if secured {
		alice := newSealedPeer(t, media.SuiteCM80)
		s.Security = alice.security()
		w.Set(a.port.ID, s)
		w.Stats(a.port.ID)
		seal, open = alice.seal, alice.open
	}
	hello := clientHello(t, w.Fingerprint())
	var strangers [neighbours]*net.UDPConn
	for i := range strangers {
		strangers[i] = socketAt(t, loopback4)
	}
	sent, found := uint64(0), false
	attack := func(ports ...netip.AddrPort) {
		for _, c := range strangers {
			for _, datagram := range volley(hello) {
				for _, to := range ports {
					sendTo(t, c, to, datagram)
					sent++
				}
			}
			if !found { // all of it comes to us, and the system keeps only so much
				a.taken(sent)
			}
		}
	}
	for i := range uint16(30) {
		if i < proof-1 {
			attack(a.port.RTP, a.port.RTCP)
			a.say(seal(packet(0, i), false)) // what finding the source costs
			sent++
			a.taken(sent)
			continue
		}
		a.say(seal(packet(0, i), false))
		if got := hear(t, b.rtp); !bytes.Equal(got, packet(96, i)) {
			t.Fatalf("got %x", got)
		}
		found = true
		attack(a.port.RTP)
		b.say(packet(96, i))
		if got := open(hear(t, a.rtp), false); !bytes.Equal(got, packet(0, i)) {
			t.Fatalf("got %x", got)
		}
	}
	attack(a.port.RTP, a.port.RTCP)
	for range controlProof {
		a.control(seal(report(0x1234, 7), true))
	}
	hear(t, b.rtcp)
	attack(a.port.RTP, a.port.RTCP)
	b.control(report(0x1234, 8))
	hear(t, a.rtcp)
	a.say(seal(packet(0, 30), false))
	hear(t, b.rtp)
	if to, learned := remote(t, a); to != at(a.rtp) || !learned {
		t.Errorf("packets go to %v, learned %v", to, learned)
	}
	for _, c := range strangers {
		if got := pending(t, c); got != nil {
			t.Errorf("a stranger was sent %x", got)
		}
	}
	for _, c := range []*net.UDPConn{a.rtp, b.rtp, a.rtcp, b.rtcp} {
		if got := pending(t, c); got != nil {
			t.Errorf("a stranger's packet has passed: %x", got)
		}
	}
}

// TestAHelloFromThePeersAddressIsNotAnswered: who may be the peer behind its NAT does not
// begin its handshake.
func TestAHelloFromThePeersAddressIsNotAnswered(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b, s := behindNAT(t, w)
		mallory := w.open(t, loopback4)
		s.Security = &media.Security{DTLS: &media.DTLS{Peer: []media.Fingerprint{w.Fingerprint()}}}
		w.Set(a.port.ID, s)
		hello := clientHello(t, w.Fingerprint())
		const hellos = 10
		for range hellos {
			sendTo(t, mallory.rtp, a.port.RTP, hello)
			sendTo(t, mallory.rtcp, a.port.RTCP, hello)
		}
		if st := a.taken(2 * hellos); st.Dropped[media.DropSource] < hellos {
			t.Errorf("dropped %v", st.Dropped)
		}
		for _, c := range []*net.UDPConn{mallory.rtp, mallory.rtcp, b.rtp, b.rtcp} {
			if got := pending(t, c); got != nil {
				t.Errorf("somebody was sent %x", got)
			}
		}
	})
}
