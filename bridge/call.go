package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A call is a conversation of two legs, and of those that might become one.
// One goroutine at a time serves it, and only that one touches what it holds. Legs reach
// it by their boxes, other calls by its mailbox.
type call struct {
	id    string
	table *calls
	inv   Invite
	box   *mailbox

	// joins says whose place the caller takes; nil for a call that goes somewhere.
	joins *joining

	// cut: the gateway ends, and the call is to end at once.
	cut atomic.Bool

	// Owned by who serves.
	first     Event // that it begins with; nil once it has begun
	halted    bool
	timer     *time.Timer
	wound     time.Time // when timer rings; zero: it does not
	m         *machine
	inputs    []input
	conns     []*connection // by leg; nil: never was, or is another call's now
	deadlines [callTimers]time.Time
	trying    *Terms // whose caps the homes that are being tried count against
	// early is when the next minute begins in which the caller hears a home that
	// has not taken the call; zero before it has heard one.
	early  time.Time
	log    *slog.Logger // nil: logger makes it
	heard  []Event      // room for what a leg has said
	told   int          // lines in the log that the parties could have had written at will
	record *Record
}

// A joining says whose place a caller takes.
type joining struct {
	key  legKey
	only func(Address) bool // who the partner may be
}

// logger is made when there is something to be said.
func (c *call) logger() *slog.Logger {
	if c.log == nil {
		c.log = c.table.log.With("call", c.id)
	}
	return c.log
}

// tells reports whether anybody reads lines of a level.
func (c *call) tells(level slog.Level) bool { return c.table.log.Enabled(context.Background(), level) }

// lastWords is how long the legs have to end when the gateway does.
const lastWords = 2 * time.Second

// run takes a call from its first event to its end. It returns when there is nothing to do
// for now; now: not before.
func (c *call) run(first Event, now bool) {
	c.first = first
	if now {
		c.serve()
	} else {
		go c.serve()
	}
}

// serve does what there is to do. Who has given a reason for it calls it, where nobody is
// at it already (mailbox).
func (c *call) serve() {
	for c.box.next() {
		if !c.turn() {
			c.finish()
			return // and nobody serves the call any more
		}
	}
}

// turn takes in what has come; false: the call is over.
func (c *call) turn() (goesOn bool) {
	defer func() {
		if p := recover(); p != nil {
			c.logger().Error("call broke", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.abandon()
			goesOn = false
		}
	}()
	if first := c.first; first != nil {
		c.first = nil
		if c.tells(slog.LevelInfo) {
			c.logger().Info("call starts", "from", c.inv.From.Address, "to", c.inv.To.Address)
		}
		c.step(input{leg: 0, ev: first})
	}
	if c.cut.Load() && !c.halted {
		c.halted = true
		c.step(input{leg: nobody, ev: halt{Unavailable}})
		c.deadlines[timerEnd] = time.Now().Add(lastWords)
	}
	c.readLetters()
	for n := 0; n < len(c.conns); n++ {
		c.readLeg(n)
	}
	c.expire()
	c.wind()
	return c.m.state != over
}

// wind sets the timer to the next deadline. One that has been put off lets it ring too
// early once: most are put off, or never come, and setting it costs more.
func (c *call) wind() {
	var next time.Time
	for _, at := range c.deadlines {
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	if next.IsZero() {
		return // it may still ring, for nothing
	}
	now := time.Now()
	if !now.Before(c.wound) {
		c.wound = time.Time{} // it has rung
	}
	switch {
	case !c.wound.IsZero() && !next.Before(c.wound):
		return
	case c.timer == nil:
		c.timer = time.AfterFunc(next.Sub(now), func() { c.box.ring(true) })
	default:
		c.timer.Reset(next.Sub(now))
	}
	c.wound = next
}

// readLeg takes in what a leg has said.
func (c *call) readLeg(n int) {
	conn := c.conns[n]
	if conn == nil {
		return
	}
	events, lost := conn.box.collect(c.heard[:0])
	c.heard = events
	for _, ev := range events {
		conn.record.note(ev)
		if end, ok := ev.(Ended); ok {
			c.legEnds(conn, end)
		}
		c.step(input{leg: n, ev: ev})
	}
	clear(events)
	if lost {
		c.logger().Warn("leg says too much", "leg", conn.record.ID, "adapter", conn.record.Adapter)
		c.step(input{leg: n, ev: flooded{}})
	}
}

// legEnds sees to what a leg leaves behind.
func (c *call) legEnds(conn *connection, ev Ended) {
	if ev.Err != nil {
		c.logger().Info("leg failed", "leg", conn.record.ID, "adapter", conn.record.Adapter, "cause", ev.Cause, "err", ev.Err)
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
	for i := 0; i < len(c.inputs); i++ {
		c.m.room = c.box.transcodes.Load() || c.table.mayTranscode()
		todo := c.m.step(c.inputs[i])
		for j := range todo {
			c.act(&todo[j])
		}
	}
	clear(c.inputs)
	c.inputs = c.inputs[:0]
	if c.m.state >= ending {
		c.table.retire(c)
	}
}

// expire does what deadlines that have passed are there for.
func (c *call) expire() {
	if c.deadlines == [callTimers]time.Time{} {
		return
	}
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
