package osc

import "time"

// What one address is sent by a server. Nothing in the protocol proves that a
// request comes from where it says, so until something does, at most three
// times as much goes there as came (RFC 9000 section 8.1 has the same number).
const (
	unprovenFactor = 3
	maxUnproven    = 64 << 10
	provenRate     = 32 << 10 // bytes a second
	provenBurst    = 256 << 10
)

// A budget is how much may be sent to one address, in bytes.
type budget struct {
	credit int
	proven bool
	at     time.Time // of the last refill
}

// heard counts n bytes from the address.
func (b *budget) heard(n int) { b.grant(unprovenFactor * n) }

// grant adds n bytes for what came from the address.
func (b *budget) grant(n int) {
	if !b.proven {
		b.credit = min(b.credit+n, maxUnproven)
	}
}

// prove says that what was sent to the address arrives there. It reports
// whether that is news.
func (b *budget) prove(now time.Time) bool {
	if b.proven {
		return false
	}
	*b = budget{credit: provenBurst, proven: true, at: now}
	return true
}

// left is how much may be sent now.
func (b *budget) left(now time.Time) int {
	if b.proven {
		if since := now.Sub(b.at); since > 0 {
			b.credit = min(b.credit+int(since.Seconds()*provenRate), provenBurst)
			b.at = now
		}
	}
	return b.credit
}

// spend takes n bytes.
func (b *budget) spend(n int) { b.credit -= n }
