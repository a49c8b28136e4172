package rtmp

// A stage is how far a call of a client's has come, as siprtmp's clients see it.
//
//	                invite                        Dial
//	                  ▼                            ▼
//	┌───────── placing ──ring──▶ ringing       invited ─────────┐
//	│ bye         │                 │             │             │ cancelled
//	│ refused     └────taken────┐   │taken        │accept       │ reject
//	▼                           ▼   ▼             ▼             ▼
//	over ◀─────────────────── talking ◀───────────┘          over
//	           bye, byed
type stage uint8

// The stages of a call.
const (
	placing stage = iota // an invite that nobody has answered
	ringing              // the client has been told that it rings
	invited              // the client has been told that somebody calls
	talking
	over
	stageCount
)

// An input is what a client says, or what the other side does.
type input uint8

// The inputs.
const (
	inRing  input = iota // the other side rings
	inTaken              // the other side has taken the call
	inEnded              // the call has ended, or was never taken
	inAccept
	inReject
	inBye
	inDigit
	inHold
	inHeld // the other side holds, or goes on
	inKey  // the other side has pressed a key
	inGone // the client has gone
	inputCount
)

// A deed is what is done at an input.
type deed uint16

// The deeds.
const (
	tellRinging  deed = 1 << iota // ringing
	tellAccepted                  // accepted
	tellOver                      // rejected, cancelled or byed, by the stage that was
	takeCall                      // the bridge is told that the client has taken the call
	endCall                       // the bridge is told that the call is over here
	passDigit
	passHold
	tellHeld
	tellKey
)

// A move is what an input does in a stage.
type move struct {
	to    stage
	deeds deed
}

// next is the whole machine: what is not said leaves everything as it is. A
// client that does not know that a call has ended may still talk of it.
func next(s stage, in input) move {
	stay := move{to: s}
	if s == over {
		return stay
	}
	switch in {
	case inEnded:
		return move{over, tellOver}
	case inGone, inBye, inReject:
		return move{over, endCall}
	}
	switch s {
	case placing, ringing:
		switch in {
		case inRing:
			return move{ringing, tellRinging}
		case inTaken:
			return move{talking, tellAccepted}
		}
	case invited:
		if in == inAccept {
			return move{talking, takeCall | tellAccepted}
		}
	case talking:
		switch in {
		case inDigit:
			return move{talking, passDigit}
		case inHold:
			return move{talking, passHold}
		case inHeld:
			return move{talking, tellHeld}
		case inKey:
			return move{talking, tellKey}
		}
	}
	return stay
}
