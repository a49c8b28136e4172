package rtp

import "time"

// quiet is after how long without a packet a key is taken to have been let go:
// longer than a network holds packets up, mostly, and three times the interval
// at which senders update events (RFC 4733 section 2.5.1.2).
const quiet = 150 * time.Millisecond

// longest is how much of an event is told; a key that is held down for ever
// must not count up without end.
const longest = 60 * time.Second

// A Press is a key that was pressed.
type Press struct {
	Digit    rune // 0-9 * # A-D, '!' for flash
	Duration time.Duration
}

// A Detector makes presses out of telephone events, one for each, however
// often its packets were sent, lost or swapped (RFC 4733 section 2.5.2). Its zero value
// has heard nothing. It belongs to one goroutine.
type Detector struct {
	seen      time.Duration // when the last packet of the event came
	before    uint64        // units of the event's earlier segments
	ssrc      uint32
	timestamp uint32 // of the event's segment
	rate      uint32
	duration  uint16
	code      uint8
	known     bool // there was an event
	open      bool // it has not been told yet
}

// Add takes a packet that has come at; rate is that of its clock. It reports
// the press that is over by that, if any. Events that are no keys are none.
func (d *Detector) Add(h Header, e Event, rate uint32, at time.Duration) (Press, bool) {
	if _, ok := Digit(e.Code); !ok {
		return Press{}, false
	}
	if !d.known || h.SSRC != d.ssrc {
		return d.switchTo(h, e, rate, at)
	}
	switch ahead := int32(h.Timestamp - d.timestamp); {
	case ahead == 0:
		return d.update(e, at)
	case ahead == 0xffff && d.open && e.Code == d.code && !h.Marker:
		// A long event goes on in another segment (section 2.5.1.3).
		d.before += 0xffff
		d.timestamp, d.duration = h.Timestamp, 0
		return d.update(e, at)
	case ahead < 0 && -int64(ahead) < 10*int64(rate):
		return Press{}, false // a straggler of one that is over
	default:
		return d.switchTo(h, e, rate, at)
	}
}

// switchTo begins another event. If the one before was open its end was lost,
// and it is told now; if the new one is at its end already, that is told by
// its next packet or by Late.
func (d *Detector) switchTo(h Header, e Event, rate uint32, at time.Duration) (Press, bool) {
	old, was := d.close()
	*d = Detector{
		ssrc: h.SSRC, timestamp: h.Timestamp, rate: rate, code: e.Code, seen: at,
		duration: e.Duration, known: true, open: true,
	}
	if !was && e.End {
		return d.close()
	}
	return old, was
}

// update takes another packet of the event.
func (d *Detector) update(e Event, at time.Duration) (Press, bool) {
	if !d.open || e.Code != d.code {
		return Press{}, false
	}
	d.seen = at
	d.duration = max(d.duration, e.Duration)
	if e.End {
		return d.close()
	}
	return Press{}, false
}

// Late reports a press whose end was lost: nothing of it has come for a while.
// It is to be called now and then while Pending says so.
func (d *Detector) Late(at time.Duration) (Press, bool) {
	if !d.open || at-d.seen < quiet {
		return Press{}, false
	}
	return d.close()
}

// Pending reports whether a key is being held down.
func (d *Detector) Pending() bool { return d.open }

func (d *Detector) close() (Press, bool) {
	if !d.open {
		return Press{}, false
	}
	d.open = false
	digit, _ := Digit(d.code)
	return Press{digit, min(longest, span(d.before+uint64(d.duration), d.rate))}, true
}
