package wire

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// What a value of type CC is, by its first byte. Whatever begins with another is
// not ours, and left alone.
const (
	OpText     = 'T' // text.go
	OpBulk     = 'B' // bulk transfer
	OpIdentity = 'I' // behind an entry of a list: who it is
	OpPart     = 'L' // which part of a list a packet has
	OpReport   = 'R' // what a client tells its server of the others, and of its NAT
	OpForward  = 'F' // a packet that the server hands on
)

// maxPeer is the longest name of a peer.
const maxPeer = 64

// An Identity is who a client in a list is: 'I', UUID, version u8, port u16, name.
type Identity struct {
	UUID    UUID
	Version uint8
	Port    uint16 // that its router hands on to it; 0 for none
	Name    string // "" if it has none
}

const identityHead = 1 + 16 + 1 + 2

func (id Identity) size() int { return 2 + identityHead + len(id.Name) }

func (id Identity) append(b []byte) []byte {
	b = append(b, typeCC, uint8(id.size()), OpIdentity)
	b = append(b, id.UUID[:]...)
	b = append(b, id.Version)
	b = binary.BigEndian.AppendUint16(b, id.Port)
	return append(b, id.Name...)
}

func readIdentity(v []byte) (Identity, bool) {
	if len(v) < identityHead || len(v) > identityHead+maxPeer || v[0] != OpIdentity {
		return Identity{}, false
	}
	id := Identity{UUID: UUID(v[1:17]), Version: v[17], Port: binary.BigEndian.Uint16(v[18:])}
	if name := v[identityHead:]; IsName(name) {
		id.Name = string(name)
	}
	return id, true
}

// A Part says which part of a list a packet has: 'L', list u32, part u8 (from 0),
// parts u8. A list is complete when all its parts have come.
type Part struct {
	List        uint32
	Part, Parts uint8
}

// Append adds the value to b.
func (p Part) Append(b []byte) []byte {
	b = append(b, OpPart)
	b = binary.BigEndian.AppendUint32(b, p.List)
	return append(b, p.Part, p.Parts)
}

// ReadPart reads a Part.
func ReadPart(v []byte) (Part, bool) {
	if len(v) != 7 || v[0] != OpPart || v[5] >= v[6] {
		return Part{}, false
	}
	return Part{binary.BigEndian.Uint32(v[1:]), v[5], v[6]}, true
}

// A Path is the way between two clients.
type Path uint8

// The paths, the better the higher.
const (
	Unreached Path = iota
	Relayed        // by the server
	Direct         // to where the server sees the other
	Internal       // within one network
	pathEnd
)

// String is the word for logs and people.
func (p Path) String() string {
	switch p {
	case Relayed:
		return "relayed"
	case Direct:
		return "direct"
	case Internal:
		return "internal"
	default:
		return "unreached"
	}
}

// A Reach is what a client has measured of another.
//
//	'R', 1, then: UUID, path u8, RTT u32, jitter u32 (microseconds), loss u16 (65535: all)
type Reach struct {
	UUID        UUID
	Path        Path
	RTT, Jitter time.Duration
	Loss        float64 // 0 to 1
}

const (
	reportReach = 1
	reportNAT   = 2
	reachSize   = 16 + 1 + 4 + 4 + 2
	// MaxReaches is how many Reaches one value has.
	MaxReaches = (MaxValue - 2) / reachSize
)

// AppendReaches adds a value with up to MaxReaches of all to b.
func AppendReaches(b []byte, all []Reach) []byte {
	b = append(b, OpReport, reportReach)
	for _, r := range all[:min(len(all), MaxReaches)] {
		b = append(b, r.UUID[:]...)
		b = append(b, byte(r.Path))
		b = binary.BigEndian.AppendUint32(b, micros(r.RTT))
		b = binary.BigEndian.AppendUint32(b, micros(r.Jitter))
		b = binary.BigEndian.AppendUint16(b, uint16(max(0, min(r.Loss, 1))*65535))
	}
	return b
}

func micros(d time.Duration) uint32 { return uint32(max(0, min(d.Microseconds(), 1<<32-1))) }

// EachReach calls f for every Reach in a value; false, if it is no such value.
func EachReach(v []byte, f func(Reach)) bool {
	if len(v) < 2 || v[0] != OpReport || v[1] != reportReach || (len(v)-2)%reachSize != 0 {
		return false
	}
	for v = v[2:]; len(v) > 0; v = v[reachSize:] {
		if Path(v[16]) >= pathEnd {
			continue
		}
		f(Reach{
			UUID: UUID(v[:16]), Path: Path(v[16]),
			RTT:    time.Duration(binary.BigEndian.Uint32(v[17:])) * time.Microsecond,
			Jitter: time.Duration(binary.BigEndian.Uint32(v[21:])) * time.Microsecond,
			Loss:   float64(binary.BigEndian.Uint16(v[25:])) / 65535,
		})
	}
	return true
}

// A Behaviour is how a NAT chooses an endpoint, or whom it lets answer (RFC 4787
// sections 4.1 and 5).
type Behaviour uint8

// The behaviours, as RFC 5780 finds them.
const (
	UnknownBehaviour Behaviour = iota
	NoNAT                      // of mapping: what is seen outside is our own address
	EndpointIndependent
	AddressDependent
	AddressAndPortDependent
	Dependent // of mapping: it is not the same for all, and no more is known
	behaviourEnd
)

// String is the word for logs and people, "" for what is not known.
func (b Behaviour) String() string {
	switch b {
	case NoNAT:
		return "none"
	case EndpointIndependent:
		return "endpoint-independent"
	case AddressDependent:
		return "address-dependent"
	case AddressAndPortDependent:
		return "address-and-port-dependent"
	case Dependent:
		return "dependent"
	default:
		return ""
	}
}

// A NAT is what a client has found out about the one that it is behind.
//
//	'R', 2, mapping u8, filtering u8, port u16, address
type NAT struct {
	Mapping, Filtering Behaviour
	Port               uint16         // that the router hands on to us, by UPnP; 0 for none
	Seen               netip.AddrPort // by STUN; zero: by none
}

// Append adds the value to b.
func (n NAT) Append(b []byte) []byte {
	b = append(b, OpReport, reportNAT, byte(n.Mapping), byte(n.Filtering))
	b = binary.BigEndian.AppendUint16(b, n.Port)
	if n.Seen.IsValid() {
		b = appendAddress(b, n.Seen)
	}
	return b
}

// ReadNAT reads a NAT.
func ReadNAT(v []byte) (n NAT, ok bool) {
	if len(v) < 6 || v[0] != OpReport || v[1] != reportNAT || Behaviour(v[2]) >= behaviourEnd || Behaviour(v[3]) >= behaviourEnd {
		return n, false
	}
	n = NAT{Mapping: Behaviour(v[2]), Filtering: Behaviour(v[3]), Port: binary.BigEndian.Uint16(v[4:])}
	if len(v) > 6 {
		if n.Seen, ok = address(v[6:]); !ok {
			return NAT{}, false
		}
	}
	return n, true
}

// A Forward says whom a packet is for, or, from the server, whom it is from: 'F',
// UUID. What stands behind it in the packet is handed on as it is.
type Forward struct{ UUID UUID }

const forwardSize = 1 + 16

// ForwardSpace is how much room a Forward takes in a packet.
const ForwardSpace = 2 + forwardSize

// Append adds the value to b.
func (f Forward) Append(b []byte) []byte { return append(append(b, OpForward), f.UUID[:]...) }

// ReadForward reads a Forward.
func ReadForward(v []byte) (Forward, bool) {
	if len(v) != forwardSize || v[0] != OpForward {
		return Forward{}, false
	}
	return Forward{UUID(v[1:])}, true
}
