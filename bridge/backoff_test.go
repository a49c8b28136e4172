package bridge

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
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

func TestBackoffWaitsUntilTheNextTryOrTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Backoff
		begin := time.Now()
		if !b.Wait(t.Context()) || time.Since(begin) < backoffFirst*4/5 || time.Since(begin) > backoffFirst {
			t.Errorf("it waited %v", time.Since(begin))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin = time.Now()
		if b.Wait(ctx) || time.Since(begin) > 0 {
			t.Errorf("behind the end it waited %v", time.Since(begin))
		}
	})
}

func TestWhatPassesMayBeTakenLater(t *testing.T) {
	t.Parallel()
	passing := []Cause{Internal, Unavailable, Constrained, Overloaded, Timeout, GatewayTimeout, NoRoute}
	for _, c := range Causes() {
		if got, want := c.Passing(), slices.Contains(passing, c); got != want {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
	}
}
