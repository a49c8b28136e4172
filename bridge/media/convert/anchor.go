package convert

import "time"

const (
	// hole is how far a source's stamps must be ahead of its samples for sound to be
	// missing: below that it is how they are rounded.
	hole = 60 * time.Millisecond
	// leap is how far ahead they may be for that; farther, or back by more than a hole, they
	// have begun anew.
	leap = 5 * time.Second
	// lean is how much of what they are apart is forgotten with each frame, as
	// the clock of the stamps and that of the samples may not be the same.
	lean = 256
)

// An anchor compares the stamps of frames that come in their order with the length
// of their sound. Its zero value has seen none.
type anchor struct {
	started bool
	stamp   uint32 // that the next frame ought to have
	apart   int64  // how far the stamps are ahead of the samples, in ticks
	part    int64  // of what is forgotten, less than a tick
	blind   bool   // the length of the last frame is not known
	came    time.Duration
}

// check is how much is left out before a frame with that stamp, in ticks of a clock of
// that rate; fresh: the source begins, maybe anew.
func (a *anchor) check(stamp uint32, rate int, now time.Duration) (gap int64, fresh bool) {
	silent := now - a.came
	a.came = now
	if !a.started {
		a.started, a.stamp, a.apart = true, stamp, 0
		return 0, true
	}
	d := int64(int32(stamp-a.stamp)) + a.apart
	a.stamp = stamp
	if a.blind {
		d, a.apart = d-a.apart, 0
		if d >= 0 && d <= toTicks(leap, rate) {
			return d, false
		}
	}
	least, most := toTicks(hole, rate), toTicks(leap, rate)
	switch {
	case d < -least, d > most:
		a.apart = 0
		if silent < hole {
			return 0, true
		}
		return toTicks(min(silent, leap), rate), true
	case d > least:
		a.apart = 0
		return d, false
	default:
		a.apart = d
		a.part += d
		a.apart -= a.part / lean
		a.part %= lean
		return 0, false
	}
}

// took takes note of how long the frame was.
func (a *anchor) took(ticks int64) { a.stamp += uint32(ticks) }

// toTicks is d in units of a clock of that rate.
func toTicks(d time.Duration, rate int) int64 {
	return int64(d/time.Second)*int64(rate) + int64(d%time.Second)*int64(rate)/int64(time.Second)
}
