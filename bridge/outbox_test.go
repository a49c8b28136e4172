package bridge

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsTakenAtOnceNeverSeesTheDisk(t *testing.T) {
	inBubble(t, func(w *world) {
		w.disk.full = true
		w.message("m1", false, "x")
		synctest.Wait()
		w.wantTold("m1 taken")
		w.wantGot("m1@x")
	})
}

func TestASenderWaitsThreeSecondsAndNoMore(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(ctx context.Context, m Message) (Outcome, error) {
			time.Sleep(5 * time.Second)
			return Taken, nil
		})
		w.message("m1", false, "x")
		w.after(2900 * time.Millisecond)
		w.wantTold()
		w.after(200 * time.Millisecond)
		w.wantTold("m1 stored")
		w.wantDisk(1)
		w.after(2 * time.Second)
		w.wantGot("m1@x") // once: the try that was under way went well
		w.wantDisk(0)
	})
}

func TestWhatNobodyElseKeepsIsOnDiskBeforeTheFirstTry(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(context.Context, Message) (Outcome, error) {
			w.wantDisk(1)
			return Taken, nil
		})
		w.message("m1", true, "x")
		synctest.Wait()
		w.wantGot("m1@x")
		w.wantTold("m1 stored")
		w.wantDisk(0)
	})
}

func TestOrderIsKeptWhileWaiting(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuse(away))
		var want, told []string
		for i := range 30 {
			ref := fmt.Sprintf("m%d", i)
			w.message(ref, i%3 == 0, "x")
			want = append(want, ref+"@x")
			told = append(told, ref+" stored")
			w.after(100 * time.Millisecond)
		}
		w.wantTold(told...)
		w.wantDisk(30)
		w.setNet(nil)
		w.o.retry(Address{"b", "x"})
		synctest.Wait()
		w.wantGot(want...)
		w.wantDisk(0)
	})
}

func TestARefusalIsTheAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuse(unknown))
		w.message("m1", false, "x")
		synctest.Wait()
		w.wantTold("m1 not-found")
		w.wantDisk(0)
	})
}

func TestARefusalAfterTheAnswerIsToldByAMessage(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuse(away))
		w.message("m1", false, "x")
		w.after(100 * time.Millisecond)
		w.wantTold("m1 stored")
		w.setNet(refuseText(unknown))
		w.after(10 * time.Second)
		w.wantGot("Failed of m1: not-found")
		w.wantTold("m1 stored")
		w.wantDisk(0)
	})
}

func TestNoNewsOfNews(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuse(unknown))
		w.message("m1", true, "x")
		w.after(time.Minute)
		w.wantGot()
		w.wantDisk(0)
	})
}

func TestWhatExpiresIsToldToItsSender(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuseText(away))
		w.message("m1", false, "x")
		w.after(59 * time.Minute)
		w.wantGot()
		w.after(2 * time.Minute)
		w.wantGot("Failed of m1: timeout")
		w.wantDisk(0)
	})
}

func TestSeveralHomes(t *testing.T) {
	for _, row := range []struct {
		name         string
		x, y         error // what the homes say
		told         string
		disk         int      // soon after
		laterX       error    // what x says a minute later
		got, gotLate []string // arrived soon, and arrived in the end
	}{
		{"both take it", nil, nil, "m1 taken", 0, nil, []string{"m1@x", "m1@y"}, []string{"m1@x", "m1@y"}},
		{"one is away", away, nil, "m1 taken", 2, nil, []string{"m1@y"}, []string{"m1@y", "m1@x"}},
		{"one is away and refuses later", away, nil, "m1 taken", 2, unknown, []string{"m1@y"}, []string{"m1@y"}},
		{"one refuses", unknown, nil, "m1 taken", 0, unknown, []string{"m1@y"}, []string{"m1@y"}},
		{"both refuse", unknown, unknown, "m1 not-found", 0, unknown, nil, nil},
		{"one is away, one refuses", away, unknown, "m1 stored", 1, nil, nil, []string{"m1@x"}},
		{"away and refused, then refused too", away, unknown, "m1 stored", 1, unknown, nil, []string{"Failed of m1: not-found"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				x := row.x
				w.setNet(func(_ context.Context, m Message) (Outcome, error) {
					switch {
					case m.Kind == Failed:
						return Taken, nil
					case m.To.Name == "x":
						w.mu.Lock()
						defer w.mu.Unlock()
						return Taken, x
					default:
						time.Sleep(time.Millisecond) // x is heard first
						return Taken, row.y
					}
				})
				w.message("m1", false, "x", "y")
				w.after(100 * time.Millisecond)
				w.wantTold(row.told)
				w.wantDisk(row.disk)
				w.wantGot(row.got...)
				w.mu.Lock()
				x = row.laterX
				w.mu.Unlock()
				w.after(time.Minute)
				w.wantGot(row.gotLate...)
				w.wantTold(row.told)
				w.wantDisk(0)
			})
		})
	}
}

func TestABounceIsTriedAgainOrTold(t *testing.T) {
	for _, row := range []struct {
		name   string
		bounce *Error
		got    []string
	}{
		{"for now", away, []string{"m1@x", "m1@x"}},
		{"for good", unknown, []string{"m1@x", "Failed of m1: not-found"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.setNet(func(_ context.Context, m Message) (Outcome, error) {
					if m.Kind == Failed {
						return Taken, nil
					}
					return Relayed, nil
				})
				w.message("m1", false, "x")
				synctest.Wait()
				w.wantTold("m1 stored")
				w.wantDisk(2) // the message, and that it was relayed
				w.o.bounced(w.ctx, w.got[0].ID, row.bounce)
				w.after(time.Second)
				w.wantGot(row.got...)
				if len(w.got) == 2 && w.got[1].Kind == Text && w.got[0].ID != w.got[1].ID {
					t.Error("the second try has another identity")
				}
				w.o.bounced(w.ctx, "nobody's", row.bounce)
				w.after(custodyTime + time.Minute)
				w.wantDisk(0)
				w.wantTold("m1 stored")
			})
		})
	}
}

func TestWhatBouncesAgainAndAgainIsTriedWithBackOff(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			o := w.o
			time.AfterFunc(20*time.Millisecond, func() { o.bounced(w.ctx, m.ID, away) })
			return Relayed, nil
		})
		w.message("m1", false, "x")
		w.after(60 * time.Second)
		if n := len(w.got); n < 6 || n > 9 { // 0.5 s, 1 s, 2 s … 32 s
			w.t.Errorf("%d tries in a minute", n)
		}
		w.setNet(func(context.Context, Message) (Outcome, error) { return Taken, nil })
		w.after(5 * time.Minute)
		w.wantDisk(0)
	})
}

func TestABounceMayBeQuickerThanTheOutcome(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.Kind == Failed {
				return Taken, nil
			}
			w.o.bounced(w.ctx, m.ID, unknown)
			return Relayed, nil
		})
		w.message("m1", false, "x")
		w.after(time.Second)
		w.wantGot("m1@x", "Failed of m1: not-found")
		w.wantDisk(0)
		if n := len(w.o.early); n > 0 {
			w.t.Errorf("%d entries stayed", n)
		}
	})
}

func TestARestartForgetsAndRepeatsNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			switch {
			case m.To.Name == "relay":
				return Relayed, nil
			case m.To.Name == "here":
				return Taken, nil
			default:
				return 0, away
			}
		})
		w.message("far", false, "relay")
		w.message("both", false, "here", "x")
		w.after(10 * time.Millisecond)
		for i := range 5 {
			w.message(fmt.Sprintf("m%d", i), false, "x")
		}
		w.after(10 * time.Millisecond)
		w.end()
		w.got = nil

		w.setNet(nil)
		w.start()
		synctest.Wait()
		w.wantGot("both@x", "m0@x", "m1@x", "m2@x", "m3@x", "m4@x")
		w.end()
		w.got = nil

		w.start()
		w.after(custodyTime + time.Minute)
		w.wantGot()
		w.wantDisk(0)
	})
}

func TestACopyThatNeedNotArriveVanishesAfterARestart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.To.Name == "here" {
				return Taken, nil
			}
			return 0, away
		})
		w.message("m1", false, "here", "x")
		w.after(10 * time.Millisecond)
		w.end()
		w.got = nil
		w.setNet(refuseText(unknown))
		w.start()
		synctest.Wait()
		w.wantGot() // not even news of a failure
		w.wantDisk(0)
	})
}

func TestAFullDiskIsToldToTheSender(t *testing.T) {
	inBubble(t, func(w *world) {
		w.disk.full = true
		w.setNet(refuse(away))
		w.message("m1", false, "x")
		w.message("m2", true, "y")
		synctest.Wait()
		slices.Sort(w.told)
		w.wantTold("m1 constrained", "m2 constrained")
	})
}

func TestLeavingWaitsForTheTryUnderWayAndStartsNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(context.Context, Message) (Outcome, error) {
			time.Sleep(2 * time.Second)
			return Taken, nil
		})
		w.message("m1", false, "x")
		w.message("m2", false, "x")
		synctest.Wait()
		w.end()
		w.wantGot("m1@x")
		slices.Sort(w.told)
		w.wantTold("m1 stored", "m2 stored")
		w.wantDisk(1)
	})
}

func TestALateTryIsCutShortAtTheEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(ctx context.Context, _ Message) (Outcome, error) {
			<-ctx.Done()
			return 0, away
		})
		w.message("m1", false, "x")
		synctest.Wait()
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		w.o.leave(ctx, w.cancel)
		w.wantTold("m1 stored")
		w.wantDisk(1)
	})
}

func TestARefusalJustAheadOfTheOutcomeIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.Kind == Text {
				w.o.bounced(w.ctx, m.ID, unknown)
			}
			return Taken, nil
		})
		w.message("m1", false, "x")
		w.after(time.Second)
		w.wantTold("m1 taken")
		w.wantGot("m1@x", "Failed of m1: not-found")
	})
}

func TestTwoBouncesAreOneFailure(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.Kind == Failed {
				return Taken, nil
			}
			return Relayed, nil
		})
		w.message("m1", false, "x")
		synctest.Wait()
		for range 2 {
			w.o.bounced(w.ctx, w.got[0].ID, unknown)
			synctest.Wait()
		}
		w.wantGot("m1@x", "Failed of m1: not-found")
	})
}

func TestAFailureThatCantBeWrittenDownIsToldLater(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(refuse(away))
		w.message("m1", false, "x")
		w.after(100 * time.Millisecond)
		w.wantTold("m1 stored")
		w.disk.setFull(true)
		w.setNet(refuseText(unknown))
		w.after(time.Minute)
		w.wantGot()
		w.wantDisk(1)
		w.disk.setFull(false)
		w.after(2 * time.Minute) // the tries are that far apart by now
		w.wantGot("Failed of m1: not-found")
		w.wantDisk(0)
	})
}
