package bridge

import (
	"sync"
	"time"
)

// A group is a message and its copies to the several homes of its recipient.
// It decides what the sender hears:
//
//	one copy taken            -> Taken, at once; the others are tried and vanish
//	all stored or failed      -> Stored, if one is stored
//	all failed                -> the last error
//	all failed after Stored   -> a Failed message
type group struct {
	info groupInfo

	mu       sync.Mutex // guards what follows: each copy has a lane of its own
	open     int        // copies that are neither stored nor over
	live     int        // copies that are not over
	answered bool
	outcome  Outcome                // of the answer; 0: it was an error
	at       time.Time              // of the answer
	done     []func(Outcome, error) // who waits for it: the first to bring the message, and who repeated it
	settled  bool                   // one copy has arrived
	mark     uint64                 // where the disk says so; 0: it does not
	last     error
}

// newGroup makes the group of n copies, all open.
func newGroup(info groupInfo, n int, done func(Outcome, error)) *group {
	return &group{info: info, done: []func(Outcome, error){done}, open: n, live: n}
}

// restoredGroup makes a group of no copies yet whose sender has been answered.
func restoredGroup(info groupInfo) *group {
	return &group{info: info, answered: true, outcome: Stored, at: time.Now(), settled: info.Settled}
}

// snapshot is what a copy that goes to disk now must remember.
func (g *group) snapshot() groupInfo {
	g.mu.Lock()
	defer g.mu.Unlock()
	info := g.info
	info.Settled = g.settled
	return info
}

// stored says that one open copy is on disk now.
func (g *group) stored() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.answerIfKnown()
}

// taken says that one copy has arrived; wasOpen that it was not on disk. It
// returns whether other copies may be on disk that must learn of it.
func (g *group) taken(wasOpen bool) (others bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wasOpen {
		g.open--
	}
	g.live--
	first := !g.settled
	g.settled = true
	g.answer(Taken, nil)
	return first && g.live > 0
}

// failed says that one copy is over. It returns the error that the sender must
// still be told, by a message, if that is now known.
func (g *group) failed(wasOpen bool, err error) (tell error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wasOpen {
		g.open--
	}
	g.live--
	g.last = err
	if g.answered {
		if g.live == 0 && !g.settled {
			return err
		}
		return nil
	}
	g.answerIfKnown()
	return nil
}

// marked says where the disk has it that one copy has arrived.
func (g *group) marked(seq uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mark = seq
}

// spentMark gives, once, the mark that nothing needs any more.
func (g *group) spentMark() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live > 0 {
		return 0
	}
	seq := g.mark
	g.mark = 0
	return seq
}

// answerIfKnown is for callers that hold mu.
func (g *group) answerIfKnown() {
	switch {
	case g.open > 0:
	case g.live > 0:
		g.answer(Stored, nil)
	default:
		g.answer(0, g.last)
	}
}

// answer is for callers that hold mu.
func (g *group) answer(o Outcome, err error) {
	if g.answered {
		return
	}
	g.answered, g.at = true, time.Now()
	if err == nil {
		g.outcome = o
	}
	for _, done := range g.done {
		done(o, err)
	}
	g.done = nil
}

// refuse answers before any copy is on its way.
func (g *group) refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer(0, err)
}

// also gives the answer to who has brought the message once more.
func (g *group) also(done func(Outcome, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.answered {
		g.done = append(g.done, done)
		return
	}
	done(g.outcome, nil)
}

// stale reports whether the same message may be taken once more: it was
// refused, or has been forgotten.
func (g *group) stale(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answered && (g.outcome == 0 || g.live == 0 && now.Sub(g.at) > repeatTime)
}
