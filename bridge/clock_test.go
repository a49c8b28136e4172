package bridge

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
)

// Time that has passed is measured without the clock as long as the process
// lives: Go's times have a monotonic reading. What is on disk has not, so these
// tests have a disk from a time when the clock was ten years ahead.
const ahead = 10 * 365 * 24 * time.Hour

// onDisk writes one record to a log.
func onDisk(t *testing.T, l *memLog, record any) uint64 {
	t.Helper()
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	seq, err := l.Append(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func fromTheFuture(ref string) record {
	info := groupInfo{ID: "group of " + ref, Ref: ref,
		Origin: Party{Address: Address{"a", "writer"}}, Dest: Party{Address: Address{"a", "reader"}}}
	return record{Group: &info, Message: &Message{
		ID: "id of " + ref, Ref: ref, At: time.Now().Add(ahead), Hops: 5, Bodies: []Body{{Text: ref}},
		From: Party{Address: Address{"b", "writer"}}, To: Party{Address: Address{"b", "reader"}},
	}}
}

// restart makes a new outbox on the same disk.
func (w *world) restart() {
	w.end()
	w.start()
	synctest.Wait()
}

func TestAMessageFromTheFutureExpires(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.Kind == Failed {
				return Taken, nil
			}
			return 0, away
		})
		onDisk(t, w.disk, fromTheFuture("late"))
		w.restart()
		w.after(w.expire - time.Minute)
		w.wantDisk(1)
		w.after(10 * time.Minute)
		w.wantGot("Failed of late: timeout")
		w.wantDisk(0)
	})
}

func TestAMessageFromTheFutureArrives(t *testing.T) {
	inBubble(t, func(w *world) {
		onDisk(t, w.disk, fromTheFuture("early"))
		w.restart()
		w.after(time.Second)
		w.wantGot("early@reader")
		w.wantDisk(0)
	})
}

func TestCustodyFromTheFutureEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		seq := onDisk(t, w.disk, fromTheFuture("relayed"))
		onDisk(t, w.disk, record{Mark: &mark{Relayed: seq, At: time.Now().Add(ahead)}})
		w.restart()
		w.after(custodyTime / 2)
		w.wantDisk(2)
		w.after(custodyTime)
		w.wantGot()
		w.wantDisk(0)
	})
}

func TestALedgerFromTheFutureIsForgotten(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, id := range []string{"one", "two"} {
			onDisk(t, w.past, page{Copy: &passed{ID: id, Group: groupInfo{ID: "group of " + id}, At: time.Now().Add(ahead)}})
		}
		w.restart()
		repeated := func() bool {
			return w.o.ledger.repeat(newGroup(groupInfo{ID: "group of one"}, 1, func(Outcome, error) {})) != nil
		}
		w.after(repeatTime / 2)
		if !repeated() {
			t.Error("a repeat is not known after half the time for it")
		}
		w.after(repeatTime)
		if repeated() {
			t.Error("a repeat is known for ever")
		}
		w.after(receiptTime)
		w.o.ledger.mu.Lock()
		defer w.o.ledger.mu.Unlock()
		if n := len(w.o.ledger.copies); n > 0 {
			t.Errorf("%d copies are remembered for ever", n)
		}
	})
}

// A record that is younger than a clock that was set forward says counts for
// what it is: nothing is told of it but that it was too late.
func TestAClockSetForwardLosesNothingSilently(t *testing.T) {
	inBubble(t, func(w *world) {
		r := fromTheFuture("old")
		r.Message.At = time.Now().Add(-ahead)
		onDisk(t, w.disk, r)
		onDisk(t, w.past, page{Copy: &passed{ID: "one", Group: groupInfo{ID: "group of one"}, At: time.Now().Add(-ahead)}})
		w.restart()
		w.after(time.Second)
		w.wantGot("Failed of old: timeout")
		w.wantDisk(0)
	})
}
