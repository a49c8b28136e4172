package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memLog is a Log in memory that can be full.
type memLog struct {
	mu      sync.Mutex // guards all: lanes write side by side
	next    uint64
	records map[uint64][]byte
	full    bool
}

func newMemLog() *memLog { return &memLog{records: map[uint64][]byte{}} }

func (l *memLog) Append(_ context.Context, data []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return 0, errors.New("disk full")
	}
	l.next++
	l.records[l.next] = slices.Clone(data)
	return l.next, nil
}

func (l *memLog) Delete(seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.records, seq)
	return nil
}

func (l *memLog) Replay(_ context.Context, f func(uint64, []byte) error) error {
	for _, seq := range slices.Sorted(maps.Keys(l.records)) {
		if err := f(seq, l.records[seq]); err != nil {
			return err
		}
	}
	return nil
}

func (l *memLog) setFull(full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}

func (l *memLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records)
}

// world is an outbox among fakes. Everything happens in a synctest bubble.
type world struct {
	t      *testing.T
	disk   *memLog
	past   *memLog // of the ledger
	o      *outbox
	ctx    context.Context
	cancel context.CancelFunc
	expire time.Duration

	mu   sync.Mutex // guards what follows
	got  []Message  // in the order in which they arrived
	told []string   // what senders heard: "ref outcome" or "ref cause"
	// net decides the fate of each try; nil takes everything.
	net func(ctx context.Context, m Message) (Outcome, error)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, disk: newMemLog(), past: newMemLog(), expire: time.Hour}
	w.start()
	return w
}

// start makes a new outbox on the same disk, as a restart does.
func (w *world) start() {
	w.ctx, w.cancel = context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	past := newLedger(log, w.past, func(a Address) (Address, error) { return a, nil })
	if err := past.restore(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.o = newOutbox(log, w.disk, past, newMetrics(nil), w.send, func() time.Duration { return w.expire })
	if _, err := w.o.restore(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	ctx, o := w.ctx, w.o
	go o.runCustody(ctx)
}

// end closes the outbox in good order, if it is open.
func (w *world) end() {
	if w.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	w.o.leave(ctx, w.cancel)
	w.cancel()
	synctest.Wait()
}

func (w *world) send(ctx context.Context, m Message) (Outcome, error) {
	w.mu.Lock()
	net := w.net
	w.mu.Unlock()
	outcome, err := Taken, error(nil)
	if net != nil {
		outcome, err = net(ctx, m)
	}
	if err == nil {
		w.mu.Lock()
		w.got = append(w.got, m)
		w.mu.Unlock()
	}
	return outcome, err
}

func (w *world) setNet(net func(context.Context, Message) (Outcome, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.net = net
}

// message posts a message from the party "a:FROM" to each home.
func (w *world) message(ref string, once bool, homes ...string) {
	m := Message{Ref: ref, At: time.Now(), Hops: 5, Once: once, Bodies: []Body{{Text: ref}}}
	info := groupInfo{ID: newID(), Ref: ref, Copies: len(homes),
		Origin: Party{Address: Address{"a", "writer"}}, Dest: Party{Address: Address{"a", "reader"}}}
	g := newGroup(info, len(homes), func(o Outcome, err error) { w.note(ref, word(o, err)) })
	for _, home := range homes {
		c := m
		c.ID, c.From, c.To = newID(), Party{Address: Address{"b", "writer"}}, Party{Address: Address{"b", home}}
		j := &job{m: c, group: g}
		if err := w.o.reserve([]*job{j}); err != nil {
			w.t.Fatal(err)
		}
		w.o.ledger.expect(g, []*job{j})
		if !w.o.post(w.ctx, j) {
			w.t.Fatal("the outbox is closed")
		}
	}
}

func (w *world) note(ref, word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, ref+" "+word)
}

// after lets time pass and everything come to rest.
func (w *world) after(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		w.t.Errorf("senders heard %q, want %q", w.told, want)
	}
}

// wantGot compares what arrived, as "ref@home" or "Failed of ref: cause".
func (w *world) wantGot(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, m := range w.got {
		s := m.Ref + "@" + m.To.Name
		if m.Kind == Failed {
			s = fmt.Sprintf("Failed of %s: %v", m.Of, m.Cause)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("arrived %q, want %q", got, want)
	}
}

func (w *world) wantDisk(n int) {
	w.t.Helper()
	if got := w.disk.count(); got != n {
		w.t.Errorf("%d records on disk, want %d", got, n)
	}
}

// inBubble runs f with a world, and checks that nothing stays behind.
func inBubble(t *testing.T, f func(w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		w.end()
		w.o.mu.Lock()
		defer w.o.mu.Unlock()
		if len(w.o.lanes) > 0 {
			t.Errorf("%d lanes stayed", len(w.o.lanes))
		}
		if held := len(w.o.custody); w.o.jobs != held {
			t.Errorf("room for %d jobs is still taken, %d are held", w.o.jobs, held)
		}
	})
}

var (
	away    = &Error{Op: "test", Cause: Unavailable, Reason: "away", Retry: true}
	unknown = &Error{Op: "test", Cause: NotFound, Reason: "unknown"}
)

func refuse(err error) func(context.Context, Message) (Outcome, error) {
	return func(context.Context, Message) (Outcome, error) { return 0, err }
}

// refuseText refuses what people wrote and takes the news of failures.
func refuseText(err error) func(context.Context, Message) (Outcome, error) {
	return func(_ context.Context, m Message) (Outcome, error) {
		if m.Kind == Failed {
			return Taken, nil
		}
		return 0, err
	}
}

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
		w.after(time.Minute)
		w.wantGot("Failed of m1: not-found")
		w.wantDisk(0)
	})
}
