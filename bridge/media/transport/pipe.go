package transport

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/transport/v4/deadline"
)

// queued is how many datagrams wait for the library at most. A handshake's
// longest flight has fewer; what is more is lost, and repeated.
const queued = 32

// A pipe is the socket that the library sees: what it reads is fed, what it
// writes is handed on.
type pipe struct {
	in    chan []byte
	out   func([]byte)
	until *deadline.Deadline
	ended chan struct{}
	once  sync.Once // closes ended
}

func newPipe(out func([]byte)) *pipe {
	return &pipe{in: make(chan []byte, queued), out: out, until: deadline.New(), ended: make(chan struct{})}
}

// feed takes a datagram for the library, if there is room, and keeps it.
func (p *pipe) feed(datagram []byte) bool {
	select {
	case p.in <- datagram:
		return true
	default:
		return false
	}
}

// nowhere is the address of both ends: who the peer is, the feeder knows.
type nowhere struct{}

func (nowhere) Network() string { return "media" }
func (nowhere) String() string  { return "peer" }

// ReadFrom waits for the next datagram.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.ended:
		return 0, nil, net.ErrClosed
	case <-p.until.Done():
		return 0, nil, os.ErrDeadlineExceeded
	default:
	}
	select {
	case datagram := <-p.in:
		return copy(b, datagram), nowhere{}, nil
	case <-p.until.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.ended:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo hands a datagram on.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.ended:
		return 0, net.ErrClosed
	default:
		p.out(b)
		return len(b), nil
	}
}

// Close ends what waits in ReadFrom.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

// LocalAddr says nothing.
func (p *pipe) LocalAddr() net.Addr { return nowhere{} }

// SetDeadline is SetReadDeadline: a write does not wait.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline ends what waits in ReadFrom at t.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.until.Set(t)
	return nil
}

// SetWriteDeadline does nothing: a write does not wait.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
