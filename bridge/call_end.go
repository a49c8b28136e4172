package bridge

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// abandon hangs up after a fault of ours.
func (c *call) abandon() {
	c.m.cause = Internal
	for _, conn := range c.conns {
		if conn != nil && conn.leg != nil && !conn.record.over() {
			conn.hangup(c.logger(), Internal)
		}
	}
}

// finish leaves nothing behind. Where it breaks the rest is left undone, but the call is no
// more: the end of the gateway waits for all of them.
func (c *call) finish() {
	defer c.table.done(c)
	defer func() {
		if p := recover(); p != nil {
			c.logger().Error("call broke at its end", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, l := range c.box.shut() {
		switch {
		case !l.back:
			l.answer(c.box, NotFound)
		case l.given != nil:
			l.given.hangup(c.logger(), Normal)
			c.drop(l.given)
		}
	}
	for _, conn := range c.conns {
		if conn == nil || conn.leg == nil {
			continue
		}
		if !conn.record.over() {
			c.logger().Warn("leg did not end", "leg", conn.record.ID, "adapter", conn.record.Adapter)
		}
		c.drop(conn)
	}
	c.write()
}

// drop is the last that is done with a leg.
func (c *call) drop(conn *connection) {
	conn.box.shut()
	c.table.caps.end(conn.paid)
	conn.paid = nil
	c.table.forget(conn)
}

// write tells of the call that has ended: the log, the metrics and the records.
func (c *call) write() {
	r, by := c.record, c.endedBy()
	agreed := mediaMode(r.Media)
	r.close(c.m.cause, by)
	if m := mediaMode(r.Media); m.dearer(agreed) {
		c.table.metrics.mode(m)
	}
	c.table.metrics.end(r)
	if c.tells(slog.LevelInfo) {
		c.logger().Info("call ends", "from", r.From, "to", r.To, "cause", r.Cause, "by", by, "media", r.Media, "setup", r.Setup, "talk", r.Talk)
	}
	if c.table.records != nil { // whoever it was that has brought the end, it does not wait for the disk
		c.table.wg.Go(func() { c.table.write(r) })
	}
}

// endedBy says who ended the call. A leg that broke is nobody's wish.
func (c *call) endedBy() string {
	switch c.m.cause {
	case Internal, Insecure, Constrained, Overloaded:
		return "gateway"
	}
	switch {
	case c.m.by == 0:
		return "caller"
	case c.m.by > 0:
		return "callee"
	default:
		return "gateway"
	}
}

// write puts a record where records go.
func (t *calls) write(r *Record) {
	if t.records == nil {
		return
	}
	line, err := r.line()
	if err == nil {
		_, err = t.records.Write(line)
	}
	if err != nil {
		t.log.Error("call not recorded", "call", r.ID, "err", err)
	}
}

const (
	// maxWriting bounds the records of refused calls that wait for the disk.
	maxWriting = 64
	// refusalsTold is how many refused calls are told of in a second. Anybody can
	// have them by the thousand, under any name: the rest are only counted.
	refusalsTold = 20
)

// refused tells of a call that was not let in. The caller hears the cause, and
// nobody else hears anything. No adapter waits for the disk: where too much
// does so already, there is no record.
func (t *calls) refused(inv Invite, refusal error) {
	t.metrics.refused(inv.From.Adapter, refusal)
	if !t.refusals.Allow() {
		t.untold.Add(1)
		return
	}
	t.log.Info("call refused", "from", inv.From.Address, "to", inv.To.Address, "err", refusal, "untold", t.untold.Swap(0))
	if t.records == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.writing >= maxWriting {
		return
	}
	t.writing++
	t.wg.Go(func() {
		r := newRecord(t.node, newID(), inv)
		r.close(causeOf(refusal), "gateway")
		t.write(r)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.writing--
	})
}
