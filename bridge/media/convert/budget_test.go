package convert

import (
	"testing"
	"time"

	"gateway/bridge/media"
)

// A tally is how much a stream has let out.
type tally struct {
	packets int
	last    int64
	rate    int
}

func (n *tally) take(o Out) { n.packets, n.last, n.rate = n.packets+1, o.Time, o.Rate }

// TestWhatIsEmptyCostsNothing: a payload without sound, and stamps that are far ahead, have
// nothing made that nobody has said.
func TestWhatIsEmptyCostsNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		step uint16 // from one to the next
	}{
		{"in sequence", 1},
		{"with loss", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out tally
			s := New(Config{Ways: Choose(list(payload(pcmu, 1)), list(payload(l16, 2)), false)}, out.take)
			p := Packet{Type: 1, SSRC: 7}
			now := begins
			for range 50 {
				p.Sequence, p.Timestamp, p.Data = p.Sequence+1, p.Timestamp+160, make([]byte, 160)
				s.Packet(p, now)
				s.Tick(now)
				now += 20 * time.Millisecond
			}
			for range 100 {
				p.Sequence, p.Timestamp, p.Data = p.Sequence+row.step, p.Timestamp+79000, []byte{}
				s.Packet(p, now)
				s.Tick(now)
				now += 20 * time.Millisecond
			}
			if out.packets != 50 {
				t.Errorf("%d packets of 50", out.packets)
			}
			if n := s.Counts(); n.Malformed != 100 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// TestSmallLossesAreHeldToTheTime: what stands in for those that never were is not more than
// the time that passes.
func TestSmallLossesAreHeldToTheTime(t *testing.T) {
	t.Parallel()
	var out tally
	s := New(Config{Ways: Choose(list(payload(pcmu, 1)), list(payload(l16, 2)), false)}, out.take)
	for i := range 5000 {
		now := begins + time.Duration(i)*time.Millisecond
		s.Packet(Packet{Type: 1, SSRC: 7, Sequence: uint16(2 * i), Timestamp: uint32(i * 960), Data: make([]byte, 8)}, now)
		s.Tick(now)
	}
	if made := time.Duration(out.packets) * 20 * time.Millisecond; made < 4*time.Second || made > 8*time.Second {
		t.Errorf("%v of sound in 5 s", made)
	}
}

// TestSoundIsHeldToTheTimeThatPasses: more of it than that is not converted.
func TestSoundIsHeldToTheTimeThatPasses(t *testing.T) {
	t.Parallel()
	const seconds = 10
	for _, row := range []struct {
		name   string
		frames bool
		size   int // of a payload, in samples
	}{
		{"packets", false, 1400},
		{"frames", true, 8000},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out tally
			s := New(Config{
				Ways: Choose(list(payload(pcmu, 1)), list(payload(pcma, 2)), row.frames), Frames: row.frames, Whole: row.frames,
			}, out.take)
			data := make([]byte, row.size)
			for i := range seconds * 1000 {
				now := begins + time.Duration(i)*time.Millisecond
				if stamp := uint32(i * row.size); row.frames {
					s.Frame(media.Frame{Type: 1, Time: stamp, Data: data}, now)
				} else {
					s.Packet(Packet{Type: 1, Sequence: uint16(i), Timestamp: stamp, SSRC: 7, Data: data}, now)
				}
				s.Tick(now)
			}
			made := time.Duration(out.packets) * 20 * time.Millisecond
			if least, bound := (seconds-1)*time.Second, (seconds+4)*time.Second; made < least || made > bound {
				t.Errorf("%v of sound in %d s", made, seconds)
			}
			if s.Counts().Skipped == 0 {
				t.Error("nothing was left out")
			}
		})
	}
}

// TestAFastClockLosesNothing: what is a little more than real time is not too much.
func TestAFastClockLosesNothing(t *testing.T) {
	t.Parallel()
	var b budget
	now, frame := begins, 20*time.Millisecond
	for range 10 * 60 * 60 * 50 { // ten hours, 1% fast
		if b.spent(now) {
			t.Fatalf("spent after %v", now-begins)
		}
		b.take(frame, now)
		now += frame - frame/100
	}
}

// TestOnePayloadHasABound: one that is longer than any is malformed.
func TestOnePayloadHasABound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		out    uint8
		frames []int // in bytes
		want   uint64
	}{
		{"repacked", 1, []int{16000, 16001, media.MaxFrame}, 2},
		{"transcoded", 2, []int{16000, 16001, media.MaxFrame}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			to := pcmu
			if row.out == 2 {
				to = pcma
			}
			var out tally
			s := New(Config{Ways: Choose(list(payload(pcmu, 1)), list(payload(to, row.out)), true), Frames: true, Whole: true}, out.take)
			now := begins
			for _, n := range row.frames {
				s.Frame(media.Frame{Type: 1, Data: make([]byte, n)}, now)
				now += 20 * time.Second
			}
			if n := s.Counts(); n.Malformed != row.want || out.packets == 0 {
				t.Errorf("%+v, %d packets", n, out.packets)
			}
		})
	}
}
