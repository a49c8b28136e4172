package rtmp

import (
	"context"
	"io"
	"sync"

	"gateway/adapters/rtmp/wire"
)

// asked are the calls of ours that a client may answer.
type asked struct {
	state *askedState
}

type askedState struct {
	mu    sync.Mutex // guards the rest
	last  float64
	waits map[float64]chan wire.Command
	over  bool
}

func newAsked() asked {
	return asked{&askedState{last: 1, waits: map[float64]chan wire.Command{}}}
}

// number is that of the next call; siprtmp's begin with 2.
func (a asked) number() float64 {
	a.state.mu.Lock()
	defer a.state.mu.Unlock()
	a.state.last++
	return a.state.last
}

// expect is number for a call whose answer is waited for.
func (a asked) expect() (float64, <-chan wire.Command) {
	id := a.number()
	wait := make(chan wire.Command, 1)
	a.state.mu.Lock()
	defer a.state.mu.Unlock()
	if a.state.over {
		close(wait)
	} else {
		a.state.waits[id] = wait
	}
	return id, wait
}

// forget gives up waiting.
func (a asked) forget(id float64) {
	a.state.mu.Lock()
	defer a.state.mu.Unlock()
	delete(a.state.waits, id)
}

// answered hands an answer to who waits for it.
func (a asked) answered(c wire.Command) {
	a.state.mu.Lock()
	defer a.state.mu.Unlock()
	if wait := a.state.waits[c.ID]; wait != nil {
		delete(a.state.waits, c.ID)
		wait <- c // it has room for one
	}
}

// close tells all that wait that there is no answer.
func (a asked) close() {
	a.state.mu.Lock()
	defer a.state.mu.Unlock()
	a.state.over = true
	for id, wait := range a.state.waits {
		close(wait)
		delete(a.state.waits, id)
	}
}

// await waits for the answer to a call.
func await(ctx context.Context, wait <-chan wire.Command) (wire.Command, error) {
	select {
	case c, ok := <-wait:
		if !ok {
			return c, io.EOF
		}
		return c, nil
	case <-ctx.Done():
		return wire.Command{}, ctx.Err()
	}
}
