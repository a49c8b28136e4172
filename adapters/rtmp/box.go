package rtmp

import "sync"

// maxBox is how much of what a peer asks for may wait for a leg.
const maxBox = 256

// A box holds what a leg is to do. newBox makes one.
type box struct {
	wake chan struct{} // has room for one: something was put, or the box is closed

	mu     sync.Mutex // guards the rest: everybody puts, the leg takes
	things []func()
	shut   bool
}

func newBox() *box { return &box{wake: make(chan struct{}, 1)} }

// put never blocks. What comes when the leg is over is dropped.
func (b *box) put(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return
	}
	b.things = append(b.things, f)
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
}

// ask is put for what a peer wants: false, and dropped, where too much of that
// waits already.
func (b *box) ask(f func()) bool {
	b.mu.Lock()
	full := len(b.things) >= maxBox
	b.mu.Unlock()
	if !full {
		b.put(f)
	}
	return !full
}

// take gives what has been put.
func (b *box) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.things
	b.things = nil
	return all
}

func (b *box) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut, b.things = true, nil
}
