package bridge

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestATallyFindsEachCounterOnce(t *testing.T) {
	t.Parallel()
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"a", "b"})
	asked := 0
	tally := newTally(2, func(labels ...string) prometheus.Counter {
		asked++
		return v.WithLabelValues(labels...)
	})
	for range 2 {
		for _, l := range [][2]string{{"p", "q"}, {"p", ""}, {"", "q"}} {
			if tally.at(l[0], l[1], "") != v.WithLabelValues(l[0], l[1]) {
				t.Errorf("%q is another counter", l)
			}
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}
