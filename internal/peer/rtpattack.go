package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// refused says whether nobody listened where a datagram went before.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Spray sends what an attacker would, again and again, to every port of host
// from first to last: RTP with the sound of a tone of ToneD under many numbers,
// RTCP that says goodbye, RTP with what looks like a seal, and DTLS ClientHellos.
// It ends when ctx is done.
func (p *RTPPeer) Spray(ctx context.Context, host netip.Addr, first, last uint16) {
	tones := RTPStream(Tone(ToneD, time.Second), 0, 0xbadbad)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for round := 0; ; round++ {
		tone := tones[round%len(tones)]
		for port := int(first); port <= int(last); port++ {
			for _, data := range volley(tone, round) {
				_ = p.Send(netip.AddrPortFrom(host, uint16(port)), data) // nobody may listen there
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// volley is one datagram of each kind.
func volley(tone []byte, round int) [][]byte {
	rtp := append([]byte(nil), tone...)
	binary.BigEndian.PutUint16(rtp[2:], uint16(rand.Uint32()))
	binary.BigEndian.PutUint32(rtp[4:], rand.Uint32())
	if round%2 == 0 {
		binary.BigEndian.PutUint32(rtp[8:], rand.Uint32())
	}
	sealed := append(append([]byte(nil), rtp...), "0123456789"...) // as long as a tag of SRTP
	bye := []byte{0x81, 203, 0, 1, 0, 0xba, 0xdb, 0xad}
	report := make([]byte, 28)
	report[0], report[1], report[3] = 0x80, 200, 6
	binary.BigEndian.PutUint32(report[4:], 0xbadbad)
	return [][]byte{rtp, sealed, append(report, bye...), clientHello(round)}
}

// clientHello is a DTLS 1.2 ClientHello (RFC 6347 section 4.2.2) that asks for an
// SRTP profile, without a cookie.
func clientHello(n int) []byte {
	body := []byte{0xfe, 0xfd}
	for range 32 {
		body = append(body, byte(rand.Uint32()))
	}
	body = append(body, 0, 0)                                       // no session, no cookie
	body = append(body, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f)               // cipher suites
	body = append(body, 1, 0)                                       // compression: none
	extensions := []byte{0, 14, 0, 5, 0, 2, 0, 1, 0}                // use_srtp
	extensions = append(extensions, 0, 10, 0, 4, 0, 2, 0, 23)       // secp256r1
	extensions = append(extensions, 0, 13, 0, 6, 0, 4, 4, 3, 4, 1)  // signatures
	extensions = append(extensions, 0, 11, 0, 2, 1, 0, 0, 23, 0, 0) // points; master secret
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions)))
	body = append(body, extensions...)
	hand := []byte{1, 0, byte(len(body) >> 8), byte(len(body)), 0, 0, 0, 0, 0, 0, byte(len(body) >> 8), byte(len(body))}
	hand = append(hand, body...)
	record := []byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, byte(n >> 8), byte(n), byte(len(hand) >> 8), byte(len(hand))}
	return append(record, hand...)
}

// freePort finds a UDP and TCP port of host that is free, from 12000 on: below
// those that the kernel gives away and those of a Lab.
//
// It is even, and the next is free too: baresip takes that one for TLS. None is given twice
// in a process.
func freePort(host string) (int, error) {
	for range 200 {
		port := 12000 + 2*rand.IntN(1000)
		if isFree(host, port) && isFree(host, port+1) && given.first(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port of %s is free", host)
}

// given are the ports that freePort has given.
var given ports

// ports is a set of them.
type ports struct {
	mu  sync.Mutex // guards all
	all map[int]bool
}

// first adds a port; false, if it is there.
func (p *ports) first(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[int]bool{}
	}
	if p.all[port] {
		return false
	}
	p.all[port] = true
	return true
}

// isFree reports whether nobody has a port, of UDP or of TCP.
func isFree(host string, port int) bool {
	addr := net.JoinHostPort(host, fmt.Sprint(port))
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	defer u.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}
