package bridge

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// tally finds the counters of a vector that are used again and again, of which there are as many
// as labels allow. To find one by its labels takes several times as long.
type tally[T prometheus.Metric] struct {
	of func(labels ...string) T

	mu    sync.Mutex // guards known: calls end in any goroutine
	known map[[3]string]T
}

func newTally[T prometheus.Metric](of func(labels ...string) T) *tally[T] {
	return &tally[T]{of: of, known: map[[3]string]T{}}
}

// at is the counter with those labels, at most three.
func (t *tally[T]) at(labels ...string) T {
	var key [3]string
	copy(key[:], labels)
	t.mu.Lock()
	defer t.mu.Unlock()
	c, there := t.known[key]
	if !there {
		c = t.of(labels...)
		t.known[key] = c
	}
	return c
}
