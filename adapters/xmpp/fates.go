package xmpp

import (
	"context"
	"sync"
)

// fates counts the messages that the bridge has not yet said the fate of. The
// zero fates is ready to use.
type fates struct {
	mu   sync.Mutex // guards both: the reader adds, the bridge takes away
	open int
	none chan struct{} // closed when open comes down to 0; nil if nobody waits
}

func (f *fates) add() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open++
}

func (f *fates) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open--; f.open == 0 && f.none != nil {
		close(f.none)
		f.none = nil
	}
}

// wait returns when all fates are known, or with ctx.
func (f *fates) wait(ctx context.Context) {
	f.mu.Lock()
	if f.open == 0 {
		f.mu.Unlock()
		return
	}
	if f.none == nil {
		f.none = make(chan struct{})
	}
	none := f.none
	f.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}

func (f *fates) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}
