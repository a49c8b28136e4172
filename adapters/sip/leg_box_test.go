package sip

import (
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
