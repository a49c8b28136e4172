package dialog

import "time"

// The timers of RFC 3261 section 17 and appendix A.
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	// patience is 64*T1: timers B, D, F, H, L and M.
	patience = 64 * timerT1
	// tidy is how far apart the times are at which what lingers is forgotten: much of it at
	// once, for to wake up for each costs more than all the rest of it.
	tidy = 250 * time.Millisecond
	// timerC is how long a re-INVITE may be without an answer: until then no other
	// offer can be made. (RFC 3261 section 16.6, item 11, has it for proxies.)
	timerC = 3 * time.Minute
	// lastWords is how long a BYE waits for what is to be said before it: three repeats.
	lastWords = 4 * time.Second
	// remind is how often a provisional response is sent again (RFC 3261 section
	// 13.3.1.1).
	remind = time.Minute
	// maxDatagram is the longest request that goes by UDP without being asked
	// whether there is another way (RFC 3261 section 18.1.1).
	maxDatagram = 1300
)

// An alarm runs f at its time, with the Call's lock held, unless stopped. It is a part of
// what it is for, and can be set again.
type alarm struct {
	at     time.Time
	f      func() // nil: it is not set
	listed bool   // in Call.alarms
}

// stop makes sure that a never rings. A nil alarm has never been set.
func (a *alarm) stop() {
	if a != nil {
		a.f = nil
	}
}

// after sets an alarm of its own. The lock is held.
func (c *Call) after(d time.Duration, f func()) *alarm {
	a := &alarm{}
	c.set(a, d, f)
	return a
}

// set has a run f after d, and nothing else. The lock is held.
func (c *Call) set(a *alarm, d time.Duration, f func()) { c.setAt(a, time.Now().Add(d), f) }

// linger has a run f when what it is for need not be there any more: after patience, or up
// to tidy later. The lock is held.
func (c *Call) linger(a *alarm, f func()) {
	after := time.Since(c.t.began) + patience + tidy - 1
	c.setAt(a, c.t.began.Add(after-after%tidy), f)
}

func (c *Call) setAt(a *alarm, at time.Time, f func()) {
	a.at, a.f = at, f
	if !a.listed {
		a.listed = true
		c.alarms = append(c.alarms, a)
	}
}

// unlock sets the clock to the earliest alarm, leaves the Table if nothing
// is left to do, tells the owner what there is to tell, and gives the lock back.
func (c *Call) unlock() {
	defer c.mu.Unlock()
	kept := c.alarms[:0]
	var first time.Time
	for _, a := range c.alarms {
		if a.f == nil {
			a.listed = false
			continue
		}
		kept = append(kept, a)
		if first.IsZero() || a.at.Before(first) {
			first = a.at
		}
	}
	clear(c.alarms[len(kept):])
	c.alarms = kept
	if c.idle() {
		c.leave()
	}
	if c.left {
		first = time.Time{}
	}
	c.t.clock.set(c, first)
	if len(c.news) > 0 {
		c.deliver()
	}
}

// ring runs the alarms that are due. A fault of ours there ends the call and
// not the process.
func (c *Call) ring() {
	c.mu.Lock()
	defer c.unlock()
	defer func() {
		if p := recover(); p != nil {
			c.t.cfg.Panicked(p)
			c.abandon(Ended{Why: Closed})
		}
	}()
	now := time.Now()
	for i := 0; i < len(c.alarms); i++ { // they may set others
		if a := c.alarms[i]; a.f != nil && !a.at.After(now) {
			f := a.f
			a.f = nil
			f()
		}
	}
}
