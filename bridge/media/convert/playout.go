package convert

import "time"

const (
	// leastDelay and mostDelay bound what is waited for those that come late,
	// firstDelay is what is thought to be right before anything is known.
	leastDelay = 10 * time.Millisecond
	mostDelay  = 200 * time.Millisecond
	firstDelay = 40 * time.Millisecond
	margin     = 5 * time.Millisecond

	span    = 10 * time.Second       // of which the shortest way is known, and as long again
	bucket  = 5 * time.Millisecond   // of the histogram
	buckets = 41                     // up to mostDelay, and what is beyond
	early   = 500 * time.Millisecond // so much too early, or
	behind  = 2 * time.Second        // so much too late: it is another clock
	slew    = 200 * time.Microsecond // at most, for each that comes
	forget  = 1.0005                 // how much more each counts than the one before
	rare    = 0.004                  // so many may come too late
)

// A playout says when what has come is to go on: so late that those that come late
// are in time, and no later. It follows the source's clock. Its zero value has seen
// nothing.
type playout struct {
	started bool
	offset  time.Duration // from the source's clock to ours
	least   [2]time.Duration
	turned  time.Duration // when least began anew
	late    [buckets]float64
	sum     float64
	weight  float64
}

// arrive takes note that what begins at `at` of the source's clock has come now: when it came here, not
// when we had time for it. What we are late for goes on late, once; what comes late from elsewhere is waited for.
// fresh: it is the first after a pause, in which the delay can change unheard.
func (p *playout) arrive(now, at time.Duration, fresh bool) {
	way := now - at
	if known := min(p.least[0], p.least[1]); !p.started || way < known-early || way > known+behind {
		*p = playout{started: true, offset: way + firstDelay, least: [2]time.Duration{way, way}, turned: now, weight: 1}
		return
	}
	if now-p.turned >= span {
		p.turned = now
		p.least[1], p.least[0] = p.least[0], way
	}
	p.least[0] = min(p.least[0], way)
	shortest := min(p.least[0], p.least[1])
	p.note(way - shortest)
	want := shortest + p.delay()
	switch d := want - p.offset; {
	case fresh, d < -mostDelay, d > mostDelay:
		p.offset = want
	case d > slew:
		p.offset += slew
	case d < -slew:
		p.offset -= slew
	default:
		p.offset = want
	}
}

// note counts one that has come so much later than the first could.
func (p *playout) note(d time.Duration) {
	p.late[min(buckets-1, int(d/bucket))] += p.weight
	p.sum += p.weight
	p.weight *= forget
	if p.weight < 1e9 {
		return
	}
	for i := range p.late {
		p.late[i] /= p.weight
	}
	p.sum /= p.weight
	p.weight = 1
}

// delay is what all but the rare ones keep to.
func (p *playout) delay() time.Duration {
	left := p.sum * rare
	i := buckets - 1
	for ; i > 0 && p.late[i] <= left; i-- {
		left -= p.late[i]
	}
	d := time.Duration(i+1)*bucket + margin
	if n := p.sum / p.weight; n < 20 { // too few to know
		d = max(d, firstDelay)
	}
	return min(max(d, leastDelay), mostDelay)
}

// due is when what begins at `at` is to go on.
func (p *playout) due(at time.Duration) time.Duration { return at + p.offset }

// ours is how much of a wait is believed: clocks may be set.
func ours(waited time.Duration) time.Duration { return min(max(waited, 0), mostDelay) }

// ticksTime is the time of n units of a clock of that rate.
func ticksTime(n int64, rate int) time.Duration {
	r := int64(rate)
	return time.Duration(n/r)*time.Second + time.Duration(n%r)*time.Second/time.Duration(r)
}
