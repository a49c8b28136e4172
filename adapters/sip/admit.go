package sip

import (
	"bytes"
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
	maxNonces     = 8                                // looked at in one message
	nonceText     = ((nonceHead+nonceMAC)*8 + 5) / 6 // characters of a nonce
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

// admits says whether a message of somebody we don't know may be read. By UDP
// anybody can use up what an address may send by writing it on what he sends
// himself. Who repeats a nonce that we have sent to that address is really
// there, and has a share of his own: so a phone that has heard our challenge can
// register all the same.
func (e *engine) admits(f flow, data []byte, now time.Time) bool {
	a := f.remote.Addr()
	return e.strangers.allow(a, now) || e.auth.nonces.shown(data, a, now) && e.strangers.allowPresent(a, now)
}

// shown says whether data has a nonce of ours for that source in it, before
// anything of it is understood. A name that only ends in nonce does no harm.
func (n *nonces) shown(data []byte, a netip.Addr, now time.Time) bool {
	name := []byte(`nonce="`)
	for range maxNonces {
		_, rest, ok := bytes.Cut(data, name)
		if !ok {
			return false
		}
		data = rest
		if len(data) <= nonceText || data[nonceText] != '"' {
			continue
		}
		if _, ok := n.good(string(data[:nonceText]), a, now); ok {
			return true
		}
	}
	return false
}

// strangers decides whose message is read at all. What it refuses costs us no
// answer and leaves nothing behind.
type strangers struct {
	mu      sync.Mutex // guards the rest: every socket asks
	buckets            // of whatever says to come from somewhere
	present buckets    // of what does come from there
}

// allow says whether one more message from a may be read.
func (s *strangers) allow(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(source(a), now)
}

// allowPresent is allow for somebody who has shown to be where he says.
func (s *strangers) allowPresent(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.present.take(source(a), now)
}

// buckets are one for each source, and one for all that there is no room for.
type buckets struct {
	sources map[netip.Addr]*bucket
	crowd   bucket
	swept   time.Time
}

func (s *buckets) take(a netip.Addr, now time.Time) bool {
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
func (s *buckets) sweep(now time.Time) {
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
