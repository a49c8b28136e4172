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

// charge counts a minute of talk that begins, against the caps of one map, and
// ends the call if there is none left.
func (c *call) charge(t *Terms) {
	switch {
	case t == nil || t.Caps.MinutesPerDay == 0:
	case !c.table.caps.charge(t):
		c.log.Warn("call ends: no minutes left")
		c.step(input{leg: nobody, ev: halt{Policy}})
	case c.deadlines[timerMinute].IsZero():
		c.deadlines[timerMinute] = time.Now().Add(time.Minute)
	}
}

// nextMinute charges for every leg that is under caps.
func (c *call) nextMinute() {
	for _, conn := range c.conns {
		if conn != nil && c.m.state == talking {
			c.charge(conn.paid)
		}
	}
}
