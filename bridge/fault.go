package bridge

// The fault points: where a test ends the process, to see what a crash there
// loses or repeats. In the order in which a message passes them.
const (
	FaultTakenIn   = "taken-in"  // Handler.Message has accepted it, nothing is on disk
	FaultKept      = "kept"      // it is in the outbox, its sender has not been told
	FaultSent      = "sent"      // SendMessage has returned, nothing is written of that
	FaultHanded    = "handed"    // the ledger has it
	FaultForgotten = "forgotten" // the outbox has it no more
	FaultAnswered  = "answered"  // its sender is about to get the answer
)

// FaultPoints lists them all.
func FaultPoints() []string {
	return []string{FaultTakenIn, FaultKept, FaultSent, FaultHanded, FaultForgotten, FaultAnswered}
}

// faults is Options.Fault, which may be nil.
type faults func(point string)

func (f faults) at(point string) {
	if f != nil {
		f(point)
	}
}
