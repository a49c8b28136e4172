package dialog

import (
	"errors"
	"slices"
	"strconv"

	"gateway/adapters/sip/wire"
)

var errNoSession = errors.New("an offer without an answer")

// A Refusal is what an INVITE is answered with that makes no Call.
type Refusal struct {
	Status int
	Phrase string
	Fields []wire.Field
}

// Incoming makes a Call of an INVITE without a tag in To, that came by p, and says 100.
// user is that of our Contact, escaped. Its option tags have been checked (Unsupported).
func (t *Table) Incoming(m *wire.Message, p Path, tx Server, user string) (*Call, *Refusal) {
	tag, _ := m.Request.From().Params.Get("tag")
	routes, ok := recorded(m)
	from, to := m.Get("From"), m.Get("To")
	if !ok || len(from) > maxAddress || len(to) > maxAddress {
		return nil, &Refusal{Status: 400, Phrase: "Headers Too Long"}
	}
	sdp, refusal := describes(m)
	if refusal != nil {
		return nil, refusal
	}
	i, status := agree(m, leastInterval, "")
	if refusal := intervalRefusal(status, leastInterval); refusal != nil {
		return nil, refusal
	}
	replaced, refusal := t.replaced(m)
	if refusal != nil {
		return nil, refusal
	}
	c := &Call{
		t: t, callID: m.Get("Call-ID"), tag: newToken(), user: user, hops: usualHops, least: leastInterval,
		request: m, replaces: replaced,
	}
	supports, requires := options(m, "Supported"), options(m, "Require")
	c.required = has(requires, "100rel")
	c.reliable = c.required || has(supports, "100rel")
	c.session.agreed = i
	c.session.required = has(supports, "timer") || has(requires, "timer")
	d := &dialog{
		tag: tag, local: to + ";tag=" + c.tag, remote: from, target: m.Request.From().Address.String(), routes: routes,
		heard: m.Request.CSeq().SeqNo, path: p, got: sdp,
	}
	d.learn(m)
	c.dlg, c.secure = d, isSecure(p) && asksForSIPS(m, routes)
	key := tag + "\x00" + c.callID + "\x00" + m.Get("CSeq")
	keep(&c.callID, &c.user, &d.tag, &d.remote, &d.target)
	s := &served{m: m, path: p, tx: tx, d: d, cseq: m.Request.CSeq().SeqNo, initial: true}
	c.answering = s
	if !t.add(c) { // from here on others find it, and Close may end it
		return nil, &Refusal{Status: 503, Phrase: "Service Unavailable", Fields: []wire.Field{{Name: "Retry-After", Value: "10"}}}
	}
	if tag != "" && t.merges(key, c) {
		t.remove(c)
		return nil, &Refusal{Status: 482, Phrase: "Loop Detected"}
	}
	t.meet(c, p.Remote())
	c.mu.Lock()
	defer c.unlock()
	if s.status == 0 {
		c.trying(s)
	}
	return c, nil
}

const usualHops = 70 // RFC 3261 section 8.1.1.6

// describes is the session description of a request, or the refusal of what is none.
func describes(m *wire.Message) ([]byte, *Refusal) {
	sdp, err := session(m)
	switch {
	case err == nil:
		return sdp, nil
	case errors.Is(err, errEncoding):
		return nil, &Refusal{Status: 415, Phrase: "Unsupported Media Type", Fields: []wire.Field{{Name: "Accept-Encoding", Value: "identity"}}}
	default:
		return nil, &Refusal{Status: 415, Phrase: "Unsupported Media Type", Fields: []wire.Field{{Name: "Accept", Value: sessionType}}}
	}
}

// replaced is the Call that an INVITE takes the place of (RFC 3891 section 3);
// nil: it does not want to.
func (t *Table) replaced(m *wire.Message) (*Call, *Refusal) {
	values := m.All("Replaces")
	if len(values) == 0 {
		return nil, nil
	}
	r, err := ParseReplaces(values[0])
	if err != nil || len(values) > 1 || m.Get("Join") != "" {
		return nil, &Refusal{Status: 400, Phrase: "Malformed Replaces"}
	}
	c := t.Find(r.CallID, r.ToTag, r.FromTag)
	if c == nil {
		return nil, &Refusal{Status: 481, Phrase: "Call Does Not Exist"}
	}
	c.mu.Lock()
	defer c.unlock()
	switch {
	case c.ended:
		return nil, &Refusal{Status: 603, Phrase: "Decline"}
	case c.confirmed && r.EarlyOnly:
		return nil, &Refusal{Status: 486, Phrase: "Busy Here"}
	case !c.confirmed:
		// One that they have begun is none to take over; one that we have, rings at a
		// place that the map chose, and nobody takes it up elsewhere.
		return nil, &Refusal{Status: 481, Phrase: "Call Does Not Exist"}
	}
	return c, nil
}

// Invite is the INVITE that made the call, nil if it was ours or the call is
// over.
func (c *Call) Invite() *wire.Message {
	c.mu.Lock()
	defer c.unlock()
	return c.request
}

// Session is what that INVITE offers; NoSession: it wants an offer of us.
func (c *Call) Session() Session {
	c.mu.Lock()
	defer c.unlock()
	if c.out || c.dlg.got == nil {
		return Session{}
	}
	return Session{Offer, c.dlg.got}
}

// Replaces is the Call that this one asks to take the place of; nil: none.
func (c *Call) Replaces() *Call {
	c.mu.Lock()
	defer c.unlock()
	return c.replaces
}

// Settled says whether the answer to the INVITE has gone by a reliable
// response: it can't be changed but by another offer.
func (c *Call) Settled() bool {
	c.mu.Lock()
	defer c.unlock()
	if c.out || c.dlg == nil {
		return false
	}
	s := c.answering
	return c.dlg.agreed || s != nil && s.pending != nil && s.pending.session
}

// Ring sends a provisional response. sdp is the answer to the INVITE's offer;
// where it had none, our offer, which goes out only if the other side takes
// reliable responses. nil: none. While a reliable response waits for its
// PRACK the last Ring waits too.
func (c *Call) Ring(status int, sdp []byte, fields ...wire.Field) error {
	c.mu.Lock()
	defer c.unlock()
	s := c.answering
	switch {
	case c.ended:
		return ErrOver
	case s == nil || s.status >= 200:
		return ErrNotYet
	}
	c.progressing(s, status, sdp, fields)
	return nil
}

func (c *Call) progressing(s *served, status int, sdp []byte, fields []wire.Field) {
	if s.pending != nil {
		s.next = func() { c.progressing(s, status, sdp, fields) }
		return
	}
	d := s.d
	offered := c.dlg.got != nil && !d.ours
	switch {
	case d.agreed || d.ours:
		sdp = nil
	case !offered && !c.reliable:
		sdp = nil
	case sdp != nil:
		d.sent = sdp
	}
	reliably := c.required || c.reliable && sdp != nil
	if reliably && sdp != nil && !offered {
		d.ours = true
	}
	c.provisional(s, status, fields, sdp, reliably)
}

// Accept sends 200. sdp is the answer to the INVITE's offer, or our offer
// where it had none; it is left out where Settled.
func (c *Call) Accept(sdp []byte, fields ...wire.Field) error {
	c.mu.Lock()
	defer c.unlock()
	s := c.answering
	switch {
	case c.ended:
		return ErrOver
	case s == nil || s.status >= 200:
		return ErrNotYet
	}
	return c.accept(s, sdp, fields)
}

func (c *Call) accept(s *served, sdp []byte, fields []wire.Field) error {
	d := s.d
	if s.pending != nil && s.pending.session {
		// RFC 3262 section 3: not before that has arrived.
		s.next = func() {
			if c.accept(s, sdp, fields) != nil {
				c.decline(500, "No Session", nil)
			}
		}
		return nil
	}
	switch {
	case d.agreed:
		sdp = nil
	case sdp == nil && d.sent == nil:
		return ErrNotYet
	case d.got != nil:
		if sdp == nil {
			sdp = d.sent
		}
		d.sent, d.agreed = sdp, true
	default:
		d.sent, d.ours, s.offers = sdp, true, true
	}
	c.confirmed, c.request, c.replaces = true, nil, nil
	fields = append(slices.Clone(fields), c.promise(c.session.agreed)...)
	c.conclude(s, 200, "OK", fields, sdp)
	return nil
}

// Reject refuses the INVITE.
func (c *Call) Reject(status int, phrase string, fields ...wire.Field) {
	c.mu.Lock()
	defer c.unlock()
	if c.ended || c.answering == nil || c.answering.status >= 200 {
		return
	}
	c.decline(status, phrase, fields)
}

func (c *Call) decline(status int, phrase string, fields []wire.Field) {
	c.conclude(c.answering, status, phrase, fields, nil)
	c.end(Ended{Why: Ours})
}

// Cancel takes a CANCEL, which has been answered with 200 (RFC 3261 section
// 9.2). After the final response it comes too late.
func (c *Call) Cancel(m *wire.Message) {
	c.mu.Lock()
	defer c.unlock()
	seq := m.Request.CSeq().SeqNo
	if s := c.answering; s != nil && s.cseq == seq && s.status < 200 {
		c.conclude(s, 487, "Request Terminated", nil, nil)
		c.end(Ended{Why: Cancelled, Reasons: ParseReason(m.All("Reason")), Message: m})
		return
	}
	if c.dlg == nil || c.dlg.served == nil || c.dlg.served.cseq != seq || c.dlg.served.status >= 200 {
		return
	}
	if c.takenBack(c.dlg) {
		c.conclude(c.dlg.served, 487, "Request Terminated", nil, nil)
	}
}

func intervalRefusal(status int, least interface{ Seconds() float64 }) *Refusal {
	switch status {
	case 422:
		return &Refusal{422, "Session Interval Too Small", []wire.Field{{Name: "Min-SE", Value: strconv.Itoa(int(least.Seconds()))}}}
	case 400:
		return &Refusal{Status: 400, Phrase: "Malformed Session-Expires"}
	}
	return nil
}
