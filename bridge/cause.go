package bridge

import (
	"fmt"
	"time"
)

// A Cause says why something failed, in no protocol's words. It is what the
// peer is told; each adapter maps it to and from its own codes in cause.go.
type Cause uint8

// The causes.
const (
	Internal       Cause = iota + 1 // a fault of ours or of the next hop, not of the request
	Malformed                       // the request makes no sense
	Unauthorized                    // who asks has not shown who it is
	Unregistered                    // who asks must register first
	Forbidden                       // known, but not allowed
	NotFound                        // nobody has that address
	BadAddress                      // the address is incomplete or ambiguous
	Gone                            // was here, is not, and won't be
	Moved                           // is elsewhere
	Unsupported                     // nobody here can do that
	NotAcceptable                   // understood, but not in this form
	WrongType                       // content of a type that is not taken
	TooLarge                        // longer than what is taken
	Policy                          // against a rule of the place
	Looped                          // has been here before, or has gone too far
	Unavailable                     // is not there now
	Busy                            // is there, and occupied
	BusyEverywhere                  // is occupied, and so at every other place
	Declined                        // is there, and does not want to
	Cancelled                       // whoever asked took it back
	Conflict                        // crossed another request of the same kind
	Constrained                     // lacks room for this now
	NoRoute                         // the next network can't be found
	Overloaded                      // too much at once
	Timeout                         // no answer
	GatewayTimeout                  // no answer from the network behind the next hop
	Normal                          // nothing is wrong: who was in the call has ended it
	Elsewhere                       // another place of the same party has taken the call
	Replaced                        // another call has taken the place of this one
	NoMedia                         // nothing has been heard from either side
	Insecure                        // keys could not be agreed on
	causeEnd
)

var causeWords = [...]string{
	Internal: "internal", Malformed: "malformed", Unauthorized: "unauthorized",
	Unregistered: "unregistered", Forbidden: "forbidden", NotFound: "not-found",
	BadAddress: "bad-address", Gone: "gone", Moved: "moved", Unsupported: "unsupported",
	NotAcceptable: "not-acceptable", WrongType: "wrong-type", TooLarge: "too-large",
	Policy: "policy", Looped: "looped", Unavailable: "unavailable", Busy: "busy",
	BusyEverywhere: "busy-everywhere",
	Declined:       "declined", Cancelled: "cancelled", Conflict: "conflict",
	Constrained: "constrained", NoRoute: "no-route", Overloaded: "overloaded",
	Timeout: "timeout", GatewayTimeout: "gateway-timeout", Normal: "normal",
	Elsewhere: "elsewhere", Replaced: "replaced", NoMedia: "no-media", Insecure: "insecure",
}

// Causes lists the causes that a request can fail for, for the tables that must
// cover them.
func Causes() []Cause { return causesFrom(Internal, Normal) }

// Endings lists those that only what has been taken ends for: a call.
func Endings() []Cause { return causesFrom(Normal, causeEnd) }

func causesFrom(first, end Cause) []Cause {
	all := make([]Cause, 0, end-first)
	for c := first; c < end; c++ {
		all = append(all, c)
	}
	return all
}

// String is the word for logs and metrics.
func (c Cause) String() string {
	if c > 0 && int(c) < len(causeWords) {
		return causeWords[c]
	}
	return fmt.Sprintf("cause%d", uint8(c))
}

// Passing reports whether what was refused for c may be taken later.
func (c Cause) Passing() bool {
	switch c {
	case Internal, Unavailable, Constrained, Overloaded, Timeout, GatewayTimeout, NoRoute:
		return true
	default:
		return false
	}
}

// An Error is a failure as the bridge and the adapters tell each other of it.
type Error struct {
	Op    string // what was being done, for the log
	Cause Cause  // what the peer is told
	// Reason is what the other side said of it, for people: one bounded line
	// of text without control characters, or "".
	Reason string
	// Retry: the same message may well be taken later.
	Retry bool
	// After is the earliest time for that, by the other side's word.
	After time.Duration
	Err   error // for the log only
}

// Error is the text for the log.
func (e *Error) Error() string {
	s := e.Op + ": " + e.Cause.String()
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the error behind the cause.
func (e *Error) Unwrap() error { return e.Err }
