package relay

import (
	"encoding/binary"
	"testing"
	"time"

	"gateway/bridge/media"

	"github.com/pion/rtp"
)

// event is a telephone event packet (RFC 4733 section 2.3).
func event(kind uint8, sequence uint16, timestamp uint32, code uint8, end bool, duration uint16) []byte {
	payload := []byte{code, 10, 0, 0}
	if end {
		payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(payload[2:], duration)
	b := packet(kind, sequence, payload...)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	return b
}

// press is the packets of a key press, 40 ms long at 8 kHz, its end three times.
func pressOf(kind uint8, sequence uint16, timestamp uint32, code uint8) [][]byte {
	return [][]byte{
		event(kind, sequence, timestamp, code, false, 160),
		event(kind, sequence+1, timestamp, code, true, 320),
		event(kind, sequence+2, timestamp, code, true, 320),
		event(kind, sequence+3, timestamp, code, true, 320),
	}
}

func TestPressesAreToldOnceAndPassed(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		for i, code := range []uint8{5, 11, 16} {
			for j, p := range pressOf(101, uint16(10*i), uint32(1000*i), code) {
				a.say(p)
				got := hear(t, b.rtp)
				if got[1]&0x7f != 97 || string(got[2:]) != string(p[2:]) {
					t.Errorf("packet %d of key %d came as %x", j, code, got)
				}
			}
		}
		if e := a.event(); e != (media.Heard{}) {
			t.Errorf("got %#v", e)
		}
		for _, key := range "5#!" {
			want := media.Digit{Digit: key, Duration: 40 * time.Millisecond, Forwarded: true}
			if e := a.event(); e != want {
				t.Errorf("got %#v, want %#v", e, want)
			}
		}
	})
}

func TestPressesThatTheOtherSideTakesNotAreOnlyTold(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 96}))
		w.Stats(b.port.ID)
		for _, p := range pressOf(101, 1, 1000, 1) {
			a.say(p)
		}
		a.say(packet(0, 9))
		if got := hear(t, b.rtp); got[1] != 96 {
			t.Errorf("got %x", got)
		}
		a.event()
		if e := a.event(); e != (media.Digit{Digit: '1', Duration: 40 * time.Millisecond}) {
			t.Errorf("got %#v", e)
		}
		if s := a.taken(5); len(s.Dropped) != 0 {
			t.Errorf("dropped %v", s.Dropped)
		}
	})
}

func TestAPressWhoseEndIsLostIsTold(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		a.say(pressOf(101, 1, 1000, 9)[0])
		hear(t, b.rtp)
		a.event()
		w.pass(time.Second)
		if e := a.event(); e != (media.Digit{Digit: '9', Duration: 20 * time.Millisecond, Forwarded: true}) {
			t.Errorf("got %#v", e)
		}
	})
}

func TestEventsChangeTheirClock(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.open(t, loopback4), w.open(t, loopback4)
		w.Set(a.port.ID, a.setting(media.Payload{Format: opus, Type: 111}, media.Payload{Format: keys8, Type: 101}))
		w.Set(b.port.ID, b.setting(media.Payload{Format: opus, Type: 111}, media.Payload{Format: keys48, Type: 110}))
		w.Join(a.port.ID, b.port.ID)
		w.Stats(b.port.ID)
		sound := packet(111, 1)
		binary.BigEndian.PutUint32(sound[4:], 5_000_000)
		a.say(sound)
		hear(t, b.rtp)
		w.pass(20 * time.Millisecond)
		for i, p := range pressOf(101, 2, 77, 3) {
			a.say(p)
			got := hear(t, b.rtp)
			var h rtp.Packet
			if err := h.Unmarshal(got); err != nil {
				t.Fatal(err)
			}
			want := uint16(6 * 320)
			if i == 0 {
				want = 6 * 160
			}
			if d := binary.BigEndian.Uint16(h.Payload[2:]); h.PayloadType != 110 || d != want || h.Timestamp != 5_000_960 {
				t.Errorf("packet %d: type %d, duration %d, timestamp %d", i, h.PayloadType, d, h.Timestamp)
			}
		}
		long := event(101, 20, 5000, 3, false, 0xffff)
		a.say(long)
		if got := hear(t, b.rtp); binary.BigEndian.Uint16(got[14:]) != 0xffff {
			t.Errorf("a duration that does not fit came as %x", got[14:])
		}
	})
}

// heard reads n packets that came to a peer, in the order of their numbers.
func heardPackets(t *testing.T, p *party, n int) []rtp.Packet {
	t.Helper()
	var all []rtp.Packet
	for range n {
		var h rtp.Packet
		if err := h.Unmarshal(hear(t, p.rtp)); err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 && h.SequenceNumber != all[len(all)-1].SequenceNumber+1 {
			t.Errorf("number %d follows %d", h.SequenceNumber, all[len(all)-1].SequenceNumber)
		}
		all = append(all, h)
	}
	return all
}

func TestOurPressesTakeThePlaceOfSound(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		say := func(i uint16) {
			a.say(packet(0, i))
			a.taken(uint64(i))
			w.pass(20 * time.Millisecond)
		}
		say(1)
		w.Digit(b.port.ID, '7', 100*time.Millisecond)
		w.Digit(b.port.ID, 'x', time.Second) // no key
		w.Digit(b.port.ID, '#', 100*time.Millisecond)
		for i := uint16(2); i <= 30; i++ {
			say(i)
		}
		var keys []byte
		ends, marks := map[uint32]int{}, 0
		for _, p := range heardPackets(t, b, 30) {
			switch p.PayloadType {
			case 96:
				if p.Timestamp != uint32(p.SequenceNumber)*160 {
					t.Errorf("sound %d has the timestamp %d", p.SequenceNumber, p.Timestamp)
				}
			case 97:
				if len(keys) == 0 || ends[p.Timestamp] == 0 && p.Marker {
					keys = append(keys, p.Payload[0])
				}
				if p.Marker {
					marks++
				}
				if p.Payload[1]&0x80 != 0 {
					ends[p.Timestamp]++
					if d := binary.BigEndian.Uint16(p.Payload[2:]); d != 800 {
						t.Errorf("a press of %d units", d)
					}
				}
			default:
				t.Errorf("type %d", p.PayloadType)
			}
		}
		if string(keys) != "\x07\x0b" || marks != 2 || len(ends) != 2 {
			t.Errorf("keys %v, markers %d, ends %v", keys, marks, ends)
		}
		for at, n := range ends {
			if n != 3 {
				t.Errorf("the press at %d ended %d times", at, n)
			}
		}
	})
}

func TestOurPressesComeWithoutSoundToo(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		w.Digit(b.port.ID, '1', 60*time.Millisecond)
		for range 20 {
			w.pass(beat)
		}
		press := heardPackets(t, b, 5)
		if !press[0].Marker || press[4].Payload[1]&0x80 == 0 || press[4].SSRC != press[0].SSRC {
			t.Errorf("the press is %+v", press)
		}
		a.say(packet(0, 500)) // another source: its numbers are its own
		if got := heardPackets(t, b, 1)[0]; got.SequenceNumber != 500 || got.SSRC != 0x1234 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOurPressesAreInsertedWhereSoundPauses(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		a.say(packet(0, 40))
		a.say(packet(0, 39)) // late
		a.taken(2)
		w.pass(time.Second)
		w.Digit(b.port.ID, '1', 60*time.Millisecond)
		w.Stats(b.port.ID) // it has begun
		for range 20 {
			w.pass(beat)
		}
		a.say(packet(0, 41))
		hear(t, b.rtp)
		hear(t, b.rtp)
		all := heardPackets(t, b, 6) // in one row of numbers
		if first := all[0]; first.PayloadType != 97 || first.SSRC != 0x1234 || first.SequenceNumber != 41 || first.Timestamp != 40*160+8000 {
			t.Errorf("got %+v", first)
		}
		if last := all[5]; last.PayloadType != 96 || last.SequenceNumber != 46 {
			t.Errorf("got %+v", last)
		}
	})
}

func TestAPeerThatTakesNoEventsGetsNone(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 96}))
		w.Digit(b.port.ID, '1', 60*time.Millisecond)
		for range 20 {
			w.pass(beat)
		}
		a.say(packet(0, 1))
		if got := heardPackets(t, b, 1)[0]; got.PayloadType != 96 {
			t.Errorf("got %+v", got)
		}
	})
}
