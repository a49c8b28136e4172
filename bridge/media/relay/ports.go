package relay

import (
	"sync"
	"time"
)

// ports gives out pairs of ports: an even one for RTP and the next for RTCP
// (RFC 3550 section 11). The pair that has been free for the longest goes
// first, and none before it has rested, so that what is still under way to a call
// that has ended finds nobody.
type ports struct {
	rest time.Duration

	mu   sync.Mutex // guards what follows
	free []resting  // a ring
	head int        // of the pair that is next
	n    int        // how many are free
}

// A resting pair is free.
type resting struct {
	port  uint16        // the even one
	until time.Duration // when it may be used
}

// newPorts takes all pairs between first and last, in an order that shuffle makes. One that
// is given back rests.
func newPorts(first, last uint16, rest time.Duration, shuffle func(n int, swap func(i, j int))) *ports {
	p := &ports{rest: rest}
	for port := (int(first) + 1) &^ 1; port+1 <= int(last); port += 2 {
		p.free = append(p.free, resting{port: uint16(port)})
	}
	p.n = len(p.free)
	// Ports that nobody can guess are harder to spray.
	shuffle(p.n, func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	return p
}

// take gives the RTP port of the next pair; false when none is left, or none that has rested.
func (p *ports) take(now time.Duration) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		return 0, false
	}
	next := p.free[p.head]
	if next.until > now {
		return 0, false
	}
	p.head = (p.head + 1) % len(p.free)
	p.n--
	return next.port, true
}

// give takes a pair back.
func (p *ports) give(port uint16, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free[(p.head+p.n)%len(p.free)] = resting{port: port, until: now + p.rest}
	p.n++
}
