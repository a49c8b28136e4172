package rtp

import "time"

// KeyingInterval is how far apart the packets of a Keying are sent.
const KeyingInterval = 20 * time.Millisecond

// How long a press is at least, so that it is heard as one, and at most.
const (
	shortestPress = 40 * time.Millisecond
	longestPress  = 10 * time.Second
)

const (
	endings = 3  // how often the end is said (RFC 4733 section 2.5.1.4)
	loud    = 10 // -dBm0, as it is customary
)

// A Keying is the packets of one press (RFC 4733 section 2.5.1): one every
// KeyingInterval with the duration so far, the last of them three times. It is
// a value and belongs to one goroutine.
type Keying struct {
	total uint64 // all in units of the clock
	step  uint64
	done  uint64
	start uint64 // of the segment
	code  uint8
	ends  uint8
}

// A KeyPacket is one packet of a Keying.
type KeyPacket struct {
	Event  Event
	Marker bool   // on the first
	Offset uint32 // to be added to the timestamp that the press has
}

// NewKeying is a press of digit for d, in a clock of that rate, 1000 Hz at least; false where
// digit is no key. What is too short or too long for d becomes 40 ms or 10 s.
func NewKeying(digit rune, d time.Duration, rate uint32) (Keying, bool) {
	code, ok := Code(digit)
	if !ok || rate < 1000 {
		return Keying{}, false
	}
	return Keying{
		code:  code,
		total: units(min(longestPress, max(shortestPress, d)), rate),
		step:  units(KeyingInterval, rate),
	}, true
}

// Next is the packet to send now; false after the last.
func (k *Keying) Next() (KeyPacket, bool) {
	if k.step == 0 || k.ends == endings {
		return KeyPacket{}, false
	}
	first := k.done == 0
	k.done = min(k.total, k.done+k.step)
	if k.ends == 0 && k.done-k.start > 0xffff {
		// The segment is full: it is closed at its end, and what follows goes
		// on from there (section 2.5.1.3).
		k.done = k.start + 0xffff
		p := k.packet(false)
		k.start = k.done
		return p, true
	}
	if k.done == k.total {
		k.ends++
	}
	p := k.packet(first)
	p.Event.End = k.ends > 0
	return p, true
}

func (k *Keying) packet(first bool) KeyPacket {
	return KeyPacket{
		Event:  Event{Code: k.code, Volume: loud, Duration: uint16(k.done - k.start)},
		Marker: first,
		Offset: uint32(k.start),
	}
}

// Length is how many units of the clock the whole press takes.
func (k *Keying) Length() uint32 { return uint32(k.total) }
