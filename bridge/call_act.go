package bridge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// act does what the machine has decided.
func (c *call) act(a *action) {
	switch a.do {
	case doDial:
		c.dial(a.leg, a.dial)
	case doRoute:
		c.step(input{leg: a.leg, ev: c.route(a.leg, *a.transfer)})
	case doForward:
		c.step(input{leg: a.leg, ev: c.reroute(a.leg, a.instead)})
	case doAsk:
		c.ask(a)
	case doGive:
		c.give(a)
	case doAdmit:
		c.admit(a.leg)
	case doDecline:
		a.letter.answer(c.box, a.cause)
	case doJoin:
		c.table.plane.Join(a.ports[0], a.ports[1])
	case doPart:
		c.table.plane.Part(a.ports[0])
	case doTimer:
		c.deadlines[a.timer] = time.Time{}
		if a.d > 0 {
			c.deadlines[a.timer] = time.Now().Add(a.d)
		}
	case doUp:
		c.up(a.leg)
	case doEarly:
		c.heardEarly()
	case doPaid:
		c.paid(a.leg)
	case doUnpaid:
		c.unpay()
	case doAgreed:
		c.agreed()
	default:
		c.command(c.conns[a.leg].leg, a)
	}
}

// command tells a leg something.
func (c *call) command(leg Leg, a *action) {
	switch a.do {
	case doRing:
		leg.Ring(a.early)
		if p, ok := leg.(Prompter); ok && a.prompt {
			p.Prompt()
		}
	case doAccept:
		leg.Accept()
	case doOffer:
		leg.Offer(Offer{Seq: a.seq, Desc: a.desc})
	case doAnswer:
		leg.Answer(a.seq, a.desc)
	case doRefuse:
		leg.Refuse(a.seq, a.cause)
	case doDigit:
		leg.Digit(a.digit.Digit, a.digit.Duration)
	case doTransfer:
		c.table.metrics.transfer(a.cause)
		if a.cause == 0 {
			c.record.Transfers++
		}
		leg.Transfer(a.id, a.cause)
	case doHangup:
		c.conns[a.leg].record.hung(a.cause)
		leg.Hangup(a.cause)
	}
}

// dial begins a call to a home.
func (c *call) dial(n int, d *dial) {
	forwarders := d.forwarders
	if d.by == (Address{}) && d.replaces == "" { // else it is another call than what came
		forwarders = slices.Concat(forwarders, c.inv.Forwarders)
	}
	inv := Invite{
		ID: c.inv.ID, Call: c.id, From: d.target.From, To: d.target.To, Offer: d.offer, Hops: c.inv.Hops - 1,
		Replaces: d.replaces, By: d.by, Early: d.terms.Early, Private: d.private,
		Plain: d.terms.Plain, Forwarders: c.table.router().Shown(forwarders, d.target.To.Adapter),
	}
	box := newLegBox(c.box, c.table.reentrant[d.target.To.Adapter])
	conn := &connection{box: box, record: newLegRecord("out", d.target.To, d.target.From.Address)}
	c.conns = append(c.conns, conn)
	conn.leg = c.table.callers[d.target.To.Adapter].Dial(inv, conn.box)
	c.table.know(conn, c.box)
	c.record.Legs = append(c.record.Legs, conn.record)
}

// admit lets a caller in, whose ports are joined first where it has said already which
// they are: it may send as soon as it hears.
func (c *call) admit(n int) {
	conn := c.conns[n]
	for _, ev := range conn.box.ready() {
		conn.record.note(ev)
		c.step(input{leg: n, ev: ev})
	}
	c.step(input{leg: n, ev: admitted{}})
}

// up notes that the call is taken, by the leg n.
func (c *call) up(n int) {
	c.conns[n].record.answered()
	if c.record.answered() {
		c.conns[0].record.answered()
		c.table.metrics.up(c.inv.From.Adapter, c.record)
	}
}

// agreed notes what the pair has agreed on.
func (c *call) agreed() {
	for _, n := range c.m.pair {
		c.conns[n].record.agreed(c.m.legs[n].agreed)
	}
	c.converts(c.m.mode == mediaTranscoded && c.m.room)
	if mode := string(c.m.mode); mode != c.record.Media {
		c.record.Media = mode
		c.table.metrics.mode(c.m.mode)
		if level := c.level(); c.tells(level) {
			c.logger().Log(context.Background(), level, "media crosses", "mode", mode, "formats", c.formats())
		}
	}
}

// formats are those of each of the pair, for the log.
func (c *call) formats() (all []string) {
	for _, n := range c.m.pair {
		all = append(all, strings.Join(c.conns[n].record.Formats, " "))
	}
	return all
}

// converts counts the call among those that are transcoded, or not.
func (c *call) converts(yes bool) {
	switch was := c.box.transcodes.Swap(yes); {
	case yes && !was:
		c.table.transcoded.Add(1)
	case !yes && was:
		c.table.transcoded.Add(-1)
	}
}

// route finds out where a transfer leads: as whoever asks for it would dial,
// and with who stays as the caller.
func (c *call) route(n int, ask TransferAsked) routed {
	stays := c.m.handover.stays
	by, from := c.m.legs[n].party, c.conns[stays].record.who
	to := Address{Adapter: c.conns[n].key.adapter, Name: ask.To.Name}
	targets, terms, err := c.table.router().RouteCall(by, from, to)
	if err == nil {
		targets, err = c.table.callable(targets)
	}
	if err == nil && ask.Replaces != "" {
		// Only the network that has that call can read it.
		targets = slices.DeleteFunc(targets, func(t Target) bool { return t.To.Adapter != to.Adapter })
		if len(targets) == 0 {
			err = &Error{Op: "transfer", Cause: NotFound}
		}
	}
	if err == nil {
		err = c.pay(terms)
	}
	if err != nil {
		c.logger().Log(context.Background(), c.level(), "transfer refused", "by", by, "to", to, "err", err)
		return routed{cause: causeOf(err)}
	}
	c.logger().Log(context.Background(), c.level(), "transfer", "by", by, "to", to)
	return routed{targets: targets, terms: terms, by: by}
}

// ask writes to the call that has the leg whose partner is wanted.
func (c *call) ask(a *action) {
	l := &letter{from: c.box}
	if a.leg == nobody {
		l.key, l.only = c.joins.key, c.joins.only
	} else {
		l.key = legKey{c.conns[a.leg].key.adapter, a.transfer.Leg}
	}
	to := c.table.whose(l.key)
	if to == nil || to == c.box || !to.post(l) {
		c.step(input{leg: nobody, ev: denied{NotFound}})
	}
}

// give hands a leg to the call that has asked for it.
func (c *call) give(a *action) {
	conn := c.conns[a.leg]
	c.conns[a.leg] = nil
	c.record.handed(conn.record)
	to := a.letter.from
	c.table.know(conn, to)
	conn.box.move(to)
	if !to.post(&letter{from: c.box, back: true, given: conn, member: a.member}) {
		conn.hangup(c.logger(), Normal)
		c.drop(conn)
	}
}

// level is that of a line on what the parties can have happen at will: after the
// first few of a call they are details.
func (c *call) level() slog.Level {
	const few = 50
	if c.told++; c.told > few {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// causeOf is the cause of an error for the peer.
func causeOf(err error) Cause {
	var e *Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return Internal
}
