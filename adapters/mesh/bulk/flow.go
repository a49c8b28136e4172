package bulk

import "time"

// How much is asked for at once, in blocks.
const (
	firstWindow = 4
	leastWindow = 4
	mostWindow  = 4096
)

const (
	startGain  = 2.0              // the window doubles each round while the rate still grows
	steadyGain = 1.5              // of what is on its way at the best rate: room for what is lost
	easyGain   = 1.0              // while many are lost
	rounds     = 10               // for which a rate counts as the best
	freshFor   = 20 * time.Second // the shortest time there and back is measured anew after that
	drainFor   = 200 * time.Millisecond
	muchLoss   = 0.25 // of a round
)

// A flow decides how much is asked of one source at once. What a receiver sees
// best is how quickly blocks come, so it is that which the window follows, as in
// BBR (draft-ietf-ccwg-bbr): the best rate of the last rounds, times the shortest time
// there and back. A window that is halved at each loss, as TCP's was, gets a
// fifth of a link that loses 2 % for no fault of ours.
type flow struct {
	window   float64
	inflight int

	srtt, rttvar time.Duration // smoothed (RFC 6298 section 2)
	least        time.Duration // the shortest seen of late
	leastAt      time.Time
	drainUntil   time.Time // so little is asked that no queue hides the shortest

	delivered   int       // blocks so far
	deliveredAt time.Time // the last of them
	lost        int

	round               int
	roundEnd            int // the round ends when what was asked after so many has come
	roundGot, roundLost int // delivered and lost at its beginning
	best                [rounds]float64
	full                float64 // the rate that was not outgrown
	still               int     // for how many rounds
	steady              bool
	gain                float64
	expiries            int // of the timer, since anything came
}

// mark is what is noted with a request.
type mark struct {
	at          time.Time
	delivered   int
	deliveredAt time.Time
}

func newFlow(rtt time.Duration, now time.Time) *flow {
	f := &flow{window: firstWindow, gain: startGain, deliveredAt: now}
	if rtt > 0 {
		f.srtt, f.rttvar = rtt, rtt/2
	}
	return f
}

// room is how many more blocks may be asked for.
func (f *flow) room(now time.Time) int {
	w := f.window
	if now.Before(f.drainUntil) {
		w = leastWindow
	}
	return int(w) - f.inflight
}

// ask notes a request.
func (f *flow) ask(now time.Time) mark {
	if f.inflight == 0 {
		f.deliveredAt = now // idle before
	}
	f.inflight++
	return mark{now, f.delivered, f.deliveredAt}
}

// got notes that a block came that had been asked for once (first), or again.
func (f *flow) got(m mark, first bool, now time.Time) {
	f.inflight--
	f.delivered++
	f.deliveredAt = now
	f.expiries = 0
	if first {
		f.measure(now.Sub(m.at), now)
	}
	if span := now.Sub(m.deliveredAt); span > 0 {
		rate := float64(f.delivered-m.delivered) / span.Seconds()
		f.best[f.round%rounds] = max(f.best[f.round%rounds], rate)
	}
	if m.delivered >= f.roundEnd {
		f.turn()
	}
	f.adapt()
}

// gone notes that a block is lost.
func (f *flow) gone() {
	f.inflight--
	f.lost++
}

// expired notes that nothing came for the timer's time. If that happens again, all
// starts anew.
func (f *flow) expired() {
	if f.expiries++; f.expiries > 1 {
		f.window = leastWindow
	}
}

// overdue reports whether the timer has run out for a block that was asked for at
// a time: each one that comes starts it anew.
func (f *flow) overdue(asked, now time.Time) bool {
	if asked.Before(f.deliveredAt) {
		asked = f.deliveredAt
	}
	return now.Sub(asked) > f.timeout()
}

// timeout is how long is waited for a block (RFC 6298 section 2), twice as long each time
// that nothing came.
func (f *flow) timeout() time.Duration {
	t := time.Second
	if f.srtt > 0 {
		t = max(200*time.Millisecond, f.srtt+max(4*f.rttvar, f.srtt/2))
	}
	for range min(f.expiries, 4) {
		t *= 2
	}
	return min(t, 3*time.Second)
}

// overtaken is how long a block may be away, when others came that were asked
// for after it, before it counts as lost (RFC 8985 section 6.2).
func (f *flow) overtaken() time.Duration {
	return f.srtt + max(f.srtt/4, 2*f.rttvar, 5*time.Millisecond)
}

func (f *flow) measure(rtt time.Duration, now time.Time) {
	rtt = max(rtt, time.Microsecond)
	if f.srtt == 0 {
		f.srtt, f.rttvar = rtt, rtt/2
	} else {
		f.rttvar += ((f.srtt - rtt).Abs() - f.rttvar) / 4
		f.srtt += (rtt - f.srtt) / 8
	}
	switch {
	case f.least == 0 || rtt <= f.least:
		f.least, f.leastAt = rtt, now
	case now.Sub(f.leastAt) > freshFor:
		f.drainUntil = now.Add(drainFor + f.srtt)
		f.least, f.leastAt = rtt, now
	}
}

// turn begins a new round.
func (f *flow) turn() {
	got, lost := f.delivered-f.roundGot, f.lost-f.roundLost
	rate := f.rate()
	f.round++
	f.best[f.round%rounds] = 0
	f.roundEnd, f.roundGot, f.roundLost = f.delivered, f.delivered, f.lost
	if !f.steady {
		if f.srtt > f.least+f.least/3+5*time.Millisecond {
			f.steady = true // a queue has begun
		}
		if rate > f.full*1.25 {
			f.full, f.still = rate, 0
		} else if f.still++; f.still >= 3 {
			f.steady = true
		}
	}
	f.gain = steadyGain
	if lost > 0 && float64(lost) > muchLoss*float64(got+lost) {
		f.steady = true
		f.gain = easyGain
	}
}

// rate is the best of the last rounds, in blocks a second.
func (f *flow) rate() float64 {
	best := 0.0
	for _, r := range f.best {
		best = max(best, r)
	}
	return best
}

// adapt sets the window.
func (f *flow) adapt() {
	if !f.steady {
		f.window = min(f.window+1, mostWindow) // twice as much after each round
		return
	}
	target := min(max(f.gain*f.rate()*f.least.Seconds(), leastWindow), mostWindow)
	if f.window > target {
		f.window = target
	} else {
		f.window = min(f.window+1, target)
	}
}
