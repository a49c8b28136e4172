package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// The types of values in the packets of the PTP mesh tester
// (https://github.com/chrisy/ptptest).
const (
	MeshServerVer = 1
	MeshClientVer = 2
	MeshSequence  = 3
	MeshUUID      = 4
	MeshMyTS      = 8
	MeshYourTS    = 9
	MeshPTPAddr   = 32
	MeshMeta      = 35
	MeshShutdown  = 45
	MeshListExt   = 64
	MeshClientLen = 65
	MeshYourAddr  = 66
	MeshListInt   = 67
	MeshCC        = 96
)

// A MeshTLV is one value.
type MeshTLV struct {
	Type  byte
	Value []byte
}

// MeshUint is a number as a value of size bytes.
func MeshUint(kind byte, size int, n uint64) MeshTLV {
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], n)
	return MeshTLV{kind, all[8-size:]}
}

// MeshAddr is an address as a value.
func MeshAddr(kind byte, a netip.AddrPort) MeshTLV {
	return MeshTLV{kind, binary.BigEndian.AppendUint16(a.Addr().AsSlice(), a.Port())}
}

// MeshPacket composes a packet.
func MeshPacket(values ...MeshTLV) []byte {
	b := []byte{1}
	for _, v := range values {
		b = append(append(b, v.Type, byte(len(v.Value)+2)), v.Value...)
	}
	return MeshSum(b)
}

// MeshSum puts the checksum behind the bytes of a packet: the complement of the sum of
// all pairs, with the carries.
func MeshSum(b []byte) []byte {
	sum := 0
	for i, c := range b {
		if i%2 == 0 {
			sum += int(c) << 8
		} else {
			sum += int(c)
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return binary.BigEndian.AppendUint16(slices.Clone(b), ^uint16(sum))
}

// ParseMesh reads a packet. It takes what the original takes, and nothing else.
func ParseMesh(b []byte) ([]MeshTLV, error) {
	if len(b) < 3 || len(b) > 1400 {
		return nil, fmt.Errorf("mesh: a packet of %d bytes", len(b))
	}
	if body := b[:len(b)-2]; !slices.Equal(MeshSum(body), b) {
		return nil, errors.New("mesh: a wrong checksum")
	}
	var all []MeshTLV
	for rest := b[1 : len(b)-2]; len(rest) > 0; {
		if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
			return nil, fmt.Errorf("mesh: a value of type %d has no end", rest[0])
		}
		v := MeshTLV{rest[0], slices.Clone(rest[2:rest[1]])}
		if err := v.check(); err != nil {
			return nil, err
		}
		all, rest = append(all, v), rest[rest[1]:]
	}
	return all, nil
}

// check says whether the original would outlive the value.
func (v MeshTLV) check() error {
	n := len(v.Value)
	ok := false
	switch v.Type {
	case 0, MeshServerVer, MeshClientVer, MeshSequence, MeshMyTS, MeshYourTS, 34, MeshShutdown, MeshClientLen:
		ok = n == 1 || n == 2 || n == 4 || n == 8
	case MeshPTPAddr, 33, MeshListExt, MeshListInt, MeshYourAddr:
		ok = n == 6 || n == 18
	case MeshUUID:
		ok = n == 16
	case MeshMeta:
		ok = n > 1 && v.Value[0] == '{'
	case MeshCC:
		ok = true
	}
	if !ok {
		return fmt.Errorf("mesh: a value of type %d and %d bytes", v.Type, n)
	}
	return nil
}

// Uint is the number that a value is.
func (v MeshTLV) Uint() uint64 {
	var n uint64
	for _, c := range v.Value {
		n = n<<8 | uint64(c)
	}
	return n
}

// Addr is the address that a value is.
func (v MeshTLV) Addr() netip.AddrPort {
	n := len(v.Value) - 2
	a, _ := netip.AddrFromSlice(v.Value[:n])
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(v.Value[n:]))
}

// meshFind is the last value of a type, as the original keeps it.
func meshFind(values []MeshTLV, kind byte) (found MeshTLV, ok bool) {
	for _, v := range values {
		if v.Type == kind {
			found, ok = v, true
		}
	}
	return found, ok
}
