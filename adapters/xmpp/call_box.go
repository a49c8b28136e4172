package xmpp

import "sync"

// A box holds what its owner is to do. newBox makes one.
type box struct {
	wake chan struct{} // has room for one: something was put

	mu     sync.Mutex // guards the rest: everybody puts, the owner takes
	things []func()
	shut   bool
}

func newBox() *box { return &box{wake: make(chan struct{}, 1)} }

// put never blocks. It is false for a box that is closed.
func (b *box) put(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return false
	}
	b.things = append(b.things, f)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// full reports whether who can wait should not put anything in.
func (b *box) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.things) >= maxBox
}

// maxBox is how much a peer may have waiting for a leg.
const maxBox = 256

func (b *box) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.things
	b.things = nil
	return all
}

// close gives what nobody has taken, and takes nothing more.
func (b *box) close() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.things
	b.shut, b.things = true, nil
	return all
}
