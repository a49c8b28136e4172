package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// A call is a conversation of two legs, and of those that might become one.
// Only the goroutine in run touches what it holds. Legs reach it by their
// boxes, other calls by its mailbox.
type call struct {
	id    string
	log   *slog.Logger
	table *calls
	inv   Invite
	box   *mailbox

	// joins says whose place the caller takes; nil for a call that goes somewhere.
	joins *joining

	// Owned by run.
	m         *machine
	inputs    []input
	conns     []*connection // by leg; nil: never was, or is another call's now
	deadlines [callTimers]time.Time
	trying    *Terms // whose caps the homes that are being tried count against
	// early is when the next minute begins in which the caller hears a home that
	// has not taken the call; zero before it has heard one.
	early      time.Time
	transcodes bool // it is counted as one that is
	told       int  // lines in the log that the parties could have had written at will
	record     *Record
}

// A joining says whose place a caller takes.
type joining struct {
	key  legKey
	only func(Address) bool // who the partner may be
}

// lastWords is how long the legs have to end when the gateway does.
const lastWords = 2 * time.Second

// run takes a call from its first event, first, to its end.
func (c *call) run(ctx context.Context, first Event) {
	defer c.finish()
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("call broke", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.abandon()
		}
	}()
	c.log.Info("call starts", "from", c.inv.From.Address, "to", c.inv.To.Address)
	c.step(input{leg: 0, ev: first})
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stopped := ctx.Done()
	for c.m.state != over {
		timer.Reset(c.untilNext())
		select {
		case <-c.box.wake:
		case <-timer.C:
		case <-stopped:
			stopped = nil
			c.step(input{leg: nobody, ev: halt{Unavailable}})
			c.deadlines[timerEnd] = time.Now().Add(lastWords)
		}
		c.readLetters()
		for n := 0; n < len(c.conns); n++ {
			c.readLeg(n)
		}
		c.expire()
	}
}

// readLeg takes in what a leg has said.
func (c *call) readLeg(n int) {
	conn := c.conns[n]
	if conn == nil {
		return
	}
	events, lost := conn.box.collect()
	for _, ev := range events {
		conn.record.note(ev)
		if end, ok := ev.(Ended); ok {
			c.legEnds(conn, end)
		}
		c.step(input{leg: n, ev: ev})
	}
	if lost {
		c.log.Warn("leg says too much", "leg", conn.record.ID, "adapter", conn.record.Adapter)
		c.step(input{leg: n, ev: flooded{}})
	}
}

// legEnds sees to what a leg leaves behind.
func (c *call) legEnds(conn *connection, ev Ended) {
	if ev.Err != nil {
		c.log.Info("leg failed", "leg", conn.record.ID, "adapter", conn.record.Adapter, "cause", ev.Cause, "err", ev.Err)
	}
	c.table.caps.end(conn.paid)
	conn.paid = nil
}

// readLetters takes in what other calls say.
func (c *call) readLetters() {
	for _, l := range c.box.collect() {
		switch {
		case !l.back:
			c.step(input{leg: c.legOf(l.key), ev: wanted{l}})
		case l.given != nil:
			c.conns = append(c.conns, l.given)
			c.record.Legs = append(c.record.Legs, l.given.record)
			c.step(input{leg: nobody, ev: given{l.member}})
			c.remind()
		default:
			c.step(input{leg: nobody, ev: denied{l.cause}})
		}
	}
}

// legOf finds a leg by its name; nobody if it is not here any more.
func (c *call) legOf(key legKey) int {
	for n, conn := range c.conns {
		if conn != nil && conn.key == key {
			return n
		}
	}
	return nobody
}

// step lets the machine take in what has happened, and does what follows. What
// happens meanwhile waits.
func (c *call) step(in input) {
	c.inputs = append(c.inputs, in)
	if len(c.inputs) > 1 {
		return // called by act
	}
	for ; len(c.inputs) > 0; c.inputs = c.inputs[1:] {
		c.m.room = c.transcodes || c.table.mayTranscode()
		for _, a := range c.m.step(c.inputs[0]) {
			c.act(a)
		}
	}
	if c.m.state >= ending {
		c.table.retire(c)
	}
}

// untilNext is the time to the next deadline.
func (c *call) untilNext() time.Duration {
	d := time.Hour
	for _, at := range c.deadlines {
		if !at.IsZero() {
			d = min(d, time.Until(at))
		}
	}
	return max(d, 0)
}

// expire does what deadlines that have passed are there for.
func (c *call) expire() {
	now := time.Now()
	for t, at := range c.deadlines {
		if at.IsZero() || now.Before(at) {
			continue
		}
		c.deadlines[t] = time.Time{}
		switch callTimer(t) {
		case timerRing:
			c.step(input{leg: nobody, ev: rangOut{}})
		case timerSilence:
			c.step(input{leg: nobody, ev: unheard{}})
		case timerEnd:
			c.step(input{leg: nobody, ev: gaveUp{}})
		case timerMinute:
			c.nextMinute()
		}
	}
}
