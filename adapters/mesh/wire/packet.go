package wire

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Bounds, in bytes.
const (
	// MaxPacket is the longest packet that anybody sends or reads.
	MaxPacket = 1400
	// MaxValue is the longest value: its size counts two bytes more in a byte.
	MaxValue = 253
	// minPacket is a packet with nothing in it.
	minPacket = 3
)

// Extended is the least version whose programs know what stands in values of type
// CC. The original's is 2.
const Extended = 3

// The types of values.
const (
	typeServerVersion = 1
	typeClientVersion = 2
	typeSequence      = 3
	typeUUID          = 4
	typeMyTime        = 8
	typeYourTime      = 9
	typeLocal         = 32 // PTPADDR
	typeMeta          = 35
	typeShutdown      = 45
	typeExternal      = 64 // CLIENTLIST_EXT
	typeCount         = 65 // CLIENTLEN
	typeYourAddress   = 66
	typeInternal      = 67 // CLIENTLIST_INT
	typeCC            = 96
)

// Why a packet is none.
var (
	ErrShort    = errors.New("shorter than a packet can be")
	ErrLong     = errors.New("longer than a packet may be")
	ErrChecksum = errors.New("its checksum is wrong")
	ErrSize     = errors.New("a value in it has a size that it can't have")
)

// A UUID names a client of a mesh.
type UUID [16]byte

// An Entry is one client in a server's list.
type Entry struct {
	External netip.AddrPort
	Internal netip.AddrPort // of who is behind the same NAT; else zero
	Identity Identity       // by a server of our kind; else zero
}

// A Packet is one that was read. Its slices lie in what was read, and are used
// again by the next Read.
type Packet struct {
	ServerVersion, ClientVersion uint8 // 0: it has none
	Sequence                     uint32
	UUID                         UUID
	HasUUID                      bool
	MyTime, YourTime             uint64 // 0: it has none
	Local, YourAddress           netip.AddrPort
	Meta                         []byte // nil: it has none
	Shutdown                     bool
	List                         []Entry
	Count                        int // of the list, by the sender's word; -1: it has none
	CC                           [][]byte
	Unknown                      int // values of types that we don't know
	Version                      uint8
	// Forward says that the values behind it are somebody else's, or for
	// somebody else; they are not read.
	Forward    Forward
	HasForward bool
	Behind     []byte
}

// Read reads data. On an error the packet says nothing.
func (p *Packet) Read(data []byte) error {
	list, cc := p.List[:0], p.CC[:0]
	*p = Packet{Count: -1, List: list, CC: cc}
	switch {
	case len(data) < minPacket:
		return ErrShort
	case len(data) > MaxPacket:
		return ErrLong
	}
	body := data[:len(data)-2]
	if Checksum(body) != binary.BigEndian.Uint16(data[len(body):]) {
		return ErrChecksum
	}
	p.Version = body[0]
	return p.values(body[1:])
}

// ReadBehind reads the values that stood behind the Forward of a packet.
func (p *Packet) ReadBehind(values []byte) error {
	list, cc := p.List[:0], p.CC[:0]
	*p = Packet{Count: -1, List: list, CC: cc}
	return p.values(values)
}

// values reads values one after the other.
func (p *Packet) values(rest []byte) error {
	for len(rest) > 0 {
		if len(rest) < 2 || int(rest[1]) < 2 || int(rest[1]) > len(rest) {
			return ErrSize
		}
		size := int(rest[1])
		if !p.value(rest[0], rest[2:size:size]) {
			return ErrSize
		}
		rest = rest[size:]
		if p.HasForward {
			p.Behind = rest
			return nil
		}
	}
	return nil
}

// value takes one value; false, if it has a wrong size.
func (p *Packet) value(kind uint8, v []byte) (ok bool) {
	var n uint64
	switch kind {
	case typeServerVersion:
		n, ok = number(v)
		p.ServerVersion = uint8(min(n, 255))
	case typeClientVersion:
		n, ok = number(v)
		p.ClientVersion = uint8(min(n, 255))
	case typeSequence:
		n, ok = number(v)
		p.Sequence = uint32(n)
	case typeUUID:
		if len(v) != len(p.UUID) {
			return false
		}
		p.UUID, p.HasUUID, ok = UUID(v), true, true
	case typeMyTime:
		p.MyTime, ok = number(v)
	case typeYourTime:
		p.YourTime, ok = number(v)
	case typeLocal:
		p.Local, ok = address(v)
	case typeYourAddress:
		p.YourAddress, ok = address(v)
	case typeMeta:
		p.Meta, ok = v, true
	case typeShutdown:
		n, ok = number(v)
		p.Shutdown = n != 0
	case typeExternal, typeInternal, typeCount:
		return p.listed(kind, v)
	case typeCC:
		return p.extension(v)
	default:
		p.Unknown++
		ok = true
	}
	return ok
}

// listed takes a value of a server's list.
func (p *Packet) listed(kind uint8, v []byte) bool {
	if kind == typeCount {
		n, ok := number(v)
		p.Count = int(min(n, 1<<16))
		return ok
	}
	a, ok := address(v)
	switch {
	case !ok:
	case kind == typeExternal:
		p.List = append(p.List, Entry{External: a})
	case len(p.List) > 0:
		p.List[len(p.List)-1].Internal = a
	}
	return ok
}

// extension takes a value of type CC. Who an entry of a list is stands behind
// it; all else is kept as it is.
func (p *Packet) extension(v []byte) bool {
	if id, ok := readIdentity(v); ok && len(p.List) > 0 {
		p.List[len(p.List)-1].Identity = id
		return true
	}
	if p.Forward, p.HasForward = ReadForward(v); !p.HasForward {
		p.CC = append(p.CC, v)
	}
	return true
}

// number reads a number of 1, 2, 4 or 8 bytes.
func number(v []byte) (uint64, bool) {
	switch len(v) {
	case 1:
		return uint64(v[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(v)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(v)), true
	case 8:
		return binary.BigEndian.Uint64(v), true
	default:
		return 0, false
	}
}

// The sizes of addresses.
const (
	size4 = 4 + 2
	size6 = 16 + 2
)

// address reads an address and its port: which family it is of, its size says.
func address(v []byte) (netip.AddrPort, bool) {
	switch len(v) {
	case size4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(v)), binary.BigEndian.Uint16(v[4:])), true
	case size6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(v)).Unmap(), binary.BigEndian.Uint16(v[16:])), true
	default:
		return netip.AddrPort{}, false
	}
}

// Checksum is the Internet checksum of b (RFC 1071); an odd byte at its end counts
// as if a zero followed.
func Checksum(b []byte) uint16 {
	var sum uint64
	for ; len(b) >= 8; b = b[8:] {
		v := binary.BigEndian.Uint64(b)
		sum += v>>48 + v>>32&0xffff + v>>16&0xffff + v&0xffff
	}
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
