package dialog

import (
	"strconv"
	"strings"

	"gateway/adapters/sip/wire"
)

// A rack names a reliable provisional response (RFC 3262 section 7.2).
type rack struct {
	response, cseq uint32
	method         string
}

func parseRAck(values []string) (rack, bool) {
	if len(values) != 1 {
		return rack{}, false
	}
	f := strings.Fields(values[0])
	if len(f) != 3 || !wire.Token(f[2]) {
		return rack{}, false
	}
	response, ok1 := digits(f[0])
	cseq, ok2 := digits(f[1])
	return rack{response, cseq, f[2]}, ok1 && ok2
}

func (r rack) String() string {
	return strconv.FormatUint(uint64(r.response), 10) + " " + strconv.FormatUint(uint64(r.cseq), 10) + " " + r.method
}

// reliable is the RSeq of a provisional response that wants a PRACK (RFC 3262
// section 4).
func reliable(m *wire.Message) (uint32, bool) {
	values := m.All("RSeq")
	if len(values) != 1 || !has(options(m, "Require"), "100rel") {
		return 0, false
	}
	n, ok := digits(values[0])
	return n, ok && n > 0
}

// prack takes a PRACK (RFC 3262 section 3).
func (c *Call) prack(d *dialog, m *wire.Message, p Path, tx Server) {
	r, ok := parseRAck(m.All("RAck"))
	s := c.answering
	if !ok || s == nil || s.pending == nil || r != (rack{s.pending.seq, s.cseq, methodInvite}) {
		c.reply(m, p, tx, 481, "No Such Response", nil, nil)
		return
	}
	sdp, refusal := describes(m)
	if refusal != nil {
		c.reply(m, p, tx, refusal.Status, refusal.Phrase, refusal.Fields, nil)
		return
	}
	carried, next := s.pending.session, s.next
	s.unpend()
	s.next = nil
	switch {
	case sdp != nil && carried && d.ours:
		d.got, d.ours, d.agreed = sdp, false, true
		c.reply(m, p, tx, 200, "OK", nil, nil)
		c.tell(Answered{Fork: d.tag, SDP: sdp, Message: m})
	case sdp != nil && (carried || d.agreed):
		d.agreed = true
		c.opened(d, m, p, tx, sdp, nil)
	default:
		if carried && !d.ours {
			d.agreed = true
		}
		c.reply(m, p, tx, 200, "OK", nil, nil)
	}
	if next != nil {
		next()
	}
}

// sendPrack acknowledges a reliable provisional response (RFC 3262 section 4).
func (c *Call) sendPrack(d *dialog, r rack, sdp []byte) {
	d.seq++
	q := c.draft(d, methodPrack, []wire.Field{{Name: "RAck", Value: r.String()}}, sessionType, sdp)
	q.cseq = d.seq
	c.send(d, q, func(*wire.Message, error) {}) // what it is for is repeated until it has arrived
}
