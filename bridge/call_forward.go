package bridge

import (
	"context"
	"errors"
	"slices"
)

// errTried says that a call was sent on to where it has been.
var errTried = &Error{Op: "forward", Cause: Looped, Reason: "it has been there"}

// reroute finds out where a home sends a call on to: as the home itself would dial,
// so that nobody gets by it where the home could not, and with the caller as who
// calls. What was counted for the home counts for where it leads from now on.
func (c *call) reroute(n int, names []string) forwarded {
	c.unpay()
	by, failed := c.m.legs[n].party, error(nil)
	for _, name := range names {
		to := Address{Adapter: by.Adapter, Name: name}
		targets, terms, err := c.table.router().RouteCall(by, c.inv.From, to)
		if err == nil {
			targets, err = c.table.callable(targets)
		}
		if err == nil {
			targets = slices.DeleteFunc(targets, c.tried)
			if len(targets) == 0 {
				err = errTried
			}
		}
		if err == nil {
			err = c.pay(terms)
		}
		if err == nil {
			c.logger().Log(context.Background(), c.level(), "forwarded", "by", by, "to", to)
			return forwarded{targets: targets, terms: terms}
		}
		failed = errors.Join(failed, err)
	}
	c.logger().Log(context.Background(), c.level(), "forwarding refused", "by", by, "to", names, "err", failed)
	return forwarded{cause: Moved}
}

// tried reports whether a home has been tried, or is who calls.
func (c *call) tried(t Target) bool {
	return slices.ContainsFunc(c.m.legs, func(l *member) bool { return l.party == t.To.Address })
}
