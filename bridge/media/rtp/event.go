package rtp

import (
	"encoding/binary"
	"time"
)

// EventSize is the length of the payload of a telephone event, in bytes.
const EventSize = 4

// An Event is the payload of a telephone event packet (RFC 4733 section 2.3).
type Event struct {
	Code     uint8
	End      bool
	Volume   uint8  // 0 to 63, in -dBm0
	Duration uint16 // since the timestamp, in units of the clock
}

// ParseEvent reads a telephone event; false where the payload is too short.
func ParseEvent(payload []byte) (Event, bool) {
	if len(payload) < EventSize {
		return Event{}, false
	}
	return Event{
		Code:     payload[0],
		End:      payload[1]&0x80 != 0,
		Volume:   payload[1] & 0x3f,
		Duration: binary.BigEndian.Uint16(payload[2:]),
	}, true
}

// Put writes e to the first EventSize bytes of b.
func (e Event) Put(b []byte) {
	b[0] = e.Code
	b[1] = e.Volume & 0x3f
	if e.End {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], e.Duration)
}

// keys are the digits by event code (RFC 4733 section 3.2), and the flash hook.
const keys = "0123456789*#ABCD!"

// Digit is the key of an event code: 0-9 * # A-D, '!' for flash; false for
// any other event.
func Digit(code uint8) (rune, bool) {
	if int(code) >= len(keys) {
		return 0, false
	}
	return rune(keys[code]), true
}

// Code is the event code of a key, a-d too; false for what is none.
func Code(digit rune) (uint8, bool) {
	if digit >= 'a' && digit <= 'd' {
		digit += 'A' - 'a'
	}
	for i, k := range keys {
		if k == digit {
			return uint8(i), true
		}
	}
	return 0, false
}

// units is how many units a clock of that rate counts in d, which is not negative.
func units(d time.Duration, rate uint32) uint64 {
	return uint64(d/time.Second)*uint64(rate) + uint64(d%time.Second)*uint64(rate)/uint64(time.Second)
}

// span is how long n units of a clock of that rate are.
func span(n uint64, rate uint32) time.Duration {
	if rate == 0 {
		return 0
	}
	return time.Duration(n/uint64(rate))*time.Second +
		time.Duration(n%uint64(rate)*uint64(time.Second)/uint64(rate))
}
