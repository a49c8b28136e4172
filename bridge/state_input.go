package bridge

// An input is something that happens: a leg's event, or one of the machine's own.
type input struct {
	leg int
	ev  Event
}

// The machine's own events.
type (
	// began: the homes that the caller's call goes to.
	began struct {
		targets []Target
		terms   *Terms
		offer   *Offer
	}
	// joins: the caller wants the place of a leg of another call.
	joins struct {
		terms *Terms
		offer *Offer
	}
	// rangOut: the homes have been rung long enough.
	rangOut struct{}
	// admitted: a caller may be told that its call is taken.
	admitted struct{}
	// unheard: the silence timer has run out.
	unheard struct{}
	// gaveUp: legs that should have ended have not.
	gaveUp struct{}
	// halt: the call must end, by no leg's wish.
	halt struct{ cause Cause }
	// flooded: a leg says more than anybody can listen to.
	flooded struct{}
	// routed: where a transfer leads.
	routed struct {
		targets []Target
		terms   *Terms
		by      Address // who asked, at home
		cause   Cause   // if it leads nowhere
	}
	// forwarded: where a home's wish leads that the call go elsewhere.
	forwarded struct {
		targets []Target
		terms   *Terms
		cause   Cause // if it leads nowhere
	}
	// wanted: another call wants the partner of a leg of this one.
	wanted struct{ letter *letter }
	// given: the leg that was asked of another call is here.
	given struct{ leg *member }
	// denied: it is not.
	denied struct{ cause Cause }
)

func (began) event()     {}
func (joins) event()     {}
func (admitted) event()  {}
func (rangOut) event()   {}
func (unheard) event()   {}
func (gaveUp) event()    {}
func (halt) event()      {}
func (flooded) event()   {}
func (routed) event()    {}
func (wanted) event()    {}
func (forwarded) event() {}
func (given) event()     {}
func (denied) event()    {}
