package convert

import (
	"testing"
	"time"

	"gateway/bridge/media"
)

// TestWhatWeAreLateForIsNotWaitedFor: sound that had come in time and was read late, now and then, is no reason to
// hold all of it back; sound that came late is.
func TestWhatWeAreLateForIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	const late, often, packets = 15 * time.Millisecond, 20, 1500
	for name, send := range map[string]func(s *Stream, i int, waited, now time.Duration){
		"packets": func(s *Stream, i int, waited, now time.Duration) {
			s.Packet(Packet{Type: 1, Sequence: uint16(i), Timestamp: uint32(160 * i), SSRC: 7, Waited: waited, Data: make([]byte, 160)}, now)
		},
		"frames": func(s *Stream, i int, waited, now time.Duration) {
			s.Frame(media.Frame{Type: 1, Time: uint32(160 * i), Waited: waited, Data: make([]byte, 160)}, now)
		},
	} {
		for _, known := range []bool{true, false} {
			now := begins
			var held time.Duration // the last but those that were late, from when it was sent
			var sent time.Duration
			s := New(Config{
				Ways: Choose(list(payload(pcmu, 1)), list(payload(pcmu, 2)), true), Frames: name == "frames", Whole: name == "packets",
			}, func(Out) { held = now - sent })
			var all []arrival
			for i := range packets {
				at := begins + time.Duration(i)*20*time.Millisecond
				by := time.Duration(0)
				if i%often == often-1 && i < packets-often {
					by = late
				}
				waited := by
				if !known {
					waited = 0
				}
				all = append(all, arrival{at: at + by, do: func(s *Stream, now time.Duration) {
					sent = at
					send(s, i, waited, now)
				}})
			}
			run(s, &now, all)
			if known && held > leastDelay+time.Millisecond || !known && held < late {
				t.Errorf("%s, and it is known who was late: %v: the last was held for %v", name, known, held)
			}
		}
	}
}

// TestClocksThatAreSetAreNotBelieved: a wait is bounded, and none is negative.
func TestClocksThatAreSetAreNotBelieved(t *testing.T) {
	t.Parallel()
	for waited, want := range map[time.Duration]time.Duration{-time.Hour: 0, 0: 0, time.Millisecond: time.Millisecond, time.Hour: mostDelay} {
		if got := ours(waited); got != want {
			t.Errorf("of %v %v is believed, want %v", waited, got, want)
		}
	}
}
