package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// An RTPPeer is an end of a call's sound, made of a bare UDP socket: it sends
// exactly what it is told, and keeps every datagram that it gets.
type RTPPeer struct {
	conn *net.UDPConn
	done sync.WaitGroup
	sent atomic.Int64

	mu    sync.Mutex // guards got and grown
	got   []Datagram
	grown chan struct{} // closed at the next datagram; nil while nobody waits
}

// A Datagram is one that came.
type Datagram struct {
	From netip.AddrPort
	Data []byte
}

// maxDatagrams bounds what an RTPPeer keeps: some minutes of sound.
const maxDatagrams = 50_000

// NewRTPPeer opens one at the address local (host:port; port 0 for an even one
// that is free).
func NewRTPPeer(local string) (*RTPPeer, error) {
	conn, err := listenEven(local)
	if err != nil {
		return nil, fmt.Errorf("rtp peer: %w", err)
	}
	p := &RTPPeer{conn: conn}
	p.done.Go(p.read)
	return p, nil
}

// listenEven binds an even port, as RTP has it (RFC 3550 section 11).
func listenEven(local string) (*net.UDPConn, error) {
	addr, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, err
	}
	for range 100 {
		conn, err := net.ListenUDP("udp", addr)
		if err != nil {
			return nil, err
		}
		if addr.Port != 0 || conn.LocalAddr().(*net.UDPAddr).Port%2 == 0 {
			return conn, nil
		}
		conn.Close()
	}
	return nil, errors.New("no even port is free")
}

// Close ends it.
func (p *RTPPeer) Close() {
	p.conn.Close()
	p.done.Wait()
}

// Addr is its address.
func (p *RTPPeer) Addr() netip.AddrPort {
	a := p.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (p *RTPPeer) read() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // where nobody listens any more
		}
		d := Datagram{From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), Data: append([]byte(nil), buf[:n]...)}
		p.mu.Lock()
		if len(p.got) < maxDatagrams {
			p.got = append(p.got, d)
		}
		if p.grown != nil {
			close(p.grown)
			p.grown = nil
		}
		p.mu.Unlock()
	}
}

// Send sends one datagram.
func (p *RTPPeer) Send(to netip.AddrPort, data []byte) error {
	if _, err := p.conn.WriteToUDPAddrPort(data, to); err != nil {
		return fmt.Errorf("rtp peer: %w", err)
	}
	p.sent.Add(1)
	return nil
}

// Sent is how many datagrams it has sent.
func (p *RTPPeer) Sent() int { return int(p.sent.Load()) }

// Play sends packets to an address in the pace of their timestamps, until all
// are sent or ctx is done. What is late is sent at once, so that it lasts no
// longer on a busy machine.
func (p *RTPPeer) Play(ctx context.Context, to netip.AddrPort, packets [][]byte) error {
	start := time.Now()
	for i, data := range packets {
		if err := p.Send(to, data); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !refused(err) {
			return err
		}
		select {
		case <-time.After(time.Until(start.Add(time.Duration(i+1) * rtpPacket))):
		case <-ctx.Done():
			return fmt.Errorf("rtp peer: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Got is what came so far.
func (p *RTPPeer) Got() []Datagram {
	got, _ := p.watch()
	return got
}

func (p *RTPPeer) watch() ([]Datagram, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.grown == nil {
		p.grown = make(chan struct{})
	}
	return p.got[:len(p.got):len(p.got)], p.grown
}

// WaitFor waits until n datagrams have come that match likes, and gives them.
func (p *RTPPeer) WaitFor(ctx context.Context, n int, match func([]byte) bool) ([][]byte, error) {
	for {
		var all [][]byte
		got, grown := p.watch()
		for _, d := range got {
			if match(d.Data) {
				all = append(all, d.Data)
			}
		}
		if len(all) >= n {
			return all, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return all, fmt.Errorf("rtp peer: %d of %d datagrams have come: %w", len(all), n, context.Cause(ctx))
		}
	}
}

// IsRTP matches RTP packets of a payload type.
func IsRTP(payload uint8) func([]byte) bool {
	return func(b []byte) bool { return len(b) >= rtpHeader && b[0]>>6 == 2 && b[1]&0x7f == payload }
}

const (
	rtpHeader  = 12
	rtpPacket  = 20 * time.Millisecond
	rtpSamples = 160 // in a packet, at 8 kHz
)

// RTPStream is the packets of a sound in G.711 mu-law, 20 ms each.
func RTPStream(s Sound, payload uint8, ssrc uint32) [][]byte {
	var all [][]byte
	for i := 0; i+rtpSamples <= len(s.Samples); i += rtpSamples {
		n := i / rtpSamples
		b := make([]byte, rtpHeader, rtpHeader+rtpSamples)
		b[0], b[1] = 2<<6, payload
		if n == 0 {
			b[1] |= 0x80 // the marker: a talkspurt begins
		}
		binary.BigEndian.PutUint16(b[2:], uint16(1000+n))
		binary.BigEndian.PutUint32(b[4:], uint32(77_000+i))
		binary.BigEndian.PutUint32(b[8:], ssrc)
		for _, v := range s.Samples[i : i+rtpSamples] {
			b = append(b, toULaw(v))
		}
		all = append(all, b)
	}
	return all
}

// RTPKey is the packets of a telephone event (RFC 4733) at 8 kHz: 100 ms, and its
// end three times.
func RTPKey(payload, event uint8, ssrc uint32) [][]byte {
	const packets, ends = 5, 3
	var all [][]byte
	for n := range packets + ends - 1 {
		b := make([]byte, rtpHeader+4)
		b[0], b[1] = 2<<6, payload
		if n == 0 {
			b[1] |= 0x80
		}
		binary.BigEndian.PutUint16(b[2:], uint16(500+n))
		binary.BigEndian.PutUint32(b[4:], 33_000) // of its beginning, in all
		binary.BigEndian.PutUint32(b[8:], ssrc)
		b[12], b[13] = event, 10 // the volume
		if n >= packets-1 {
			b[13] |= 0x80
		}
		binary.BigEndian.PutUint16(b[14:], uint16(min(n+1, packets)*rtpSamples))
		all = append(all, b)
	}
	return all
}

// RTPSound is the sound of packets of G.711 mu-law, one behind the other as
// they came.
func RTPSound(packets [][]byte) Sound {
	s := Sound{Rate: toneRate}
	for _, b := range packets {
		for _, c := range b[rtpHeader:] {
			s.Samples = append(s.Samples, fromULaw(c))
		}
	}
	return s
}

// toULaw and fromULaw are those of ITU-T G.711, written here once more so that the gateway's
// own can't agree with itself.
func toULaw(v int16) byte {
	const bias, clip = 0x84, 32635
	sign, m := byte(0), int(v)
	if m < 0 {
		sign, m = 0x80, -m
	}
	m = min(m, clip) + bias
	exponent := 7
	for mask := 0x4000; m&mask == 0 && exponent > 0; mask >>= 1 {
		exponent--
	}
	return ^(sign | byte(exponent)<<4 | byte(m>>(exponent+3))&0x0f)
}

func fromULaw(c byte) int16 {
	c = ^c
	m := (int(c&0x0f)<<3 + 0x84) << (c >> 4 & 7)
	m -= 0x84
	if c&0x80 != 0 {
		m = -m
	}
	return int16(m)
}
