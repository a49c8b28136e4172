package bridge

import "time"

// A callState is where a call stands.
//
//	          a home rings               a home takes it
//	calling ───────────────▶ ringing ─────────────────────▶ talking ◀──┐
//	   │ └──────────────────────┼─── a home takes it ──────▶ │ │ │     │ a transfer:
//	   │                        │    a place is handed over  │ │ └─────┘ another pair
//	   │ all homes refuse, or do not answer in time;         │ │
//	   │ the caller has enough                               │ │ one of the pair ends;
//	   └────────────────────────┼────────────────────────────┼─┘ nothing is heard
//	                            ▼                            │
//	                          ending ◀───────────────────────┘
//	                            │ every leg has ended, or had its time
//	                            ▼
//	                           over
//
// Besides its state, a call has: a pair, who hear each other; a search, while
// homes are tried, for the caller or for a transfer; an exchange, while an offer
// is open between the pair; and a handover, while a transfer is under way, which
// leaves the pair as it is until it has come to something.
type callState uint8

// The states of a call.
const (
	calling callState = iota
	ringing
	talking
	ending
	over
)

// String is the word for logs.
func (s callState) String() string {
	return [...]string{"calling", "ringing", "talking", "ending", "over"}[s]
}

// nobody stands for a leg that is not there.
const nobody = -1

// machine is what a call knows. Its step is pure: no I/O, no clock, no
// goroutine. Legs are numbers: 0 is who called, the others in the order in
// which they came.
type machine struct {
	state    callState
	legs     []*member
	pair     [2]int // who hear each other, the caller's side first
	search   *search
	open     *exchange
	handover *handover
	// align counts the offers that we may still make to tell each of the pair
	// what the other can.
	align int
	next  int // whose turn that is
	mode  mediaMode
	// room: one more call may be transcoded, or this one is. The call says so before each
	// step.
	room bool
	// terms are those of the map that took the call.
	terms  *Terms
	dead   deadline // what the silence timer is set for
	soon   time.Duration
	asking bool // another call has yet to answer

	cause Cause // why it ends
	by    int   // the leg that ended it, or nobody

	todo []action
}

// A member is one leg, as the machine sees it.
type member struct {
	party   Address // who it is, at home
	private bool    // it withholds that
	taken   bool    // its party takes part
	hung    bool    // it was told to end
	ended   bool
	rang    bool
	waits   bool // to be let in

	asked *Offer      // its offer that it has no answer to yet, before it talks
	seq   uint32      // of the last offer we made
	told  Description // what it knows of the other side
	said  Description // what the other side may know of it
	can   Description // all that it offered, or else what it answered
	// agreed is what the last offer and answer on the leg came to.
	agreed  Description
	streams Description // the latest that has its streams

	ports  streamPorts
	joined streamPorts     // what those are joined to
	silent map[string]bool // by stream; nil: none has been
	heard  bool            // it was not silent once
	// made: what it sends or hears is none of agreed, and has to be converted.
	made bool
	// narrowed: it was offered only what the other has, since the last exchange.
	narrowed bool
}

// away reports whether nothing more is to be done for the leg.
func (l *member) away() bool { return l.hung || l.ended }

// A search tries homes until one takes the call.
type search struct {
	left     []Target // not tried yet
	terms    *Terms
	offer    *Offer // of who waits; nil if it has none yet
	replaces string
	by       Address
	private  bool // who waits withholds who it is
	live     []int
	best     Cause // of the refusals so far
	// claimed: the one that is left is taken, and can't be heard yet.
	claimed bool
	// instead is where a home that did not take the call would have it go.
	instead    *forward
	routing    bool      // it is asked where that leads
	forwarders []Address // who had it forwarded so far, the last first
	asks       *Offer    // offer as who waits has made it
}

// An exchange is an offer that has no answer yet.
type exchange struct {
	from int    // who made it; nobody: we did, or who made it is not there any more
	seq  uint32 // its own number
	to   int
	desc Description // what it says of from
	give Description // the same, as to is told
	lets bool        // the answer lets from, a caller, in
}

// A handover puts another in the place of who asked for it.
type handover struct {
	ask   TransferAsked
	who   int // who asked; nobody if it is a caller that takes a place
	stays int // who goes on
}

// A deadline is what the silence timer is set for.
type deadline uint8

const (
	deadNever deadline = iota
	deadSoon           // nothing is heard from either side
	deadHeld           // so it is, and they are on hold
)

// The times that a call takes.
const (
	// endBound is how long a leg may take to end: longer than a request may
	// wait for its answer on any network.
	endBound = 35 * time.Second
	// soonBound is how long the silence may last, unless it is said otherwise,
	// that was there before the call was taken, or resumed.
	soonBound = 60 * time.Second
	// claimBound is how long the media of a call that is taken may need to be
	// set up.
	claimBound = 10 * time.Second
	// heldBound is how long both may be silent where one holds the other.
	heldBound = 30 * time.Minute
	// alignBound is how many offers we make to bring a new pair together.
	alignBound = 3
	// usualTodo is how many things follow from one, at most of the usual.
	usualTodo = 8
	// maxLegs is how many legs a call may have had when it is transferred.
	maxLegs = 64
)

// newMachine is the beginning of a call. dead is how long it may be silent on
// both sides; 0 stands for a minute.
func newMachine(caller Address, dead time.Duration) *machine {
	if dead == 0 {
		dead = soonBound
	}
	return &machine{legs: []*member{newMember(caller)}, pair: [2]int{0, nobody}, by: nobody, soon: dead, terms: &Terms{}, todo: make([]action, 0, usualTodo)}
}

func newMember(party Address) *member { return &member{party: party} }

// step takes in what has happened and says what is to be done. The list is good
// until the next step.
func (m *machine) step(in input) []action {
	clear(m.todo)
	m.todo = m.todo[:0]
	if m.state != over {
		m.take(in)
	}
	if m.state == ending && !m.asking && m.allEnded() {
		m.state = over
		m.timer(timerEnd, 0)
	}
	return m.todo
}

func (m *machine) take(in input) {
	switch ev := in.ev.(type) {
	case began:
		m.begin(ev)
	case joins:
		m.joinIn(ev)
	case admitted:
		m.admitted(in.leg)
	case rangOut:
		m.ringOut()
	case unheard:
		if m.dead != deadNever {
			m.end(NoMedia, nobody)
		}
	case gaveUp:
		if m.state == ending {
			m.state = over
		}
	case halt:
		m.end(ev.cause, nobody)
	case flooded:
		if in.leg < len(m.legs) {
			m.lost(in.leg, Overloaded)
		}
	case routed:
		m.routed(ev)
	case forwarded:
		m.forwarded(ev)
	case wanted:
		m.wanted(in.leg, ev)
	case given:
		m.given(ev)
	case denied:
		m.handoverFailed(ev.cause)
	default:
		if in.leg >= 0 && in.leg < len(m.legs) && !m.legs[in.leg].ended {
			m.hear(in.leg, ev)
		}
	}
}

// hear takes in an event of a leg.
func (m *machine) hear(n int, ev Event) {
	switch ev := ev.(type) {
	case MediaReady:
		m.mediaReady(n, ev)
	case MediaLost:
		m.mediaLost(n, ev)
	case Transcodes:
		m.transcodes(n, ev.On)
	case Ended:
		m.legs[n].ended = true
		m.mayForward(n, ev.Instead)
		m.lost(n, ev.Cause)
	}
	if m.legs[n].away() || m.state >= ending {
		return
	}
	switch ev := ev.(type) {
	case Ringing:
		m.rings(n, ev)
	case Claimed:
		m.claimed(n)
	case Accepted:
		m.accepted(n)
	case Offered:
		m.offered(n, ev.Offer)
	case Answered:
		m.answered(n, ev)
	case Refused:
		m.refused(n, ev)
	case Heard:
		m.legs[n].heard = true
		delete(m.legs[n].silent, ev.Stream)
		m.listen(false)
	case Silent:
		if m.legs[n].silent == nil {
			m.legs[n].silent = map[string]bool{}
		}
		m.legs[n].silent[ev.Stream] = true
		m.listen(m.legs[n].heard)
	case Digit:
		if o := m.other(n); o != nobody {
			m.do(action{do: doDigit, leg: o, digit: ev})
		}
	case TransferAsked:
		m.transferAsked(n, ev)
	}
}

func (m *machine) do(a action) { m.todo = append(m.todo, a) }

func (m *machine) timer(t callTimer, d time.Duration) {
	m.do(action{do: doTimer, leg: nobody, timer: t, d: d})
}

// side is the place of a leg in the pair, or -1.
func (m *machine) side(n int) int {
	if n == nobody {
		return -1
	}
	for i, leg := range m.pair {
		if leg == n {
			return i
		}
	}
	return -1
}

// other is the leg that n hears, if it is there.
func (m *machine) other(n int) int {
	i := m.side(n)
	if i < 0 || m.pair[1-i] == nobody || m.legs[m.pair[1-i]].away() {
		return nobody
	}
	return m.pair[1-i]
}

func (m *machine) allEnded() bool {
	for _, l := range m.legs {
		if !l.ended {
			return false
		}
	}
	return true
}
