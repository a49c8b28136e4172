// Package bits reads what sound codecs have in common: numbers of so many bits, and
// Huffman codes.
package bits

import "encoding/binary"

// A Reader reads bits, the most significant first. It checks nothing: its Data
// has as much behind the End as its user reads before checking that At is not
// past it, and eight bytes.
type Reader struct {
	Data    []byte
	At, End int // in bits
}

// Word is the next 57 bits at least, from the top.
func (r *Reader) Word() uint64 {
	return binary.BigEndian.Uint64(r.Data[r.At>>3:]) << (r.At & 7)
}

// Take reads up to 32 bits.
func (r *Reader) Take(n int) int {
	v := int(r.Word() >> (64 - n))
	r.At += n
	return v
}

// Flag reads one bit.
func (r *Reader) Flag() bool { return r.Take(1) == 1 }

// Over reports whether more was read than there is.
func (r *Reader) Over() bool { return r.At > r.End }
