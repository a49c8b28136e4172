package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// OSCAlive is a member's word to the server: who it is, what it knows of its own
// endpoint, and the groups it is in, each a name and a password.
func OSCAlive(user, password string, private netip.AddrPort, groups ...[2]string) OSCMessage {
	args := append([]any{user, OSCHash(password)}, oscEndpoint(private)...)
	for _, g := range groups {
		args = append(args, g[0], OSCHash(g[1]))
	}
	return OSCMessage{"/groupserver/user_alive", args}
}

// OSCWho is a member's question who is in a group.
func OSCWho(group, password string) OSCMessage {
	return OSCMessage{"/groupserver/get_group_users_info", []any{group, OSCHash(password)}}
}

// An OSCWire is a UDP socket that says OSC as it is told, good or bad.
type OSCWire struct{ conn *net.UDPConn }

// NewOSCWire opens a socket at the address local (host:port, port 0 for any)
// that speaks to the address to.
func NewOSCWire(local, to string) (*OSCWire, error) {
	l, err := net.ResolveUDPAddr("udp4", local)
	if err != nil {
		return nil, fmt.Errorf("osc wire: %w", err)
	}
	r, err := net.ResolveUDPAddr("udp4", to)
	if err != nil {
		return nil, fmt.Errorf("osc wire: %w", err)
	}
	conn, err := net.DialUDP("udp4", l, r)
	if err != nil {
		return nil, fmt.Errorf("osc wire: %w", err)
	}
	return &OSCWire{conn}, nil
}

// Close closes the socket.
func (w *OSCWire) Close() { w.conn.Close() }

// Local is the socket's address.
func (w *OSCWire) Local() netip.AddrPort { return w.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Send sends one datagram.
func (w *OSCWire) Send(packet []byte) error {
	if _, err := w.conn.Write(packet); err != nil {
		return fmt.Errorf("osc wire: %w", err)
	}
	return nil
}

// Receive gives the next datagram.
func (w *OSCWire) Receive(ctx context.Context) ([]byte, error) {
	stop, err := boundReads(ctx, w.conn)
	if err != nil {
		return nil, err
	}
	defer stop()
	buf := make([]byte, 1<<16)
	n, err := w.conn.Read(buf)
	if err != nil {
		return nil, fmt.Errorf("osc wire: %w", err)
	}
	return buf[:n], nil
}

// Ask sends messages in one datagram and gives those of the next that comes.
func (w *OSCWire) Ask(ctx context.Context, messages ...OSCMessage) ([]OSCMessage, error) {
	if err := w.Send(OSCBundle(messages...)); err != nil {
		return nil, err
	}
	packet, err := w.Receive(ctx)
	if err != nil {
		return nil, err
	}
	return ParseOSC(packet)
}

// boundReads has reads of conn end with ctx, until stop is called.
func boundReads(ctx context.Context, conn net.Conn) (stop func() bool, err error) {
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("osc: %w", err)
	}
	return context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // on a closed socket reads end anyway
	}), nil
}

// An OSCStream is OSC over TCP: packets behind their size (OSC 1.0), or in SLIP
// frames with an END at both ends (OSC 1.1, RFC 1055).
type OSCStream struct {
	conn net.Conn
	in   *bufio.Reader
	slip bool
}

// The bytes of SLIP.
const (
	slipEnd, slipEsc       = 0xc0, 0xdb
	slipEscEnd, slipEscEsc = 0xdc, 0xdd
)

const longestOSC = 1 << 16 // packet that is taken from a stream

// DialOSC connects to the address to.
func DialOSC(ctx context.Context, to string, slip bool) (*OSCStream, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, fmt.Errorf("osc stream: %w", err)
	}
	return &OSCStream{conn, bufio.NewReader(conn), slip}, nil
}

// Close closes the connection.
func (s *OSCStream) Close() { s.conn.Close() }

// Write sends bytes as they are.
func (s *OSCStream) Write(b []byte) (int, error) { return s.conn.Write(b) }

// Send sends a packet.
func (s *OSCStream) Send(packet []byte) error {
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...)
	if s.slip {
		frame = slipFrame(packet)
	}
	if _, err := s.conn.Write(frame); err != nil {
		return fmt.Errorf("osc stream: %w", err)
	}
	return nil
}

func slipFrame(packet []byte) []byte {
	packet = bytes.ReplaceAll(packet, []byte{slipEsc}, []byte{slipEsc, slipEscEsc})
	packet = bytes.ReplaceAll(packet, []byte{slipEnd}, []byte{slipEsc, slipEscEnd})
	return append(append([]byte{slipEnd}, packet...), slipEnd)
}

// Receive gives the next packet.
func (s *OSCStream) Receive(ctx context.Context) ([]byte, error) {
	stop, err := boundReads(ctx, s.conn)
	if err != nil {
		return nil, err
	}
	defer stop()
	packet, err := readOSCFrame(s.in, s.slip)
	if err != nil {
		return nil, fmt.Errorf("osc stream: %w", err)
	}
	return packet, nil
}

func readOSCFrame(in *bufio.Reader, slip bool) ([]byte, error) {
	if slip {
		return readSLIP(in)
	}
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > longestOSC {
		return nil, fmt.Errorf("%w: a packet of %d bytes", errOSC, n)
	}
	packet := make([]byte, n)
	_, err := io.ReadFull(in, packet)
	return packet, err
}

func readSLIP(in *bufio.Reader) ([]byte, error) {
	var packet []byte
	for len(packet) <= longestOSC {
		b, err := in.ReadByte()
		if err == nil && b == slipEsc {
			if b, err = in.ReadByte(); err == nil && b != slipEscEnd && b != slipEscEsc {
				return nil, fmt.Errorf("%w: %#x is escaped", errOSC, b)
			}
			b = map[byte]byte{slipEscEnd: slipEnd, slipEscEsc: slipEsc}[b]
		} else if err == nil && b == slipEnd {
			if len(packet) > 0 {
				return packet, nil
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		packet = append(packet, b)
	}
	return nil, fmt.Errorf("%w: a packet without an end", errOSC)
}

// WaitPacket reads until it has the packet.
func (s *OSCStream) WaitPacket(ctx context.Context, packet []byte) error {
	for {
		got, err := s.Receive(ctx)
		if err != nil {
			return fmt.Errorf("wait for %x: %w", packet, err)
		}
		if bytes.Equal(got, packet) {
			return nil
		}
	}
}
