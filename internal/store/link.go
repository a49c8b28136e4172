package store

import (
	"sync"
	"time"

	"gateway/bridge"
)

// A link knows whether the store works, and since when it does not.
type link struct {
	wake chan struct{} // tells the mender that there is something to do

	mu    sync.Mutex // guards what follows: everybody who meets an error writes
	err   error      // nil: it works
	since time.Time  // of the last change
	lost  chan struct{}
	count int // of errors
	note  string
}

func newLink() *link {
	return &link{wake: make(chan struct{}, 1), since: time.Now(), lost: make(chan struct{})}
}

// fail notes that the store does not work.
func (l *link) fail(err error) {
	l.mu.Lock()
	l.count++
	if l.err == nil {
		l.err, l.since = err, time.Now()
		close(l.lost)
	}
	l.mu.Unlock()
	l.stir()
}

// stir wakes the mender.
func (l *link) stir() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// heal notes that the store works, unless it has failed again since count was
// what it is said to have been.
func (l *link) heal(count int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count != count {
		return false
	}
	if l.err != nil {
		l.err, l.since, l.lost = nil, time.Now(), make(chan struct{})
	}
	return true
}

// state gives since when it is so, how many errors there were, a channel that is
// closed once there is one more, and the error.
func (l *link) state() (since time.Time, count int, lost <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.count, l.lost, l.err
}

// remark notes what is not as it should be though the store works.
func (l *link) remark(note string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note = note
}

func (l *link) health() bridge.Health {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := bridge.Health{Adapter: "store", Up: l.err == nil, Since: l.since, Error: l.note}
	if l.err != nil {
		h.Error = l.err.Error()
	}
	return h
}
