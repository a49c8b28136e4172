package bridgetest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"gateway/bridge"
)

// Log is a bridge.Log in memory.
type Log struct {
	mu      sync.Mutex // guards what follows
	last    uint64
	records map[uint64][]byte
}

var _ bridge.Log = (*Log)(nil)

// Append implements bridge.Log.
func (l *Log) Append(_ context.Context, data []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records == nil {
		l.records = map[uint64][]byte{}
	}
	l.last++
	l.records[l.last] = slices.Clone(data)
	return l.last, nil
}

// Delete implements bridge.Log.
func (l *Log) Delete(seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.records, seq)
	return nil
}

// Replay implements bridge.Log.
func (l *Log) Replay(_ context.Context, f func(uint64, []byte) error) error {
	l.mu.Lock()
	records := maps.Clone(l.records)
	l.mu.Unlock()
	for _, seq := range slices.Sorted(maps.Keys(records)) {
		if err := f(seq, records[seq]); err != nil {
			return err
		}
	}
	return nil
}
