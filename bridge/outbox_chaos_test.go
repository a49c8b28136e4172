package bridge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestNothingThatWasAcknowledgedIsLost plays a day of bad luck with many
// seeds: recipients come and go, refuse, bounce and are slow, and the process
// is killed now and then. Whoever heard "taken" or "stored" must see the
// message arrive, in order at first sight, and twice only with one identity.
func TestNothingThatWasAcknowledgedIsLost(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, func(w *world) { chaos(w, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func chaos(w *world, rnd *rand.Rand) {
	w.expire = 0
	fate := rand.New(rand.NewPCG(rnd.Uint64(), 7)) // under w.mu: many tries ask at once
	w.setNet(func(ctx context.Context, m Message) (Outcome, error) {
		w.mu.Lock()
		dice, slow := fate.IntN(10), time.Duration(fate.IntN(6000))*time.Millisecond
		w.mu.Unlock()
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return 0, &Error{Op: "test", Cause: Timeout, Retry: true, Err: ctx.Err()}
		}
		switch {
		case dice < 4:
			return 0, away
		case dice == 4:
			return Relayed, nil
		default:
			return Taken, nil
		}
	})
	for n := range 60 {
		w.message(fmt.Sprintf("%03d", n), rnd.IntN(2) == 0, []string{"x", "y", "z"}[rnd.IntN(3)])
		w.after(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		switch rnd.IntN(12) {
		case 0:
			w.o.retry(Address{Adapter: "b"})
		case 1:
			w.crash()
		case 2:
			w.end()
			w.start()
		}
	}
	w.setNet(nil)
	w.o.retry(Address{Adapter: "b"})
	w.after(time.Hour)
	checkChaos(w)
	w.wantDisk(0)
}

// crash loses everything but the disk, as kill -9 does: what is under way
// ends unheard.
func (w *world) crash() {
	old, dead := w.disk, newMemLog()
	old.mu.Lock()
	for seq, b := range old.records {
		dead.records[seq] = b
	}
	for seq, d := range old.dropped {
		if time.Since(d.at) < 100*time.Millisecond {
			dead.records[seq] = d.data
		}
	}
	dead.next = old.next
	old.full = true // nothing of the old process reaches the disk any more
	old.mu.Unlock()
	w.mu.Lock()
	told := len(w.told)
	w.mu.Unlock()
	w.o.leave(context.WithoutCancel(w.ctx), w.cancel)
	w.cancel()
	synctest.Wait()
	w.mu.Lock()
	w.told = w.told[:told] // nobody heard what a dead process said
	w.mu.Unlock()
	w.disk = dead
	w.start()
}

func checkChaos(w *world) {
	arrived, ids, last := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, m := range w.got {
		if id, again := ids[m.Ref]; again && id != m.ID {
			w.t.Errorf("%s arrived with identities %s and %s", m.Ref, id, m.ID)
		}
		ids[m.Ref] = m.ID
		if !arrived[m.Ref] && m.Ref < last[m.To.Name] {
			w.t.Errorf("%s arrived after %s", m.Ref, last[m.To.Name])
		}
		if !arrived[m.Ref] {
			last[m.To.Name] = m.Ref
		}
		arrived[m.Ref] = true
	}
	heard := 0
	for _, told := range w.told {
		ref, word, _ := strings.Cut(told, " ")
		if word != "taken" && word != "stored" {
			continue
		}
		heard++
		if !arrived[ref] {
			w.t.Errorf("%s was said to be %s and never arrived", ref, word)
		}
	}
	if heard < 30 {
		w.t.Errorf("only %d messages were acknowledged: this proves little", heard)
	}
}
