package relay

import "sync/atomic"

const (
	chunkBits = 5
	chunkSize = 1 << chunkBits
	maxChunks = 2048
)

// table is every leg there is. It grows by chunks, which stay where they are and
// are used again, so a loop finds a leg without a lock. The other methods need
// Relay.mu.
type table struct {
	chunks [maxChunks]atomic.Pointer[[chunkSize]leg]
	size   uint32 // of all chunks, in legs
	free   []uint32
}

// take gives a leg that is nobody's, in a generation of its own; nil when the
// table is full.
func (t *table) take() *leg {
	if len(t.free) == 0 && !t.grow() {
		return nil
	}
	last := len(t.free) - 1
	slot := t.free[last]
	t.free = t.free[:last]
	return t.at(slot)
}

// grow adds a chunk.
func (t *table) grow() bool {
	i := t.size >> chunkBits
	if i == maxChunks {
		return false
	}
	chunk := new([chunkSize]leg)
	for j := range chunk {
		chunk[j].slot, chunk[j].generation = t.size+uint32(j), 1
	}
	t.chunks[i].Store(chunk)
	t.size += chunkSize
	for j := range uint32(chunkSize) {
		t.free = append(t.free, t.size-1-j)
	}
	return true
}

// give takes back a leg that no loop has any more.
func (t *table) give(g *leg) {
	g.home, g.state = nil, state{}
	if g.generation++; g.generation == 0 {
		g.generation = 1 // the zero PacketPort stays nobody's
	}
	t.free = append(t.free, g.slot)
}

// at is the leg with that number, whoever has it; nil if there is none.
func (t *table) at(slot uint32) *leg {
	if slot>>chunkBits >= maxChunks {
		return nil
	}
	chunk := t.chunks[slot>>chunkBits].Load()
	if chunk == nil {
		return nil
	}
	return &chunk[slot&(chunkSize-1)]
}
