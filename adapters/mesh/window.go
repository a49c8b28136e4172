package mesh

import (
	"math/rand/v2"
	"time"
)

// windowSize is of how many probes to one peer it is remembered what became of
// them.
const windowSize = 64

// A window is the last probes to one peer: packets with a time stamp that is to be
// sent back.
type window struct {
	probes [windowSize]probe // number n at n%windowSize
	sent   int               // so far
	acked  int
	srtt   time.Duration // smoothed, and how it varies (RFC 6298 section 2)
	rttvar time.Duration
	heard  time.Time // of the last answer
}

type probe struct {
	stamp uint64
	at    time.Time
	rtt   time.Duration
	acked bool
}

// A Measure is what the last probes tell.
type Measure struct {
	Sent     int           `json:"sent"`     // probes so far
	Answered int           `json:"answered"` // of those
	Loss     float64       `json:"loss"`     // share of the last ones, 0 to 1
	RTT      time.Duration `json:"rtt"`      // mean of the last ones, in nanoseconds; 0: none was answered
	Jitter   time.Duration `json:"jitter"`   // mean difference of one to the next
}

// maxFlight is how long a probe may be away before it counts as lost.
const maxFlight = 2 * time.Second

// ask notes a probe, and gives its time stamp: 32 bits of seconds and 32 of their
// fraction, the last of which are chance: who sends it back has seen it.
func (w *window) ask(now time.Time) uint64 {
	const chance = 22 // bits; some of a millisecond
	nanos := uint64(now.UnixNano())
	stamp := nanos/1e9<<32 | nanos%1e9<<32/1e9
	stamp = stamp&^(1<<chance-1) | rand.Uint64()&(1<<chance-1)
	w.probes[w.sent%windowSize] = probe{stamp: stamp, at: now}
	w.sent++
	return stamp
}

// answer notes that a time stamp came back; false, if none of ours has.
func (w *window) answer(stamp uint64, now time.Time) bool {
	for i := w.sent - 1; i >= max(0, w.sent-windowSize); i-- {
		p := &w.probes[i%windowSize]
		if p.stamp != stamp {
			continue
		}
		if !p.acked {
			p.acked, p.rtt = true, max(now.Sub(p.at), 1)
			w.acked++
			w.smooth(p.rtt)
		}
		w.heard = now
		return true
	}
	return false
}

// smooth follows RFC 6298 section 2.
func (w *window) smooth(rtt time.Duration) {
	if w.srtt == 0 {
		w.srtt, w.rttvar = rtt, rtt/2
		return
	}
	w.rttvar += ((w.srtt - rtt).Abs() - w.rttvar) / 4
	w.srtt += (rtt - w.srtt) / 8
}

// measure looks at the last probes.
func (w *window) measure(now time.Time) Measure {
	m := Measure{Sent: w.sent, Answered: w.acked}
	var sum, steps, last time.Duration
	acked, lost, pairs := 0, 0, 0
	for i := max(0, w.sent-windowSize); i < w.sent; i++ {
		p := &w.probes[i%windowSize]
		switch {
		case p.acked:
			if acked++; last > 0 {
				steps += (p.rtt - last).Abs()
				pairs++
			}
			sum, last = sum+p.rtt, p.rtt
		case now.Sub(p.at) > maxFlight:
			lost++
		}
	}
	if acked > 0 {
		m.RTT = sum / time.Duration(acked)
	}
	if pairs > 0 {
		m.Jitter = steps / time.Duration(pairs)
	}
	if lost > 0 {
		m.Loss = float64(lost) / float64(lost+acked)
	}
	return m
}
