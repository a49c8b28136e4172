package sip

import (
	"net/netip"
	"sync"
	"time"
)

// How much strangers may send: messages per source, and of all sources for
// which there is no room in the table.
const (
	strangerRate  = 8  // a second
	strangerBurst = 32 // at once
	crowdRate     = 50
	crowdBurst    = 100
	maxStrangers  = 8192
)

// A bucket holds what is left to spend, as of a time.
type bucket struct {
	left float64
	at   time.Time
}

// take spends one, if there is one.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if b.at.IsZero() {
		b.left = burst
	} else {
		b.left = min(burst, b.left+rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// strangers decides whose message is read at all. What it refuses costs us no
// answer and leaves nothing behind.
type strangers struct {
	mu      sync.Mutex // guards the rest: every socket asks
	sources map[netip.Addr]*bucket
	crowd   bucket
	swept   time.Time
}

// allow says whether one more message from a may be read.
func (s *strangers) allow(a netip.Addr, now time.Time) bool {
	a = source(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.sources[a]
	if b == nil {
		s.sweep(now)
		if len(s.sources) >= maxStrangers {
			return s.crowd.take(now, crowdRate, crowdBurst)
		}
		if s.sources == nil {
			s.sources = map[netip.Addr]*bucket{}
		}
		b = &bucket{}
		s.sources[a] = b
	}
	return b.take(now, strangerRate, strangerBurst)
}

// sweep forgets, once in a while, those whose bucket is full again.
func (s *strangers) sweep(now time.Time) {
	const full = strangerBurst * time.Second / strangerRate
	if now.Sub(s.swept) < full {
		return
	}
	s.swept = now
	for a, b := range s.sources {
		if now.Sub(b.at) > full {
			delete(s.sources, a)
		}
	}
}

// source is what counts as one sender: an IPv4 address, or the /64 of an IPv6
// address, which one machine can have all of.
func source(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
