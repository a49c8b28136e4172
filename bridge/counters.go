package bridge

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// tally finds the counters of a vector that are used again and again, of which there are as many
// as labels allow. To find one by its labels takes several times as long.
type tally[T prometheus.Metric] struct {
	of     func(labels ...string) T
	labels int // how many there are, at most three

	mu    sync.Mutex // guards known: calls end in any goroutine
	known map[[3]string]T
}

func newTally[T prometheus.Metric](labels int, of func(labels ...string) T) *tally[T] {
	return &tally[T]{of: of, labels: labels, known: map[[3]string]T{}}
}

// at is the counter with those labels. What is beyond their number is not looked at.
func (t *tally[T]) at(a, b, c string) T {
	key := [3]string{a, b, c}
	t.mu.Lock()
	defer t.mu.Unlock()
	counter, there := t.known[key]
	if !there {
		counter = t.of(slices.Clone(key[:t.labels])...)
		t.known[key] = counter
	}
	return counter
}
