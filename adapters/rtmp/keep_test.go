package rtmp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// A turn is what becomes of one connection.
type turn struct {
	on   time.Duration // how long the stream was; 0: not at all
	err  error
	took time.Duration // until that was known
}

var (
	errGone   = errors.New("connection reset")
	errTaken  = &wire.StatusError{Code: codePublishBad}
	errDenied = &wire.StatusError{Code: codePublishDenied}
	errClosed = &wire.StatusError{Code: codeClosed}
)

// TestStreamsAreKept: what becomes of a call whose stream comes and goes; the last turn goes on
// for ever.
func TestStreamsAreKept(t *testing.T) {
	t.Parallel()
	hour := turn{on: time.Hour, err: errGone}
	for name, row := range map[string]struct {
		turns       []turn
		cause       bridge.Cause
		least, most int           // connections
		within      time.Duration // of the last that was on
	}{
		"away at first":             {[]turn{{err: errGone}}, bridge.NoRoute, 1, 1, 0},
		"silent at first":           {[]turn{{err: context.DeadlineExceeded, took: connectTime}}, bridge.Timeout, 1, 1, connectTime},
		"refused at first":          {[]turn{{err: errTaken}}, bridge.Busy, 1, 1, 0},
		"over":                      {[]turn{{on: time.Minute, err: errStreamOver}}, bridge.Normal, 1, 1, 0},
		"back after a restart":      {[]turn{hour, {err: errGone}, {err: errGone}, hour, {on: time.Minute, err: errStreamOver}}, bridge.Normal, 5, 5, 0},
		"away for good":             {[]turn{hour, {err: errGone}}, bridge.NoRoute, 8, 12, awayTime},
		"away, and slow to say so":  {[]turn{hour, {err: context.DeadlineExceeded, took: connectTime}}, bridge.Timeout, 4, 5, awayTime + connectTime},
		"refused for now":           {[]turn{hour, {err: errClosed}}, bridge.Unavailable, 8, 12, awayTime},
		"refused for good":          {[]turn{hour, {err: errGone}, {err: errDenied}}, bridge.Forbidden, 3, 3, awayTime},
		"still taken, by ourselves": {[]turn{hour, {err: errTaken}, {err: errTaken}, {on: time.Hour, err: errStreamOver}}, bridge.Normal, 4, 4, 0},
		"taken by another":          {[]turn{hour, {err: errTaken}}, bridge.Busy, 8, 12, awayTime},
		"taken and dropped":         {[]turn{hour, {on: time.Second, err: errGone}}, bridge.NoRoute, 6, 10, awayTime},
		"dropped at once":           {[]turn{{on: time.Second, err: errGone}}, bridge.NoRoute, 7, 12, awayTime + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				count, news := 0, 0
				var on, last time.Time // the last that was on for long ended then
				begun := time.Now()
				last = begun
				cause, err := keepOn(t.Context(), func(context.Context) (time.Time, error) {
					turn := row.turns[min(count, len(row.turns)-1)]
					count++
					time.Sleep(turn.took)
					if turn.on == 0 {
						return time.Time{}, turn.err
					}
					on = time.Now()
					time.Sleep(turn.on)
					if turn.on >= steadyTime {
						last = time.Now()
					}
					return on, turn.err
				}, func(bridge.Cause) { news++ })
				if cause != row.cause || err == nil {
					t.Errorf("ends with %v, %v, want %v", cause, err, row.cause)
				}
				if count < row.least || count > row.most || news != count-1 {
					t.Errorf("%d connections, %d times lost, want %d to %d connections", count, news, row.least, row.most)
				}
				if past := time.Since(last); past > row.within {
					t.Errorf("ended %v after it was lost, want at most %v", past, row.within)
				}
			})
		})
	}
}

// TestAStreamEndsWithItsOwner: neither a connection nor a pause outlives the Run.
func TestAStreamEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	for _, pause := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			stopped := make(chan struct{})
			ctx := runContext{stopped}
			within, cancel := context.WithTimeout(ctx, time.Hour) // it is a good parent
			defer cancel()
			ended := make(chan error)
			go func() {
				_, err := keepOn(within, func(ctx context.Context) (time.Time, error) {
					if pause {
						return time.Now(), errGone
					}
					<-ctx.Done()
					return time.Now(), ctx.Err()
				}, func(bridge.Cause) {})
				ended <- err
			}()
			synctest.Wait()
			if ctx.Err() != nil || within.Err() != nil {
				t.Error("over before the end")
			}
			close(stopped)
			if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
