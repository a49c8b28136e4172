package relay

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// plain is a network for every system: the standard library's sockets, with a
// goroutine for each.
type plain struct {
	mu    sync.Mutex // guards what follows
	conns map[int32]*net.UDPConn
	next  int32
}

func newPlain() *plain { return &plain{conns: map[int32]*net.UDPConn{}} }

func (n *plain) open(local netip.AddrPort, scope uint32) (int32, error) {
	name := "udp4"
	if local.Addr().Is6() {
		name = "udp6"
	}
	conn, err := net.ListenUDP(name, net.UDPAddrFromAddrPort(zoned(local, scope)))
	if err != nil {
		return -1, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	n.conns[n.next] = conn
	return n.next, nil
}

func (n *plain) close(handle int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if conn := n.conns[handle]; conn != nil {
		delete(n.conns, handle)
		_ = conn.Close()
	}
}

func (n *plain) sendTo(handle int32, b []byte, to netip.AddrPort) {
	if conn := n.conn(handle); conn != nil {
		_, _ = conn.WriteToUDPAddrPort(b, to)
	}
}

func (n *plain) deepen(handle int32) {
	if conn := n.conn(handle); conn != nil {
		_ = conn.SetReadBuffer(deep)
		_ = conn.SetWriteBuffer(deep)
	}
}

func (n *plain) conn(handle int32) *net.UDPConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.conns[handle]
}

func (n *plain) poller() (poller, error) {
	p := &plainPoller{
		network: n, readers: map[int32]*reader{}, woken: make(chan struct{}, 1),
		arrivals: make(chan arrival), timer: time.NewTimer(time.Hour),
	}
	return p, nil
}

// zoned is a with the interface that belongs to a link-local address.
func zoned(a netip.AddrPort, scope uint32) netip.AddrPort {
	if scope == 0 || !a.Addr().IsLinkLocalUnicast() {
		return a
	}
	return netip.AddrPortFrom(a.Addr().WithZone(strconv.FormatUint(uint64(scope), 10)), a.Port())
}

// inUse reports whether a port is somebody else's. The number is what Windows
// says.
func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

// plainPoller brings together what the readers of one loop have read.
type plainPoller struct {
	network  *plain
	readers  map[int32]*reader
	arrivals chan arrival
	woken    chan struct{} // holds one
	timer    *time.Timer
}

// An arrival is a datagram. Its reader waits until it is taken.
type arrival struct {
	reader *reader
	n      int
	source netip.AddrPort
}

// A reader reads one socket in a goroutine of its own.
type reader struct {
	key   uint64
	conn  *net.UDPConn
	buf   [maxPacket + 1]byte // so that what is too long shows
	taken chan struct{}
	stop  chan struct{}
	done  chan struct{}
}

func (r *reader) run(arrivals chan<- arrival) {
	defer close(r.done)
	for {
		n, source, err := r.conn.ReadFromUDPAddrPort(r.buf[:])
		if err != nil {
			select {
			case <-r.stop:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if n == 0 {
				continue // what the network said of a packet of ours
			}
		}
		select {
		case arrivals <- arrival{r, n, source}:
		case <-r.stop:
			return
		}
		select {
		case <-r.taken:
		case <-r.stop:
			return
		}
	}
}

func (p *plainPoller) add(handle int32, key uint64) error {
	conn := p.network.conn(handle)
	if conn == nil {
		return net.ErrClosed
	}
	r := &reader{
		key: key, conn: conn,
		taken: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	p.readers[handle] = r
	go r.run(p.arrivals)
	return nil
}

func (p *plainPoller) remove(handle int32) {
	r := p.readers[handle]
	if r == nil {
		return
	}
	delete(p.readers, handle)
	close(r.stop)
	_ = r.conn.SetReadDeadline(time.Unix(1, 0)) // it may be waiting there
	<-r.done
	_ = r.conn.SetReadDeadline(time.Time{})
}

func (p *plainPoller) closing(handle int32) { p.remove(handle) }

func (p *plainPoller) connect(*socket) bool { return false }

func (p *plainPoller) disconnect(*socket) {}

func (p *plainPoller) send(s *socket, b []byte) bool {
	conn := p.network.conn(s.handle) // not always one of p's: see tenant
	if conn == nil {
		return false
	}
	_, err := conn.WriteToUDPAddrPort(b, zoned(s.to, s.scope))
	return err == nil
}

func (p *plainPoller) waited() time.Duration { return 0 }

func (p *plainPoller) arm(d time.Duration) { p.timer.Reset(d) }

func (p *plainPoller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *plainPoller) run(s sink) error {
	for !s.over() {
		select {
		case <-p.woken:
			s.batch()
			s.woken()
		case <-p.timer.C:
			s.batch()
			s.ticked()
		case a := <-p.arrivals:
			s.batch()
			copy(s.buffer(), a.reader.buf[:min(a.n, maxPacket)])
			select {
			case a.reader.taken <- struct{}{}:
			case <-a.reader.done:
			}
			s.received(a.reader.key, a.n, netip.AddrPortFrom(a.source.Addr().Unmap().WithZone(""), a.source.Port()))
		}
		s.rest()
	}
	return nil
}

func (p *plainPoller) close() {
	p.timer.Stop()
	for handle := range p.readers {
		p.remove(handle)
	}
}
