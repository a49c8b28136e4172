//go:build !linux

package datagram

import (
	"net/netip"
	"syscall"
)

func control(syscall.RawConn, bool) error { return nil }

func growBuffer(syscall.RawConn) {}

func canJoin(syscall.RawConn) bool { return false }

func askForDestinations(syscall.RawConn, bool) {}

// A Reader reads from a socket. It belongs to one goroutine.
type Reader struct {
	s       *Socket
	buf     []byte
	packets [1]Packet
}

// NewReader reads datagrams, of which longer ones than size bytes are cut to one
// byte more than that.
func (s *Socket) NewReader(_, size int) *Reader { return &Reader{s: s, buf: make([]byte, size+1)} }

// Read waits for a datagram. The error is net.ErrClosed when the socket was
// closed; after any other reading can go on.
func (r *Reader) Read() ([]Packet, error) {
	n, from, err := r.s.conn.ReadFromUDPAddrPort(r.buf)
	if err != nil {
		return nil, err
	}
	r.packets[0] = Packet{Data: r.buf[:n], From: unmap(from), To: r.s.addr.Addr()}
	if r.s.many {
		r.packets[0].To = netip.Addr{}
	}
	return r.packets[:], nil
}

// Serve does what Run does.
func (r *Reader) Serve(receive func([]Packet)) error { return r.Run(receive) }

// A Writer sends datagrams. It belongs to one goroutine.
type Writer struct{ failed int }

// NewWriter makes a Writer.
func NewWriter(int) *Writer { return &Writer{} }

// Add sends data by s.
func (w *Writer) Add(s *Socket, data []byte, to netip.AddrPort, _ netip.Addr) {
	if len(data) == 0 || to.Addr().Is4() == s.six {
		return
	}
	if _, err := s.conn.WriteToUDPAddrPort(data, to); err != nil {
		w.failed++
	}
}

// Flush gives how many datagrams the system has refused since the last Flush.
func (w *Writer) Flush() (refused int) {
	refused, w.failed = w.failed, 0
	return refused
}
