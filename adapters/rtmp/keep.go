package rtmp

import (
	"context"
	"errors"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// How a stream elsewhere is kept.
const (
	awayTime   = 30 * time.Second // after which a call ends whose stream has been lost
	steadyTime = 10 * time.Second // that a stream has to be on to count as found again
	mostPause  = 5 * time.Second  // between two tries
)

// keepOn connects, again and again, and returns why no more. connect is one connection
// to its end, and says since when the stream was on; lost is told between two.
//
// A stream that never was on is not tried again: who calls hears why, and other
// homes may ring. One that breaks later is sought for awayTime, at the bridge's pace, with
// pauses up to mostPause. A server that takes the stream and soon drops it, each time,
// has not got it back. What is refused for good ends the call, but for a name that is
// taken: it may be by our own connection, whose end the server has not seen yet.
func keepOn(ctx context.Context, connect func(context.Context) (time.Time, error), lost func(bridge.Cause)) (bridge.Cause, error) {
	var pace bridge.Backoff
	var since time.Time // it is away; zero: it never was on
	for {
		on, err := connect(ctx)
		if ctx.Err() != nil {
			return bridge.Normal, ctx.Err()
		}
		if !on.IsZero() && (since.IsZero() || time.Since(on) >= steadyTime) {
			since = time.Now()
			pace.Reset()
		}
		cause, final := remoteCause(err)
		if cause == bridge.Busy && !since.IsZero() {
			final = false
		}
		pause := min(pace.Next(), mostPause)
		if final || since.IsZero() || time.Since(since)+pause > awayTime {
			return cause, err
		}
		lost(cause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return bridge.Normal, ctx.Err()
		case <-timer.C:
		}
	}
}

// remoteCause is why a stream elsewhere has failed or ended. final: to try again is
// of no use. What the server says in words is for nobody: it may repeat what was asked
// for, credentials with it.
func remoteCause(err error) (c bridge.Cause, final bool) {
	var refused *wire.StatusError
	switch {
	case errors.Is(err, errStreamOver):
		return bridge.Normal, true
	case errors.As(err, &refused):
		c, _ = causeOfCode("error", refused.Code)
		return c, !c.Passing()
	case errors.Is(err, context.DeadlineExceeded):
		return bridge.Timeout, false
	}
	return bridge.NoRoute, false
}

// A runContext ends with the adapter's Run: done is closed then.
type runContext struct{ done <-chan struct{} }

var _ context.Context = runContext{}

// Deadline implements context.Context.
func (runContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (c runContext) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c runContext) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value implements context.Context.
func (runContext) Value(any) any { return nil }
