package nellymoser

import "encoding/binary"

// A block is one of 64 bytes as it goes over the wire, least bit first.
type block [BlockSize / 8]uint64

func readBlock(from []byte) (b block) {
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(from[8*i:])
	}
	return b
}

func (b *block) append(out []byte) []byte {
	for _, w := range b {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// get is the n bits at the given place, 1 to 6; what lies behind the end is 0.
func (b *block) get(at, n int) int {
	word, shift := at/64, at%64
	if word >= len(b) {
		return 0
	}
	v := b[word] >> shift
	if shift+n > 64 && word+1 < len(b) {
		v |= b[word+1] << (64 - shift)
	}
	return int(v) & (1<<n - 1)
}

// put sets n bits that are still 0.
func (b *block) put(at, n, value int) {
	word, shift := at/64, at%64
	b[word] |= uint64(value) << shift
	if shift+n > 64 {
		b[word+1] |= uint64(value) >> (64 - shift)
	}
}
