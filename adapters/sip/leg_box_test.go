package sip

import (
	"slices"
	"testing"
	"testing/synctest"
)

func TestNothingStaysInTheBoxOfALegAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		e.crew.join() // the leg
		go e.crew.wait()
		synctest.Wait()
		l := &leg{e: e}
		// Who has something for the box just now relies on who sees to it.
		l.later(func() {
			l.over = true
			e.crew.leave()
		})
		synctest.Wait()
		if !l.over {
			t.Error("what was put in has not been done")
			e.crew.leave()
		}
	})
}

// TestABoxThatIsNeverEmptyForgetsWhatIsDone: there is always another thing when one is done.
func TestABoxThatIsNeverEmptyForgetsWhatIsDone(t *testing.T) {
	t.Parallel()
	var b box
	var got []int
	put := func(n int) { b.put(func() { got = append(got, n) }) }
	const things = 100 * maxDone
	put(0)
	for n := 1; n < things; n++ {
		put(n)
		b.next()()
		if len(b.things) > 2*maxDone {
			t.Fatalf("%d things are kept for one that waits", len(b.things))
		}
	}
	b.next()()
	if b.next() != nil || len(got) != things || !slices.IsSorted(got) {
		t.Errorf("%d of %d things were done, in order: %v", len(got), things, slices.IsSorted(got))
	}
}
