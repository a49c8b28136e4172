package dialog

import (
	"math/rand/v2"
	"strconv"
	"time"

	"gateway/adapters/sip/wire"
)

// A served is an INVITE of the other side's, until its final response has been
// acknowledged (RFC 3261 section 17.2.1, RFC 6026 section 7.1; of a 2xx RFC
// 3261 section 13.3.1.4). Its Server says the last response again to whoever
// repeats the INVITE; here are the timers.
type served struct {
	m       *wire.Message
	path    Path // it came by
	tx      Server
	d       *dialog
	cseq    uint32
	initial bool // it has made the call
	status  int  // of the final response; 0: there was none
	data    []byte
	acked   bool
	offers  bool // the 2xx has an offer of ours: the ACK brings the answer
	wait    time.Duration
	resend  alarm
	giveUp  alarm
	pending *pending
	next    func() // what waits for the PRACK
}

// A pending is a reliable provisional response without its PRACK (RFC 3262
// section 3).
type pending struct {
	seq     uint32
	status  int
	data    []byte
	session bool
	wait    time.Duration
	resend  alarm
	giveUp  alarm
}

var phrases = map[int]string{180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress"}

// reply answers a request that came by p.
func (c *Call) reply(m *wire.Message, p Path, tx Server, status int, phrase string, fields []wire.Field, sdp []byte) []byte {
	if len(sdp) > 0 {
		fields = append(fields, wire.Field{Name: "Content-Type", Value: sessionType})
	}
	data := m.Reply(status, phrase, c.tag, p.Remote(), fields, sdp)
	tx.Reply(status, data)
	return data
}

// trying says 100.
func (c *Call) trying(s *served) { c.reply(s.m, s.path, s.tx, 100, "Trying", nil, nil) }

// provisional sends a 18x: again every minute, or reliably until its PRACK.
func (c *Call) provisional(s *served, status int, fields []wire.Field, sdp []byte, reliably bool) {
	s.resend.stop()
	all := append(c.establishing(s), fields...)
	if !reliably {
		data := c.reply(s.m, s.path, s.tx, status, phrases[status], all, sdp)
		var again func()
		again = func() {
			s.tx.Reply(status, data)
			c.set(&s.resend, remind, again)
		}
		c.set(&s.resend, remind, again)
		return
	}
	if c.rseq == 0 {
		c.rseq = rand.Uint32N(1 << 30)
	}
	c.rseq++
	all = append(all, wire.Field{Name: "Require", Value: "100rel"},
		wire.Field{Name: "RSeq", Value: strconv.FormatUint(uint64(c.rseq), 10)})
	p := &pending{seq: c.rseq, status: status, session: sdp != nil, wait: timerT1}
	s.pending = p
	p.data = c.reply(s.m, s.path, s.tx, status, phrases[status], all, sdp)
	var again func()
	again = func() {
		s.tx.Reply(p.status, p.data)
		p.wait *= 2
		c.set(&p.resend, p.wait, again)
	}
	c.set(&p.resend, p.wait, again)
	c.set(&p.giveUp, patience, func() {
		c.conclude(s, 500, "No PRACK", nil, nil)
		c.end(Ended{Why: NoPrack, Err: errNoAnswer})
	})
}

func (s *served) unpend() {
	if p := s.pending; p != nil {
		p.resend.stop()
		p.giveUp.stop()
		s.pending = nil
	}
}

// establishing are the headers of a response that makes a dialog (RFC 3261
// section 12.1.1).
func (c *Call) establishing(s *served) []wire.Field {
	fields := c.about(s.d)
	if s.initial {
		for _, v := range s.m.All("Record-Route") {
			fields = append(fields, wire.Field{Name: "Record-Route", Value: v})
		}
	}
	return fields
}

// conclude sends the final response, until it is acknowledged.
func (c *Call) conclude(s *served, status int, phrase string, fields []wire.Field, sdp []byte) {
	s.resend.stop()
	s.giveUp.stop()
	s.unpend()
	s.next = nil
	s.status = status
	if status < 300 {
		fields = append(c.establishing(s), fields...)
	}
	s.data = c.reply(s.m, s.path, s.tx, status, phrase, fields, sdp)
	if status >= 300 && s.path.Reliable() {
		c.settle(s)
		return
	}
	s.wait = timerT1
	c.set(&s.resend, s.wait, func() { c.repeat(s) })
	c.set(&s.giveUp, patience, func() { c.unacknowledged(s) })
}

// repeat sends the final response again: timer G, and its like for a 2xx.
func (c *Call) repeat(s *served) {
	s.tx.Reply(s.status, s.data)
	s.wait = min(2*s.wait, timerT2)
	c.set(&s.resend, s.wait, func() { c.repeat(s) })
}

// unacknowledged is timer H: of a 2xx it ends the call (RFC 3261 section
// 13.3.1.4).
func (c *Call) unacknowledged(s *served) {
	c.settle(s)
	if s.status >= 300 {
		c.proceed(s.d)
		return
	}
	c.bye(s.d, c.last)
	c.end(Ended{Why: NoAck, Err: errNoAnswer})
}

// settle forgets an INVITE that is over.
func (c *Call) settle(s *served) {
	s.acked = true
	s.resend.stop()
	s.giveUp.stop()
	s.data, s.m = nil, nil
	if c.answering == s {
		c.answering = nil
	}
	if s.d.served == s {
		s.d.served = nil
	}
}

// Ack takes an ACK, for whichever final response it is.
func (c *Call) Ack(m *wire.Message) {
	c.mu.Lock()
	defer c.unlock()
	seq := m.Request.CSeq().SeqNo
	s := c.answering
	if s == nil || s.cseq != seq {
		s = nil
		if c.dlg != nil && c.dlg.served != nil && c.dlg.served.cseq == seq {
			s = c.dlg.served
		}
	}
	if s == nil || s.status < 200 {
		return
	}
	c.acknowledged(s, m)
}

// acknowledged takes the ACK for s; nil: its sender must have seen the response,
// for it has gone on.
func (c *Call) acknowledged(s *served, m *wire.Message) {
	d := s.d
	c.settle(s)
	if s.status >= 300 {
		c.proceed(d)
		return
	}
	if s.initial {
		c.tell(Acked{})
	}
	if s.offers {
		d.ours = false
		var sdp []byte
		if m != nil {
			sdp, _ = session(m) // what is none is as good as none
		}
		if sdp == nil {
			c.tell(Refused{Fork: d.tag, Err: errNoSession, Message: m})
		} else {
			d.got, d.agreed = sdp, true
			c.tell(Answered{Fork: d.tag, SDP: sdp, Message: m})
		}
	}
	if c.byes {
		c.part(d)
		return
	}
	c.proceed(d)
}

// proceed makes an offer that has waited for an ACK.
func (c *Call) proceed(d *dialog) {
	if d.modify != nil && d.modify.k == nil && d.modify.wait == nil {
		c.propose(d)
	}
}
