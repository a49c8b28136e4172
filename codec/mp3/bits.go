package mp3

import "encoding/binary"

// slack is how many bytes there are behind the bits that may be read: who checks
// after reading can't leave them.
const slack = 64

// A reader reads bits, the most significant first. Its data has slack bytes
// behind the end.
type reader struct {
	data    []byte
	at, end int // in bits
}

// word is the next 57 bits at least, from the top.
func (r *reader) word() uint64 {
	return binary.BigEndian.Uint64(r.data[r.at>>3:]) << (r.at & 7)
}

// take reads up to 32 bits.
func (r *reader) take(n int) int {
	v := int(r.word() >> (64 - n))
	r.at += n
	return v
}

func (r *reader) flag() bool { return r.take(1) == 1 }
