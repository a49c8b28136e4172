package dialog

import "testing"

// TestWhatTheOwnerHasBeenToldIsNotKept, though there is always more to tell: each event may
// have a message.
func TestWhatTheOwnerHasBeenToldIsNotKept(t *testing.T) {
	t.Parallel()
	c := &Call{t: NewTable(Config{})}
	const events = 100 * maxTold
	told := 0
	next := func(status int) { c.tell(Ringing{Status: status}) }
	c.Own(func(ev Event) {
		c.mu.Lock() // as a socket that brings a message meanwhile
		defer c.unlock()
		if r, ok := ev.(Ringing); !ok || r.Status != told {
			t.Errorf("event %d is %v", told, ev)
		}
		told++
		kept := 0
		for _, ev := range c.news {
			if ev != nil {
				kept++
			}
		}
		if kept > 1 || len(c.news) > 2*maxTold {
			t.Errorf("%d events are kept, in a list of %d", kept, len(c.news))
		}
		if told+1 < events {
			next(told + 1)
		}
	})
	c.mu.Lock()
	next(0)
	next(1)
	c.unlock()
	if told != events || len(c.news) > 0 {
		t.Errorf("%d events were told, %d wait", told, len(c.news))
	}
}
