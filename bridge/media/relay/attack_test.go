package relay

import (
	"bytes"
	"crypto/rand"
	"net"
	"testing"

	"gateway/bridge/media"
)

// sprays are what an attacker may send to a media port.
func sprays(t *testing.T) [][]byte {
	t.Helper()
	mallory := newSealedPeer(t, media.SuiteCM80)
	var all [][]byte
	for i := range uint16(proof + 1) {
		all = append(all,
			packet(0, 1000+i, 6, 6, 6), packet(96, 1000+i, 6, 6, 6), mallory.seal(packet(0, i), false),
			report(0x1234, 0x1234), mallory.seal(report(0x1234, 1), true))
	}
	hello := append([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 28, 254, 253}, make([]byte, 26)...)
	junk := make([]byte, 300)
	rand.Read(junk)
	all = append(all, hello, hello[:14], []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, junk, []byte{128}, []byte{}, make([]byte, maxPacket+100))
	return all
}

// TestStrangersGetNothingAndSpoilNothing sprays every port of a call from another
// address, before there is any media and in the middle of it.
func TestStrangersGetNothingAndSpoilNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		nat, secured bool
	}{
		{"plain", false, false},
		{"behind a NAT", true, false},
		{"sealed", false, true},
		{"sealed, behind a NAT", true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			forNetworks(t, func(t *testing.T, w *world) {
				a, b := w.pair(t)
				alice := newSealedPeer(t, media.SuiteCM80)
				s := a.setting(media.Payload{Format: pcmu, Type: 0})
				if row.nat {
					s.RTP, s.RTCP, s.Learn = elsewhere, elsewhereControl, loopback4
				}
				seal, open := func(b []byte) []byte { return b }, func(b []byte) []byte { return b }
				if row.secured {
					s.Security = alice.security()
					seal = func(b []byte) []byte { return alice.seal(b, false) }
					open = func(b []byte) []byte { return alice.open(b, false) }
				}
				w.Set(a.port.ID, s)
				w.Stats(a.port.ID)
				stranger := socketAt(t, other)
				attack := func() {
					for _, b2 := range sprays(t) {
						for _, port := range []media.Port{a.port, b.port} {
							sendTo(t, stranger, port.RTP, b2)
							sendTo(t, stranger, port.RTCP, b2)
						}
					}
				}
				attack()
				// What is heard of a packet says that all has been read that was sent
				// to the same port before: so much waits at no time that the system
				// would drop anything.
				for i := range uint16(30) {
					a.say(seal(packet(0, i)))
					if row.nat && i < proof-1 {
						continue // what finding the source costs
					}
					attack()
					if got := hear(t, b.rtp); !bytes.Equal(got, packet(96, i)) {
						t.Fatalf("got %x", got)
					}
					b.say(packet(96, i))
					if got := open(hear(t, a.rtp)); !bytes.Equal(got, packet(0, i)) {
						t.Fatalf("got %x", got)
					}
				}
				if got := pending(t, stranger); got != nil {
					t.Errorf("the stranger was sent %x", got)
				}
				for _, c := range []*net.UDPConn{a.rtp, b.rtp, a.rtcp, b.rtcp} {
					if got := pending(t, c); got != nil {
						t.Errorf("a stranger's packet has passed: %x", got)
					}
				}
			})
		})
	}
}
