package bridge

import (
	"context"
	"math/rand/v2"
	"time"
)

// The pace of looking again for what is away.
const (
	backoffFirst = 500 * time.Millisecond
	backoffLast  = 5 * time.Minute
)

// Backoff gives the times to wait between tries: half a second, doubling to
// five minutes, each up to a fifth shorter so that many who lost one peer
// together don't come back together. The zero Backoff is ready to use.
type Backoff struct{ next time.Duration }

// Next is how long to wait before the next try.
func (b *Backoff) Next() time.Duration {
	d := max(b.next, backoffFirst)
	b.next = min(2*d, backoffLast)
	return d - rand.N(d/5)
}

// Wait waits as long as Next says, and reports false if ctx was done before.
func (b *Backoff) Wait(ctx context.Context) bool {
	again := time.NewTimer(b.Next())
	defer again.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-again.C:
		return true
	}
}

// Reset starts over, after a success.
func (b *Backoff) Reset() { b.next = 0 }
