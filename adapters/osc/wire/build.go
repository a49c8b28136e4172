package wire

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/hypebeast/go-osc/osc"
)

// A Builder writes a bundle whose time tag is "immediately". The zero Builder
// is ready to use, and writes into the same memory again after Reset.
type Builder struct {
	buf  []byte
	open int // where the size of the element being written stands, 0 for none
}

// immediately is the time tag 1 (OSC 1.0, "Temporal Semantics").
var immediately = []byte{0, 0, 0, 0, 0, 0, 0, 1}

// Reset begins a new bundle.
func (b *Builder) Reset() { b.buf, b.open = b.buf[:0], 0 }

// Begin begins a message. tags are those of all its arguments, without the
// comma.
func (b *Builder) Begin(address, tags string) {
	if len(b.buf) == 0 {
		b.buf = append(append(b.buf, bundleMark...), immediately...)
	}
	b.End()
	b.open = len(b.buf)
	b.buf = append(b.buf, 0, 0, 0, 0)
	b.buf = appendString(b.buf, address)
	b.buf = appendTags(b.buf, tags, 0)
}

// BeginStrings is Begin for tags that are followed by n more s.
func (b *Builder) BeginStrings(address, tags string, n int) {
	b.Begin(address, "")
	b.buf = appendTags(b.buf[:len(b.buf)-4], tags, n) // instead of the empty ones
}

// String writes an argument of type s.
func (b *Builder) String(s string) { b.buf = appendString(b.buf, s) }

// Bytes writes an argument of type s.
func (b *Builder) Bytes(s []byte) {
	b.buf = append(b.buf, s...)
	b.buf = pad(b.buf, len(s)+1)
}

// Int writes an argument of type i.
func (b *Builder) Int(i int32) { b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(i)) }

// Long writes an argument of type h.
func (b *Builder) Long(i int64) { b.buf = binary.BigEndian.AppendUint64(b.buf, uint64(i)) }

// Float writes an argument of type f, given its bits.
func (b *Builder) Float(bits uint32) { b.buf = binary.BigEndian.AppendUint32(b.buf, bits) }

// End ends the message that was begun, if one was.
func (b *Builder) End() {
	if b.open > 0 {
		binary.BigEndian.PutUint32(b.buf[b.open:], uint32(len(b.buf)-b.open-4))
		b.open = 0
	}
}

// Len is the size of what is written so far, in bytes.
func (b *Builder) Len() int { return len(b.buf) }

// Cut goes back to an earlier Len, at which a message had ended.
func (b *Builder) Cut(n int) { b.buf, b.open = b.buf[:n], 0 }

// Packet is the bundle. It is valid until the next Reset.
func (b *Builder) Packet() []byte {
	b.End()
	return b.buf
}

// appendString writes an OSC-string; it ends at the first NUL of s, if there is
// one.
func appendString(buf []byte, s string) []byte {
	s, _, _ = strings.Cut(s, "\x00")
	return pad(append(buf, s...), len(s)+1)
}

// appendTags writes type tags, and n times s behind them.
func appendTags(buf []byte, tags string, n int) []byte {
	buf = append(append(buf, ','), tags...)
	for range n {
		buf = append(buf, 's')
	}
	return pad(buf, 1+len(tags)+n+1)
}

// pad appends the NUL and the padding of a string of n bytes, its NUL counted,
// the rest of which is there.
func pad(buf []byte, n int) []byte {
	buf = append(buf, 0)
	for ; n%4 != 0; n++ {
		buf = append(buf, 0)
	}
	return buf
}

// Compose writes a message whose arguments are strings, int32s and float32s.
func Compose(address string, args ...any) ([]byte, error) {
	m := osc.NewMessage(address)
	for _, arg := range args {
		if s, ok := arg.(string); ok {
			arg = strings.ReplaceAll(s, "\x00", "")
		}
		m.Append(arg)
	}
	p, err := m.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("compose %s: %w", address, err)
	}
	return p, nil
}
