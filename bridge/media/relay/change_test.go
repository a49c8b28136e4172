package relay

import (
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"

	"github.com/pion/rtp"
)

// A crossing is the way of sound from one party to another.
type crossing struct {
	to    *party
	out   media.Payload
	from  *party
	voice *tone
	lag   int // packets that a change of rate keeps
}

func cross(t *testing.T, from *party, in media.Payload, to *party, out media.Payload, lag int) *crossing {
	t.Helper()
	return &crossing{to: to, out: out, from: from, voice: newTone(t, in.Format, in.Type), lag: lag}
}

// How a stream that is heard begins.
const (
	goesOn    = iota
	continues // after a pause, or with what another says
	anew      // as another stream
)

// heard has a tone cross, and checks that what comes is one stream, and how it begins: jump
// ticks after last.
func (c *crossing) heard(t *testing.T, how int, last *rtp.Header, jump int) *rtp.Header {
	t.Helper()
	const n = 20
	for range n {
		c.from.say(c.voice.packet())
	}
	var payloads [][]byte
	for i := range n - c.lag {
		var got rtp.Packet
		if err := got.Unmarshal(hear(t, c.to.rtp)); err != nil {
			t.Fatal(err)
		}
		h := got.Header
		if h.PayloadType != c.out.Type || h.Marker != (how != goesOn) {
			t.Fatalf("packet %d is %+v", i, h)
		}
		if last != nil && (h.Timestamp != last.Timestamp+uint32(jump) || (h.SSRC != last.SSRC) != (how == anew) || how != anew && h.SequenceNumber != last.SequenceNumber+1) {
			t.Fatalf("packet %d is %+v after %+v, %d ticks later", i, h, last, jump)
		}
		last, jump, how = &h, c.out.Format.Rate/50, goesOn
		payloads = append(payloads, got.Payload)
	}
	if share := loud(t, c.out.Format, payloads); share < 0.9 {
		t.Errorf("%v: %.3f of it is the tone", c.out.Format, share)
	}
	return last
}

// TestAPortGoesOnWithAnother: who was on hold and is joined to another while it negotiates
// anew hears a stream that goes on, in whatever order the plane is told.
func TestAPortGoesOnWithAnother(t *testing.T) {
	t.Parallel()
	orders := []struct {
		name  string
		loops int
		tell  func(w *world, b, d *party, set func())
	}{
		{"joined while on hold", 1, func(w *world, b, d *party, set func()) {
			w.Part(b.port.ID)
			w.Join(b.port.ID, d.port.ID)
			set()
		}},
		{"joined when all is agreed on", 1, func(w *world, b, d *party, set func()) {
			w.Part(b.port.ID)
			set()
			w.Join(b.port.ID, d.port.ID)
		}},
		{"joined without being parted, on another loop", 2, func(w *world, b, d *party, set func()) {
			w.Join(d.port.ID, b.port.ID)
			set()
		}},
	}
	for _, before := range []codec.Format{pcmu, opus} {
		for _, row := range orders {
			t.Run(before.Name+", "+row.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, newNetwork(), Options{Loops: row.loops})
				a, b := w.converted(t, pcma, before)
				c, d := w.converted(t, pcma, g722)
				sound := media.Payload{Format: before, Type: 20}
				first := cross(t, a, media.Payload{Format: pcma, Type: 10}, b, sound, 0)
				last := first.heard(t, anew, nil, 0)

				// On hold, twice, though it was taken back between: it hears, and may not speak.
				held := b.setting(sound, media.Payload{Format: keys48, Type: 121})
				held.Receive = false
				w.Set(b.port.ID, held)
				w.Stats(b.port.ID)
				w.ahead.Add(int64(time.Second))
				last = first.heard(t, goesOn, last, before.Rate/50)
				w.Set(b.port.ID, b.setting(sound))
				w.Set(b.port.ID, held)
				row.tell(w, b, d, func() {
					w.Set(b.port.ID, b.setting(media.Payload{Format: pcma, Type: 30}, media.Payload{Format: pcmu, Type: 31}, media.Payload{Format: keys8, Type: 101}))
				})
				w.Stats(b.port.ID)
				w.Stats(d.port.ID)
				const pause = 3 // seconds
				w.ahead.Add(int64(pause * time.Second))

				wide, narrow := media.Payload{Format: g722, Type: 20}, media.Payload{Format: pcma, Type: 30}
				how := continues
				if before.Rate != pcma.Rate {
					how = anew
				}
				cross(t, d, wide, b, narrow, 1).heard(t, how, last, pause*before.Rate) // never back: some phones would wait for the old time
				cross(t, b, narrow, d, wide, 1).heard(t, anew, nil, 0)
				for _, p := range []*party{b, d} {
					if s, _ := w.Stats(p.port.ID); s.Crossing != media.CrossTranscoded || len(s.Dropped) > 0 {
						t.Errorf("%+v", s)
					}
				}
				for _, p := range []*party{a, c} { // who were left reach nobody
					before, _ := w.Stats(p.port.ID)
					p.say(first.voice.packet())
					if s := p.taken(before.In.Packets + 1); s.Dropped[media.DropNowhere] != 1 {
						t.Errorf("%+v", s)
					}
				}
			})
		}
	}
}

// TestAKeyBeforeAnySound: the stream that it is the first of is that of the sound.
func TestAKeyBeforeAnySound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, opus)
	sound := media.Payload{Format: opus, Type: 20}
	w.Set(b.port.ID, b.setting(sound, media.Payload{Format: keys8, Type: 101}, media.Payload{Format: keys48, Type: 121}))
	w.Stats(b.port.ID)
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 101, SequenceNumber: 65499, SSRC: 0xabc, Marker: true}, Payload: []byte{5, 10, 0, 160}}
	raw, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a.say(raw)
	var got rtp.Packet
	if err := got.Unmarshal(hear(t, b.rtp)); err != nil || got.PayloadType != 121 {
		t.Fatalf("%+v, %v", got.Header, err)
	}
	cross(t, a, media.Payload{Format: pcmu, Type: 10}, b, sound, 0).heard(t, continues, &got.Header, 0)
}
