package bridge

import (
	"testing"
	"time"
)

func TestBackoffDoublesToFiveMinutes(t *testing.T) {
	var b Backoff
	for round := range 2 {
		want := 500 * time.Millisecond
		for try := range 14 {
			got := b.Next()
			if got > want || got < want*4/5 {
				t.Errorf("round %d, try %d: %v, want %v or up to a fifth less", round, try, got, want)
			}
			want = min(2*want, 5*time.Minute)
		}
		b.Reset()
	}
}
