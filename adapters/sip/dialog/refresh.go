package dialog

import (
	"time"

	"gateway/adapters/sip/wire"
)

// refreshAgain is how long a refresh waits for whatever is under way.
const refreshAgain = 5 * time.Second

// A timerState is the session timer of a call (RFC 4028).
type timerState struct {
	agreed   interval // with the INVITE that came, until it is accepted
	required bool     // its sender knows session timers
	interval interval // in force; 0: none
	ours     bool     // we refresh
	refresh  alarm
	expire   alarm
}

func (s *timerState) stop() {
	s.refresh.stop()
	s.expire.stop()
	s.interval = interval{}
}

// their is who refreshes, as the other side sees it that sends a request now.
func (s *timerState) their() string {
	switch {
	case s.interval.Duration == 0:
		return ""
	case s.ours:
		return "uas"
	}
	return "uac"
}

// asks are the headers that ask for a session timer, or to keep it (RFC 4028
// sections 7.1 and 7.4).
func (c *Call) asks() []wire.Field {
	i := interval{Duration: max(c.t.cfg.Interval, c.least)}
	switch s := &c.session; {
	case !c.confirmed:
	case s.interval.Duration == 0:
		return nil // there is none
	default:
		i = interval{max(s.interval.Duration, c.least), "uas"}
		if s.ours {
			i.refresher = "uac"
		}
	}
	return []wire.Field{i.field(), {Name: "Min-SE", Value: seconds(c.least)}}
}

// promise puts the timer that we agree to in force, and gives the headers of
// our 2xx (RFC 4028 section 9).
func (c *Call) promise(i interval) []wire.Field {
	fields := []wire.Field{i.field()}
	if i.refresher == "uac" {
		fields = append(fields, wire.Field{Name: "Require", Value: "timer"})
	}
	c.run(i, i.refresher == "uas")
	return fields
}

// promised is promise for a request that may have come before the call is
// established: then the INVITE decides.
func (c *Call) promised(i interval) []wire.Field {
	if !c.confirmed {
		return nil
	}
	return c.promise(i)
}

// agreedOn puts the timer that a 2xx to our INVITE or UPDATE says in force (RFC
// 4028 section 7.2).
func (c *Call) agreedOn(m *wire.Message) {
	if !c.confirmed {
		return
	}
	i, found, ok := sessionExpires(m)
	if !found || !ok {
		c.session.stop()
		return
	}
	i.Duration = max(i.Duration, leastInterval)
	c.run(i, i.refresher != "uas")
}

// run starts the timer anew.
func (c *Call) run(i interval, ours bool) {
	s := &c.session
	s.stop()
	s.interval, s.ours = i, ours
	if ours {
		c.set(&s.refresh, i.Duration/2, c.refresh)
	}
	c.set(&s.expire, i.Duration-i.grace(), func() {
		c.last = []wire.Field{Reason{"SIP", 408, "Session expired"}.Field()}
		c.quit()
		c.end(Ended{Why: Expired})
	})
}

// refresh says that the call goes on: by UPDATE where the other side takes it,
// else by a re-INVITE with what is in force (RFC 4028 section 7.4).
func (c *Call) refresh() {
	d := c.dlg
	c.set(&c.session.refresh, refreshAgain, c.refresh) // if nothing comes of it
	if d.modify != nil || d.open != nil || d.ours || d.served != nil || c.answering != nil {
		return
	}
	w := &modify{refresh: true, update: d.allows(methodUpdate) || d.sent == nil, before: d.sent}
	if !w.update {
		w.sdp = d.sent
	}
	d.modify, d.ours = w, !w.update
	c.propose(d)
}
