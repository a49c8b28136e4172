package bridge

import (
	"time"

	"gateway/bridge/media"
)

// A verb is what an action does.
type verb uint8

const (
	doDial verb = iota
	doRing
	doAdmit // hear what leg says of its ports, then say admitted
	doAccept
	doOffer
	doAnswer
	doRefuse
	doDigit
	doTransfer
	doHangup
	doJoin
	doPart
	doTimer   // of what is in timer, at d from now; never if d is 0
	doRoute   // find out where transfer leads
	doForward // find out where instead leads, by leg's wish
	doAsk     // ask another call for the partner of one of its legs
	doGive    // hand leg to the call that wrote letter
	doDecline // tell it no, for cause
	doUp      // the call is taken: note the time
	doEarly   // the caller hears a home that has not taken the call
	doPaid    // leg counts against the caps of the map that led to it from now on
	doUnpaid  // the homes that were tried for a transfer count no more
	doAgreed  // the pair has agreed on what is sent: look at mode
)

// An action is what a call's goroutine has to do next.
type action struct {
	do       verb
	leg      int
	cause    Cause
	early    bool
	prompt   bool // a caller who hears nothing before a call is taken shall
	seq      uint32
	desc     Description
	dial     *dial
	digit    Digit
	id       string
	transfer *TransferAsked
	instead  []string
	member   *member
	letter   *letter
	ports    [2]media.PacketPort
	timer    callTimer
	d        time.Duration
}

// A dial is what an Invite is made of.
type dial struct {
	target   Target
	terms    *Terms
	offer    *Offer
	replaces string
	by       Address
	private  bool // who calls withholds who it is

	forwarders []Address
}

// A callTimer is one of a call's timers.
type callTimer uint8

const (
	timerRing callTimer = iota
	timerSilence
	timerEnd
	timerMinute
	callTimers
)
