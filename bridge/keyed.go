package bridge

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// A Keyed makes marks that only the holder of a key can make: HMAC-SHA256 (RFC 2104). Any
// goroutine may use it. What the key alone makes of the hash is computed once, and not
// for each mark: a text has half a dozen.
type Keyed struct{ free sync.Pool }

// keyed is one of a Keyed's, in use by one goroutine.
type keyed struct {
	mac  hash.Hash
	text []byte
	sum  []byte
}

// maxScratch bounds what is kept of the memory for a long text.
const maxScratch = 4 << 10

// NewKeyed makes one of a key, which is not changed after that.
func NewKeyed(key []byte) *Keyed {
	return &Keyed{free: sync.Pool{New: func() any { return &keyed{mac: hmac.New(sha256.New, key)} }}}
}

// Sum is the mark of the parts one behind the other. What tells them apart must be in them.
func (k *Keyed) Sum(parts ...string) [sha256.Size]byte {
	return k.sum(func(b []byte) []byte {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	})
}

// sum is the mark of what write appends.
func (k *Keyed) sum(write func([]byte) []byte) [sha256.Size]byte {
	one, _ := k.free.Get().(*keyed) // New makes nothing else
	one.mac.Reset()
	one.text = write(one.text[:0])
	one.mac.Write(one.text)
	one.sum = one.mac.Sum(one.sum[:0])
	sum := [sha256.Size]byte(one.sum)
	if cap(one.text) > maxScratch {
		one.text = nil
	}
	k.free.Put(one)
	return sum
}
