package bridge

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// maxPending is how many events of a leg may wait: far more than come of one
// signalling message, or while a call looks at another.
const maxPending = 256

// A mailbox wakes a call, and holds the letters that other calls write to it.
type mailbox struct {
	wake chan struct{} // has room for one

	mu      sync.Mutex // guards what follows: calls write to each other
	letters []*letter
	closed  bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (b *mailbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default: // it has been rung already
	}
}

// post hands over a letter; false if nobody will read it.
func (b *mailbox) post(l *letter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.letters = append(b.letters, l)
	b.ring()
	return true
}

// collect gives the letters that have come.
func (b *mailbox) collect() []*letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.letters
	b.letters = nil
	return list
}

// shut lets no more letters in, and gives those that nobody has read.
func (b *mailbox) shut() []*letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	list := b.letters
	b.letters = nil
	return list
}

// A letter is what one call tells another: it asks for the partner of a leg,
// or answers that.
type letter struct {
	from *mailbox
	key  legKey             // whose partner is wanted
	only func(Address) bool // who that may be; nil: anybody

	back   bool  // it is the answer
	cause  Cause // why not
	given  *connection
	member *member
}

// answer says no to a letter.
func (l *letter) answer(from *mailbox, c Cause) {
	l.from.post(&letter{from: from, back: true, cause: c})
}

// A connection is a leg and what comes from it. It may pass from one call to
// another.
type connection struct {
	key    legKey
	leg    Leg
	box    *legBox
	record *LegRecord
	paid   *Terms // whose caps it counts against; nil: none
	// due is when its next minute of talk begins; zero if nobody counts them.
	due time.Time
}

// A legKey names a leg.
type legKey struct{ adapter, id string }

// hangup ends a leg when its call is not there to do so in good order.
func (c *connection) hangup(log *slog.Logger, cause Cause) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("leg broke", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	c.leg.Hangup(cause)
}

// A legBox keeps the events of one leg for the call that it is in.
type legBox struct {
	mu      sync.Mutex // guards what follows: the leg writes, its call reads
	owner   *mailbox
	events  []Event
	flooded bool
	closed  bool
}

var _ Events = (*legBox)(nil)

func newLegBox(owner *mailbox) *legBox { return &legBox{owner: owner} }

// Post implements Events. Of a leg that says too much only the end is heard.
func (b *legBox) Post(ev Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || ev == nil {
		return
	}
	_, end := ev.(Ended)
	if len(b.events) >= maxPending && !end {
		b.flooded = true
	} else {
		b.events = append(b.events, ev)
	}
	b.closed = end
	b.owner.ring()
}

// collect gives what the leg has said, and whether some of it is lost.
func (b *legBox) collect() (events []Event, flooded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, flooded = b.events, b.flooded
	b.events, b.flooded = nil, false
	return events, flooded
}

// move makes another mailbox the one that is rung.
func (b *legBox) move(owner *mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owner = owner
	if len(b.events) > 0 {
		owner.ring()
	}
}

// shut lets nothing more in.
func (b *legBox) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.events = true, nil
}
