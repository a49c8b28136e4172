package bulk

import "math/bits"

// A blocks is a set of an object's blocks.
type blocks []uint64

func newBlocks(n uint32) blocks { return make(blocks, (uint64(n)+63)/64) }

func (b blocks) has(n uint32) bool { return b[n/64]&(1<<(n%64)) != 0 }

func (b blocks) add(n uint32) { b[n/64] |= 1 << (n % 64) }

func (b blocks) count() uint32 {
	sum := 0
	for _, w := range b {
		sum += bits.OnesCount64(w)
	}
	return uint32(sum)
}
