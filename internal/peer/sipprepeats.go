package peer

import (
	"bytes"
	"strings"
)

// repeats are what a Trunk knows in order to answer for SIPp. On a machine with other
// work SIPp may not come to an answer within half a second, the gateway asks again (RFC
// 3261 section 17.1.1.2), and the repeat comes when SIPp has gone on: then SIPp takes it
// for something new and gives the call up.
type repeats struct {
	delivered map[string]bool   // what the gateway has sent, and SIPp has got
	answers   map[string][]byte // SIPp's last one to a request
	acks      map[string][]byte // SIPp's, by the INVITE's Call-ID and CSeq
}

// said notes what SIPp says.
func (r *repeats) said(raw []byte, m SIPMessage) {
	switch {
	case m.Code() != 0:
		r.answers[transactionOf(m)] = bytes.Clone(raw)
	case m.Method() == "ACK":
		r.acks[inviteOf(m)] = bytes.Clone(raw)
	}
}

// again says whether SIPp has got this very message before, and what it said to that;
// nil: nothing so far.
func (t *Trunk) again(raw []byte, m SIPMessage) (answer []byte, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.known
	if !r.delivered[string(raw)] {
		r.delivered[string(raw)] = true
		return nil, false
	}
	if m.Code() == 0 {
		return r.answers[transactionOf(m)], true
	}
	if m.Code() >= 200 && m.Method() == "INVITE" {
		return r.acks[inviteOf(m)], true
	}
	return nil, true
}

// transactionOf names the transaction of a request, or of the answer to it.
func transactionOf(m SIPMessage) string { return m.Header("Via") + " " + m.Header("CSeq") }

// inviteOf names the INVITE that an ACK, or what it acknowledges, belongs to.
func inviteOf(m SIPMessage) string {
	number, _, _ := strings.Cut(m.Header("CSeq"), " ")
	return m.Header("Call-ID") + " " + number
}
