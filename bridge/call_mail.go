package bridge

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxPending is how many events of a leg may wait: far more than come of one
// signalling message, or while a call looks at another.
const maxPending = 256

// A mailbox knows whether a call is being served, and holds the letters that other calls
// write to it.
type mailbox struct {
	serve      func()
	transcodes atomic.Bool // the call is counted as one that is transcoded

	mu      sync.Mutex // guards what follows: legs ring, calls write to each other
	letters []*letter
	rung    bool // since who serves has looked
	busy    bool // somebody serves
	closed  bool
}

// newMailbox makes that of a call which has yet to begin.
func newMailbox() *mailbox { return &mailbox{rung: true, busy: true} }

// ring has the call look at what has come: now, in the caller's goroutine, which must hold
// no lock then, or in one of its own. It never waits for another who serves.
func (b *mailbox) ring(now bool) {
	b.mu.Lock()
	b.rung = true
	idle := !b.busy
	b.busy = true
	b.mu.Unlock()
	switch {
	case !idle:
	case now:
		b.serve()
	default:
		go b.serve() // while it runs the call is one that calls.wg waits for
	}
}

// next reports whether it has been rung; if not, nobody serves any more.
func (b *mailbox) next() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy, b.rung = b.rung, false
	return b.busy
}

// post hands over a letter; false if nobody will read it.
func (b *mailbox) post(l *letter) bool {
	b.mu.Lock()
	open := !b.closed
	if open {
		b.letters = append(b.letters, l)
	}
	b.mu.Unlock()
	if open {
		b.ring(false)
	}
	return open
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
	now bool // its call is served before Post returns: the adapter is Reentrant

	mu      sync.Mutex // guards what follows: the leg writes, its call reads
	owner   *mailbox
	events  []Event
	flooded bool
	closed  bool
}

var _ Events = (*legBox)(nil)

func newLegBox(owner *mailbox, now bool) *legBox { return &legBox{owner: owner, now: now} }

// Post implements Events.
func (b *legBox) Post(ev Event) {
	if owner := b.put(ev); owner != nil {
		owner.ring(b.now)
	}
}

// put gives who is to be told of ev. Of a leg that says too much only the end is heard.
func (b *legBox) put(ev Event) *mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || ev == nil {
		return nil
	}
	_, end := ev.(Ended)
	if len(b.events) >= maxPending && !end {
		b.flooded = true
	} else {
		b.events = append(b.events, ev)
	}
	b.closed = end
	return b.owner
}

// collect appends to into what the leg has said, and says whether some of it is lost.
func (b *legBox) collect(into []Event) (events []Event, flooded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, flooded = append(into, b.events...), b.flooded
	clear(b.events)
	b.events, b.flooded = b.events[:0], false
	return events, flooded
}

// ready takes out what the leg has said of its ports, as far as nothing else came before.
func (b *legBox) ready() (events []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := slices.IndexFunc(b.events, func(ev Event) bool { _, is := ev.(MediaReady); return !is })
	if n < 0 {
		n = len(b.events)
	}
	events = slices.Clone(b.events[:n])
	b.events = slices.Delete(b.events, 0, n)
	return events
}

// move makes another mailbox the one that is rung.
func (b *legBox) move(owner *mailbox) {
	b.mu.Lock()
	b.owner = owner
	waiting := len(b.events) > 0
	b.mu.Unlock()
	if waiting {
		owner.ring(false)
	}
}

// shut lets nothing more in.
func (b *legBox) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.events = true, nil
}
