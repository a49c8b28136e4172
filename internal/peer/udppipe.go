package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A UDPPipe is a bad link to a UDP server: it loses, delays and reorders packets,
// and lets so many bytes a second through, each way.
type UDPPipe struct {
	Rate    float64 // bytes a second; 0: any
	Delay   time.Duration
	Loss    float64 // share of the packets
	Reorder float64 // share of the packets that take up to a fifth longer

	server  netip.AddrPort
	socket  *net.UDPConn
	running sync.WaitGroup

	mu      sync.Mutex // guards the rest
	clients map[netip.AddrPort]*pipeClient
	closed  bool
	up      int
	timers  map[*time.Timer]struct{}
}

// A pipeClient is one who sends to the pipe.
type pipeClient struct {
	at       netip.AddrPort
	socket   *net.UDPConn // towards the server
	up, down time.Time    // when the link has sent what waits
}

const (
	pipeQueue = 100 * time.Millisecond
	udpHeader = 28 // with IP's
)

// Open opens the pipe at an address. Close ends it.
func (p *UDPPipe) Open(at string, server netip.AddrPort) error {
	a, err := netip.ParseAddrPort(at)
	if err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	if p.socket, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(a)); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	_ = p.socket.SetReadBuffer(1 << 20)
	p.server, p.clients, p.timers = server, map[netip.AddrPort]*pipeClient{}, map[*time.Timer]struct{}{}
	p.running.Go(p.read)
	return nil
}

// Addr is where it is.
func (p *UDPPipe) Addr() netip.AddrPort { return p.socket.LocalAddr().(*net.UDPAddr).AddrPort() }

// read takes what clients send.
func (p *UDPPipe) read() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.socket.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		c := p.client(from)
		if c == nil {
			continue
		}
		p.mu.Lock()
		p.up += n
		p.mu.Unlock()
		p.pass(buf[:n], &c.up, func(b []byte) { _, _ = c.socket.Write(b) }) // a packet may be lost
	}
}

// client is who sends from an address.
func (p *UDPPipe) client(from netip.AddrPort) *pipeClient {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.clients[from]; c != nil || p.closed {
		return c
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.server))
	if err != nil {
		return nil
	}
	_ = socket.SetReadBuffer(1 << 20)
	c := &pipeClient{at: from, socket: socket}
	p.clients[from] = c
	p.running.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := socket.Read(buf)
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					continue // the server is away, says the system
				}
				return
			}
			p.pass(buf[:n], &c.down, func(b []byte) { _, _ = p.socket.WriteToUDPAddrPort(b, c.at) })
		}
	})
	return c
}

// pass sends a packet when its time has come, or loses it.
func (p *UDPPipe) pass(data []byte, free *time.Time, send func([]byte)) {
	b := append([]byte(nil), data...)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.Rate > 0 {
		if free.Before(now) {
			*free = now
		}
		if free.Sub(now) > pipeQueue {
			return
		}
		*free = free.Add(time.Duration(float64(len(b)+udpHeader) / p.Rate * float64(time.Second)))
	} else {
		*free = now
	}
	if p.closed || rand.Float64() < p.Loss {
		return
	}
	late := p.Delay
	if rand.Float64() < p.Reorder {
		late += time.Duration(rand.Float64() * float64(p.Delay) / 5)
	}
	var timer *time.Timer
	timer = time.AfterFunc(free.Add(late).Sub(now), func() {
		p.mu.Lock()
		delete(p.timers, timer)
		p.mu.Unlock()
		send(b)
	})
	p.timers[timer] = struct{}{}
}

// Sent is how many bytes clients have sent so far.
func (p *UDPPipe) Sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up
}

// Close ends it.
func (p *UDPPipe) Close() {
	p.mu.Lock()
	p.closed = true
	for t := range p.timers {
		t.Stop()
	}
	p.socket.Close()
	for _, c := range p.clients {
		c.socket.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
