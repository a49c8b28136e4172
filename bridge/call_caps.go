package bridge

import "time"

// pay counts the homes that are to be tried against their map's caps.
func (c *call) pay(t *Terms) error {
	if err := c.table.caps.begin(t); err != nil {
		return err
	}
	c.trying = t
	return nil
}

// unpay takes that back.
func (c *call) unpay() {
	c.table.caps.end(c.trying)
	c.trying = nil
}

// heardEarly notes that the caller hears a home. The first minute of that is free,
// for a call may ring; nobody shall talk for nothing without end.
func (c *call) heardEarly() {
	if c.trying != nil && c.trying.Caps.MinutesPerDay > 0 && c.early.IsZero() {
		c.early = time.Now().Add(time.Minute)
		c.remind()
	}
}

// paid has the leg n, which has taken the call, count for the homes that were tried.
func (c *call) paid(n int) {
	conn := c.conns[n]
	conn.paid, c.trying, c.early = c.trying, nil, time.Time{}
	c.charge(conn)
	c.remind()
}

// charge counts a minute of talk that begins on a leg, and sees to the next.
func (c *call) charge(conn *connection) {
	if conn.paid != nil && conn.paid.Caps.MinutesPerDay > 0 {
		conn.due = time.Now().Add(time.Minute)
		c.spend(conn.paid)
	}
}

// spend counts a minute against the caps of one map, and ends the call if there is
// none left.
func (c *call) spend(t *Terms) {
	if !c.table.caps.charge(t) {
		c.logger().Warn("call ends: no minutes left")
		c.step(input{leg: nobody, ev: halt{Policy}})
	}
}

// remind sets the timer for the next minute that a leg is charged for. A leg
// that comes from another call has begun its minute there.
func (c *call) remind() {
	c.deadlines[timerMinute] = c.early
	for _, conn := range c.conns {
		if conn == nil || conn.paid == nil || conn.due.IsZero() {
			continue
		}
		if at := c.deadlines[timerMinute]; at.IsZero() || conn.due.Before(at) {
			c.deadlines[timerMinute] = conn.due
		}
	}
}

// nextMinute charges for every leg whose minute is over, and for a home that is
// heard early.
func (c *call) nextMinute() {
	if c.m.state >= ending {
		return
	}
	now := time.Now()
	if !c.early.IsZero() && !now.Before(c.early) {
		c.early = now.Add(time.Minute)
		if c.m.pair[1] != nobody {
			c.spend(c.trying)
		}
	}
	for _, conn := range c.conns {
		if conn != nil && conn.paid != nil && !conn.due.IsZero() && !now.Before(conn.due) {
			c.charge(conn)
		}
	}
	c.remind()
}
