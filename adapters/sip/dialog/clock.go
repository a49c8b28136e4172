package dialog

import (
	"container/heap"
	"sync"
	"time"
)

// A clock rings Calls at the time of their next alarm, with one timer of the runtime's for
// all of them. Nearly every alarm is stopped before its time: most are set for a
// message that might be lost. To set a timer of the runtime's costs far more than a place in a
// heap, and wakes a thread if it is the next. So the timer is only ever set to ring
// earlier; when it rings for nobody it is set to the next who is left.
type clock struct {
	mu    sync.Mutex // guards the rest, and due and place of the Calls in it
	calls byDue
	timer *time.Timer
	wound time.Time // when timer rings; zero: it does not
}

// set has c rung at a time, and no more at another; zero: at none.
func (k *clock) set(c *Call, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	in := !c.due.IsZero()
	switch {
	case c.due.Equal(at):
		return
	case at.IsZero():
		heap.Remove(&k.calls, c.place)
		c.due = at
		return
	case in:
		c.due = at
		heap.Fix(&k.calls, c.place)
	default:
		c.due = at
		heap.Push(&k.calls, c)
	}
	k.wind()
}

// wind sees to it that the timer rings for the first.
func (k *clock) wind() {
	if len(k.calls) == 0 {
		return
	}
	at := k.calls[0].due
	switch {
	case !k.wound.IsZero() && !at.Before(k.wound):
		return
	case k.timer == nil:
		k.timer = time.AfterFunc(time.Until(at), k.ring)
	default:
		k.timer.Reset(time.Until(at))
	}
	k.wound = at
}

// ring rings those whose time has come.
func (k *clock) ring() {
	for c := k.next(time.Now()); c != nil; c = k.next(time.Now()) {
		c.ring()
	}
}

// next takes out one whose time has come; nil: the timer is set for the others.
func (k *clock) next(now time.Time) *Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.calls) == 0 || k.calls[0].due.After(now) {
		k.wound = time.Time{}
		k.wind()
		return nil
	}
	c := k.calls[0]
	heap.Remove(&k.calls, 0)
	c.due = time.Time{}
	return c
}

// byDue is a heap of Calls, the next to be rung first.
type byDue []*Call

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *byDue) Push(x any) {
	c, ok := x.(*Call)
	if !ok {
		return
	}
	c.place = len(*h)
	*h = append(*h, c)
}

// Pop implements heap.Interface.
func (h *byDue) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}
