package rtmp

// maxSlip is how far the times of messages may be from the sound in them, in ms,
// before the difference is a pause or a jump rather than rounding.
const maxSlip = 60

// A clock makes RTP time of the times of messages, which are whole milliseconds:
// what follows without a pause is as far apart as the sound is long, and a sender
// whose milliseconds and samples do not agree is followed slowly.
type clock struct {
	begun bool
	rate  int
	last  uint32 // ms, of the last message
	ms    int64  // of the last message, without wraps
	next  int64  // where the sound that has come so far ends
}

// stamp is the RTP time of a frame in a message that was sent at ms. first: it is
// the first in its message. samples is how long it is, in units of rate; 0 where that is
// not known. jumped: it does not follow what was before.
func (c *clock) stamp(ms uint32, first bool, rate, samples int) (t uint32, jumped bool) {
	if !c.begun || rate != c.rate {
		*c = clock{begun: true, rate: rate, last: ms, ms: int64(ms), next: int64(ms) * int64(rate) / 1000}
		jumped = true
	} else if first {
		c.ms += int64(int32(ms - c.last))
		c.last = ms
	}
	at := c.next
	if first {
		want := c.ms * int64(c.rate) / 1000
		switch slip := want - c.next; {
		case samples == 0 || abs(slip)*1000 > maxSlip*int64(c.rate):
			at, jumped = want, jumped || samples != 0
		default:
			at += slip / 64
		}
	}
	c.next = at + int64(samples)
	return uint32(at), jumped
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// A playClock makes the times of messages of RTP times. It begins at 0 and never
// goes back.
type playClock struct {
	begun bool
	last  uint32 // RTP time of the last frame
	units int64  // since the first, in units of rate
	rate  int
	ms    int64 // at which units were 0
	told  int64
}

// maxLeap is how far the source may jump before that is another source's time.
const maxLeap = 10 // seconds

func (c *playClock) stamp(t uint32, rate int) uint32 {
	step := int64(int32(t - c.last))
	if !c.begun || rate != c.rate || step < 0 || step > maxLeap*int64(rate) {
		if c.begun {
			c.ms = c.told + 20
		}
		c.begun, c.rate, c.units, step = true, rate, 0, 0
	}
	c.last = t
	c.units += step
	c.told = c.ms + c.units*1000/int64(c.rate)
	return uint32(c.told)
}
