package dialog

import (
	"gateway/adapters/sip/wire"
)

// An Event tells the owner of a Call what has happened. The owner may use the Call while it
// takes one; the next comes when it has returned.
type Event interface{ event() }

// A Role says what a session description is there for (RFC 3264, RFC 6337
// section 2).
type Role uint8

// The roles.
const (
	NoSession Role = iota // there is none
	Offer
	Answer
)

// A Session is a session description in a message: the application/sdp body, or
// the first such part of a multipart one.
type Session struct {
	Role Role
	SDP  []byte // never changed by anybody
}

// The events of a Call. Fork is the remote tag of the dialog they speak of:
// before Accepted there may be several (RFC 3261 section 12.1). Message is what
// came; nil where nothing did.
type (
	// Ringing: a provisional response but 100. An offer in it (a reliable one,
	// where our INVITE had none) wants an Answer, which goes into PRACK. An
	// answer may come again until Accepted, from every fork.
	Ringing struct {
		Fork    string
		Status  int
		Session Session
		Message *wire.Message
	}
	// Accepted: a 2xx, the first to our INVITE; it has been acknowledged, or
	// will be by the Answer to the offer in it. NoSession: what Ringing of that
	// fork brought is the answer.
	Accepted struct {
		Fork    string
		Session Session
		Message *wire.Message
	}
	// Acked: the other side has seen our 2xx to its INVITE.
	Acked struct{}
	// Offered: the other side proposes a session, by re-INVITE, UPDATE or PRACK. Answer or
	// Refuse wants to follow. NoSession: it asks us to propose one (a re-INVITE
	// without a body); Answer makes the offer, and Answered or Refused follows.
	Offered struct {
		Fork    string
		Session Session
		Message *wire.Message
	}
	// Withdrawn: what was Offered is off, for its sender has taken it back, or has given up
	// by now. All is as it was (RFC 3261 section 14.1); an Answer comes too late.
	Withdrawn struct{ Fork string }
	// Answered: the answer to our offer, wherever that was: in a re-INVITE or
	// UPDATE, in a 2xx (then it came in ACK), in a 18x (in PRACK).
	// Refresh: we had only repeated what was agreed on, for the session timer,
	// and the answer differs from the last.
	Answered struct {
		Fork    string
		SDP     []byte
		Refresh bool
		Message *wire.Message
	}
	// Refused: our offer was not taken; all is as it was. Status is 0 where
	// none came: Err says why.
	Refused struct {
		Fork    string
		Status  int
		Phrase  string
		Err     error
		Message *wire.Message
	}
	// Requested: an INFO, REFER or NOTIFY. It wants an answer.
	Requested struct{ Request *Request }
	// Responded: the final response to what Send has sent. Status is 0 where
	// none came: Err says why.
	Responded struct {
		ID      uint64
		Status  int
		Err     error
		Message *wire.Message
	}
	// Ended is the last event. What is left to be said to the other side is
	// said without the owner.
	Ended struct {
		Why     Why
		Status  int      // of Failed; 0 if no response came
		Phrase  string   // of Failed
		Reasons []Reason // of the BYE, the CANCEL or the response
		Err     error
		Message *wire.Message
	}
)

func (Ringing) event()   {}
func (Accepted) event()  {}
func (Acked) event()     {}
func (Offered) event()   {}
func (Withdrawn) event() {}
func (Answered) event()  {}
func (Refused) event()   {}
func (Requested) event() {}
func (Responded) event() {}
func (Ended) event()     {}

// Why says how a Call has ended.
type Why uint8

// The ends.
const (
	Failed    Why = iota + 1 // our INVITE was refused, or got no answer
	Cancelled                // the other side took its INVITE back
	HungUp                   // the other side's BYE
	NoAck                    // our 2xx was never acknowledged
	NoPrack                  // our reliable provisional was never acknowledged
	Expired                  // the session timer has run out (RFC 4028 section 10)
	Lost                     // a request within the dialog met 408, 481 or silence (RFC 3261 section 12.2.1.2)
	Ours                     // Hangup or Reject
	Closed                   // the adapter has ended
)

var whys = [...]string{
	Failed: "failed", Cancelled: "cancelled", HungUp: "hung up", NoAck: "no ACK", NoPrack: "no PRACK",
	Expired: "session expired", Lost: "lost", Ours: "ours", Closed: "closed",
}

// String is the word for logs.
func (w Why) String() string {
	if int(w) < len(whys) && whys[w] != "" {
		return whys[w]
	}
	return "unknown"
}
