package convert

import (
	"encoding/binary"
	"testing"
	"time"

	"gateway/bridge/media"
)

// FuzzStream: whatever is fed, and whatever comes as packets, in whatever order and time,
// makes packets that are bounded in length, number and delay.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 20, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, uint8(0))
	f.Add([]byte{1, 255, 0, 5, 255, 255, 255, 255, 3, 1, 2, 3, 2, 20, 0, 6, 0, 0, 0, 0, 0}, uint8(1))
	f.Add([]byte{3, 20, 0, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 0, 0, 9, 1, 1, 1, 1, 2, 8, 8}, uint8(2))
	f.Add([]byte{2, 20, 255, 255, 0, 0, 0, 1, 200, 1, 2, 3}, uint8(3))
	speex := l16
	speex.Name = "speex"
	in := list(payload(pcmu, 0), payload(l16, 1), payload(g722, 2), payload(speex, 3), payload(noise, 4))
	out := list(payload(pcmu, 20), payload(speex, 21), payload(noise, 24))
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		frames, whole := how&1 != 0, how&2 != 0
		var now, came time.Duration = time.Second, time.Second
		s := New(Config{Ways: Choose(in, out, frames || whole), Frames: frames, Whole: whole}, func(o Out) {
			if len(o.Data) == 0 || !whole && frames && o.Type == 20 && len(o.Data) > 160 {
				t.Fatalf("%d bytes of %d", len(o.Data), o.Type)
			}
		})
		for len(b) >= 9 {
			kind, wait, sequence := b[0], time.Duration(b[1])*time.Millisecond, binary.BigEndian.Uint16(b[2:])
			stamp, n := binary.BigEndian.Uint32(b[4:]), int(b[8])
			b = b[9:]
			data := b[:min(n, len(b))]
			b = b[len(data):]
			now += wait
			came = now
			if frames {
				s.Frame(media.Frame{Type: kind, Time: stamp, Data: data}, now)
			} else {
				s.Packet(Packet{Type: kind, Sequence: sequence, Timestamp: stamp, Marker: kind&8 != 0, SSRC: uint32(kind >> 6), Data: data}, now)
			}
			s.Tick(now)
		}
		for turns := 0; ; turns++ {
			next := s.Tick(now)
			if next == 0 {
				break
			}
			if next <= now || next > came+5*time.Second || turns > 10_000 {
				t.Fatalf("at %v it waits for %v, what came last came at %v", now, next, came)
			}
			now = next
		}
	})
}
