package rtmp

import "testing"

// TestClockFollowsForHours: a sender of 23.2 ms frames whose times are whole
// milliseconds, and whose samples are 100 ppm faster than these, for three hours.
func TestClockFollowsForHours(t *testing.T) {
	t.Parallel()
	const rate, samples = 44100, 1024
	var c clock
	var last uint32
	frames := 3 * 3600 * rate / samples
	for i := range frames {
		real := float64(i) * samples / rate * (1 + 100e-6) // seconds by the sender's other clock
		at, jumped := c.stamp(uint32(real*1000), true, rate, samples)
		if jumped != (i == 0) {
			t.Fatalf("frame %d: jumped %v", i, jumped)
		}
		if step := int32(at - last); i > 0 && (step < samples-1 || step > samples+2) {
			t.Fatalf("frame %d comes %d samples after the last", i, step)
		}
		if slip := float64(at) - real*rate; slip > rate/100 || slip < -rate/100 {
			t.Fatalf("frame %d is %.0f samples off", i, slip)
		}
		last = at
	}
}

func TestClockJumps(t *testing.T) {
	t.Parallel()
	var c clock
	for i, step := range []struct {
		ms      uint32
		first   bool
		rate    int
		samples int
		want    uint32
		jumped  bool
	}{
		{1000, true, 8000, 160, 8000, true},   // the first is where it says
		{1020, true, 8000, 160, 8160, false},  // follows
		{1041, true, 8000, 160, 8320, false},  // a millisecond late is rounding
		{1041, false, 8000, 160, 8480, false}, // another frame of the same message
		{2000, true, 8000, 160, 16000, true},  // a pause
		{1000, true, 8000, 160, 8000, true},   // back
		{1000, true, 16000, 320, 16000, true}, // another format
		{1040, true, 16000, 0, 16640, false},  // of a length that nobody knows
		{1060, true, 16000, 0, 16960, false},  // likewise
	} {
		at, jumped := c.stamp(step.ms, step.first, step.rate, step.samples)
		if at != step.want || jumped != step.jumped {
			t.Errorf("step %d: %d, %v; want %d, %v", i, at, jumped, step.want, step.jumped)
		}
	}
}

// TestClockWraps: the times of messages wrap after 49 days.
func TestClockWraps(t *testing.T) {
	t.Parallel()
	var c clock
	first, _ := c.stamp(1<<32-20, true, 8000, 160)
	second, jumped := c.stamp(0, true, 8000, 160)
	if second-first != 160 || jumped {
		t.Errorf("%d after %d, jumped %v", second, first, jumped)
	}
}

func TestPlayClock(t *testing.T) {
	t.Parallel()
	var c playClock
	for i, step := range []struct {
		t    uint32
		rate int
		want uint32
	}{
		{1<<32 - 160, 8000, 0},
		{0, 8000, 20},
		{160, 8000, 40},
		{480, 8000, 80},            // one was lost
		{320, 8000, 100},           // another source, by its time
		{480, 8000, 120},           //
		{480 + 8000*11, 8000, 140}, // likewise
		{0, 16000, 160},            // another format
		{320, 16000, 180},
	} {
		if got := c.stamp(step.t, step.rate); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

// TestPlayClockForHours: no rounding adds up.
func TestPlayClockForHours(t *testing.T) {
	t.Parallel()
	var c playClock
	const frames = 4 * 3600 * 44100 / 1024
	var got uint32
	for i := range uint32(frames) {
		got = c.stamp(i*1024, 44100)
	}
	if want := uint32(uint64(frames-1) * 1024 * 1000 / 44100); got != want {
		t.Errorf("the last is at %d ms, want %d", got, want)
	}
}
