package bridge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// signal posts a signal from the party "b:writer" to a home.
func (w *world) signal(ref, home string) {
	j := &job{m: Message{
		ID: newID(), Ref: ref, Kind: Signal, At: time.Now(), Hops: 5, Once: true, Bodies: []Body{{Text: ref}},
		From: Party{Address: Address{"b", "writer"}}, To: Party{Address: Address{"b", home}},
	}}
	if err := w.o.reserve([]*job{j}); err != nil {
		w.t.Fatal(err)
	}
	if !w.o.post(w.ctx, j) {
		w.t.Fatal("the outbox is closed")
	}
}

func TestSignalsArriveInOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		w.disk.setFull(true)
		w.setNet(func(context.Context, Message) (Outcome, error) {
			time.Sleep(time.Second) // the bubble's clock
			return Relayed, nil     // a bounce would be no news
		})
		for _, ref := range []string{"s1", "s2", "s3"} {
			w.signal(ref, "x")
		}
		w.after(time.Minute)
		w.wantGot("s1@x", "s2@x", "s3@x")
	})
}

func TestASignalIsTriedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		tries := 0
		w.setNet(func(_ context.Context, m Message) (Outcome, error) {
			if m.Kind == Signal {
				tries++
			}
			return 0, away
		})
		w.signal("s1", "x")
		w.after(time.Hour / 2)
		if tries != 1 {
			t.Errorf("%d tries", tries)
		}
		w.wantDisk(0)
		w.message("m1", false, "x")
		synctest.Wait()
		w.signal("s2", "x") // behind what waits
		w.after(time.Second)
		w.setNet(nil)
		w.o.retry(Address{Adapter: "b"})
		w.after(time.Second)
		w.wantGot("m1@x")
	})
}
