package xmpp

import (
	"crypto/sha256"
	"sync"
)

// A recent remembers what was put into it last: size keys at least, twice as
// many at most. A key is made of texts of any length and kept as a hash, so
// that strangers can't make it large.
type recent[V any] struct {
	size int

	mu         sync.Mutex // guards what follows: the reader puts, senders look
	young, old map[[sha256.Size]byte]V
}

func newRecent[V any](size int) *recent[V] {
	return &recent[V]{size: size, young: map[[sha256.Size]byte]V{}}
}

// get gives what was put for the key, and keeps it from being forgotten next.
func (r *recent[V]) get(key ...string) (V, bool) {
	k := hashOf(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.add(k, v)
	}
	return v, ok
}

// put remembers v for the key.
func (r *recent[V]) put(v V, key ...string) {
	k := hashOf(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(k, v)
}

// update puts what f makes of what was put last, which is zero if nothing was.
func (r *recent[V]) update(f func(V) V, key ...string) {
	k := hashOf(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.young[k]
	if !ok {
		v = r.old[k]
	}
	r.add(k, f(v))
}

// add is for callers that hold mu.
func (r *recent[V]) add(k [sha256.Size]byte, v V) {
	if _, known := r.young[k]; !known && len(r.young) >= r.size {
		r.old, r.young = r.young, make(map[[sha256.Size]byte]V)
	}
	r.young[k] = v
}

// hashOf takes texts without a NUL, which no address has.
func hashOf(key []string) [sha256.Size]byte {
	var room [128]byte // for nearly all
	b := room[:0]
	for i, part := range key {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
