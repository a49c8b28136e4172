package wire

import (
	"encoding/binary"
	"net/netip"
)

// A Builder composes packets, in memory that is used again. What does not fit into
// MaxPacket bytes is left out, and said.
type Builder struct{ buf []byte }

const (
	trailer  = 2              // the checksum's size
	headSize = 1 + 3 + 6 + 18 // version, program's version, sequence and UUID
)

// Begin begins a packet.
func (b *Builder) Begin() {
	if b.buf == nil {
		b.buf = make([]byte, 0, MaxPacket)
	}
	b.buf = append(b.buf[:0], 1)
}

// Server begins a server's packet to the client with that UUID.
func (b *Builder) Server(version uint8, sequence uint32, to UUID) {
	b.head(typeServerVersion, version, sequence, to)
}

// Client begins a packet of the client with that UUID.
func (b *Builder) Client(version uint8, sequence uint32, from UUID) {
	b.head(typeClientVersion, version, sequence, from)
}

func (b *Builder) head(kind, version uint8, sequence uint32, id UUID) {
	b.Begin()
	b.buf = append(b.buf, kind, 3, version)
	b.buf = append(b.buf, typeSequence, 6)
	b.buf = binary.BigEndian.AppendUint32(b.buf, sequence)
	b.buf = append(b.buf, typeUUID, 2+uint8(len(id)))
	b.buf = append(b.buf, id[:]...)
}

// Room is how many bytes are left for values, their types and sizes included.
func (b *Builder) Room() int { return MaxPacket - trailer - len(b.buf) }

// MyTime adds a time stamp that is to be sent back.
func (b *Builder) MyTime(t uint64) { b.time(typeMyTime, t) }

// YourTime sends one back.
func (b *Builder) YourTime(t uint64) { b.time(typeYourTime, t) }

func (b *Builder) time(kind uint8, t uint64) {
	if b.Room() >= 10 {
		b.buf = append(b.buf, kind, 10)
		b.buf = binary.BigEndian.AppendUint64(b.buf, t)
	}
}

// Local adds where a client is in its own network.
func (b *Builder) Local(a netip.AddrPort) { b.address(typeLocal, a) }

// YourAddress adds where a client is seen.
func (b *Builder) YourAddress(a netip.AddrPort) { b.address(typeYourAddress, a) }

// Shutdown says that a client ends.
func (b *Builder) Shutdown() { b.small(typeShutdown, 1) }

// Count says how many entries a list has; it is the packet's last value.
func (b *Builder) Count(n int) { b.small(typeCount, uint8(n)) }

func (b *Builder) small(kind, n uint8) {
	if b.Room() >= 3 {
		b.buf = append(b.buf, kind, 3, n)
	}
}

func addressSize(a netip.AddrPort) int {
	if a.Addr().Is4() {
		return 2 + size4
	}
	return 2 + size6
}

func (b *Builder) address(kind uint8, a netip.AddrPort) {
	if !a.IsValid() || b.Room() < addressSize(a) {
		return
	}
	b.buf = append(b.buf, kind, uint8(addressSize(a)))
	b.buf = appendAddress(b.buf, a)
}

func appendAddress(buf []byte, a netip.AddrPort) []byte {
	if a.Addr().Is4() {
		ip := a.Addr().As4()
		buf = append(buf, ip[:]...)
	} else {
		ip := a.Addr().As16()
		buf = append(buf, ip[:]...)
	}
	return binary.BigEndian.AppendUint16(buf, a.Port())
}

const (
	// MaxCount is what the number of a list's entries can say.
	MaxCount = 255
	// CountSize is the size of that number's value.
	CountSize = 3
)

// Size is how much room an entry takes.
func (e Entry) Size() int {
	size := addressSize(e.External)
	if e.Internal.IsValid() {
		size += addressSize(e.Internal)
	}
	if e.Identity != (Identity{}) {
		size += e.Identity.size()
	}
	return size
}

// Entry adds a client to a list, and reports whether it, and the list's Count after
// it, have room.
func (b *Builder) Entry(e Entry) bool {
	if b.Room() < e.Size()+CountSize {
		return false
	}
	b.address(typeExternal, e.External)
	b.address(typeInternal, e.Internal)
	if e.Identity != (Identity{}) {
		b.buf = e.Identity.append(b.buf)
	}
	return true
}

// Meta adds META, and reports whether it has room.
func (b *Builder) Meta(json []byte) bool { return b.add(typeMeta, json) }

// CC adds a value of type CC, and reports whether it has room.
func (b *Builder) CC(value []byte) bool { return b.add(typeCC, value) }

// Behind adds a Forward, and behind it values that somebody has composed. It reports
// whether they have room.
func (b *Builder) Behind(f Forward, values []byte) bool {
	if b.Room() < 2+forwardSize+len(values) {
		return false
	}
	b.buf = append(b.buf, typeCC, 2+forwardSize)
	b.buf = append(f.Append(b.buf), values...)
	return true
}

// Values are those of the packet so far behind its head, until the next Begin.
func (b *Builder) Values() []byte { return b.buf[headSize:] }

func (b *Builder) add(kind uint8, v []byte) bool {
	if len(v) > MaxValue || b.Room() < 2+len(v) {
		return false
	}
	b.buf = append(b.buf, kind, uint8(2+len(v)))
	b.buf = append(b.buf, v...)
	return true
}

// Packet ends the packet, and gives it until the next Begin.
func (b *Builder) Packet() []byte {
	b.buf = binary.BigEndian.AppendUint16(b.buf, Checksum(b.buf))
	return b.buf
}
