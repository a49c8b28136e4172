package relay

import (
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"

	"github.com/pion/rtp"
)

// TestOneStreamThroughEverySet: whatever is agreed on anew in the middle of a call, its peer
// hears one source, whose numbers and stamps go on.
func TestOneStreamThroughEverySet(t *testing.T) {
	t.Parallel()
	f, g := media.Payload{Format: g722, Type: 10}, media.Payload{Format: pcmu, Type: 20}
	for _, row := range []struct {
		name string
		set  func(w *world, a, b *party)
		part time.Duration // of the time of a packet that has passed by then
	}{
		{"the same", func(w *world, a, b *party) { w.Set(b.port.ID, b.setting(g)) }, 0},
		{"both ways at last", func(w *world, a, b *party) {
			one := b.setting(g)
			one.Receive = false
			w.Set(b.port.ID, one)
			w.Set(b.port.ID, b.setting(g))
		}, 0},
		{"joined again", func(w *world, a, b *party) { w.Join(a.port.ID, b.port.ID) }, 0},
		{"parted, and joined again", func(w *world, a, b *party) {
			w.Part(a.port.ID)
			w.Join(a.port.ID, b.port.ID)
		}, 0},
		{"more that may come", func(w *world, a, b *party) {
			w.Set(a.port.ID, a.setting(f, media.Payload{Format: pcma, Type: 11}))
		}, 0},
		{"more that may come, early", func(w *world, a, b *party) {
			w.Set(a.port.ID, a.setting(f, media.Payload{Format: pcma, Type: 11}))
		}, 15 * time.Millisecond},
		{"events", func(w *world, a, b *party) {
			w.Set(a.port.ID, a.setting(f, media.Payload{Format: keys8, Type: 101}))
			w.Set(b.port.ID, b.setting(g, media.Payload{Format: keys8, Type: 101}))
		}, 0},
		{"another length, early", func(w *world, a, b *party) {
			s := b.setting(g)
			s.Ptime = 20 * time.Millisecond
			w.Set(b.port.ID, s)
		}, 7 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newNetwork(), Options{})
			a, b := w.open(t, loopback4), w.open(t, loopback4)
			w.Set(a.port.ID, a.setting(f))
			w.Set(b.port.ID, b.setting(g))
			w.Join(a.port.ID, b.port.ID)
			w.Stats(b.port.ID)
			voice := newTone(t, g722, 10)
			var last rtp.Header
			for i := range 30 {
				if i > 0 {
					w.ahead.Add(int64(20 * time.Millisecond))
				}
				if i == 10 {
					w.ahead.Add(-int64(row.part)) // it comes a little early
					row.set(w, a, b)
					w.Stats(b.port.ID)
				}
				a.say(voice.packet())
				var got rtp.Packet
				if err := got.Unmarshal(hear(t, b.rtp)); err != nil {
					t.Fatal(err)
				}
				if h := got.Header; i > 0 && (h.SSRC != last.SSRC || h.SequenceNumber != last.SequenceNumber+1 || h.Timestamp != last.Timestamp+160) {
					t.Errorf("packet %d is %+v after %+v", i, h, last)
				}
				last = got.Header
			}
		})
	}
}

// TestFramesGoOnThroughASet: who is only fed, and is to hear as well in the middle of that, is
// heard as before: what waits to go out evenly is not lost.
func TestFramesGoOnThroughASet(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		in   codec.Format
		each int // bytes of a frame, which is of 1024 samples
	}{
		{"repacked", pcmu, 1024},
		{"transcoded", l16, 2048},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			first, last := portRange()
			r, err := New(Options{First: first, Last: last, Loops: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Shutdown)
			w := &world{Relay: r}
			port, err := w.Open(media.Open{Frames: func(media.Frame) {}}, func(media.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			b := w.open(t, loopback4)
			fed := media.Setting{Receive: true, In: []media.Payload{{Format: row.in, Type: 1}}, Out: []media.Payload{{Format: row.in, Type: 2}}}
			one := b.setting(media.Payload{Format: pcmu, Type: 20})
			one.Receive = false
			w.Set(port.ID, fed)
			w.Set(b.port.ID, one)
			w.Join(port.ID, b.port.ID)
			w.Stats(port.ID)
			const frames = 8
			for i := range frames {
				if i == frames/2 {
					fed.Send, one.Receive = true, true
					w.Set(b.port.ID, one)
					w.Set(port.ID, fed)
					w.Join(port.ID, b.port.ID)
				}
				w.Feed(port.ID, media.Frame{Type: 1, Time: uint32(i * 1024), Data: make([]byte, row.each)})
			}
			b.listen(frames*1024*50/row.in.Rate-1, 20, 160)
		})
	}
}
