package dialog

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAnAlarmIsSetAgainAndAgain: it rings once for each time that it has come to, whether it was set anew before, as
// it rang, or when it had been stopped, and the list of a Call has it no more than once.
func TestAnAlarmIsSetAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Call{t: NewTable(Config{Panicked: func(p any) { panic(p) }})}
		var a alarm
		rung := 0
		ring := func() { rung++ }
		with := func(f func()) {
			t.Helper()
			c.mu.Lock()
			f()
			if len(c.alarms) > 1 {
				t.Errorf("it stands %d times in the list", len(c.alarms))
			}
			c.unlock()
		}
		expect := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			if rung != want {
				t.Errorf("it has rung %d times, want %d", rung, want)
			}
		}
		with(func() { c.set(&a, time.Second, ring) })
		with(func() { c.set(&a, 3*time.Second, ring) }) // later
		expect(2*time.Second, 0)
		expect(time.Second, 1)
		with(func() { c.set(&a, 3*time.Second, ring) })
		with(func() { c.set(&a, time.Second, ring) }) // sooner
		expect(time.Second, 2)
		expect(time.Hour, 2)
		with(func() { c.set(&a, time.Second, ring) })
		with(func() {
			a.stop()
			c.set(&a, 2*time.Second, ring)
		})
		expect(time.Second, 2)
		expect(time.Second, 3)
		with(func() { c.set(&a, time.Second, ring) })
		with(a.stop)
		expect(time.Second, 3)
		with(func() { c.set(&a, time.Second, ring) }) // the list had it no more
		expect(time.Second, 4)
		with(func() {
			c.set(&a, time.Second, func() {
				ring()
				c.set(&a, time.Second, ring)
			})
		})
		expect(time.Second, 5)
		expect(time.Second, 6)
		expect(time.Hour, 6)
		with(func() {})
		if len(c.alarms) > 0 {
			t.Error("it stays in the list")
		}
	})
}
