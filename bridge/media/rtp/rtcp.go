package rtp

import "encoding/binary"

// The packet types of RTCP that name sources (RFC 3550 section 12.1, RFC 4585
// section 6.1, RFC 3611 section 2).
const (
	typeSR    = 200
	typeRR    = 201
	typeSDES  = 202
	typeBYE   = 203
	typeAPP   = 204
	typeRTPFB = 205
	typePSFB  = 206
	typeXR    = 207
)

const (
	controlHeader = 8  // with the SSRC of the sender
	senderInfo    = 20 // of a SR (RFC 3550 section 6.4.1)
	reportBlock   = 24
)

// A control is one packet of a compound.
type control struct {
	kind  uint8
	count uint8
	all   []byte // with the header, without padding
}

// split takes the first packet off a compound; false if there is none that
// holds together.
func split(b []byte) (c control, rest []byte, ok bool) {
	if len(b) < 4 || b[0]>>6 != 2 {
		return control{}, nil, false
	}
	size := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
	if size > len(b) {
		return control{}, nil, false
	}
	end := size
	if b[0]&0x20 != 0 {
		// Only the last one has padding, in whole words (RFC 3550 section 6.4.1).
		pad := int(b[size-1])
		if size != len(b) || pad == 0 || pad%4 != 0 || pad > size-4 {
			return control{}, nil, false
		}
		end -= pad
	}
	return control{kind: b[1], count: b[0] & 0x1f, all: b[:end]}, b[size:], true
}

// blocks is where the report blocks of a SR or RR are; nil for others and for
// one that is shorter than it says.
func (c control) blocks() []byte {
	start := controlHeader
	switch c.kind {
	case typeRR:
	case typeSR:
		start += senderInfo
	default:
		return nil
	}
	end := start + reportBlock*int(c.count)
	if end > len(c.all) {
		return nil
	}
	return c.all[start:end]
}

// whole reports whether c is as long as its kind and count need.
func (c control) whole() bool {
	switch c.kind {
	case typeSR, typeRR:
		return c.count == 0 && len(c.all) >= controlHeader && (c.kind == typeRR || len(c.all) >= controlHeader+senderInfo) ||
			len(c.blocks()) > 0
	case typeBYE:
		return len(c.all) >= 4+4*int(c.count)
	case typeSDES:
		return true // its chunks are walked with care
	default:
		return len(c.all) >= controlHeader
	}
}

// ValidControl reports whether b is a compound of RTCP packets whose lengths fit
// (RFC 3550 appendix A.2), or what RFC 5506 allows instead: any of them in front.
func ValidControl(b []byte) bool {
	if len(b) < controlHeader {
		return false
	}
	for len(b) > 0 {
		c, rest, ok := split(b)
		if !ok || c.kind < 192 || c.kind > 223 || !c.whole() {
			return false
		}
		b = rest
	}
	return true
}

// ControlSSRC is the source that sends the RTCP compound b, which has at least 8 bytes.
func ControlSSRC(b []byte) uint32 { return binary.BigEndian.Uint32(b[4:]) }

// Rename puts the source to in the place of from wherever the RTCP compound b
// names it, and returns how often that was. b is not changed but for that.
func Rename(b []byte, from, to uint32) int {
	n := 0
	at := func(field []byte) {
		if len(field) >= 4 && binary.BigEndian.Uint32(field) == from {
			binary.BigEndian.PutUint32(field, to)
			n++
		}
	}
	for len(b) > 0 {
		c, rest, ok := split(b)
		if !ok {
			return n
		}
		b = rest
		switch c.kind {
		case typeBYE:
			for i := 4; i < min(len(c.all), 4+4*int(c.count)); i += 4 {
				at(c.all[i:])
			}
		case typeSDES:
			for chunk := c.all[4:]; len(chunk) >= 4; {
				at(chunk)
				chunk = afterChunk(chunk)
			}
		case typeRTPFB, typePSFB:
			at(c.all[4:])
			if len(c.all) >= 12 {
				at(c.all[8:])
			}
		case typeSR, typeRR, typeAPP, typeXR:
			at(c.all[4:])
			for blocks := c.blocks(); len(blocks) > 0; blocks = blocks[reportBlock:] {
				at(blocks)
			}
		}
	}
	return n
}

// afterChunk is what follows the first chunk of a SDES: a source, items of a
// kind, a length and that many bytes, a zero, and zeros up to a whole word (RFC
// 3550 section 6.5).
func afterChunk(b []byte) []byte {
	i := 4
	for i+1 < len(b) && b[i] != 0 {
		i += 2 + int(b[i+1])
	}
	i = i/4*4 + 4
	return b[min(i, len(b)):]
}
