// Package rtp reads and counts RTP and RTCP (RFC 3550) and telephone events
// (RFC 4733), in place and without memory of its own: everything here is a
// value that a relay keeps in its table of ports.
//
// Times are durations since any fixed moment on a clock that never jumps.
package rtp

import "encoding/binary"

// MinHeader is the length of the shortest RTP header, in bytes.
const MinHeader = 12

// A Header is what a relay wants to know of the header of an RTP packet (RFC
// 3550 section 5.1).
type Header struct {
	Type      uint8 // the payload type, 0 to 127
	Marker    bool
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	Size      int // of the header with sources and extension, in bytes
	Padding   int // at the end of the packet, with the byte that counts it
}

// Parse reads the header of an RTP packet; false for what is none: another
// version, or lengths that go beyond its end. What is encrypted must be opened
// first for the Padding to be right: see ParseSealed.
func Parse(b []byte) (Header, bool) {
	h, ok := ParseSealed(b)
	if !ok || b[0]&0x20 == 0 {
		return h, ok
	}
	h.Padding = int(b[len(b)-1])
	return h, h.Padding > 0 && h.Size+h.Padding <= len(b)
}

// ParseSealed reads the header of an RTP packet whose payload is encrypted (RFC
// 3711 section 3.1): all but the padding, which nobody can see yet.
func ParseSealed(b []byte) (Header, bool) {
	if len(b) < MinHeader || b[0]>>6 != 2 {
		return Header{}, false
	}
	size := MinHeader + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < size+4 {
			return Header{}, false
		}
		size += 4 + 4*int(binary.BigEndian.Uint16(b[size+2:]))
	}
	if len(b) < size {
		return Header{}, false
	}
	return Header{
		Type:      b[1] & 0x7f,
		Marker:    b[1]&0x80 != 0,
		Sequence:  binary.BigEndian.Uint16(b[2:]),
		Timestamp: binary.BigEndian.Uint32(b[4:]),
		SSRC:      binary.BigEndian.Uint32(b[8:]),
		Size:      size,
	}, true
}

// Payload is what of the packet b, whose header h is, is neither header nor padding.
func (h Header) Payload(b []byte) []byte { return b[h.Size : len(b)-h.Padding] }

// SetType writes the payload type t, 0 to 127, into the RTP packet b and
// leaves its marker alone. b has at least MinHeader bytes.
func SetType(b []byte, t uint8) { b[1] = b[1]&0x80 | t&0x7f }

// SetSSRC writes the source into the RTP packet b, which has at least MinHeader bytes.
func SetSSRC(b []byte, ssrc uint32) { binary.BigEndian.PutUint32(b[8:], ssrc) }

// SetSequence writes the sequence number into the RTP packet b, which has at
// least MinHeader bytes.
func SetSequence(b []byte, sequence uint16) { binary.BigEndian.PutUint16(b[2:], sequence) }

// SetTimestamp writes the timestamp into the RTP packet b, which has at least
// MinHeader bytes.
func SetTimestamp(b []byte, timestamp uint32) { binary.BigEndian.PutUint32(b[4:], timestamp) }

// Put writes a header without sources and extension to the first MinHeader
// bytes of b. Size and Padding do not matter.
func (h Header) Put(b []byte) {
	b[0] = 2 << 6
	b[1] = h.Type & 0x7f
	if h.Marker {
		b[1] |= 0x80
	}
	SetSequence(b, h.Sequence)
	SetTimestamp(b, h.Timestamp)
	SetSSRC(b, h.SSRC)
}
