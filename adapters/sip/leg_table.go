package sip

import (
	"sync"

	"gateway/adapters/sip/dialog"
)

// legs knows which leg a dialog is of, for those who name one in Replaces or
// Refer-To.
type legs struct {
	mu  sync.Mutex // guards all: every leg writes
	all map[string]*leg
}

// add notes that a Call is of l.
func (t *legs) add(c *dialog.Call, l *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*leg{}
	}
	t.all[c.ID()] = l
}

// of is the leg of a Call, nil if it has none any more.
func (t *legs) of(c *dialog.Call) *leg {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[c.ID()]
}

// remove forgets l.
func (t *legs) remove(l *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range l.branches {
		delete(t.all, b.call.ID())
	}
}
