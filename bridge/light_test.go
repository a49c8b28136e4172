package bridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsNotStartedAfterAllWaitsForNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, true, func(w *world) {
		w.o.start = func(Message, func(Outcome, error)) bool {
			time.Sleep(3 * time.Second) // the lane has its goroutine by then
			return false
		}
		w.message("m1", false, "x")
		w.after(100 * time.Millisecond)
		w.wantGot("m1@x")
		w.wantDisk(0)
	})
}

func TestAnOutcomeThatComesTooLateIsNotThatOfTheNext(t *testing.T) {
	t.Parallel()
	inWorld(t, true, func(w *world) {
		w.o.start = func(m Message, done func(Outcome, error)) bool {
			go func() {
				if m.Ref == "m1" {
					time.Sleep(maxAttempt + 5*time.Second)
					done(Taken, nil)
					return
				}
				time.Sleep(30 * time.Second)
				done(0, away)
			}()
			return true
		}
		w.message("m1", false, "x")
		w.after(maxAttempt - time.Second)
		w.message("m2", false, "x")
		w.after(5 * time.Second)
		w.wantGot("m1@x")
		w.after(time.Minute)
		w.wantGot("m1@x", "m2@x")
		w.wantDisk(0)
	})
}

func TestWhoComesBackDuringATryIsTriedAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(context.Context, Message) (Outcome, error) {
			time.Sleep(time.Second)
			return 0, away
		})
		w.message("m1", false, "x")
		w.after(500 * time.Millisecond)
		w.o.retry(Address{"b", "x"})
		w.setNet(nil)
		w.after(600 * time.Millisecond)
		w.wantGot("m1@x")
	})
}

func TestALaneThatHasRecoveredMakesNoSenderWaitLonger(t *testing.T) {
	t.Parallel()
	inWorld(t, true, func(w *world) {
		w.o.start = func(m Message, done func(Outcome, error)) bool {
			if m.Ref == "m1" {
				return false
			}
			go func() {
				time.Sleep(10 * time.Second)
				done(Taken, nil)
			}()
			return true
		}
		w.setNet(func(context.Context, Message) (Outcome, error) {
			time.Sleep(2900 * time.Millisecond)
			return Taken, nil
		})
		w.message("m1", false, "x")
		synctest.Wait()
		w.message("m2", false, "x")
		w.after(3100 * time.Millisecond)
		w.wantTold("m1 taken", "m2 stored")
	})
}
