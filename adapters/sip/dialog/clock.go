package dialog

import (
	"sync"
	"time"
)

// A clock rings Calls at the time of their next alarm, with one timer of the runtime's for
// all of them. Nearly every alarm is stopped before its time: most are set for a
// message that might be lost. To set a timer of the runtime's costs far more than a place in a
// heap, and wakes a thread if it is the next. So the timer is only ever set to ring
// earlier; when it rings for nobody it is set to the next who is left.
type clock struct {
	mu    sync.Mutex // guards the rest, and due and place of the Calls in it
	began time.Time  // what the times of ringers count from
	calls []ringer   // a heap, the next to be rung first
	timer *time.Timer
	wound time.Duration // when timer rings; 0: it does not
}

// A ringer is a Call and when it is to be rung. The times stand side by side, for the Calls are
// many, and far apart in memory.
type ringer struct {
	at time.Duration // more than 0
	c  *Call
}

// fan is how many ringers are below each in the heap.
const fan = 4

// set has c rung at a time, and no more at another; zero: at none.
func (k *clock) set(c *Call, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	due := time.Duration(0)
	if !at.IsZero() {
		if k.began.IsZero() {
			k.began = time.Now().Add(-time.Second)
		}
		due = max(1, at.Sub(k.began))
	}
	in := c.due != 0
	switch {
	case c.due == due:
		return
	case due == 0:
		k.remove(c)
		return
	case in:
		c.due = due
		k.settle(ringer{due, c}, c.place)
	default:
		c.due = due
		k.calls = append(k.calls, ringer{})
		k.rise(ringer{due, c}, len(k.calls)-1)
	}
	k.wind()
}

// remove takes c out.
func (k *clock) remove(c *Call) {
	last := len(k.calls) - 1
	moved, place := k.calls[last], c.place
	k.calls[last] = ringer{}
	k.calls = k.calls[:last]
	c.due = 0
	if place < last {
		k.settle(moved, place)
	}
}

// settle finds the place of r, which has or may have that of place.
func (k *clock) settle(r ringer, place int) {
	if place > 0 && r.at < k.calls[(place-1)/fan].at {
		k.rise(r, place)
	} else {
		k.sink(r, place)
	}
}

// rise puts r at place, or above where others wait longer.
func (k *clock) rise(r ringer, place int) {
	for place > 0 {
		above := (place - 1) / fan
		if k.calls[above].at <= r.at {
			break
		}
		k.put(k.calls[above], place)
		place = above
	}
	k.put(r, place)
}

// sink puts r at place, or below where others are sooner.
func (k *clock) sink(r ringer, place int) {
	for {
		first := place*fan + 1
		if first >= len(k.calls) {
			break
		}
		soonest := first
		for i := first + 1; i < min(first+fan, len(k.calls)); i++ {
			if k.calls[i].at < k.calls[soonest].at {
				soonest = i
			}
		}
		if r.at <= k.calls[soonest].at {
			break
		}
		k.put(k.calls[soonest], place)
		place = soonest
	}
	k.put(r, place)
}

func (k *clock) put(r ringer, place int) {
	k.calls[place] = r
	r.c.place = place
}

// wind sees to it that the timer rings for the first.
func (k *clock) wind() {
	if len(k.calls) == 0 {
		return
	}
	at := k.calls[0].at
	if k.wound != 0 && at >= k.wound {
		return
	}
	left := time.Until(k.began.Add(at))
	if k.timer == nil {
		k.timer = time.AfterFunc(left, k.ring)
	} else {
		k.timer.Reset(left)
	}
	k.wound = at
}

// ring rings those whose time has come.
func (k *clock) ring() {
	for c := k.next(time.Now()); c != nil; c = k.next(time.Now()) {
		c.ring()
	}
}

// next takes out one whose time has come; nil: the timer is set for the others.
func (k *clock) next(now time.Time) *Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.calls) == 0 || k.calls[0].at > now.Sub(k.began) {
		k.wound = 0
		k.wind()
		return nil
	}
	c := k.calls[0].c
	k.remove(c)
	return c
}
